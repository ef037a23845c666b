"""Jobs that were claimed together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rq.store.claim import Claimed

__all__ = ['Pack']


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
