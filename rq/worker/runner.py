"""Running claimed jobs one after the other: what a horse and a SimpleWorker have in common."""

from __future__ import annotations

import time
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from rq.defaults import DEFAULT_FAILURE_TTL
from rq.executions import Execution
from rq.job import JobStatus
from rq.results import encode_exception, encode_return_value
from rq.store.wire import bulk
from rq.timeouts import UnixSignalDeathPenalty

from .failure import reason_of

if TYPE_CHECKING:
    from rq.job import Job
    from rq.store.claim import Claimed

    from .base import BaseWorker
    from .deadline import Deadline
    from .log import JobLog

__all__ = ['Pack', 'Runner', 'packed_outcome']

UNSET = object()


def packed_outcome(kind: bytes, queue: bytes, claimed: Claimed, times: tuple[int, int], ttl: int, payload: bytes) -> bytes:
    """An outcome as the eight bulk strings of lua/lib/results.lua. `queue` is packed already."""
    started, ended = b'%d' % times[0], b'%d' % times[1]
    seconds = b'%d' % ttl
    return b'$1\r\n%b\r\n%b$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n' % (
        kind, queue, len(claimed.id), claimed.id, len(claimed.execution), claimed.execution, len(started), started,
        len(ended), ended, len(seconds), seconds, len(payload), payload,
    )  # fmt: skip


class Pack:
    """Jobs claimed together: which, since when, and what became of them."""

    __slots__ = ('area', 'clock_ns', 'jobs', 'now_us', 'outcomes', 'seq')

    def __init__(self, seq: int, jobs: list[Claimed], now_us: int, area: int = 0) -> None:
        self.seq = seq
        self.jobs = jobs
        self.now_us = now_us
        self.clock_ns = time.monotonic_ns()
        self.area = area
        self.outcomes: list[bytes] = []

    def redis_us(self, clock_ns: int) -> int:
        """A monotonic instant as Redis time in microseconds."""
        return self.now_us + (clock_ns - self.clock_ns) // 1000


class Runner:
    """Runs jobs through their worker's methods and takes down what each came to."""

    def __init__(self, worker: BaseWorker, log: JobLog, deadline: Deadline | None) -> None:
        self.worker = worker
        self.log = log
        self.deadline = deadline
        self.queues = worker.queues
        self._packed_queues = [bulk(queue.name.encode()) for queue in self.queues]
        self._registries = [queue.started_job_registry for queue in self.queues]
        self._death_penalty = worker.death_penalty_class
        self._classic = deadline is None or self._death_penalty is not UnixSignalDeathPenalty
        self.outcome: tuple[bytes, int, bytes] | None = None
        self.done = 0
        self.failed = 0

    def run(self, pack: Pack, number: int, clock_ns: int) -> tuple[bytes, int]:
        """Runs one job. Answers its packed outcome and the monotonic nanoseconds when it had ended."""
        claimed = pack.jobs[number]
        worker, queue = self.worker, self.queues[claimed.queue]
        self.outcome = None
        try:
            job = self._job(claimed, queue, pack.redis_us(clock_ns))
            execution = Execution(claimed.execution.decode(), job.id, worker.connection)
            copy_context().run(worker.perform_job, job, queue, execution)
        except BaseException as error:  # a worker's own method, or a timeout that struck between two lines of ours
            self._give_up(claimed, error)
        if self.deadline is not None:
            self.deadline.clear()
        ended = time.monotonic_ns()
        kind, ttl, payload = self.outcome or (b'F', self.worker.default_result_ttl, b'')
        if kind == b'F':
            self.done += 1
        else:
            self.failed += 1
        times = (pack.redis_us(clock_ns), pack.redis_us(ended))
        return packed_outcome(kind, self._packed_queues[claimed.queue], claimed, times, ttl, payload), ended

    def _job(self, claimed: Claimed, queue: Any, started_us: int) -> Job:
        worker = self.worker
        job: Job = worker.job_class.from_hash(
            claimed.id.decode('utf-8', 'backslashreplace'), claimed.hash, worker.connection, worker.serializer
        )
        job._status = JobStatus.STARTED
        job.worker_name = worker.name
        job.origin = queue.name
        return job

    def _give_up(self, claimed: Claimed, error: BaseException) -> None:
        if self.outcome is None:
            text = reason_of(error)
            self.outcome = (b'X', DEFAULT_FAILURE_TTL, encode_exception(text))
            self.log.error(f'{self.queues[claimed.queue].name}: Job failed ({claimed.id.decode()}): {text}')

    # --- called by the worker's methods

    def call(self, job: Job, queue: Any) -> Any:
        """What the job's function returns, under its timeout. Raises what it raises."""
        seconds = job.timeout or queue._default_timeout
        if self._classic:
            with self._death_penalty(seconds, self.worker.timeout_exception, job_id=job.id):
                return job.perform()
        value = UNSET
        try:
            self.deadline.set(seconds)  # type: ignore[union-attr]
            value = job.perform()
            self.deadline.clear()  # type: ignore[union-attr]
        except BaseException:
            if value is UNSET:
                raise
            # The time was up after the function had returned: it has succeeded.
        return value

    def note_success(self, job: Job, value: Any) -> None:
        """Takes down that a job's function returned `value`."""
        ttl = job.get_result_ttl(self.worker.default_result_ttl)
        self.outcome = (b'F', ttl, encode_return_value(job.serializer, value) if ttl != 0 else b'')

    def note_failure(self, job: Job, text: str) -> None:
        """Takes down that a job failed, with the text of its exception."""
        self.outcome = (b'X', DEFAULT_FAILURE_TTL, encode_exception(text))

    def registry(self, queue: Any) -> Any:
        """The registry of a queue's running jobs."""
        return self._registries[self.queues.index(queue)]
