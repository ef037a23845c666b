"""Many jobs at once, and what has become of all of them."""

from __future__ import annotations

from redis import Redis

from rq import Queue
from rq.job import Job
from rq.store import admin
from tests.faults import jobs

__all__ = ['all_are', 'put', 'statuses']


def put(redis: Redis, first: int, count: int, seconds: float = 0.001) -> list[Job]:
    """So many jobs of one length (seconds) on `default`; each notes its number, counted from `first`."""
    many = [Queue.prepare_data(jobs.note, (first + number, seconds)) for number in range(count)]
    return Queue(connection=redis).enqueue_many(many)


def statuses(redis: Redis) -> dict[str, str]:
    """What each job of `default` is, by its id."""
    return admin.census(redis, ['default']).status


def all_are(redis: Redis, put: list[Job], status: str = 'finished') -> bool:
    """Whether each of these jobs, put on `default`, has this status."""
    found = statuses(redis)
    return all(found.get(job.id) == status for job in put)
