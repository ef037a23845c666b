"""Scheduled jobs over all queues, in the order in which they are due. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any

from . import keys
from .read import many
from .view_cron import scored

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['MOST_MERGED', 'Due', 'Scheduled', 'scheduled']

# Queues whose scheduled jobs are counted, and entries that are read to put a page of several queues in order.
MOST_QUEUES = 2_000
MOST_MERGED = 20_000


@dataclass(frozen=True, slots=True)
class Due:
    """A job that waits for its time."""

    id: str
    queue: str
    at: float  # epoch


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A page. `queues`: those that have some, with how many; `reached`: entries of each queue that the order holds for."""

    jobs: tuple[Due, ...]
    total: int
    queues: tuple[tuple[str, int], ...]
    left_out: int
    too_deep: bool  # too many queues have some for this page to be put in order


def scheduled(connection: Any, names: Sequence[str], offset: int, most: int) -> Scheduled:
    """The jobs of these queues that are due from a place on. Two round trips, three with thousands of queues."""
    asked = names[:MOST_QUEUES]
    counts = many(connection, [('ZCARD', keys.scheduled(name)) for name in asked])
    filled = [(name, count) for name, count in zip(asked, counts, strict=True) if isinstance(count, int) and count]
    total = sum(count for _, count in filled)
    sized = tuple(sorted(filled, key=lambda pair: -pair[1]))
    left_out = len(names) - len(asked)
    if len(filled) == 1:
        jobs = _range(connection, [filled[0][0]], offset, most)[0]
        return Scheduled(tuple(jobs), total, sized, left_out, False)
    if len(filled) * (offset + most) > MOST_MERGED:
        return Scheduled((), total, sized, left_out, True)
    rows = _range(connection, [name for name, _ in filled], 0, offset + most)
    ordered = merge(*rows, key=lambda due: due.at)
    return Scheduled(tuple(islice(ordered, offset, offset + most)), total, sized, left_out, False)


def _range(connection: Any, names: Sequence[str], offset: int, most: int) -> list[list[Due]]:
    answers = many(
        connection, [('ZRANGE', keys.scheduled(name), offset, offset + most - 1, 'WITHSCORES') for name in names]
    )
    return [
        [Due(job_id, name, at) for job_id, at in scored(answer)] for name, answer in zip(names, answers, strict=True)
    ]
