"""The truth about what ran: what jobs wrote to a file themselves."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

__all__ = ['Entry', 'Ledger']


class Entry(NamedTuple):
    """A job began (`b`) or ended (`e`)."""

    kind: str
    number: int
    pid: int
    clock_ns: int  # monotonic, of the machine


class Ledger:
    """Reads the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def entries(self, kind: str = 'b') -> list[Entry]:
        """What was written so far, in the order in which it was."""
        found = []
        for line in self.path.read_text().splitlines():
            what, number, pid, clock = line.split()
            if what == kind:
                found.append(Entry(what, int(number), int(pid), int(clock)))
        return found

    def begun(self) -> list[int]:
        """Numbers of the jobs in the order of their begins, each as often as it began."""
        return [entry.number for entry in self.entries()]

    def counts(self) -> Counter[int]:
        """How often each job began."""
        return Counter(self.begun())

    def twice(self) -> list[int]:
        """Jobs that began more than once."""
        return sorted(number for number, count in self.counts().items() if count > 1)

    def missing(self, count: int) -> list[int]:
        """Jobs of 0 to count - 1 that never began."""
        return sorted(set(range(count)) - set(self.begun()))
