"""Runs that came to something else than a success, as they are counted: kinds of failures, and runs whose process died."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from rq import fingerprint
from rq.exceptions import DeserializationError
from rq.store import stats
from rq.store.fields import integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rq.store.claim import Claimed, Lease

__all__ = ['DONE', 'FAILED', 'LOST', 'RETRIED', 'RUN_US', 'STARTED', 'STOPPED', 'WAIT_US', 'Failures', 'Loss', 'Odd']

# Columns of the counts of a queue (QueueCounts).
STARTED, DONE, FAILED, RETRIED, LOST, STOPPED, RUN_US, WAIT_US = range(8)
# Kinds of failures a batch, jobs and functions of each.
KINDS, JOBS, FUNCTIONS = 50, 1_000, 10
# Characters of each end of a traceback that is shown as a sample, and of a job id.
SAMPLE, JOB_ID = 4_000, 200
# What a job with a default description says first: its function.
FUNCTION = re.compile(r'([\w.]{1,200})\(')


class Odd(NamedTuple):
    """A run that did not simply succeed."""

    queue: int
    function: str
    claimed: Claimed
    ended: int  # monotonic nanoseconds
    kind: bytes  # of lua/lib/settle.lua
    text: str  # of the exception

    @property
    def asked_again(self) -> bool:
        """Whether it asked for another run, which is no failure."""
        return self.kind in (b'R', b'A')

    def became(self) -> int:
        """The column in which it counts."""
        if self.kind == b'S':
            return STOPPED
        if self.kind in (b'L', b'H', b'G', b'K'):
            return LOST
        if self.kind == b'X':
            try:
                return RETRIED if integer(self.claimed.hash.get(b'retries_left', b'')) else FAILED
            except DeserializationError:
                return FAILED
        return RETRIED if self.asked_again else FAILED


class Loss(NamedTuple):
    """A run whose process died, or was killed to stop it."""

    lease: Lease
    times: tuple[int, int]  # microseconds of Redis time; 0: unknown
    text: str
    stopped: bool

    @staticmethod
    def function(description: str) -> str:
        """The function of a job, by its description; '' where that does not tell."""
        found = FUNCTION.match(description)
        return found[1] if found else ''


class Failures:
    """Failures by kind, since the last batch."""

    def __init__(self, version: str) -> None:
        self.version = version
        self._rows: dict[str, list[Any]] = {}

    def add(self, text: str, at: float, function: str, job_id: str) -> None:
        """One more; `text` is its exception's, `at` an epoch."""
        told = fingerprint.describe(text)
        row = self._rows.get(told.fingerprint)
        if row is None:
            if len(self._rows) == KINDS:
                return
            sample = text if len(text) <= 2 * SAMPLE else f'{text[:SAMPLE]}\n...\n{text[-SAMPLE:]}'
            row = [told.fingerprint, at, at, 0, told.type, told.message, told.place, sample, self.version, [], []]
            self._rows[told.fingerprint] = row
        row[2] = max(row[2], at)
        row[3] += 1
        names, jobs = row[9], row[10]
        name = stats.clean_name(function)
        if name and name not in names and len(names) < FUNCTIONS:
            names.append(name)
        if len(jobs) < 2 * JOBS and len(job_id) <= JOB_ID:
            jobs += (job_id, round(at, 3))

    def take(self) -> list[Sequence[Any]]:
        """The rows of a batch; what comes now counts in the next."""
        rows: list[Sequence[Any]] = list(self._rows.values())
        self._rows = {}
        return rows
