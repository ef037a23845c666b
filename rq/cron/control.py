"""Pause, resume and run now: kept in Redis, so that every scheduler obeys, and none need run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from rq.store import cron as store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

__all__ = ['get_cron_job_history_key', 'get_cron_job_ids', 'get_paused', 'pause', 'resume', 'run_now']


def pause(name: str, connection: Redis) -> bool:
    """Whether a cron job ran so far. From now on no scheduler enqueues it, until `resume`."""
    return store.pause(connection, name)


def resume(name: str, connection: Redis) -> bool:
    """Whether a cron job was paused. It goes on with its next slot; what fell into the pause is over."""
    return store.resume(connection, name)


def run_now(name: str, connection: Redis) -> None:
    """Has a cron job enqueued once, within a second, by one of the schedulers that have it; also when it is paused."""
    store.run_now(connection, name, uuid4().hex)


def get_paused(names: Sequence[str], connection: Redis) -> list[str]:
    """Those of the cron jobs that are paused. One round trip."""
    return [name for name, paused in zip(names, store.paused(connection, names), strict=True) if paused]


def get_cron_job_ids(name: str, connection: Redis, start: int = 0, end: int = -1) -> list[str]:
    """Ids of the jobs that a cron job made, newest first: the last 1,000, for a year. One round trip."""
    return store.history(connection, name, start, end)


def get_cron_job_history_key(name: str) -> str:
    """The key under which they are."""
    from rq.store import keys

    return keys.cron_history(name)
