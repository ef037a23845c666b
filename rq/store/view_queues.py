"""Queues as a page shows them: what is where, how long the next job has waited, who listens. Only reads, O(queues shown)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .read import hash_fields, many, pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['MOST_NAMES', 'Counts', 'counts', 'lengths', 'names', 'oldest', 'stretch']

# Names that are read, about 10 ms.
MOST_NAMES = 20_000


@dataclass(frozen=True, slots=True)
class Counts:
    """How many jobs of a queue are where."""

    waiting: int
    running: int
    scheduled: int
    deferred: int
    failed: int
    finished: int
    canceled: int
    workers: int
    suspended: int  # 1 or 0


def names(connection: Any) -> tuple[list[str], int]:
    """The names of all queues, sorted, of very many a part; and how many there are. One round trip."""
    total, found = many(connection, [('SCARD', keys.queues()), ('SRANDMEMBER', keys.queues(), MOST_NAMES)])
    start = keys.queue('')
    return sorted(text(key)[len(start) :] for key in found if text(key).startswith(start)), int(total)


def lengths(connection: Any, queues: Sequence[str], what: str) -> list[int]:
    """How many jobs of each are `waiting`, `running`, `scheduled`, `failed`. One round trip per 1,000."""
    command, key = {
        'waiting': ('LLEN', keys.queue),
        'running': ('ZCARD', keys.wip),
        'scheduled': ('ZCARD', keys.scheduled),
        'failed': ('ZCARD', keys.failed),
    }[what]
    return [_number(found) for found in many(connection, [(command, key(name)) for name in queues])]


def counts(connection: Any, queues: Sequence[str]) -> list[Counts]:
    """The counts of each; a key of another type counts for nothing. One round trip per 100 queues."""
    commands: list[tuple[Any, ...]] = []
    for name in queues:
        commands.append(('LLEN', keys.queue(name)))
        registries = (keys.wip, keys.scheduled, keys.deferred, keys.failed, keys.finished, keys.canceled)
        commands += [('ZCARD', key(name)) for key in registries]
        commands += [('SCARD', keys.workers_of(name)), ('EXISTS', keys.suspended_queue(name))]
    found = [_number(answer) for answer in many(connection, commands)]
    rows = [found[at : at + 9] for at in range(0, len(found), 9)]
    return [Counts(*row) for row in rows]


def oldest(connection: Any, queues: Sequence[str]) -> list[bytes | None]:
    """When the job at the head of each was enqueued, as stored; None for an empty queue. Two round trips."""
    heads = many(connection, [('LINDEX', keys.queue(name), 0) for name in queues])
    ids = [text(head) if isinstance(head, bytes) else '' for head in heads]
    rows = hash_fields(connection, [keys.job(job_id) for job_id in ids if job_id], 'enqueued_at', 'created_at')
    told = iter([row[0] or row[1] for row in rows])
    return [next(told) if job_id else None for job_id in ids]


def stretch(connection: Any, queue: str, state: str, start: int, count: int) -> list[tuple[str, float | None]]:
    """(id, score) from a place on, as a page lists them: the next to run first, else the newest first.

    `state`: queued, or a registry; the score of a running job is when its lease ends.
    """
    if state == 'queued':
        [found] = many(connection, [('LRANGE', keys.queue(queue), start, start + count - 1)])
        return [(text(entry), None) for entry in found] if isinstance(found, list) else []
    key = keys.wip(queue) if state == 'started' else getattr(keys, state)(queue)
    order = () if state in ('scheduled', 'started') else ('REV',)
    [found] = many(connection, [('ZRANGE', key, start, start + count - 1, *order, 'WITHSCORES')])
    rows = [(text(member), score) for member, score in pairs(found)]
    if state == 'started':  # job:execution
        return [(name.rpartition(':')[0] or name, score) for name, score in rows]
    return list(rows)


def _number(answer: Any) -> int:
    return int(answer) if isinstance(answer, int) else 0
