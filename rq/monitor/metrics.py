"""What Prometheus is told: counts per queue and state, workers by state, rates of the last minutes, the server's memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rq.store import keys, view_totals
from rq.store.read import many

from . import health, history, workers

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['LISTED', 'STATES', 'SUMMED', 'WORKER_STATES', 'Metrics', 'QueueMetrics', 'metrics']

# Queues with series of their own, those with most jobs first: each costs Prometheus 14. The sums are of all.
LISTED = 100
SUMMED = ('waiting', 'running', 'failed', 'scheduled')
STATES = (*SUMMED, 'finished', 'deferred', 'canceled')
WORKER_STATES = ('idle', 'busy', 'suspended', 'started', 'stopping', 'silent')
# Characters of a name in a label.
LONGEST = 200


@dataclass(frozen=True, slots=True)
class QueueMetrics:
    """One queue."""

    name: str
    jobs: tuple[int, ...]  # in the order of STATES
    workers: int
    paused: bool
    oldest: float | None  # seconds for which the next job has waited; None: none waits
    rates: history.Rates


@dataclass(frozen=True, slots=True)
class Metrics:
    """Everything."""

    queues: tuple[QueueMetrics, ...]
    unlisted: int  # queues that are not among them
    sums: tuple[int, ...]  # over the queues that were counted (500 at most), in the order of SUMMED
    workers: dict[str, int]
    suspended: bool
    used: int | None  # bytes
    limit: int | None  # bytes; 0: none


def metrics(connection: Redis) -> Metrics:
    """Everything of this moment, in ten round trips or so, whatever the number of jobs."""
    totals = view_totals.totals(connection)
    found = health.health(connection, totals)
    shown: dict[str, health.QueueState] = {}
    for queue in found.queues[:LISTED]:
        shown.setdefault(_label(queue.name), queue)  # two names may look the same once they are text, and cut
    names = [queue.name for queue in shown.values()]
    rates, rest = history.rates(connection, names), _rest(connection, names)
    states = Counter(worker.state for worker in workers.fleet(connection).workers)
    return Metrics(
        queues=tuple(
            QueueMetrics(
                name=label,
                jobs=(*(getattr(queue, state) for state in SUMMED), *rest[queue.name]),
                workers=queue.workers,
                paused=queue.paused,
                oldest=queue.oldest,
                rates=rates[queue.name],
            )
            for label, queue in shown.items()
        ),
        unlisted=len(totals.queues) + totals.more - len(shown),
        sums=tuple(sum(getattr(queue, state) for queue in totals.queues) for state in SUMMED),
        workers={state: states[state] for state in WORKER_STATES},
        suspended=totals.suspended,
        used=found.used,
        limit=found.limit,
    )


def _rest(connection: Redis, names: list[str]) -> dict[str, tuple[int, int, int]]:
    places = (keys.finished, keys.deferred, keys.canceled)
    answers = many(connection, [('ZCARD', place(name)) for name in names for place in places])
    # A key of another type, which somebody else wrote, counts for nothing.
    counts = iter([answer if isinstance(answer, int) else 0 for answer in answers])
    return dict(zip(names, zip(counts, counts, counts, strict=True), strict=True))


def _label(name: str) -> str:
    return name.encode('utf-8', 'replace').decode()[:LONGEST]
