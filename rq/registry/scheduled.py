"""Jobs that wait for their time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rq.exceptions import NoSuchJobError
from rq.queue.enqueue import due_at
from rq.store import keys
from rq.store import registry as store

from .base import BaseRegistry, id_of, template

if TYPE_CHECKING:
    from rq.job import Job

__all__ = ['ScheduledJobRegistry']


class ScheduledJobRegistry(BaseRegistry):
    """Jobs that wait for their time; the score is the time. Every worker moves those that are due."""

    key_template = template(keys.scheduled)

    def schedule(self, job: Job | str, scheduled_datetime: datetime, pipeline: Any = None) -> Any:
        """How many members are new. The job is due at that time, to the millisecond; a naive one is local."""
        return store.add(self._or(pipeline), self.key, id_of(job), due_at(scheduled_datetime))

    def get_scheduled_time(self, job_or_id: Job | str) -> datetime:
        """When a job is due, in UTC. Raises NoSuchJobError when it is not scheduled."""
        score = store.score(self.connection, self.key, id_of(job_or_id))
        if score is None:
            raise NoSuchJobError(f'Job {id_of(job_or_id)} is not in {self.key}')
        return datetime.fromtimestamp(score, UTC)

    def get_jobs_to_schedule(self, timestamp: float | None = None, chunk_size: int = 1000) -> list[str]:
        """Ids of jobs that are due at `timestamp` (epoch; default: now), the first ones, `chunk_size` at most."""
        return store.scores(self.connection, self.key, 0, self._now(timestamp), chunk_size)

    def get_jobs_to_enqueue(self, timestamp: float | None = None) -> list[str]:
        """As `get_expired_job_ids`."""
        return self.get_expired_job_ids(timestamp)

    def remove_jobs(self, timestamp: float | None = None, pipeline: Any = None) -> Any:
        """How many jobs went: those due at `timestamp` (epoch; default: now). They are not queued by this."""
        return store.drop_expired(self._or(pipeline), self.key, self._now(timestamp))
