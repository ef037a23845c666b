"""BaseWorker: who a worker is, and what it does with one job. Subclasses override the methods of RQ's names."""

from __future__ import annotations

import logging
import os
import socket
import sys
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from redis.exceptions import RedisError

from rq.allow import allow_list
from rq.defaults import (
    DEFAULT_JOB_MONITORING_INTERVAL,
    DEFAULT_LOGGING_DATE_FORMAT,
    DEFAULT_LOGGING_FORMAT,
    DEFAULT_MAINTENANCE_TASK_INTERVAL,
    DEFAULT_RESULT_TTL,
    DEFAULT_WORKER_TTL,
)
from rq.exceptions import DeserializationError
from rq.job import Job, JobStatus, Retry
from rq.job.checks import policy
from rq.job_lifecycle import call_exception_handlers
from rq.limits import LIMITS
from rq.logutils import blue, green, setup_loghandlers, yellow
from rq.queue import Queue
from rq.serializers import resolve_serializer
from rq.store import keys
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty
from rq.utils import backend_class, ensure_job_list, get_connection_from_queues, now
from rq.version import VERSION

from . import guard
from .alone import CURRENT, Held, reported
from .care import promote
from .chain import Chain
from .deadline import JobStopped
from .failure import exception_text, one_line, shortened
from .hearing import Hearing
from .modes import DequeueStrategy
from .reading import Reading
from .settings import HorseOptions
from .shield import Shield
from .tally import counting, release
from .upkeep import Upkeep

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis import Redis

    from rq.executions import Execution

    from .inbox import Inbox
    from .runner import Runner

__all__ = ['BaseWorker', 'logger']

logger = logging.getLogger('rq.worker')

# Seconds for which RQ's last sign of life of a run is good.
HEARTBEAT = 60


