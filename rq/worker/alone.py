"""A job that is not part of a pack: in the classic way, or by a worker's methods called by hand.

Whoever begins it (`perform_job`, `main_work_horse`, `handle_job_failure` ...) sees to it that what it came to is in
Redis before it returns, as these methods do in RQ. The lease is the fence: what comes too late moves nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from rq import signing
from rq.connections import clone
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.executions import Execution
from rq.store import claim as store
from rq.store import worker as worker_store
from rq.store.claim import Claimed, Lease, Outcome
from rq.store.replies import Trouble, classify
from rq.timeouts import TimerDeathPenalty, UnixSignalDeathPenalty

from . import settings
from .failure import exception_text
from .guard import guard
from .inbox import told_of
from .log import JobLog
from .outage import Outage
from .runner import Runner
from .usage import used

if TYPE_CHECKING:
    from rq.job import Job

    from .base import BaseWorker

__all__ = ['CURRENT', 'Held', 'alone', 'hold', 'let_go', 'perform', 'reported', 'send']

# The runner of the job that this thread runs alone.
CURRENT: ContextVar[Runner | None] = ContextVar('rq_runner', default=None)

# What Redis answers so often that it can never take is given up; a worker does not stand still for it.
REFUSALS = 3


@dataclass(slots=True)
class Held:
    """A job that this worker has taken and nobody has settled: its lease, and when it was taken."""

    lease: Lease
    now_us: int  # Redis time, microseconds
    clock_ns: int = field(
        default_factory=time.monotonic_ns
    )  # the same instant here; one for all processes of a machine
    shown_at: float = 0.0

    def redis_us(self, clock_ns: int) -> int:
        """A monotonic instant as Redis time in microseconds."""
        return self.now_us + (clock_ns - self.clock_ns) // 1000


def reported(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of one job that, called outside of a pack, sees to the outcome it takes down."""
    takes = signature(method)

    @wraps(method)
    def run(self: BaseWorker, *args: Any, **kwargs: Any) -> Any:
        if self._runner is not None or CURRENT.get() is not None:
            return method(self, *args, **kwargs)
        told = takes.bind(self, *args, **kwargs).arguments
        with alone(self, told['job'], told['queue'], told.get('execution')):
            if method.__name__ == 'perform_job':
                self.prepare_job_execution(told['job'], True)
            return method(self, *args, **kwargs)

    return run


@contextmanager
def alone(worker: BaseWorker, job: Job, queue: Any, execution: Execution | None = None) -> Iterator[Runner]:
    """The runner of one job. What it has taken down at the end of the block is in Redis when this ends.

    Raises NoSuchJobError, and InvalidJobOperation for a job that another worker runs.
    """
    held = hold(worker, job, queue, execution)
    runner = Runner(worker, JobLog(worker.log, None), None)
    if runner.guarded:
        guard(worker, job, queue.name)
    if worker._is_horse and worker._killing is not None:
        runner.on_callback = worker._killing.allow
    if threading.current_thread() is not threading.main_thread() and issubclass(
        runner._death_penalty, UnixSignalDeathPenalty
    ):
        runner._death_penalty = TimerDeathPenalty
    before = used() if worker._inbox is not None else (0, 0, 0)
    began = time.monotonic_ns()
    token = CURRENT.set(runner)
    try:
        yield runner
    except BaseException as error:
        if runner.outcome is None:
            runner.note_failure(exception_text(error))
        raise
    finally:
        CURRENT.reset(token)
        kind, ttl, payload = runner.outcome or runner._untold(None)
        if signing.active is not None:
            payload = signing.active.seal(kind, held.lease.id.encode(), held.lease.execution.encode(), payload)
        times = (held.redis_us(began), held.redis_us(time.monotonic_ns()))
        send(worker, Outcome(kind.decode(), held.lease, *times, ttl, payload), _told(worker, job, before))


