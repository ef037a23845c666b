"""From a job to what is above it: its registries, its results, its place in the queue. The only upward imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.store import keys
from rq.store import queue as queue_store

if TYPE_CHECKING:
    from redis import Redis

    from rq.executions import Execution, ExecutionRegistry
    from rq.registry import FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry
    from rq.results import Result

__all__ = ['Links']


class Links:
    """The part of Job that leads elsewhere. Imports happen at the first use: these rooms build on Job."""

    connection: Redis
    id: str
    origin: str
    serializer: Any
    _raw: dict[bytes, bytes]

    def _registry(self, name: str) -> Any:
        from rq import registry

        return getattr(registry, name)(
            self.origin, connection=self.connection, job_class=type(self), serializer=self.serializer
        )

    @property
    def failed_job_registry(self) -> FailedJobRegistry:
        """The failed jobs of its queue."""
        found: FailedJobRegistry = self._registry('FailedJobRegistry')
        return found

    @property
    def finished_job_registry(self) -> FinishedJobRegistry:
        """The finished jobs of its queue."""
        found: FinishedJobRegistry = self._registry('FinishedJobRegistry')
        return found

    @property
    def started_job_registry(self) -> StartedJobRegistry:
        """The running jobs of its queue."""
        found: StartedJobRegistry = self._registry('StartedJobRegistry')
        return found

    def latest_result(self: Any, timeout: int = 0) -> Result | None:
        """The newest result, or None; waits up to `timeout` seconds for one."""
        from rq.results import Result

        return Result.fetch_latest(self, serializer=self.serializer, timeout=timeout)

    def results(self: Any) -> list[Result]:
        """The stored results, newest first (ten at most)."""
        from rq.results import Result

        return Result.all(self, serializer=self.serializer)

    def return_value(self: Any, refresh: bool = False) -> Any:
        """What the function returned, or None while it has not; asks Redis until there is a result."""
        from rq.results import Result

        cached = self.__dict__.get('_cached_result')
        if refresh or cached is None:
            cached = self.__dict__['_cached_result'] = self.latest_result()
        return cached.return_value if cached is not None and cached.type == Result.Type.SUCCESSFUL else None

    @property
    def result(self: Any) -> Any:
        """What the function returned, or None while it has not; asks Redis."""
        return self.return_value()

    @property
    def exc_info(self: Any) -> str | None:
        """The traceback of a failed job, or None; asks Redis."""
        found = self.latest_result()
        return found.exc_string if found is not None else None

    def get_position(self) -> int | None:
        """How many jobs are before it in its queue, None when it does not wait; the server walks the list."""
        return queue_store.position(self.connection, self.origin, self.id)

    def get_executions(self: Any) -> list[Execution]:
        """Its runs that are under way (shown from 100 ms on)."""
        from rq.executions import ExecutionRegistry

        return ExecutionRegistry(self.id, self.connection).get_executions()

    @property
    def execution_registry(self: Any) -> ExecutionRegistry:
        """Its runs that are under way."""
        from rq.executions import ExecutionRegistry

        return ExecutionRegistry(self.id, self.connection)

    @classmethod
    def dependents_key_for(cls, job_id: str) -> str:
        """The key of the set of jobs that wait for a job."""
        return keys.dependents(job_id)

    @property
    def dependents_key(self) -> str:
        """The key of the set of jobs that wait for it."""
        return keys.dependents(self.id)

    @property
    def dependencies_key(self) -> str:
        """The key of the set of jobs it waits for."""
        return keys.dependencies(self.id)
