"""Running claimed jobs one after the other: what a horse and a SimpleWorker have in common."""

from __future__ import annotations

import os
import time
from contextvars import copy_context
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rq import signing
from rq.defaults import DEFAULT_FAILURE_TTL
from rq.executions import Execution
from rq.job import JobStatus, Retry
from rq.results import encode_death, encode_exception, encode_return_value
from rq.store.wire import bulk
from rq.timeouts import BaseTimeoutException, JobTimeoutException, UnixSignalDeathPenalty

from .failure import exception_text, one_line, reason_of
from .guard import guard, is_on
from .mishaps import Odd
from .settlement import STOPPED
from .usage import used

if TYPE_CHECKING:
    from collections.abc import Callable

    from rq.job import Job
    from rq.store.claim import Claimed

    from .base import BaseWorker
    from .deadline import Deadline
    from .log import JobLog
    from .pack import Pack

__all__ = ['Runner', 'packed_outcome']

UNSET = object()

# Of an outcome: only the status is `failed`, all else about the failed job is its handlers' (lua/lib/settle.lua).
BARE = -2

# Kinds of outcomes of functions that returned as they were meant to (lua/lib/settle.lua).
SUCCESSES = (b'F', b'R', b'A')

# A job shorter than this (nanoseconds) has started no process; after so many in a row its queue's lines may wait.
SHORT = 500_000
SHORT_IN_A_ROW = 64


def packed_outcome(
    kind: bytes, queue: bytes, claimed: Claimed, times: tuple[int, int], ttl: int, payload: bytes
) -> bytes:
    """An outcome as the eight bulk strings of lua/lib/results.lua. `queue` is packed already."""
    started, ended = b'%d' % times[0], b'%d' % times[1]
    seconds = b'%d' % ttl
    return b'$1\r\n%b\r\n%b$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n' % (
        kind, queue, len(claimed.id), claimed.id, len(claimed.execution), claimed.execution, len(started), started,
        len(ended), ended, len(seconds), seconds, len(payload), payload,
    )  # fmt: skip


