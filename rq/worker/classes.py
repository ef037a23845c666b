"""The worker classes that users name."""

from __future__ import annotations

from rq.store.imitation import is_imitation

from .base import BaseWorker
from .horse import Limits
from .shield import Shield
from .supervisor import Supervisor

__all__ = ['Worker']


class Worker(BaseWorker):
    """A worker that runs jobs in a process of their own, which stays warm from job to job (`rq worker`)."""

    _horse_pid = 0

    @property
    def horse_pid(self) -> int:
        """The process that runs jobs now; 0 before the first."""
        return self._horse_pid

    def _work(self, shield: Shield, burst: bool, max_jobs: int | None, max_idle_time: int | None) -> bool:
        if is_imitation(self.connection):
            raise ValueError(
                'Worker runs jobs in a process of its own, which an imitated server (fakeredis) does not reach: '
                'use SimpleWorker'
            )
        supervisor = Supervisor(self, Limits(burst, max_jobs, max_idle_time, self.horse_options.life))
        try:
            with shield.lowered(supervisor._on_stop):
                return supervisor.run()
        finally:
            self.log.info("Worker '%s' done, quitting", self.key)
            if supervisor.stopping_since is not None:
                shield.forget()
