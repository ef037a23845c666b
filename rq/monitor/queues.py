"""Queues: what waits, runs and fails in each, how long the oldest has waited, and when it will be empty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rq.store import admin
from rq.store import view_queues as store
from rq.store.job import time

from . import history
from .lenient import age

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['SORTS', 'Listing', 'Queue', 'listing', 'one']

SORTS = ('name', 'waiting', 'running', 'failed', 'scheduled')
# Queues that are sorted by a number: one command each.
MOST_SORTED = 2_000
# Minutes of the small charts.
MINUTES = 30


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue as it is now. Times in seconds, rates a second."""

    name: str
    waiting: int
    running: int
    delayed: int  # scheduled, and waiting for other jobs
    scheduled: int
    deferred: int
    failed: int
    finished: int
    canceled: int
    workers: int
    paused: bool
    latency: float | None  # age of the job that is next; None: none waits
    came: float | None  # enqueued; None: not known
    started: float
    done: float
    failing: float
    drain: float | None  # until nothing waits, at these rates; None: not at these rates, or nobody knows
    grows: bool  # more comes than goes
    spark: tuple[int, ...]  # begun in each of the last minutes

    @property
    def is_unserved(self) -> bool:
        """Whether jobs wait and no worker listens."""
        return bool(self.waiting and not self.workers)


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of queues."""

    queues: tuple[Queue, ...]
    total: int  # that fit the filter
    all_paused: bool
    sort: str
    name: str  # part of the name asked for
    left_out: int  # queues that were not looked at, of very many
    sorted_among: int  # 0: all; else only so many, the first by name, were sorted


def listing(connection: Any, offset: int, most: int, sort: str = 'name', name: str = '') -> Listing:
    """A page of the queues whose names contain `name`, the most first. About ten round trips however many there are."""
    names, total = store.names(connection)
    wanted = name.casefold()
    fit = [one for one in names if wanted in one.casefold()]
    among = 0
    if sort != 'name' and sort in SORTS:
        among = len(fit) if len(fit) <= MOST_SORTED else MOST_SORTED
        sizes = store.lengths(connection, fit[:among], sort)
        order = sorted(range(among), key=lambda place: (-sizes[place], fit[place]))
        fit = [fit[place] for place in order] + fit[among:]
    return Listing(
        queues=tuple(_queues(connection, fit[offset : offset + most])),
        total=len(fit),
        all_paused=admin.is_suspended(connection),
        sort=sort,
        name=name,
        left_out=total - len(names),
        sorted_among=among if among < len(fit) else 0,
    )


def one(connection: Any, name: str) -> Queue:
    """A queue; of one that nobody knows all is 0."""
    return _queues(connection, [name])[0]


def _queues(connection: Any, names: Sequence[str]) -> list[Queue]:
    if not names:
        return []
    counts = store.counts(connection, names)
    oldest = store.oldest(connection, names)
    now = time(connection)
    rates, sparks = history.rates(connection, names, now), history.spark(connection, names, MINUTES, now)
    rows = zip(names, counts, oldest, strict=True)
    return [_queue(name, count, age(at, now), rates[name], sparks[name]) for name, count, at in rows]


def _queue(
    name: str, counts: store.Counts, latency: float | None, rates: history.Rates, spark: tuple[int, ...]
) -> Queue:
    net = rates.started - (rates.enqueued or 0.0)
    grows = bool(counts.waiting) and rates.enqueued is not None and rates.enqueued > rates.started
    return Queue(
        name=name,
        waiting=counts.waiting,
        running=counts.running,
        delayed=counts.scheduled + counts.deferred,
        scheduled=counts.scheduled,
        deferred=counts.deferred,
        failed=counts.failed,
        finished=counts.finished,
        canceled=counts.canceled,
        workers=counts.workers,
        paused=bool(counts.suspended),
        latency=latency,
        came=rates.enqueued,
        started=rates.started,
        done=rates.done,
        failing=rates.failed,
        drain=0.0 if not counts.waiting else counts.waiting / net if net > 1e-9 else None,
        grows=grows,
        spark=spark,
    )