def perform(worker: BaseWorker, job: Job, queue: Any, execution: Execution | None) -> None:
    """`perform_job` of a worker, as the whole of a job's run: also where a subclass's own takes nothing down, or raises."""
    with alone(worker, job, queue, execution) as runner:
        run = execution or Execution(worker._held[job.id].lease.execution, job.id, worker.connection, worker.name)
        try:
            worker.prepare_job_execution(job, True)
            answer = worker.perform_job(job, queue, run)
            runner.outcome = runner.outcome or runner._untold(answer)
        except BaseException as error:  # noqa: BLE001 - a worker's own method; what became of the job is decided
            runner._raised(Claimed(0, job.id.encode(), b'', {}), error)


def hold(worker: BaseWorker, job: Job, queue: Any, execution: Execution | None = None) -> Held:
    """This worker's hold on a job; one that it has not claimed it takes now. Raises as `alone`."""
    held = worker._held.get(job.id)
    if held is not None and (execution is None or execution.id == held.lease.execution):
        return held
    ours = execution.id if execution is not None else worker._new_execution_id()
    lease = Lease(queue.name, job.id, ours)
    answer, now_us = store.hold(worker.connection, worker.name, lease)
    if answer == 'NONE':
        raise NoSuchJobError(f'No such job: {job.id}')
    if answer == 'HELD':
        raise InvalidJobOperation(f'Job {job.id} is run by another worker')
    found = worker._held[job.id] = Held(lease, now_us)
    return found


def let_go(worker: BaseWorker, lease: Lease) -> None:
    """A run is settled; by now the worker may hold the next run of the same job."""
    held = worker._held.get(lease.id)
    if held is not None and held.lease == lease:
        del worker._held[lease.id]
    worker.executions.pop(lease.execution, None)


def _told(worker: BaseWorker, job: Job, before: tuple[int, int, int]) -> dict[str, Any]:
    """What the outcome of a job that ran in this process does not tell of its run."""
    if worker._inbox is None:
        return {}
    cpu_us, children_us, peak_kb = used()
    raw, name = job._raw, job.__dict__.get('_func_name', '')
    return {
        'function': name if isinstance(name, str) else '',
        'enqueued_at': raw.get(b'enqueued_at', b'').decode('utf-8', 'replace'),
        'retries_left': raw.get(b'retries_left', b'').decode('utf-8', 'replace'),
        'cpu_us': cpu_us + children_us - before[0] - before[1],
        'peak_kb': peak_kb if peak_kb > before[2] else 0,
    }


def send(worker: BaseWorker, outcome: Outcome, told: Mapping[str, Any] | None = None) -> bytes:
    """What became of an outcome; through any outage. Raises only what a signal handler raises, and says what is lost."""
    client = clone(worker.connection, settings.WIRE_TIMEOUT)
    outage = Outage(worker.log, f'Worker {worker.name}')
    became, refused, tries = b'', 0, 0
    try:
        while not became and refused < REFUSALS:
            tries += 1
            try:
                [became] = store.finish(client, worker.name, [outcome])
                outage.passed()
            except (RedisError, OSError) as error:
                refused += isinstance(error, RedisError) and classify(error) is Trouble.BUG
                time.sleep(outage.failed(error))
        if became:
            let_go(worker, outcome.lease)
            if became != b'STALE':
                _count(worker, client, outcome, became)
                if worker._inbox is not None:
                    worker._inbox.put(told_of(outcome)._replace(**(told or {})))
            elif tries == 1:  # else it was our own first sending that settled it
                text = 'Job %s: its outcome came too late and was dropped: its lease had gone to another worker'
                worker.log.error(text, outcome.lease.id)
        return became
    finally:
        if not became:
            size = len(outcome.payload)
            worker.log.error('Redis has not taken the outcome of job %s (%d bytes)', outcome.lease.id, size)
        client.connection_pool.disconnect()


def _count(worker: BaseWorker, client: Any, outcome: Outcome, became: bytes) -> None:
    field = 'successful_job_count' if became == b'FINISHED' else 'failed_job_count'
    try:
        worker_store.count_run(client, worker.name, field, (outcome.ended_us - outcome.started_us) / 1e6)
    except (RedisError, OSError):
        pass  # numbers for readers; the job itself is settled
