"""Memory: what jobs take of it, and whether the server has any left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rq.store import view_memory as store
from rq.store.view_queues import stretch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

__all__ = ['SAMPLE', 'is_full', 'mean', 'weight']

# Jobs that are weighed: their mean is told as an estimate.
SAMPLE = 50
# A server that has used so much of its memory may refuse the next write.
FULL = 0.95


def is_full(connection: Redis) -> bool:
    """Whether the server has hardly any memory left of what it may use."""
    used, most = store.used(connection)
    return bool(most) and used > FULL * most


def weight(connection: Redis, queue: str, state: str) -> int:
    """The bytes that a job of a queue in a state takes with its results: the mean of 50 of them, 0 without any."""
    return mean(connection, [job_id for job_id, _ in stretch(connection, queue, state, 0, SAMPLE)])


def mean(connection: Redis, ids: Sequence[str]) -> int:
    """The bytes that one of these jobs takes with its results: the mean of the first 50, 0 without any."""
    sizes = [size for size in store.sizes(connection, ids[:SAMPLE]) if size]
    return sum(sizes) // len(sizes) if sizes else 0
