"""The part of Queue that leads to its registries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.defaults import DEFAULT_MAINTENANCE_TASK_INTERVAL
from rq.store import keys
from rq.store import queue as store

if TYPE_CHECKING:
    from redis import Redis

    from rq import registry

__all__ = ['Registries']


class Registries:
    """Mixed into Queue. Imports happen at the first use: a registry hands out queues, too."""

    connection: Redis
    name: str
    job_class: Any
    serializer: Any

    def _registry(self, name: str) -> Any:
        from rq import registry

        return getattr(registry, name)(queue=self, job_class=self.job_class, serializer=self.serializer)

    def _failed_view(self) -> registry.FailedView:
        from rq.registry import FailedView

        return FailedView(self.connection)

    @property
    def started_job_registry(self) -> registry.StartedJobRegistry:
        """Jobs that run now."""
        found: registry.StartedJobRegistry = self._registry('StartedJobRegistry')
        return found

    @property
    def finished_job_registry(self) -> registry.FinishedJobRegistry:
        """Jobs that have finished and whose result is kept."""
        found: registry.FinishedJobRegistry = self._registry('FinishedJobRegistry')
        return found

    @property
    def failed_job_registry(self) -> registry.FailedJobRegistry:
        """Jobs that failed or were stopped."""
        found: registry.FailedJobRegistry = self._registry('FailedJobRegistry')
        return found

    @property
    def deferred_job_registry(self) -> registry.DeferredJobRegistry:
        """Jobs that wait for others."""
        found: registry.DeferredJobRegistry = self._registry('DeferredJobRegistry')
        return found

    @property
    def scheduled_job_registry(self) -> registry.ScheduledJobRegistry:
        """Jobs that wait for their time."""
        found: registry.ScheduledJobRegistry = self._registry('ScheduledJobRegistry')
        return found

    @property
    def canceled_job_registry(self) -> registry.CanceledJobRegistry:
        """Jobs that were canceled."""
        found: registry.CanceledJobRegistry = self._registry('CanceledJobRegistry')
        return found

    @property
    def ready_job_registry(self) -> registry.ReadyJobRegistry:
        """Jobs of RQ 3.0's on their way from deferred to queued; ours never rest there."""
        found: registry.ReadyJobRegistry = self._registry('ReadyJobRegistry')
        return found

    @property
    def intermediate_queue_key(self) -> str:
        """The key of RQ's list of popped and not yet started jobs."""
        return keys.intermediate(self.name)

    @property
    def registry_cleaning_key(self) -> str:
        """The key of RQ's maintenance lock."""
        return keys.clean_registries(self.name)

    def acquire_maintenance_lock(self) -> bool:
        """Whether RQ's maintenance lock of this queue is now ours. Our own maintenance needs none."""
        return store.lock(self.connection, self.name, DEFAULT_MAINTENANCE_TASK_INTERVAL + 299)

    def release_maintenance_lock(self) -> None:
        """Gives RQ's maintenance lock back."""
        store.unlock(self.connection, self.name)
