"""Repeat: how often a job that succeeded is run again, and after how long."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from rq.utils import now

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ['Repeat']


class Repeat:
    """`times` further runs after the first; `interval` is the wait before each in seconds, or a list (the last repeats).

    Raises ValueError for `times` below 1 or a negative wait, TypeError for one that is no number.
    """

    def __init__(self, times: int, interval: int | Iterable[int] | None = 0) -> None:
        intervals = list(interval) if isinstance(interval, Iterable) else [interval or 0]
        for option, value in (('times', times), *(('interval', wait) for wait in intervals)):
            if not isinstance(value, int):
                raise TypeError(f'{option}: a whole number is needed, not {value!r}')
        if times < 1:
            raise ValueError('times: please enter a value greater than 0')
        if any(wait < 0 for wait in intervals):
            raise ValueError('intervals: negative numbers are not allowed')
        self.times = times
        self.intervals = intervals or [0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Repeat) and (self.times, self.intervals) == (other.times, other.intervals)

    __hash__ = None  # type: ignore[assignment]  # as RQ's

    def __repr__(self) -> str:
        interval = self.intervals[0] if len(self.intervals) == 1 else self.intervals
        return f'Repeat(times={self.times}, interval={interval})'

    @classmethod
    def get_interval(cls, count: int, intervals: list[int]) -> int:
        """Seconds before the run after `count` earlier repeats; the last interval repeats."""
        return intervals[min(count, len(intervals) - 1)] if intervals else 0

    @classmethod
    def schedule(cls, job: Any, queue: Any, pipeline: Any = None) -> datetime | None:
        """When the job will run again; puts it on the queue (then None) or among the scheduled, one repeat less left.

        Workers do this in the step that stores a success; this is for those who run jobs themselves.
        """
        if not job.repeats_left:
            return None
        intervals = list(job.repeat_intervals or [0])
        wait = intervals[0]
        job.repeats_left -= 1
        job.repeat_intervals = intervals[1:] if len(intervals) > 1 else intervals
        if wait <= 0:
            queue.enqueue_job(job, pipeline=pipeline)
            return None
        at = now() + timedelta(seconds=wait)
        queue.schedule_job(job, at, pipeline=pipeline)
        return at
