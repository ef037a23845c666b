"""How many jobs a pack may have: as many as about 10 ms of expected work, learnt from the durations of each queue."""

from __future__ import annotations

from .settings import PACK_MOST, PACK_WORK

__all__ = ['Pace']


class Pace:
    """What a worker knows of one queue's jobs. Unknown: one at a time; a long job is learnt at once, short ones slowly."""

    __slots__ = ('_limit', '_mean')

    def __init__(self) -> None:
        self._mean = 0.0
        self._limit = 1

    @property
    def limit(self) -> int:
        """Jobs of this queue that fill a pack, 1 to 64."""
        return self._limit

    @property
    def mean(self) -> float:
        """Expected seconds of a job; 0 while unknown."""
        return self._mean

    def learn(self, seconds: float, count: int) -> None:
        """Takes in `count` jobs that took `seconds` together, and sets the next pack: at most four times the last."""
        if not count:
            return
        mean = max(seconds / count, 1e-6)
        weight = 0.5 if mean > self._mean else min(0.1 * count, 0.5)
        self._mean = mean if not self._mean else self._mean + (mean - self._mean) * weight
        fitting = int(PACK_WORK / self._mean)
        self._limit = max(1, min(PACK_MOST, fitting, self._limit * 4))
