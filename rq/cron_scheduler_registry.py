"""The names of the cron schedulers that run, with their last heartbeats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.defaults import DEFAULT_CRON_SCHEDULER_TTL
from rq.store import cron as store
from rq.store import keys
from rq.utils import now

if TYPE_CHECKING:
    from redis import Redis

    from rq.cron import CronScheduler

__all__ = ['cleanup', 'get_keys', 'get_registry_key', 'living', 'register', 'unregister']


def get_registry_key() -> str:
    """The key of the registry."""
    return keys.cron_schedulers()


def register(cron_scheduler: CronScheduler, pipeline: Any = None) -> None:
    """A scheduler is alive: now is its last heartbeat."""
    connection = cron_scheduler.connection if pipeline is None else pipeline
    store.register(connection, cron_scheduler.name, now().timestamp())


def unregister(cron_scheduler: CronScheduler, pipeline: Any = None) -> None:
    """A scheduler has stopped."""
    store.unregister(cron_scheduler.connection if pipeline is None else pipeline, cron_scheduler.name)


def get_keys(connection: Redis) -> list[str]:
    """Names, the longest silent first. One round trip."""
    return store.members(connection, keys.cron_schedulers())


def living(connection: Redis) -> list[str]:
    """Names of those heard of in the last two minutes. One round trip; nothing is written."""
    after = now().timestamp() - DEFAULT_CRON_SCHEDULER_TTL
    return store.members(connection, keys.cron_schedulers(), f'({after}')


def cleanup(connection: Redis, threshold: int = DEFAULT_CRON_SCHEDULER_TTL) -> int:
    """How many names were dropped that were silent for `threshold` seconds. Each scheduler does it at its birth."""
    return store.drop_stale(connection, keys.cron_schedulers(), now().timestamp() - threshold)
