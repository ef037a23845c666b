"""Suspension: while it lasts no worker takes a job. What runs goes on; burst workers quit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.defaults import RQ_KEY_PREFIX
from rq.store import admin as store
from rq.store import keys

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['RQ_KEY_PREFIX', 'WORKERS_SUSPENDED', 'is_suspended', 'resume', 'suspend']

WORKERS_SUSPENDED = keys.suspended()


def is_suspended(connection: Redis, worker: Any = None) -> bool:
    """Whether workers are suspended. `worker` is RQ's and not needed."""
    return store.is_suspended(connection)


def suspend(connection: Redis, ttl: int | None = None) -> None:
    """Suspends all workers for `ttl` seconds, or until `resume`. Raises ValueError for a ttl below 1."""
    if ttl is not None and ttl <= 0:
        raise ValueError(f'ttl must be above 0 seconds, or None for no end: {ttl!r}')
    store.suspend(connection, ttl)


def resume(connection: Redis) -> bool:
    """Whether there was a suspension to end. Workers are woken for what waits."""
    return store.resume(connection)
