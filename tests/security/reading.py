"""Working jobs off in this process, and what is then to be read of them."""

from __future__ import annotations

from typing import Any

from redis import Redis

from rq import Queue, SimpleWorker
from rq.job import Job, JobStatus

__all__ = ['raw', 'reason', 'work']


def work(*queues: Queue, **options: Any) -> None:
    SimpleWorker(list(queues), connection=queues[0].connection, **options).work(burst=True, logging_level='WARNING')


def reason(job: Job) -> str:
    """The last line of why a job failed; that it failed."""
    assert job.get_status() is JobStatus.FAILED
    return (job.exc_info or '').strip().splitlines()[-1]


def raw(redis: Redis, job: Job) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = redis.hgetall(job.key)  # type: ignore[assignment]
    return found
