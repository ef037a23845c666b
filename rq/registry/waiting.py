"""Registries whose score is the moment at which a job came in: nothing in them ever expires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.exceptions import NoSuchJobError
from rq.job import JobStatus
from rq.store import keys

from .base import BaseRegistry, template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rq.job import Job

__all__ = ['CanceledJobRegistry', 'DeferredJobRegistry', 'ReadyJobRegistry']


class CanceledJobRegistry(BaseRegistry):
    """Jobs that were canceled; they stay until they are deleted."""

    key_template = template(keys.canceled)

    def get_expired_job_ids(self, timestamp: float | None = None) -> list[str]:
        """Raises NotImplementedError, as in RQ: canceled jobs do not expire."""
        raise NotImplementedError('Canceled jobs do not expire')


class _Waiting(BaseRegistry):
    def add(  # RQ's signature
        self, job: Job | str, ttl: int | None = None, pipeline: Any = None, xx: bool = False
    ) -> Any:
        """How many members are new. The score is now; `ttl` is accepted and, as in RQ, changes nothing."""
        return super().add(job, 0, pipeline, xx)


class DeferredJobRegistry(_Waiting):
    """Jobs that wait for other jobs."""

    key_template = template(keys.deferred)


class ReadyJobRegistry(_Waiting):
    """Jobs of RQ 3.0's between deferred and queued. Ours never rest here."""

    key_template = template(keys.ready)

    def register_jobs(self, jobs: Sequence[Job], pipeline: Any) -> None:
        """Puts jobs in and gives them the status, which readers before RQ 3.0 do not know."""
        for job in jobs:
            job.set_status(JobStatus.READY_TO_ENQUEUE, pipeline=pipeline)
            self.add(job, pipeline=pipeline)

    def enqueue_jobs(self, job_ids: list[str]) -> list[Job]:
        """The jobs, out of here and on their queue; ids whose job is gone are dropped."""
        queued = []
        for job_id in job_ids:
            try:
                queued.append(self.requeue(job_id))
            except NoSuchJobError:
                self.remove(job_id)
        return queued

    def cleanup(self, timestamp: float | None = None, exception_handlers: list[Any] | None = None) -> list[Job]:
        """The jobs that an RQ process left here, now on their queue."""
        return self.enqueue_jobs(self.get_job_ids())
