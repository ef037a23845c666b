"""Two operations by id, for those who have no job in hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .model import Job

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['cancel_job', 'requeue_job']


def cancel_job(job_id: str, connection: Redis, serializer: Any = None, enqueue_dependents: bool = False) -> None:
    """Cancels the job with this id. Raises NoSuchJobError, InvalidJobOperation."""
    job = Job.fetch(job_id, connection=connection, serializer=serializer)
    job.cancel(enqueue_dependents=enqueue_dependents)


def requeue_job(job_id: str, connection: Redis, serializer: Any = None) -> Job:
    """The failed job with this id, back in its queue. Raises NoSuchJobError, InvalidJobOperation."""
    job: Job = Job.fetch(job_id, connection=connection, serializer=serializer).requeue()
    return job