class BaseWorker(Hearing, Reading, Chain, Upkeep):
    """A worker of some queues. `work()` runs their jobs; see Worker (a process of its own for jobs) and SimpleWorker."""

    redis_worker_namespace_prefix = keys.worker('')
    redis_workers_keys = keys.workers()
    death_penalty_class: Any = UnixSignalDeathPenalty
    timeout_exception = JobTimeoutException
    queue_class: Any = Queue
    job_class: Any = Job
    log_result_lifespan = True
    log_job_description = True

    def __init__(  # RQ's signature
        self,
        queues: str | Queue | Sequence[str] | Sequence[Queue],
        name: str | None = None,
        default_result_ttl: int = DEFAULT_RESULT_TTL,
        connection: Redis | None = None,
        exception_handlers: Any = None,
        maintenance_interval: int = DEFAULT_MAINTENANCE_TASK_INTERVAL,
        default_worker_ttl: int | None = None,
        worker_ttl: int | None = None,
        job_class: type[Job] | str | None = None,
        queue_class: type[Queue] | str | None = None,
        log_job_description: bool = True,
        job_monitoring_interval: int = DEFAULT_JOB_MONITORING_INTERVAL,
        disable_default_exception_handler: bool = False,
        prepare_for_work: bool = True,
        serializer: Any = None,
        work_horse_killed_handler: Callable[..., Any] | None = None,
        *,
        allow: Any = None,
        on_lost: str | None = None,
        max_deaths: int | None = None,
        stats: bool | None = None,
    ) -> None:
        found = connection or get_connection_from_queues(ensure_job_list(queues))
        if found is None:
            raise TypeError('BaseWorker() missing 1 required argument: connection= (or queues that have one)')
        self.connection: Redis = found
        self.name = name or uuid4().hex
        if any(mark in self.name for mark in '\n\r'):
            raise ValueError(f'A worker name must not have line breaks: {self.name!r}')
        self.job_class = backend_class(self, 'job_class', override=job_class)
        self.queue_class = backend_class(self, 'queue_class', override=queue_class)
        self.serializer = resolve_serializer(serializer)
        self.queues: list[Queue] = [self._queue(item) for item in ensure_job_list(queues)]
        self.validate_queues()
        self._ordered_queues = list(self.queues)
        self.default_result_ttl = default_result_ttl
        self.worker_ttl = worker_ttl or default_worker_ttl or DEFAULT_WORKER_TTL
        self.maintenance_interval = maintenance_interval
        self.job_monitoring_interval = job_monitoring_interval
        self.log_job_description = log_job_description
        self.disable_default_exception_handler = disable_default_exception_handler
        self.work_horse_killed_handler = work_horse_killed_handler
        self.on_lost = policy(on_lost)  # of jobs that have none of their own
        self.max_deaths = max_deaths  # after so many a job is given up (3); 0: never
        self._grace: float | None = None  # seconds
        self._exc_handlers: list[Any] = list(ensure_job_list(exception_handlers or []))
        self.horse_options = HorseOptions()
        self.counts, self.release = counting(found, stats), release()  # for the dashboard
        self.allow = allow_list(allow)
        self.incarnation = uuid4().hex[:16]
        self._is_horse = False
        self._dequeue_strategy = DequeueStrategy.DEFAULT
        self._runner: Runner | None = None
        self._held: dict[str, Held] = {}
        self._inbox: Inbox | None = None
        self.executions: dict[str, Execution] = {}
        self.log: logging.Logger = logger
        self.version = VERSION
        self.python_version = sys.version
        self.hostname = socket.gethostname() if prepare_for_work else None
        self.pid = os.getpid() if prepare_for_work else None
        self.ip_address = 'unknown'

    def _queue(self, item: Any) -> Queue:
        if not isinstance(item, str):
            return item  # type: ignore[no-any-return]
        queue: Queue = self.queue_class(
            item, connection=self.connection, job_class=self.job_class, serializer=self.serializer
        )
        return queue

    def validate_queues(self) -> None:
        """Nothing, if every queue is one. Raises TypeError else, and ValueError when there is none."""
        for queue in self.queues:
            if not isinstance(queue, Queue):
                raise TypeError(f'{queue!r} is not of type {Queue} or string types')
        if not self.queues:
            raise ValueError('A worker needs at least one queue')

    # --- running

    def bootstrap(
        self,
        logging_level: str | None = 'INFO',
        date_format: str = DEFAULT_LOGGING_DATE_FORMAT,
        log_format: str = DEFAULT_LOGGING_FORMAT,
    ) -> None:
        """Sets up logging (level INFO where nobody has chosen one), makes the worker known and says so."""
        if logging_level is None and logger.level == logging.NOTSET:
            logging_level = 'INFO'
        setup_loghandlers(logging_level, date_format, log_format)
        guard.is_on(self)  # keys that cannot be read end the worker before it has taken anything
        self.pid, self.hostname = os.getpid(), socket.gethostname()  # the process that works, which may be a fork
        self.register_birth()
        self._warn_of_eviction()
        self.log.info("Worker '%s' started with PID %s, version %s", self.key, self.pid, VERSION)
        names = ', '.join(green(name) for name in self.queue_names())
        self.log.info('*** Listening on %s...', names)
        for name in self.queue_names():
            self.log.info('Cleaning registries for queue: %s', name)

    def work(
        self,
        burst: bool = False,
        logging_level: str | None = None,
        date_format: str = DEFAULT_LOGGING_DATE_FORMAT,
        log_format: str = DEFAULT_LOGGING_FORMAT,
        max_jobs: int | None = None,
        max_idle_time: int | None = None,
        with_scheduler: bool = False,
        dequeue_strategy: DequeueStrategy = DequeueStrategy.DEFAULT,
        *,
        grace: float | None = None,
    ) -> bool:
        """Runs jobs until told to stop; answers whether any ran. `burst`: until the queues are empty.

        `with_scheduler` is accepted: every worker promotes due jobs. `grace`: told to stop, it ends within so many seconds;
        a job that still runs then follows its policy (`on_lost`). Raises WorkerNameTaken (a ValueError).
        """
        self._grace = grace
        self._dequeue_strategy = DequeueStrategy(dequeue_strategy)
        shield = Shield()
        with shield.raised():
            self.bootstrap(logging_level, date_format, log_format)
            self._promote(self.connection)  # before the first claim, so that a burst runs what is due
            try:
                return self._work(shield, burst, max_jobs, max_idle_time)
            finally:
                self.teardown()

    def _promote(self, connection: Redis) -> bool:
        # Where a burst begins and where it would end; in between it is a duty like others. Whether there may be more.
        try:
            found = promote(connection, self.queue_names())
        except (RedisError, OSError) as error:
            self.log.info('Redis is away: what is due waits (%s)', error)
            return False
        return found.moved > 0 or found.releasing > 0

    def _work(self, shield: Shield, burst: bool, max_jobs: int | None, max_idle_time: int | None) -> bool:
        raise NotImplementedError('BaseWorker does not run jobs: use Worker or SimpleWorker')

    # --- one job, by RQ's method names (tools replace these on the class)

    def perform_job(self, job: Job, queue: Queue, execution: Execution | None = None) -> bool:
        """Whether the job's function returned; its outcome is taken down and stored with its pack."""
        if self._runner is None and CURRENT.get() is None:  # as a decorator it would cost every job of a pack a call
            return bool(reported(BaseWorker.perform_job)(self, job, queue, execution))
        runner = self._running()
        registry = runner.registry(queue)
        if not runner.log.silent:
            runner.log.info(self._begin_line(job, queue))
        try:
            value = runner.call(job, queue)
            self.handle_execution_ended(job, queue, HEARTBEAT)
            job._status = JobStatus.FINISHED
            job._result = value  # type: ignore[attr-defined]  # RQ's name
            if isinstance(value, Retry):
                self.handle_job_retry(job, queue, value, registry, execution)
                return True
            if job._raw.get(b'success_callback_name'):
                runner.call_back(job.success_callback_timeout, job.execute_success_callback, value)
            self.handle_job_success(job=job, queue=queue, started_job_registry=registry, execution=execution)
        except JobStopped:
            job.ended_at, job._status = now(), JobStatus.STOPPED
            runner.note_stop(job)
            return False
        except BaseException as error:
            if runner.outcome is not None:
                raise  # behind the end of the job, which stays what it was
            if job.ended_at is None:
                self.handle_execution_ended(job, queue, HEARTBEAT)
            job._status = JobStatus.FAILED
            error = self._tell_failure(job, error)
            text = exception_text(error)
            runner.note_failure(text, final=not job.retries_after(error))  # also where a subclass takes nothing down
            try:
                self.handle_exception(job, type(error), error, error.__traceback__)
            finally:
                self.handle_job_failure(
                    job=job, queue=queue, started_job_registry=registry, exc_string=text, execution=execution
                )
            return False
        return True

    def _tell_failure(self, job: Job, error: BaseException) -> BaseException:
        """Calls the job's failure callback; answers what was raised last: the callback's own mistake counts, as in RQ."""
        if job._raw.get(b'failure_callback_name'):
            exc_info = (type(error), error, error.__traceback__)
            try:
                self._running().call_back(job.failure_callback_timeout, job.execute_failure_callback, *exc_info)
            except BaseException as mistake:  # noqa: BLE001 - whatever it is, the job has failed, and so has this
                self._running().log.error(f'Job {one_line(job.id)}: error while executing failure callback')
                return mistake
        return error

    def handle_job_success(
        self, job: Job, queue: Queue, started_job_registry: Any, execution: Execution | None = None
    ) -> None:
        """Takes down that the job's function returned `job._result`. Raises PayloadTooLarge."""
        if self._runner is None and CURRENT.get() is None:
            reported(BaseWorker.handle_job_success)(self, job, queue, started_job_registry, execution)
            return
        runner = self._running()
        runner.note_success(job, job.__dict__.get('_result'))
        if runner.log.silent:
            return
        line = f'{queue.name}: {green("Job OK")} ({job.id})'
        runner.log.info(line)
        if self.log_result_lifespan:
            runner.log.info(_lifespan(job.get_result_ttl(self.default_result_ttl)))

    @reported
    def handle_job_retry(
        self, job: Job, queue: Queue, retry: Retry, started_job_registry: Any, execution: Execution | None = None
    ) -> None:
        """Takes down that the job's function returned a Retry: it runs again, or has failed if that was one too many."""
        runner = self._running()
        count = job.number_of_retries or 0
        again = count < retry.max
        job._status = JobStatus.QUEUED if again else JobStatus.FAILED
        runner.note_retry(job, retry, again)
        line = f'Job {job.id} asked for another try' if again else f'Job {job.id} asked for more than {retry.max} tries'
        runner.log.info(line)

    @reported
    def handle_job_failure(
        self,
        job: Job,
        queue: Queue,
        started_job_registry: Any = None,
        exc_string: str = '',
        execution: Execution | None = None,
    ) -> None:
        """Takes down that the job failed; with retries left it will be tried again."""
        retry = _will_retry(job)
        job._status = JobStatus.QUEUED if retry else JobStatus.FAILED
        job._exc_info = exc_string
        runner = self._running()
        runner.note_failure(exc_string)
        line = f'Job {job.id} will be tried again' if retry else "Moving job to 'failed' queue"
        runner.log.info(line)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """Logs what a job raised and hands it to the handlers, in their order, until one answers False."""
        text = shortened(exception_text(exc_info[1]), LIMITS.log)
        line = f'[Job {one_line(job.id)}]: exception raised while executing ({one_line(_name(job))})\n{text}'.rstrip()
        self.log.error(line) if self._runner is None else self._runner.log.error(line)
        call_exception_handlers(self._exc_handlers, job, *exc_info)

    def push_exc_handler(self, handler_func: Callable[..., Any]) -> None:
        """Adds an exception handler: handler(job, type, value, traceback)."""
        self._exc_handlers.append(handler_func)

    def pop_exc_handler(self) -> Callable[..., Any]:
        """The exception handler pushed last, which is taken out."""
        handler: Callable[..., Any] = self._exc_handlers.pop()
        return handler

    @property
    def is_horse(self) -> bool:
        """Whether this is the process that runs jobs."""
        return self._is_horse

    def _running(self) -> Runner:
        runner = self._runner or CURRENT.get()
        if runner is None:
            raise RuntimeError('No job runs: call work(), or use SimpleWorker')
        return runner

    def _begin_line(self, job: Job, queue: Queue) -> str:
        if not self.log_job_description:
            return f'{green(queue.name)}: ({job.id})'
        return f'{green(queue.name)}: {blue(one_line(job.description or _name(job), LIMITS.line))} ({job.id})'

    # --- as a value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BaseWorker):
            raise TypeError('Cannot compare workers to other types (of workers)')
        return self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'<{type(self).__name__} {self.name}>'


def _name(job: Job) -> str:
    try:
        return job.func_name
    except Exception:  # noqa: BLE001 - what cannot be decoded has no name, and that is what failed
        return job.description or 'unreadable call'


def _will_retry(job: Job) -> bool:
    try:
        return job.should_retry
    except DeserializationError:  # nor can the store read how many are left
        return False


def _lifespan(seconds: int) -> str:
    if seconds > 0:
        return f'Result is kept for {seconds} seconds'
    return (
        'Result discarded immediately'
        if seconds == 0
        else yellow('Result will never expire, clean up result key manually')
    )
