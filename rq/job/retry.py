"""Retry: how often a job that failed is run again, after how long, and after which exceptions."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

__all__ = ['Retry', 'matches']

# The longest wait that `backoff` comes to when nobody says otherwise: an hour.
LONGEST_WAIT = 3600


class Retry:
    """Up to `max` further attempts; `interval` is the wait before each in seconds, or a list of waits (the last repeats).

    `backoff='exponential'` doubles the wait with every attempt, from `interval` (1 s) up to `max_interval` (an hour);
    `jitter=0.2` makes every wait longer or shorter at random by up to a fifth, so that jobs which failed together do not
    come back together. `retry_on` and `give_up_on` are exception classes, or their dotted names: with the first only
    these are tried again, with the second these never (subclasses count). All of it works for returned ones, too, but
    for the exceptions. Raises ValueError for a `max` below 1, a negative wait and the like, TypeError for what is no number.
    """

    # Pickles name the public path: other RQs read a returned Retry by it.
    __module__ = 'rq.job'

    def __init__(
        self,
        max: int,
        interval: int | Iterable[int] = 0,
        enqueue_at_front: bool = False,
        *,
        backoff: str | None = None,
        max_interval: int | None = None,
        jitter: float = 0,
        retry_on: Any = None,
        give_up_on: Any = None,
    ) -> None:
        intervals = list(interval) if isinstance(interval, Iterable) else [interval]
        whole = (('max', max), *(('interval', wait) for wait in intervals), ('max_interval', max_interval or 0))
        for option, value in whole:
            if not isinstance(value, int):
                raise TypeError(f'{option}: a whole number is needed, not {value!r}')
        if max < 1:
            raise ValueError('max: please enter a value greater than 0')
        if any(wait < 0 for wait in intervals):
            raise ValueError('interval: negative numbers are not allowed')
        if max_interval is not None and max_interval < 0:
            raise ValueError('max_interval: negative numbers are not allowed')
        self.max = max
        self.intervals = _intervals(max, intervals, backoff, max_interval)
        self.enqueue_at_front = enqueue_at_front
        # Only what was asked for is an attribute: other RQs unpickle a returned Retry.
        if jitter:
            self.jitter = _checked_jitter(jitter)
        if retry_on is not None:
            self.retry_on = _names('retry_on', retry_on)
        if give_up_on is not None:
            self.give_up_on = _names('give_up_on', give_up_on)

    def __repr__(self) -> str:
        interval = self.intervals[0] if len(self.intervals) == 1 else self.intervals
        return f'Retry(max={self.max}, interval={interval}, enqueue_at_front={self.enqueue_at_front})'

    @classmethod
    def get_interval(cls, count: int, intervals: int | list[int] | None) -> int:
        """Seconds before the attempt after `count` earlier ones; the last interval repeats."""
        if isinstance(intervals, int):
            return intervals
        return intervals[min(count, len(intervals) - 1)] if intervals else 0

    def draw(self) -> list[int]:
        """The waits of one job: the intervals, each changed at random if there is a jitter."""
        share = getattr(self, 'jitter', 0)
        if not share:
            return self.intervals
        every = [self.get_interval(count, self.intervals) for count in range(min(self.max, 100))]
        return [round(wait * random.uniform(1 - share, 1 + share)) for wait in every]


def _intervals(most: int, given: list[int], backoff: str | None, longest: int | None) -> list[int]:
    if backoff not in (None, 'exponential'):
        raise ValueError(f"backoff: 'exponential' or nothing, not {backoff!r}")
    if backoff is None:
        return given if longest is None else [min(wait, longest) for wait in given]
    if len(given) != 1:
        raise ValueError('backoff: give one interval to begin with, not a list')
    first, limit = given[0] or 1, LONGEST_WAIT if longest is None else longest
    doublings = min(most, 40)  # 2**40 seconds are past every limit
    found = [min(first * 2**count, limit) for count in range(doublings)]
    while len(found) > 1 and found[-1] == found[-2]:
        found.pop()  # the last one repeats by itself
    return found


def _checked_jitter(jitter: Any) -> float:
    if not isinstance(jitter, int | float) or isinstance(jitter, bool) or not 0 < jitter <= 1:
        raise ValueError(f'jitter: a share of the wait, between 0 and 1, not {jitter!r}')
    return float(jitter)


def _names(option: str, given: Any) -> list[str]:
    """Dotted names of exception classes."""
    some = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    names = [item if isinstance(item, str) else _name(item) for item in some]
    if not names or not all(names):
        raise TypeError(f'{option}: exception classes, or their dotted names, not {given!r}')
    return names


def _name(kind: Any) -> str:
    if not isinstance(kind, type) or not issubclass(kind, BaseException):
        return ''
    return f'{kind.__module__}.{kind.__qualname__}'.removeprefix('builtins.')


def matches(error: BaseException, names: Iterable[str]) -> bool:
    """Whether an exception is of one of these classes (dotted names), or of a subclass of one."""
    known = set(names)
    return any(
        _name(kind) in known or f'{kind.__module__}.{kind.__qualname__}' in known for kind in type(error).__mro__
    )
