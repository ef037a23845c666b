"""Jobs that run now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.store import job as job_store
from rq.store import keys
from rq.store import registry as store

from .base import BaseRegistry, id_of, template

if TYPE_CHECKING:
    from rq.executions import Execution
    from rq.job import Job

__all__ = ['StartedJobRegistry']


class StartedJobRegistry(BaseRegistry):
    """Jobs that are claimed or run: members are `id:execution`, the score is when RQ takes the run for abandoned.

    A run past its score is still listed: it is there until it ends or a worker's reaper takes its job back.
    """

    key_template = template(keys.wip)

    def __contains__(self, item: Any) -> bool:
        member = getattr(item, 'id', item)
        return isinstance(member, str) and self.parse_job_id(member) in self.get_job_ids()

    @staticmethod
    def parse_job_id(entry: str) -> str:
        """The job id in a member `id:execution`."""
        return entry.partition(':')[0]

    def get_job_and_execution_ids(
        self, start: int = 0, end: int = -1, desc: bool = False, cleanup: bool = True
    ) -> list[tuple[str, str]]:
        """Pairs of job id and execution id; the second is empty for runs of RQs before 2.0."""
        pairs = (entry.partition(':') for entry in store.ids(self.connection, self.key, start, end, desc))
        return [(job_id, execution_id) for job_id, _, execution_id in pairs]

    def cleanup(self, timestamp: float | None = None, exception_handlers: list[Any] | None = None) -> None:
        """Nothing: the jobs of dead workers are taken back by the reaper of every living one, within 40 s."""

    def add(self, job: Job | str, ttl: int = 0, pipeline: Any = None, xx: bool = False) -> Any:
        """Raises NotImplementedError, as in RQ: a run is added, not a job. Use add_execution."""
        raise NotImplementedError('A started job is known by its run: use add_execution()')

    def remove(self, job: Job | str, pipeline: Any = None, delete_job: bool = False) -> Any:
        """Raises NotImplementedError, as in RQ: a run is removed, not a job. Use remove_execution."""
        raise NotImplementedError('A started job is known by its run: use remove_execution()')

    def add_execution(self, execution: Execution, pipeline: Any, ttl: int = 0, xx: bool = False) -> Any:
        """Puts a run in, or with `xx` only gives it a new score: `ttl` seconds from now."""
        return store.add(pipeline, self.key, execution.composite_key, self._now() + ttl, xx)

    def remove_execution(
        self, execution: Execution, job: Job | None = None, pipeline: Any = None, delete_job: bool = False
    ) -> None:
        """Takes a run out. `delete_job`: its job is deleted, too."""
        store.remove(self._or(pipeline), self.key, execution.composite_key)
        if delete_job:
            job_store.delete(self._or(pipeline), execution.job_id, self.name)

    def remove_executions(self, job: Job, pipeline: Any = None) -> None:
        """Takes all runs of a job out."""
        for job_id, execution_id in self.get_job_and_execution_ids():
            if job_id == id_of(job):
                store.remove(self._or(pipeline), self.key, f'{job_id}:{execution_id}' if execution_id else job_id)
