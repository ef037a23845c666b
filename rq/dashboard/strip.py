"""The counts at the top of every page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rq.store import view_totals

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['Strip', 'strip']


@dataclass(frozen=True, slots=True)
class Strip:
    """How many jobs are where, over all queues, and how many workers live. `more`: queues that were not counted."""

    waiting: int
    running: int
    failed: int
    scheduled: int
    workers: int
    suspended: bool
    more: int


def strip(connection: Redis) -> Strip:
    """The counts of this moment; two round trips."""
    found = view_totals.totals(connection)
    return Strip(
        waiting=found.waiting,
        running=found.running,
        failed=found.failed,
        scheduled=found.scheduled,
        workers=found.workers,
        suspended=found.suspended,
        more=found.more,
    )
