"""Storing a job whose id must be new, by RQ's names. Our scripts are in rq/store/lua."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rq.job import Job
from rq.queue import Queue
from rq.store import keys

if TYPE_CHECKING:
    from datetime import datetime

    from redis import Redis

__all__ = ['save_unique_job', 'schedule_unique_job']


def save_unique_job(connection: Redis, queue_key: str, job: Job, enqueue: bool = True, at_front: bool = False) -> bool:
    """True; the job is stored, and on its queue unless `enqueue` says no. Raises DuplicateJobError if its id is taken."""
    queue = Queue(keys.queue_name(queue_key), connection=connection, serializer=job.serializer)
    if enqueue:
        queue.enqueue_job(job, at_front=at_front, unique=True)
    else:
        queue.store_unique(job)
    return True


def schedule_unique_job(
    connection: Redis, queue_key: str, registry_key: str, job: Job, scheduled_datetime: datetime
) -> bool:
    """True; the job is stored and due at that time. Raises DuplicateJobError if its id is taken."""
    queue = Queue(keys.queue_name(queue_key), connection=connection, serializer=job.serializer)
    queue.schedule_job(job, scheduled_datetime, unique=True)
    return True
