"""Who waits for whom: deferred jobs, the sets of what they wait for, and of who waits for them. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .read import many
from .view_cron import scored

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['MOST_QUEUES', 'Deferred', 'Links', 'deferred', 'links']

# Queues whose deferred jobs are counted.
MOST_QUEUES = 2_000
# Deferred jobs that are read to put a page of several queues in order.
MOST_MERGED = 20_000


@dataclass(frozen=True, slots=True)
class Deferred:
    """A page of (id, queue, epoch when it began to wait), those that wait longest first."""

    jobs: tuple[tuple[str, str, float], ...]
    total: int
    queues: tuple[tuple[str, int], ...]  # those that have some, and how many
    left_out: int
    too_deep: bool  # too many queues have some for this page to be put in order


@dataclass(frozen=True, slots=True)
class Links:
    """Some of the jobs that a job waits for, and of those that wait for it; and how many there are."""

    parents: tuple[str, ...]
    parent_total: int
    children: tuple[str, ...]
    child_total: int


def deferred(connection: Any, names: Sequence[str], offset: int, most: int) -> Deferred:
    """The deferred jobs of these queues from a place on. Two round trips, three with thousands of queues."""
    asked = names[:MOST_QUEUES]
    counts = many(connection, [('ZCARD', keys.deferred(name)) for name in asked])
    filled = [(name, count) for name, count in zip(asked, counts, strict=True) if isinstance(count, int) and count]
    total = sum(count for _, count in filled)
    sized = tuple(sorted(filled, key=lambda pair: -pair[1]))
    alone = len(filled) == 1
    if not alone and len(filled) * (offset + most) > MOST_MERGED:
        return Deferred((), total, sized, len(names) - len(asked), True)
    start, end = (offset, offset + most - 1) if alone else (0, offset + most - 1)
    answers = many(connection, [('ZRANGE', keys.deferred(name), start, end, 'WITHSCORES') for name, _ in filled])
    rows = [
        (job_id, name, at) for (name, _), answer in zip(filled, answers, strict=True) for job_id, at in scored(answer)
    ]
    page = rows if alone else sorted(rows, key=lambda row: row[2])[offset : offset + most]
    return Deferred(tuple(page), total, sized, len(names) - len(asked), False)


def links(connection: Any, ids: Sequence[str], most: int) -> list[Links]:
    """Of each job both sides, `most` of each. One round trip per 250 jobs."""
    commands: list[tuple[Any, ...]] = []
    for job_id in ids:
        for key in (keys.dependencies(job_id), keys.dependents(job_id)):
            commands += [('SRANDMEMBER', key, most), ('SCARD', key)]
    answers = many(connection, commands)
    return [
        Links(_ids(one[0]), _count(one[1]), _ids(one[2]), _count(one[3]))
        for one in (answers[at : at + 4] for at in range(0, len(answers), 4))
    ]


def _ids(answer: Any) -> tuple[str, ...]:
    return tuple(sorted(map(text, answer))) if isinstance(answer, (list, set)) else ()


def _count(answer: Any) -> int:
    return answer if isinstance(answer, int) else 0
