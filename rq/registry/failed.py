"""Failed jobs: of one queue, and of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.defaults import DEFAULT_FAILURE_TTL
from rq.job.lifecycle import requeue_failed
from rq.store import keys
from rq.store import registry as store

from .base import BaseRegistry, id_of, template

if TYPE_CHECKING:
    from redis import Redis

    from rq.job import Job

__all__ = ['FailedJobRegistry', 'FailedView']


class FailedJobRegistry(BaseRegistry):
    """Jobs that failed or were stopped, until their failure TTL is over."""

    key_template = template(keys.failed)
    _expires = True

    def add(  # type: ignore[override]  # RQ's signature
        self, job: Job, ttl: int | None = None, exc_string: str = '', pipeline: Any = None
    ) -> None:
        """Puts a job in, to be kept for `ttl` seconds (-1: for ever; default a year). Its status is not changed.

        `exc_string` is accepted and, as in RQ, not stored: a traceback is part of a job's result.
        """
        seconds = DEFAULT_FAILURE_TTL if ttl is None else ttl
        score = -1 if seconds == -1 else self._now() + seconds
        store.add(self._or(pipeline), self.key, id_of(job), score)
        job.cleanup(seconds, pipeline=pipeline, remove_from_queue=False)

    def requeue(self, job_or_id: Job | str, at_front: bool = False) -> Job:
        """The job, back on its queue. Raises NoSuchJobError, or InvalidJobOperation when it is not in this registry."""
        requeue_failed(self.connection, self.name, id_of(job_or_id), at_front)
        job = self._job(job_or_id)
        if job is job_or_id:
            job.refresh()
        return job


class FailedView:
    """The failed jobs of all queues, read only: what `Queue('failed')` shows, as RQ 0.x's queue of that name did."""

    def __init__(self, connection: Redis) -> None:
        self.connection = connection

    def count(self) -> int:
        """How many jobs have failed and are kept. Two round trips."""
        return store.count_everywhere(self.connection, keys.failed)

    def ids(self, offset: int = 0, length: int = -1) -> list[str]:
        """Their ids, `length` of them (-1: all) from place `offset` on. Two round trips.

        The soonest to expire comes first; jobs that are kept equally long are so in the order in which they failed.
        """
        most = None if length < 0 or offset < 0 else offset + length
        found = store.ids_everywhere(self.connection, keys.failed, most)
        end = offset + length if length >= 0 else None if length == -1 else length + 1
        return found[offset:end]
