"""Retry: how often a job that failed is run again, and after how long."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ['Retry']


class Retry:
    """Up to `max` further attempts; `interval` is the wait before each in seconds, or a list of waits (the last repeats).

    Raises ValueError for a `max` below 1 or a negative wait, TypeError for one that is no number.
    """

    # Pickles name the public path: other RQs read a returned Retry by it.
    __module__ = 'rq.job'

    def __init__(self, max: int, interval: int | Iterable[int] = 0, enqueue_at_front: bool = False) -> None:
        intervals = list(interval) if isinstance(interval, Iterable) else [interval]
        for option, value in (('max', max), *(('interval', wait) for wait in intervals)):
            if not isinstance(value, int):
                raise TypeError(f'{option}: a whole number is needed, not {value!r}')
        if max < 1:
            raise ValueError('max: please enter a value greater than 0')
        if any(wait < 0 for wait in intervals):
            raise ValueError('interval: negative numbers are not allowed')
        self.max = max
        self.intervals = intervals
        self.enqueue_at_front = enqueue_at_front

    def __repr__(self) -> str:
        interval = self.intervals[0] if len(self.intervals) == 1 else self.intervals
        return f'Retry(max={self.max}, interval={interval}, enqueue_at_front={self.enqueue_at_front})'

    @classmethod
    def get_interval(cls, count: int, intervals: int | list[int] | None) -> int:
        """Seconds before the attempt after `count` earlier ones; the last interval repeats."""
        if isinstance(intervals, int):
            return intervals
        return intervals[min(count, len(intervals) - 1)] if intervals else 0
