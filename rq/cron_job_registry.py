"""The names of the cron jobs that have made jobs, with the times of their last ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rq.defaults import DEFAULT_CRON_JOB_HISTORY_TTL
from rq.store import cron as store
from rq.store import keys
from rq.utils import now

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

__all__ = ['add', 'get_names', 'get_registry_key', 'remove_stale_entries']


def get_registry_key() -> str:
    """The key of the registry."""
    return keys.cron_jobs()


def add(name: str, connection: Redis | Pipeline, enqueue_timestamp: float | None = None) -> None:
    """A cron job made a job, now or at an epoch."""
    store.add_name(connection, name, now().timestamp() if enqueue_timestamp is None else enqueue_timestamp)


def get_names(connection: Redis, cleanup: bool = True) -> list[str]:
    """Names, the longest idle first; with `cleanup` only those of the last year. One round trip; nothing is written."""
    after = f'({now().timestamp() - DEFAULT_CRON_JOB_HISTORY_TTL}' if cleanup else '-inf'
    return store.members(connection, keys.cron_jobs(), after)


def remove_stale_entries(connection: Redis, threshold: int = DEFAULT_CRON_JOB_HISTORY_TTL) -> int:
    """How many names were dropped that made nothing for `threshold` seconds. Each scheduler does it at its birth."""
    return store.drop_stale(connection, keys.cron_jobs(), now().timestamp() - threshold)
