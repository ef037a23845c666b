"""A real horse whose supervisor moves only when the test says so."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from redis import Redis

from rq import Queue
from rq.store import admin
from rq.store import worker as worker_store
from rq.worker import Worker
from rq.worker.horse import Limits
from rq.worker.supervisor import Supervisor
from tests.support.waiting import wait_for

__all__ = ['Stable']


class Stable:
    """One worker: `supervisor` with its methods called one by one, and its horse as a process."""

    def __init__(
        self,
        redis: Redis,
        queues: Sequence[str] = ('default',),
        limits: Limits | None = None,
        change: Callable[[Worker], Any] | None = None,
    ) -> None:
        self.redis = redis
        self.closed = False
        self.queues = [Queue(name, connection=redis) for name in queues]
        self.queue = self.queues[0]
        self.worker = Worker(self.queues, connection=redis, name='stable')
        self.worker.log = logging.getLogger('rq.test.stable')
        if change is not None:
            change(self.worker)
        self.worker.register_birth()
        self.supervisor = Supervisor(self.worker, limits or Limits(False, None, None))
        self.board = self.supervisor.board

    # --- the supervisor's steps

    def start(self) -> int:
        """Forks the horse; answers its pid."""
        self.supervisor._start_horse()
        assert self.supervisor.horse
        return self.supervisor.horse

    def look(self) -> None:
        """One turn of the supervisor's loop without waiting."""
        self.supervisor._obey()
        self.supervisor._look_after_horse()
        self.supervisor._serve()

    def cut_off(self) -> None:
        """From now on the supervisor does not reach Redis (its debts pile up)."""
        self.supervisor._quiet_until = float('inf')

    def reconnect(self) -> None:
        """It reaches Redis again, and does what it owes."""
        self.supervisor._quiet_until = 0.0
        self.supervisor._serve()

    def run_until(self, predicate: Callable[[], Any], timeout: float = 10.0, message: str = '') -> Any:
        """Looks after the horse until something is true."""

        def turn() -> Any:
            self.look()
            return predicate()

        return wait_for(turn, timeout, message)

    def buried(self) -> None:
        """Waits until the horse has died, and buries it; no new one starts."""
        self.run_until(lambda: not self.supervisor.horse, message='the death of the horse')

    # --- looking

    def status(self, job_id: str) -> str:
        return admin.census(self.redis, [queue.name for queue in self.queues]).status.get(job_id, '')

    def count(self, container: str) -> int:
        """Jobs in a container of all queues."""
        census = admin.census(self.redis, [queue.name for queue in self.queues])
        return sum(len(census.ids_in(queue.name, container)) for queue in self.queues)

    def done(self) -> int:
        return self.count('finished')

    # --- the end

    def close(self) -> None:
        """Kills the horse and gives everything back."""
        if self.closed:
            return
        self.closed = True
        supervisor = self.supervisor
        if supervisor.horse:
            os.killpg(supervisor.horse, signal.SIGKILL)
            os.waitpid(supervisor.horse, 0)
            supervisor.horse = 0
        supervisor.starter.close()
        supervisor.aftermath.close()
        for fd in (supervisor.lifeline, supervisor._lifeline_write):
            try:
                os.close(fd)
            except OSError:
                pass  # the test has closed it to play a dead supervisor
        self.board.close()
        supervisor.connection.close()
        worker_store.retire(self.redis, self.worker.name, self.worker.incarnation, self.worker.queue_names())
