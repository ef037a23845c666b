"""What the jobs, the producer and the operator have written down: the truth, outside of Redis."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ['Attempt', 'Entry', 'Ledger', 'attempts', 'records']

SHOWN = 50


class Entry(NamedTuple):
    """One line of the ledger."""

    number: int
    id: str
    attempt: int
    pid: int
    phase: str
    at: float  # monotonic seconds


class Attempt(NamedTuple):
    """One begin of a job, and how it ended: `end`, `raise` or '' (it did not)."""

    id: str
    attempt: int
    pid: int
    began: float
    ended: float
    how: str


class Ledger:
    """The file, read as far as it has got."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def entries(self) -> list[Entry]:
        """Every whole line, in order."""
        found = []
        for line in self.path.read_text().splitlines():
            number, job_id, attempt, pid, phase, ns = line.split()
            found.append(Entry(int(number), job_id, int(attempt), int(pid), phase, int(ns) / 1e9))
        return found

    def size(self) -> int:
        """Bytes so far: it grows while anything runs."""
        return self.path.stat().st_size

    def pids(self) -> dict[int, str]:
        """Processes that have written lately, and the last that each wrote."""
        with self.path.open('rb') as file:
            file.seek(max(0, self.size() - 8192))
            lines = file.read().splitlines()[1:]
        split = [line.split() for line in lines]
        return {int(parts[3]): parts[4].decode() for parts in split if len(parts) == 6}

    def tail(self, number: int) -> list[str]:
        """The last lines of a job."""
        start = f'{number} '
        return [line for line in self.path.read_text().splitlines() if line.startswith(start)][-SHOWN:]


def attempts(entries: list[Entry]) -> dict[int, list[Attempt]]:
    """The begins of each job, by its number, in order."""
    ends = {(e.number, e.attempt, e.pid): e for e in entries if e.phase in ('end', 'raise')}
    found: dict[int, list[Attempt]] = defaultdict(list)
    for entry in entries:
        if entry.phase == 'begin':
            end = ends.get((entry.number, entry.attempt, entry.pid))
            how, at = (end.phase, end.at) if end else ('', 0.0)
            found[entry.number].append(Attempt(entry.id, entry.attempt, entry.pid, entry.at, at, how))
    for each in found.values():
        each.sort(key=lambda attempt: attempt.began)
    return found


def records(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSON log; one that is cut is left out."""
    found = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return found