class Runner:
    """Runs jobs through their worker's methods and takes down what each came to."""

    def __init__(self, worker: BaseWorker, log: JobLog, deadline: Deadline | None) -> None:
        self.worker = worker
        self.log = log
        self.deadline = deadline
        self.queues = worker.queues
        self.pid = os.getpid()
        self.guarded = is_on(worker)
        self._packed_queues = [bulk(queue.name.encode()) for queue in self.queues]
        self._registries = [queue.started_job_registry for queue in self.queues]
        self._death_penalty = worker.death_penalty_class
        self._classic = (
            deadline is None
            or self._death_penalty is not UnixSignalDeathPenalty
            or worker.timeout_exception is not JobTimeoutException
        )
        self._short = [0] * len(self.queues)  # how many jobs of each queue, the last ones, were short
        self.outcome: tuple[bytes, int, bytes] | None = None
        self.cut_short = ''  # why the job in hand is ended, where its worker has to stop
        self.stopping: Callable[[], bool] | None = None  # whether the worker was told to stop
        self.on_callback: Callable[[int], None] | None = None  # called before a callback that may take so many seconds
        self.done = 0
        self.failed = 0
        self.timed_out = False  # a job was ended by its timeout: it may have left processes
        # What ran since they were asked for, and what was not a short success of it (tally.py).
        self.runs: list[Any] = []
        self.odd: list[Odd] = []
        self.marks: list[Any] = []
        self._text = ''  # of the exception of the job in hand

    def run(self, pack: Pack, number: int, clock_ns: int) -> tuple[bytes, int]:
        """Runs one job. Answers its packed outcome and the monotonic nanoseconds when it had ended."""
        claimed = pack.jobs[number]
        worker, queue = self.worker, self.queues[claimed.queue]
        short = self._short[claimed.queue]
        self.outcome = None
        self.log.eager = short < SHORT_IN_A_ROW
        answer: Any = False
        job: Any = None
        try:
            job = self._job(claimed, queue, pack.redis_us(clock_ns))
            execution = Execution(claimed.execution.decode(), job.id, worker.connection)
            answer = copy_context().run(worker.perform_job, job, queue, execution)
        except BaseException as error:  # noqa: BLE001 - a worker's own method, or a timeout that struck between two lines of ours
            self._raised(claimed, error)
        if self.deadline is not None:
            self.deadline.clear()
        ended = time.monotonic_ns()
        long = ended - clock_ns >= SHORT
        self._short[claimed.queue] = 0 if long else short + 1
        self.log.ended()
        told: tuple[bytes, int, bytes] | None = self.outcome
        kind, ttl, payload = told or self._untold(answer)
        if kind in SUCCESSES:
            self.done += 1
        else:
            self.failed += 1
        name = '' if job is None else job.__dict__.get('_func_name', '')
        self.runs.append((claimed.queue, name, claimed, clock_ns, ended))
        if long or kind != b'F':
            self._stands_out(claimed, name, ended, kind, long)
        if signing.active is not None:
            payload = signing.active.seal(kind, claimed.id, claimed.execution, payload)
        times = (pack.redis_us(clock_ns), pack.redis_us(ended))
        return packed_outcome(kind, self._packed_queues[claimed.queue], claimed, times, ttl, payload), ended

    def told(self) -> tuple[list[Any], list[Odd], list[Any]]:
        """What ran since this was asked last, as `Tally.take` wants it."""
        told = self.runs, self.odd, self.marks
        self.runs, self.odd, self.marks = [], [], []
        return told

    def _stands_out(self, claimed: Claimed, name: str, ended: int, kind: bytes, long: bool) -> None:
        if long and self.worker.counts:
            self.marks.append((len(self.runs) - 1, used()))
        if kind != b'F':
            self.odd.append(Odd(claimed.queue, name, claimed, ended, kind, self._text))
            self._text = ''

    def _job(self, claimed: Claimed, queue: Any, started_us: int) -> Job:
        worker = self.worker
        job: Job = worker.job_class.from_hash(
            claimed.id.decode('utf-8', 'backslashreplace'), claimed.hash, worker.connection, worker.serializer
        )
        if self.guarded:
            guard(worker, job, queue.name)
        job._status = JobStatus.STARTED
        job.started_at = datetime.fromtimestamp(started_us / 1e6, UTC)
        job.worker_name = worker.name
        job.origin = queue.name
        job._stopping = self.stopping
        return job

    def _raised(self, claimed: Claimed, error: BaseException) -> None:
        line = f'[Job {one_line(claimed.id.decode("utf-8", "backslashreplace"))}]: '
        if self.outcome is None:
            self._text = exception_text(error)
            self.outcome = (b'X', DEFAULT_FAILURE_TTL, encode_exception(self._text))
            line += f'failed: {reason_of(error)}'
        else:  # a subclass, an exception handler or a tool; what became of the job is decided
            line += f'exception raised after its end\n{exception_text(error)}'
        self.log.error(line.rstrip())

    def _untold(self, answer: Any) -> tuple[bytes, int, bytes]:
        """The outcome where a subclass has replaced the methods that take it down."""
        if answer is not None and not answer:
            self._text = f'perform_job of the worker answered {answer!r}\n'
            return b'X', DEFAULT_FAILURE_TTL, encode_exception(self._text)
        return b'F', self.worker.default_result_ttl, b''

    # --- called by the worker's methods

    def call(self, job: Job, queue: Any) -> Any:
        """What the job's function returns, under its timeout. Raises what it raises."""
        value: Any = UNSET
        try:
            seconds = job.timeout or queue._default_timeout
            _ = job.result_ttl  # one that cannot be read fails the job before it has done anything
            if self.log.eager:
                self.log.flush()
            if self._classic:
                with self._death_penalty(seconds, self.worker.timeout_exception, job_id=job.id):
                    value = job.perform()
            else:
                self.deadline.set(seconds)  # type: ignore[union-attr]
                value = job.perform()
                self.deadline.clear()  # type: ignore[union-attr]
        except BaseException as error:
            self._stay_single()
            self.timed_out = self.timed_out or isinstance(error, BaseTimeoutException)
            if self.deadline is not None:
                self.deadline.clear()
            if value is UNSET:
                raise
            # The time was up after the function had returned: it has succeeded.
        self._stay_single()
        return value

    def _stay_single(self) -> None:
        """Ends this process if it is a child that the job forked and let come here: there is one horse."""
        if os.getpid() != self.pid:
            self.log.dirty = True
            self.log.settle_output()
            os._exit(0)

    def note_success(self, job: Job, value: Any) -> None:
        """Takes down that a job's function returned `value`. Raises ResultTooLarge."""
        ttl = job.get_result_ttl(self.worker.default_result_ttl)
        stored = encode_return_value(job.serializer, value) if ttl != 0 else b''
        self.outcome = (b'F', ttl, stored)

    def note_failure(self, text: str, final: bool = False) -> None:
        """Takes down that a job failed, with the text of its exception; without one, a text given before stays.

        `final`: it is not tried again, whatever tries are left; what was final before stays so.
        """
        kind = b'X'
        if self.outcome is not None and self.outcome[0] in (b'X', b'Y'):
            if not text:
                return
            kind = self.outcome[0]
        ttl = BARE if self.worker.disable_default_exception_handler else DEFAULT_FAILURE_TTL
        self._text = text
        self.outcome = (b'Y' if final else kind, ttl, encode_exception(text))

    def note_retry(self, job: Job, retry: Any, again: bool) -> None:
        """Takes down that a job's function returned a Retry, and whether it is granted."""
        stored = encode_return_value(job.serializer, retry)
        draw = getattr(retry, 'draw', None)
        waits = draw() if draw is not None else retry.intervals
        delay = Retry.get_interval(job.number_of_retries or 0, waits) if again else 0
        self._text = '' if again else 'It asked for another try more often than it may.'
        kind = b'M' if not again else b'A' if retry.enqueue_at_front else b'R'
        self.outcome = (kind, delay, stored)

    def call_back(self, seconds: int, function: Callable[..., Any], *args: Any) -> None:
        """Calls a job's callback, which may take so many seconds. Raises what it raises."""
        if self.on_callback is not None:
            self.on_callback(seconds)
        if self.log.eager:
            self.log.flush()
        try:
            function(self._death_penalty, *args)
        except BaseException as error:
            self.timed_out = self.timed_out or isinstance(error, BaseTimeoutException)
            raise
        finally:
            self._stay_single()

    def note_stop(self, job: Job) -> None:
        """Takes down that a job was stopped on request, or that its worker cannot wait for it."""
        if self.cut_short:
            line = f'Job {job.id}: {self.cut_short}'
            self.log.error(line)
            self._text = self.cut_short
            self.outcome = (b'G', 0, encode_death(self.cut_short))
            return
        line = f'Job {job.id} stopped by user, moving job to FailedJobRegistry'
        self.log.info(line)
        self.outcome = (b'S', 0, STOPPED)

    def registry(self, queue: Any) -> Any:
        """The registry of a queue's running jobs."""
        return self._registries[self.queues.index(queue)]
