"""What tells whether queues are served: their heads, what is overdue, what runs, and how the server fares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .read import hash_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['Job', 'Look', 'Signs', 'jobs', 'look']

# Runs of a queue that are looked at.
MOST_RUNS = 20
# Seconds after its time after which a scheduled job counts as overdue (workers look every second), and after the end of
# its lease a run counts as left behind (others take it back within 40 s, of another RQ's worker within 60).
OVERDUE, LEFT = 30, 90
# Characters of a field that are kept.
LONGEST = 200
FIELDS = ('enqueued_at', 'started_at', 'timeout', 'worker_name', 'origin')


@dataclass(frozen=True, slots=True)
class Signs:
    """Of one queue. Times: epoch seconds."""

    workers: int
    paused: bool
    head: str  # the id that comes next, '' for none
    overdue: tuple[str, float] | None  # the scheduled job that is most overdue, and since when
    left: tuple[str, float] | None  # the run whose lease ended first, and when
    runs: tuple[str, ...]  # ids of jobs that run


@dataclass(frozen=True, slots=True)
class Look:
    """Of some queues, in their order, and of the server."""

    signs: tuple[Signs, ...]
    memory: dict[str, Any]  # of INFO; empty where the server does not tell
    silent_cron: tuple[tuple[str, float], ...]  # cron schedulers that were not heard of for two minutes, and since when


@dataclass(frozen=True, slots=True)
class Job:
    """Some fields of a job; '' for each that is not there."""

    enqueued_at: str
    started_at: str
    timeout: str
    worker_name: str
    origin: str


def look(connection: Any, queues: Sequence[str], now: float) -> Look:
    """The signs of these queues at an instant (epoch, by Redis). One round trip."""
    pipeline = connection.pipeline(transaction=False)
    pipeline.info('memory')
    pipeline.zrangebyscore(keys.cron_schedulers(), '-inf', now - 120, start=0, num=10, withscores=True)
    for queue in queues:
        pipeline.scard(keys.workers_of(queue))
        pipeline.exists(keys.suspended_queue(queue))
        pipeline.lindex(keys.queue(queue), 0)
        pipeline.zrangebyscore(keys.scheduled(queue), '-inf', now - OVERDUE, start=0, num=1, withscores=True)
        # RQ's own scores of what it only popped are negative or small; a lease is an epoch.
        pipeline.zrangebyscore(keys.wip(queue), 1, now - LEFT, start=0, num=1, withscores=True)
        pipeline.zrange(keys.wip(queue), 0, MOST_RUNS - 1)
    memory, silent, *answers = pipeline.execute(raise_on_error=False)
    return Look(
        tuple(_signs(answers[at : at + 6]) for at in range(0, len(answers), 6)),
        memory if isinstance(memory, dict) else {},
        tuple((text(name), float(score)) for name, score in _list(silent)),
    )


def _list(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else []  # an error: a key of another type


def _signs(answers: Sequence[Any]) -> Signs:
    workers, paused, head, overdue, left, runs = answers
    return Signs(
        workers=workers if isinstance(workers, int) else 0,
        paused=paused == 1,
        head=text(head) if isinstance(head, bytes) else '',
        overdue=next(((text(name), float(score)) for name, score in _list(overdue)), None),
        left=next(((text(name).rpartition(':')[0], float(score)) for name, score in _list(left)), None),
        runs=tuple(text(member).rpartition(':')[0] for member in _list(runs)),
    )


def jobs(connection: Any, ids: Sequence[str]) -> list[Job]:
    """Some fields of these jobs, in their order. One round trip per 1,000."""
    rows = hash_fields(connection, map(keys.job, ids), *FIELDS)
    return [Job(*(text(value[:LONGEST]) if value else '' for value in row)) for row in rows]
