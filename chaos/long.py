"""The long run: each fault alone, then five storms of kill -9. What it saw goes into docs/chaos.json and docs/chaos.md."""

from __future__ import annotations

import json
import os
import platform
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chaos import report
from chaos.harness import Run, Settings, run
from chaos.page import render
from chaos.plan import STORM
from chaos.target import Target

__all__ = ['DATA', 'PAGE', 'SEEDS', 'main']

DOCS = Path(__file__).parents[1] / 'docs'
DATA, PAGE = DOCS / 'chaos.json', DOCS / 'chaos.md'
ALONE = 12.0  # seconds of one fault
RATE = 12.0  # jobs a second: what three workers of RQ can do on two busy cores
SEEDS = [1, 2, 3, 4, 5]
# These take long to do or to recover from; the others come once a second.
RARE = {'host_paused': 0.3, 'host_killed': 0.4, 'server_killed': 0.4, 'server_paused': 0.5, 'black_hole': 0.5}
AGAIN = 2


def main(target: Target, patience: float, names: Sequence[str], seeds: Sequence[int]) -> int:
    """Exit code: 0 if every promise was kept, 1 if not, 3 if the machine was too busy for the figures.

    Each of these faults alone, then storms of these seeds; what is known of others stays.
    """
    worst = 0
    for name in names:
        settings = Settings(target, 1, ALONE, [name], RATE, RARE.get(name, 1.0), patience, burst=0)
        done = _valid(settings)
        worst = max(worst, _code(done))
        write(settings, name, _record(done))
    for seed in seeds:
        # Ours gets as many jobs as usual in a storm, RQ as many as it can do.
        settings = Settings(target, seed, 60.0, STORM, patience=patience)
        done = _valid(settings if target.ours else replace(settings, rate=RATE, burst=0))
        worst = max(worst, _code(done))
        write(settings, f'seed {seed}', _record(done))
    return worst if target.ours else 0


def write(settings: Settings, name: str, record: dict[str, Any]) -> None:
    """Puts one row into the data, and makes the page anew."""
    known = json.loads(DATA.read_text()) if DATA.exists() else {}
    seen = known.setdefault(settings.target.key, {'rows': {}})
    when = time.strftime('%Y-%m-%d', time.gmtime())
    seen.update(when=when, patience=settings.patience, machine=_machine())
    seen['rows'][name] = record
    DATA.write_text(json.dumps(known, indent=1, sort_keys=True) + '\n')
    PAGE.write_text(render(known))


def _valid(settings: Settings) -> Run:
    """A run whose clock did not slip, or that has broken something all the same, or the third."""
    for _ in range(AGAIN + 1):
        done = run(settings)
        print(report.run(done), flush=True)
        if done.report.findings or not done.report.void:
            break
        print(f'void: the clock slipped {done.report.slip:.2f} s', flush=True)
    return done


def _code(done: Run) -> int:
    return 1 if done.report.findings else 3 if done.report.void else 0


def _record(done: Run) -> dict[str, Any]:
    times = Counter(step.fault for step in done.plan)
    return {
        'times': dict(times),
        'numbers': done.report.numbers,
        'breaches': {kind: count for kind, count in done.report.counts().items() if count},
        'void': done.report.void,
    }


def _machine() -> str:
    return f'{os.cpu_count()} cores, Linux {platform.release().split("-")[0]}, Python {platform.python_version()}'
