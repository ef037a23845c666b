"""Jobs that were claimed together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rq.exceptions import DeserializationError
from rq.store.fields import integer

if TYPE_CHECKING:
    from rq.store.claim import Claimed

__all__ = ['Pack', 'timeout_of']

# Seconds; ten years are as good as no limit, and fit into the board.
LONGEST_TIMEOUT = 10 * 365 * 86400


class Pack:
    """Jobs claimed together: which, since when, and what became of them."""

    __slots__ = ('area', 'clock_ns', 'jobs', 'now_us', 'outcomes', 'seq')

    def __init__(self, seq: int, jobs: list[Claimed], now_us: int, area: int = 0) -> None:
        self.seq = seq
        self.jobs = jobs
        self.now_us = now_us
        self.clock_ns = time.monotonic_ns()
        self.area = area
        self.outcomes: list[bytes] = []

    def redis_us(self, clock_ns: int) -> int:
        """A monotonic instant as Redis time in microseconds."""
        return self.now_us + (clock_ns - self.clock_ns) // 1000


def timeout_of(stored: bytes | None, default: int) -> int:
    """Seconds that a job may take: as its hash says, else the default of its queue; -1: as long as it wants."""
    try:
        seconds = integer(stored or b'') or default
    except DeserializationError:
        seconds = default  # a field that is no number fails the job when it is read
    return max(-1, min(seconds, LONGEST_TIMEOUT))
