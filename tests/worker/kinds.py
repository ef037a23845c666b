"""Worker classes that override what RQ's users override; each notes in the journal what it was called for."""

from __future__ import annotations

import os
import threading
from typing import Any, ClassVar

from rq import SimpleWorker, Worker
from rq.job import Job
from rq.queue import Queue
from rq.worker import HerokuWorker
from tests.worker.jobs import note

CHAIN = (
    'check_for_suspension', 'run_maintenance_tasks', 'dequeue_job_and_maintain_ttl', 'reorder_queues', 'execute_job',
    'prepare_execution', 'fork_work_horse', 'main_work_horse', 'setup_work_horse_signals', 'prepare_job_execution',
    'perform_job', 'handle_execution_ended', 'handle_exception', 'handle_job_success', 'handle_job_failure', 'monitor_work_horse',
    'wait_for_horse', 'maintain_heartbeats', 'kill_horse', 'handle_work_horse_killed', 'request_stop',
    'request_force_stop', 'handle_warm_shutdown_request', 'register_birth', 'register_death', 'teardown',
)  # fmt: skip


def overriding(base: Any, name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        note('horse' if self.is_horse else 'worker', name)
        return getattr(base, name)(self, *args, **kwargs)

    return method


class All(Worker):
    """Overrides every one."""


for _name in CHAIN:
    setattr(All, _name, overriding(Worker, _name))


class One(Worker):
    """Overrides the one that the environment names."""


_one = os.environ.get('PACKHORSE_TEST_OVERRIDES', '')
if _one:
    setattr(One, _one, overriding(Worker, _one))


class Simple(SimpleWorker):
    def execute_job(self, job: Job, queue: Queue) -> None:
        note('execute', job.id)
        super().execute_job(job, queue)
        note('status', job.get_status().value)


class Fast212(Worker):
    """Written for RQ 2.12: no `execution` anywhere."""

    def perform_job(self, job: Job, queue: Queue) -> bool:  # type: ignore[override]
        note('perform')
        return super().perform_job(job, queue)

    def handle_job_success(self, job: Job, queue: Queue, started_job_registry: Any) -> None:  # type: ignore[override]
        note('success')
        super().handle_job_success(job, queue, started_job_registry)

    def handle_job_failure(  # type: ignore[override]
        self, job: Job, queue: Queue, started_job_registry: Any = None, exc_string: str = ''
    ) -> None:
        note('failure')
        super().handle_job_failure(job, queue, started_job_registry, exc_string)


class As212(Fast212):
    """The same in the classic way."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        note('execute')
        self.prepare_execution(job)
        self.fork_work_horse(job, queue)
        self.monitor_work_horse(job, queue)
        self.set_state('idle')

    def monitor_work_horse(self, job: Job, queue: Queue) -> None:  # type: ignore[override]
        note('monitor')
        super().monitor_work_horse(job, queue)


class InProcess(Worker):
    """Runs jobs in the worker's own process."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        self.perform_job(job, queue)


class OwnFork(Worker):
    """Forks by itself and waits by itself."""

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        pid = os.fork()
        if pid == 0:
            self.main_work_horse(job, queue)
        self._horse_pid = pid

    def monitor_work_horse(self, job: Job, queue: Queue, execution: Any = None) -> None:
        os.waitpid(self._horse_pid, 0)


class OwnHorse(Worker):
    """Its horses skip the worker's main_work_horse."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        self.perform_job(job, queue, self.execution)
        os._exit(0)


class Threads(SimpleWorker):
    """Gives each job to a thread and takes the next one."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        threading.Thread(target=super().execute_job, args=(job, queue)).start()


class Picky(Worker):
    """Leaves out every job the first time it sees it."""

    seen: ClassVar[set[str]] = set()

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:
        found = super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
        if found is None or found[0].id in self.seen:
            return found
        self.seen.add(found[0].id)
        note('left out', found[0].id)
        return None


class ByHand(Worker):
    """Takes jobs off the list in its own way, as a scheduler of one's own may do."""

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:
        return Queue.dequeue_any(self.queues, timeout=None, connection=self.connection)


class Broken(Worker):
    def execute_job(self, job: Job, queue: Queue) -> None:
        raise ValueError('no way')


class SaysNothing(Worker):
    """Its execute_job does nothing."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        note('nothing', job.id)


class HerokuAtOnce(HerokuWorker):
    imminent_shutdown_delay = 0


class HerokuSoon(HerokuWorker):
    imminent_shutdown_delay = 1


class Classic(Worker):
    """A process for each job."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        super().execute_job(job, queue)


class ClassicSimple(SimpleWorker):
    """Jobs one at a time, each settled before the next."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        super().execute_job(job, queue)
