"""Two runs of the scenario side by side: what differs, and which explanation covers it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.systems import prepare

RUN = Path(__file__).parent / 'scenario' / 'run.py'
ABSENT = '(absent)'


@dataclass(frozen=True)
class Difference:
    """What RQ 3.0.0 says and what we say, and why: regular expressions of the whole place and of both texts."""

    where: str
    theirs: str
    ours: str
    reason: str

    def covers(self, place: str, theirs: str, ours: str) -> bool:
        pairs = ((self.where, place), (self.theirs, theirs), (self.ours, ours))
        return all(re.fullmatch(pattern, text, re.DOTALL) for pattern, text in pairs)


@dataclass(frozen=True)
class Run:
    """What came out of a run: how many calls it made, and each answer and key by its place."""

    calls: int
    told: dict[str, str]


def run(url: str, version: str | None) -> Run:
    """The scenario by a released RQ, or by ours (None)."""
    python = [str(prepare(version)), '-I'] if version else [sys.executable, '-P']
    done = subprocess.run([*python, str(RUN), url], capture_output=True, text=True, check=False, cwd=RUN.parents[3])
    assert done.returncode == 0, done.stderr[-3000:]
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def same(theirs: str, ours: str) -> bool:
    """Whether no caller can tell the two apart: equal, 0 and False, or an exception that theirs would catch."""
    if theirs == ours or {theirs, ours} in ({'0', 'False'}, {'1', 'True'}):
        return True
    words = (theirs.split(), ours.split())
    return words[0][:1] == words[1][:1] == ['raises'] and words[0][1] in words[1][1:]


def differences(theirs: Run, ours: Run) -> dict[str, tuple[str, str]]:
    """Places with what each says there."""
    found = {}
    for place in sorted(theirs.told.keys() | ours.told.keys()):
        pair = (theirs.told.get(place, ABSENT), ours.told.get(place, ABSENT))
        if not same(*pair):
            found[place] = pair
    return found


def unexplained(found: dict[str, tuple[str, str]], known: tuple[Difference, ...]) -> list[str]:
    return [
        f'{place}\n    RQ:   {theirs[:500]}\n    ours: {ours[:500]}'
        for place, (theirs, ours) in found.items()
        if not any(difference.covers(place, theirs, ours) for difference in known)
    ]


def superfluous(found: dict[str, tuple[str, str]], known: tuple[Difference, ...]) -> list[str]:
    return [
        f'{difference.where}: {difference.reason}'
        for difference in known
        if not any(difference.covers(place, *pair) for place, pair in found.items())
    ]
