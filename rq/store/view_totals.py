"""How many jobs are where over all queues, for the top of every page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import keys

__all__ = ['MOST_QUEUES', 'Totals', 'totals']

# Queues that are counted: four reads each, 4,000 in all take the server about 2 ms and us about 10.
MOST_QUEUES = 1_000


@dataclass(frozen=True, slots=True)
class Totals:
    """Jobs by where they are, over the queues counted; `more` were not."""

    waiting: int
    running: int
    failed: int
    scheduled: int
    workers: int
    suspended: bool
    more: int


def totals(connection: Any) -> Totals:
    """The counts of this moment, two round trips. Of more than 1,000 queues, a thousand that the server picks."""
    pipeline = connection.pipeline(transaction=False)
    pipeline.scard(keys.queues())
    # With a count and no repeats: all of them, where there are no more.
    pipeline.srandmember(keys.queues(), MOST_QUEUES)
    pipeline.scard(keys.workers())
    pipeline.exists(keys.suspended())
    known, picked, workers, suspended = pipeline.execute()
    start = keys.queue('').encode()
    names = sorted(key[len(start) :] for key in picked if key.startswith(start))
    for name in names:
        pipeline.llen(start + name)
        for registry in (keys.wip, keys.failed, keys.scheduled):
            pipeline.zcard(registry('').encode() + name)
    counts = pipeline.execute(raise_on_error=False) if names else []
    # A key of another type, which somebody else wrote, counts for nothing.
    numbers = [count if isinstance(count, int) else 0 for count in counts]
    waiting, running, failed, scheduled = (sum(numbers[place::4]) for place in range(4))
    return Totals(waiting, running, failed, scheduled, int(workers), bool(suspended), int(known) - len(picked))
