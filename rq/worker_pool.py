"""Several workers as one: started together, started again when they die, ended together (`rq worker-pool`)."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from multiprocessing import get_context
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from rq.connections import parse_connection
from rq.job import Job
from rq.logutils import setup_loghandlers
from rq.queue import Queue
from rq.respawn import Respawn
from rq.serializers import DefaultSerializer
from rq.utils import parse_names
from rq.worker import BaseWorker, Worker
from rq.worker.failure import reason_of
from rq.worker.start import die_with_parent

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from redis import Redis

__all__ = ['WorkerData', 'WorkerPool', 'run_worker']

# How long the pool sleeps when nothing happens; the end of a worker wakes it.
WATCH_EVERY = 1.0
# A worker takes a second signal for its own only a second after the first; then it needs up to five seconds.
SECOND_SIGNAL_SECONDS, COLD_SECONDS = 1.1, 8.0
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class WorkerData(NamedTuple):
    """A worker of a pool."""

    name: str
    pid: int
    process: BaseProcess


class WorkerPool:
    """A number of workers of the same queues, each a process. `start()` runs them until it is told to stop.

    Workers of a pool that is killed outright finish the job in hand and end (where the kernel tells them: Linux).
    """

    class Status(Enum):
        """What a pool does."""

        IDLE = 1
        STARTED = 2
        STOPPED = 3

    def __init__(  # RQ's signature
        self,
        queues: Iterable[str | Queue],
        connection: Redis,
        num_workers: int = 1,
        worker_class: type[BaseWorker] = Worker,
        serializer: Any = DefaultSerializer,
        job_class: type[Job] = Job,
        queue_class: type[Queue] = Queue,
        exception_handlers: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        self.num_workers = num_workers
        self.name = uuid4().hex
        self.connection = connection
        self.worker_class = worker_class
        self.serializer = serializer
        self.job_class = job_class
        self.queue_class = queue_class
        self.exception_handlers = exception_handlers
        self.status = self.Status.IDLE
        self.worker_dict: dict[str, WorkerData] = {}
        self.log = logging.getLogger('rq.worker_pool')
        self.policies: dict[str, Any] = {}  # of its workers: on_lost, max_deaths, grace
        self._queue_names = parse_names(queues)
        self._kind: dict[str, Any] = {'burst': False, 'logging_level': 'INFO'}  # of those that were started last
        self._born: dict[str, float] = {}
        self._respawn = Respawn()
        self._told_at: float | None = None  # when the workers were asked to end
        self._cold_at: float | None = None  # when they are asked a second time, and end their jobs
        self._kill_at: float | None = None  # when those that still run are killed

    @property
    def queues(self) -> list[Queue]:
        """The queues."""
        return [self.queue_class(name, connection=self.connection) for name in self._queue_names]

    @property
    def number_of_active_workers(self) -> int:
        """How many workers run, as far as `reap_workers` has seen."""
        return len(self.worker_dict)

    # --- running

    def start(self, burst: bool = False, logging_level: str = 'INFO') -> None:
        """Runs the workers until SIGINT or SIGTERM, or `burst`: until all have ended, which they do without jobs.

        The first signal lets jobs be finished; a second one, a second or more later, ends them.
        """
        setup_loghandlers(logging_level, name=self.log.name)
        self.log.info('Starting worker pool %s with pid %d...', self.name, os.getpid())
        self.status = self.Status.STARTED
        self._told_at = self._cold_at = self._kill_at = None
        with self._handlers():
            try:
                self.start_workers(burst=burst, logging_level=logging_level)
                while not self._done(burst):
                    self._pause()
                    self._press(time.monotonic())
                    if self.status is self.Status.STOPPED:
                        self.reap_workers()
                    else:
                        self.check_workers(respawn=not burst)
            finally:
                self._kill()  # nothing is left, unless an error has ended the loop
        self.log.info('All workers stopped, exiting...')

    def _done(self, burst: bool) -> bool:
        return not self.worker_dict and (burst or self.status is self.Status.STOPPED)

    def _pause(self) -> None:
        now, moments = time.monotonic(), (self._cold_at, self._kill_at)
        due = min([self._respawn.pause or WATCH_EVERY, *(moment - now for moment in moments if moment is not None)])
        seconds = max(0.01, min(WATCH_EVERY, due))
        if self.worker_dict:
            wait([data.process.sentinel for data in self.worker_dict.values()], seconds)
        elif self.status is not self.Status.STOPPED:
            time.sleep(seconds)

    @contextmanager
    def _handlers(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # whoever embeds the pool stops it by request_stop()
            return
        before = [signal.getsignal(number) for number in SIGNALS]
        self._install_signal_handlers()
        try:
            yield
        finally:
            for number, handler in zip(SIGNALS, before, strict=True):
                signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _install_signal_handlers(self) -> None:
        for number in SIGNALS:
            signal.signal(number, self.request_stop)

    # --- ending

    def request_stop(self, signum: int | None = None, frame: Any = None) -> None:
        """Lets the workers finish their jobs and end; asked again, ends the jobs as well. `start()` then returns."""
        if self.status is not self.Status.STOPPED or self._told_at is None:
            self.log.info('Received SIGINT/SIGTERM, shutting down...')
            self.status = self.Status.STOPPED
            self.stop_workers()
            self._told_at = time.monotonic()
        elif self._kill_at is None:
            self._cold_at = self._told_at + SECOND_SIGNAL_SECONDS

    def stop_workers(self) -> None:
        """Asks every worker to end once its job has."""
        self.log.info('Sending stop signal to %d workers', len(self.worker_dict))
        for data in list(self.worker_dict.values()):
            self.stop_worker(data)

    def stop_worker(self, worker_data: WorkerData, sig: int = signal.SIGINT) -> None:
        """Sends a worker a signal; nothing if it has ended already."""
        if not worker_data.process.is_alive():
            return
        try:
            os.kill(worker_data.pid, sig)
        except ProcessLookupError:
            return
        self.log.info('Asked worker %s with pid %d to end', worker_data.name, worker_data.pid)

    def all_workers_have_stopped(self) -> bool:
        """Whether none runs any more."""
        self.reap_workers()
        return not self.worker_dict

    def _press(self, now: float) -> None:
        """Ends with more force what has not ended in time."""
        if self._cold_at is not None and now >= self._cold_at:
            self.stop_workers()
            self._cold_at, self._kill_at = None, now + COLD_SECONDS
        if self._kill_at is not None and now >= self._kill_at:
            self._kill()

    def _kill(self) -> None:
        for data in list(self.worker_dict.values()):
            data.process.kill()
            data.process.join()
            self._forget(data)

    # --- one worker

    def check_workers(self, respawn: bool = True) -> None:
        """Takes note of workers that have ended and starts others in their place, later and later if they die at once."""
        self.reap_workers()
        if respawn and self.status is not self.Status.STOPPED and self._respawn.pause == 0.0:
            for _ in range(self.num_workers - len(self.worker_dict)):
                self.start_worker(**self._kind)

    def reap_workers(self) -> None:
        """Takes note of workers that have ended."""
        for data in list(self.worker_dict.values()):
            if not data.process.is_alive():
                self.handle_dead_worker(data)

    def handle_dead_worker(self, worker_data: WorkerData) -> None:
        """Takes note of a worker that has ended."""
        code = worker_data.process.exitcode
        self.log.info('Worker %s with pid %d is dead (%s)', worker_data.name, worker_data.pid, _how(code))
        lived = time.monotonic() - self._born.get(worker_data.name, 0.0)
        self._forget(worker_data)
        self._respawn.note_death(lived)

    def _forget(self, worker_data: WorkerData) -> None:
        self.worker_dict.pop(worker_data.name, None)
        self._born.pop(worker_data.name, None)

    def start_workers(self, burst: bool = True, _sleep: float = 0, logging_level: str = 'INFO') -> None:
        """Starts as many as the pool is to have."""
        self._kind = {'burst': burst, 'logging_level': logging_level}
        for count in range(1, self.num_workers + 1):
            self.start_worker(count, burst=burst, _sleep=_sleep, logging_level=logging_level)

    def start_worker(
        self, count: int | None = None, burst: bool = True, _sleep: float = 0, logging_level: str = 'INFO'
    ) -> None:
        """Starts one more; none when the pool has been told to stop. `count`: its number, for subclasses."""
        with _signals_held():  # one that came between the fork and our knowing of it would not reach the worker
            if self.status is self.Status.STOPPED and self._told_at is not None:
                return
            name = uuid4().hex
            process = self.get_worker_process(name, burst=burst, _sleep=_sleep, logging_level=logging_level)
            process.start()
            assert process.pid is not None
            self.worker_dict[name] = WorkerData(name, process.pid, process)
            self._born[name] = time.monotonic()

    def get_worker_process(self, name: str, burst: bool, _sleep: float = 0, logging_level: str = 'INFO') -> BaseProcess:
        """A process that will be a worker once it is started."""
        arguments = (name, self._queue_names, *parse_connection(self.connection))
        options = {
            'worker_class': self.worker_class,
            'serializer': self.serializer,
            'job_class': self.job_class,
            'queue_class': self.queue_class,
            'exception_handlers': self.exception_handlers,
            'burst': burst,
            'logging_level': logging_level,
            '_sleep': _sleep,
            'policies': self.policies,
        }
        # The kernel tells a child of the end of the thread that made it; only these last as long as the pool.
        lasting = self.status is self.Status.STARTED or threading.current_thread() is threading.main_thread()
        return get_context('fork').Process(
            target=_live,
            args=(os.getpid() if lasting else None, arguments, options),
            name=f'Worker {name} (WorkerPool {self.name})',
        )


def run_worker(  # RQ's signature
    worker_name: str,
    queue_names: Iterable[str],
    connection_class: Any,
    connection_pool_class: Any,
    connection_pool_kwargs: dict[str, Any],
    worker_class: type[BaseWorker] = Worker,
    serializer: Any = DefaultSerializer,
    job_class: type[Job] = Job,
    queue_class: type[Queue] = Queue,
    exception_handlers: Any = None,
    burst: bool = True,
    logging_level: str = 'INFO',
    _sleep: float = 0,
    *,
    policies: dict[str, Any] | None = None,
) -> None:
    """Runs a worker in this process, with a connection of its own, until it ends.

    `policies`: its `on_lost` and `max_deaths`, and the `grace` of its work.
    """
    from redis import ConnectionPool

    pool = ConnectionPool(connection_class=connection_pool_class, **connection_pool_kwargs)
    connection = connection_class(connection_pool=pool)
    queues = [queue_class(name, connection=connection) for name in queue_names]
    worker = worker_class(
        queues,
        name=worker_name,
        connection=connection,
        exception_handlers=exception_handlers,
        serializer=serializer,
        job_class=job_class,
        queue_class=queue_class,
    )
    if _sleep:
        time.sleep(_sleep)
    more = worker.take_policies(policies or {})
    worker.work(burst=burst, logging_level=logging_level, with_scheduler=True, **more)


def _live(pool_pid: int | None, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    """The life of a worker of a pool: in a group of its own, since Ctrl-C is for the pool, and not beyond the pool's."""
    os.setpgid(0, 0)
    if pool_pid is not None:
        die_with_parent(pool_pid)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    try:
        run_worker(*arguments, **options)
    except Exception as error:
        log = logging.getLogger('rq.worker_pool')
        log.error('Worker %s cannot go on: %s', arguments[0], reason_of(error))
        log.debug('This is where', exc_info=True)
        raise SystemExit(1) from None


@contextmanager
def _signals_held() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _how(code: int | None) -> str:
    return f'signal {signal.Signals(-code).name}' if code is not None and code < 0 else f'exit code {code}'
