"""The part of Queue that is about jobs that wait for other jobs, by RQ's names. Workers do all this in their scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.job import JobStatus
from rq.store import depend as store

if TYPE_CHECKING:
    from redis import Redis

    from rq.job import Job

__all__ = ['Dependents']


class Dependents:
    """Mixed into Queue."""

    connection: Redis
    name: str

    def setup_dependencies(self: Any, job: Job, pipeline: Any = None) -> Job:
        """The job; if it has to wait for others it is stored among the deferred, and its status says so."""
        if job._dependency_ids and not job.dependencies_are_met():
            job.origin = job.origin or self.name
            job._status = JobStatus.DEFERRED
            job.register_dependency(pipeline=pipeline)
            job.save(pipeline=pipeline)
        return job

    def enqueue_dependents(
        self, job: Job, exclude_job_id: str | None = None, refresh_job_status: bool = True
    ) -> dict[str, list[str]]:
        """Ids of the jobs queued by this, by queue: those that wait for `job` need not any more, whatever became of it.

        One that waits for others, too, goes on waiting for them. The other arguments are RQ's and not needed.
        """
        return store.enqueue_dependents(self.connection, job.id)

    def move_dependents_to_ready(
        self, job: Job, pipeline: Any = None, exclude_job_id: str | None = None, refresh_job_status: bool = True
    ) -> dict[str, list[str]]:
        """As `enqueue_dependents`: ours never rest among the ready ones."""
        return store.enqueue_dependents(self.connection, job.id)

    def enqueue_ready_jobs_by_queue(self, job_ids_by_queue_name: dict[str, list[str]]) -> None:
        """Puts jobs that RQ 3.0 left among the ready ones of their queues on these."""
        for name, job_ids in job_ids_by_queue_name.items():
            store.place_ready(self.connection, name, job_ids)
