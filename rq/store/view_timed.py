"""Jobs that wait in sorted sets, over all queues, in the order of their scores: what is due, who waits longest. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any

from . import keys
from .read import many, scored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ['Place', 'Timed', 'deferred', 'scheduled']

# Queues whose jobs are counted, and entries that are read to put a page of several queues in order.
MOST_QUEUES = 2_000
MOST_MERGED = 20_000


@dataclass(frozen=True, slots=True)
class Place:
    """A job in its sorted set."""

    id: str
    queue: str
    score: float  # epoch


@dataclass(frozen=True, slots=True)
class Timed:
    """A page of the jobs, the lowest score first."""

    jobs: tuple[Place, ...]
    total: int
    queues: tuple[tuple[str, int], ...]  # those that have some, with how many, the most first
    left_out: int  # queues that were not looked at
    too_deep: bool  # too many queues have some for this page to be put in order


def scheduled(connection: Any, names: Sequence[str], offset: int, most: int) -> Timed:
    """The scheduled jobs of these queues, the soonest due first. Two round trips, three with thousands of queues."""
    return _timed(connection, keys.scheduled, names, offset, most)


def deferred(connection: Any, names: Sequence[str], offset: int, most: int) -> Timed:
    """The deferred jobs of these queues, those that wait longest first. As many round trips."""
    return _timed(connection, keys.deferred, names, offset, most)


def _timed(connection: Any, key: Callable[[str], str], names: Sequence[str], offset: int, most: int) -> Timed:
    asked = names[:MOST_QUEUES]
    counts = many(connection, [('ZCARD', key(name)) for name in asked])
    filled = [(name, count) for name, count in zip(asked, counts, strict=True) if isinstance(count, int) and count]
    total, sized = sum(count for _, count in filled), tuple(sorted(filled, key=lambda pair: -pair[1]))
    left_out = len(names) - len(asked)
    # The pages of a single queue are as deep as it is; of several, all that comes before a page has to be read.
    first, alone = (offset, True) if len(filled) == 1 else (0, False)
    if not alone and len(filled) * (offset + most) > MOST_MERGED:
        return Timed((), total, sized, left_out, True)
    last = offset + most - 1
    answers = many(connection, [('ZRANGE', key(name), first, last, 'WITHSCORES') for name, _ in filled])
    rows = [
        [Place(job_id, name, score) for job_id, score in scored(answer)]
        for (name, _), answer in zip(filled, answers, strict=True)
    ]
    ordered = merge(*rows, key=lambda place: place.score)
    page = islice(ordered, 0 if alone else offset, None if alone else offset + most)
    return Timed(tuple(page), total, sized, left_out, False)
