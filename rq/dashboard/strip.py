"""The counts at the top of every page, and the queues they are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import g

from rq.store import view_totals

if TYPE_CHECKING:
    from redis import Redis

    from rq.store.view_totals import Totals

__all__ = ['Strip', 'counted', 'strip']


@dataclass(frozen=True, slots=True)
class Strip:
    """How many jobs are where, over all queues, and how many workers there are. `more`: queues that were not counted."""

    waiting: int
    running: int
    failed: int
    scheduled: int
    workers: int
    suspended: bool
    more: int


def counted(connection: Redis) -> Totals:
    """The counts of all queues, read once a request; two round trips."""
    if 'rq_totals' not in g:
        g.rq_totals = view_totals.totals(connection)
    found: Totals = g.rq_totals
    return found


def strip(connection: Redis) -> Strip:
    """The counts of this moment."""
    found = counted(connection)
    return Strip(
        waiting=sum(queue.waiting for queue in found.queues),
        running=sum(queue.running for queue in found.queues),
        failed=sum(queue.failed for queue in found.queues),
        scheduled=sum(queue.scheduled for queue in found.queues),
        workers=found.workers,
        suspended=found.suspended,
        more=found.more,
    )
