"""SimpleWorker: jobs run in the caller's own process, one at a time; a helper thread keeps the leases.

For tests, for debuggers and for systems without fork. A job that kills the process kills the worker.
"""

from __future__ import annotations

import select
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from rq.connections import clone
from rq.store import claim as store
from rq.store import keys
from rq.store import worker as worker_store
from rq.store.wire import Wire
from rq.timeouts import TimerDeathPenalty

from . import settings
from .base import BaseWorker
from .care import Care
from .deadline import Deadline
from .log import JobLog
from .order import QueueOrder
from .outage import Outage
from .runner import Pack, Runner

if TYPE_CHECKING:
    from collections.abc import Callable

    from rq.store.claim import Answer, Lease

__all__ = ['SimpleWorker']

# How long it waits for a token before it looks at its signals and limits again.
BLOCK = 1.0


class SimpleWorker(BaseWorker):
    """A worker that runs jobs in the process that called `work()`."""

    def _work(self, burst: bool, max_jobs: int | None, max_idle_time: int | None) -> bool:
        loop = _Loop(self)
        self._runner, self._is_horse = loop.runner, False
        try:
            return loop.run(burst, max_jobs, max_idle_time)
        finally:
            self._runner = None
            self.log.info(f"Worker 'rq:worker:{self.name}' done, quitting")


class _Loop:
    """One call of `work()`."""

    def __init__(self, worker: SimpleWorker) -> None:
        self.worker = worker
        self.deadline: Deadline | None = Deadline()
        self.signals: list[tuple[signal.Signals, Any]] = []
        self.stopping = 0
        if threading.current_thread() is not threading.main_thread():
            self.deadline = None  # signals reach the main thread only
            worker.death_penalty_class = TimerDeathPenalty
        self.runner = Runner(worker, JobLog(worker.log, None), self.deadline)
        self.order = QueueOrder(worker.queue_names(), worker._dequeue_strategy)
        self.wire = Wire(clone(worker.connection, settings.WIRE_TIMEOUT))
        self.outage = Outage(worker.log, f'Worker {worker.name}')
        self.keeper = _Keeper(worker)
        self.seq = 0
        self.ran = 0
        self.done = self.failed = 0
        self.worked = 0.0
        self.outcomes: list[bytes] = []
        self.token = b''

    def run(self, burst: bool, max_jobs: int | None, max_idle: int | None) -> bool:
        """Works until the end; answers whether any job ran."""
        self._take_signals()
        self.keeper.start()
        try:
            seconds, micros = self._insist(lambda: self.wire.command(b'TIME'))
            self.seq = int(seconds) * 1_000_000 + int(micros)
            self._work(burst, max_jobs, max_idle)
        finally:
            self.keeper.stop()
            self._give_signals_back()
            self.wire.close()
        return self.ran > 0

    def _work(self, burst: bool, max_jobs: int | None, max_idle: int | None) -> None:
        idle_since = time.monotonic()
        while True:
            ending = bool(self.stopping) or (max_jobs is not None and self.ran >= max_jobs)
            if ending and not self.outcomes:
                return
            answer = self._exchange(0 if ending else 1)
            if ending:
                return
            if answer.jobs:
                self._run(answer)
                idle_since = time.monotonic()
                continue
            if burst and not answer.dropped:
                return
            if max_idle is not None and time.monotonic() - idle_since >= max_idle:
                return
            if not answer.dropped:
                self._block(answer)

    def _exchange(self, room: int) -> Answer:
        self.seq += 1
        queues = [(name, 1) for _, name in self.order.next()]
        counters = (self.done, self.failed, self.worked)
        token, self.token = self.token, b''
        worker = self.worker
        claim = store.Claim(
            worker.name.encode(), worker.incarnation, self.seq, queues, room, self.outcomes, token, b'idle', counters
        )
        answer: Answer = self._insist(lambda: store.exchange(self.wire, claim))
        if b'STALE' in answer.became:
            worker.log.error('An outcome came too late and was dropped: its lease had gone to another worker')
        self.outcomes = []
        return answer

    def _insist(self, request: Callable[[], Any]) -> Any:
        while True:
            try:
                answer = request()
                self.outage.passed()
                return answer
            except (RedisError, OSError) as error:
                self.wire.close()
                time.sleep(self.outage.failed(error))

    def _run(self, answer: Answer) -> None:
        [claimed] = answer.jobs
        job = claimed._replace(queue=self.order.number(claimed.queue))
        pack = Pack(self.seq, [job], answer.now_us)
        lease = store.Lease(self.order.names[job.queue], job.id.decode(), job.execution.decode())
        clock = time.monotonic_ns()
        self.keeper.hold(lease, pack.redis_us(clock) / 1e6)
        if self.deadline is not None:
            self.deadline.open([_timeout(job.hash.get(b'timeout'))])
        try:
            packed, ended = self.runner.run(pack, 0, clock)
        finally:
            if self.deadline is not None:
                self.deadline.close()
            self.keeper.let_go()
        self.outcomes.append(packed)
        self.ran += 1
        self.done, self.failed = self.runner.done, self.runner.failed
        self.worked += (ended - clock) / 1e9

    def _block(self, answer: Answer) -> None:
        held = {name.decode() for name in answer.suspended}
        names = [name for name in self.order.names if name not in held]
        if not names:
            time.sleep(BLOCK / 2)
            return
        markers = [keys.wake(name).encode() for name in names]
        try:
            self.wire.send(len(markers) + 2, Wire.pack([b'BLPOP', *markers, b'%.3f' % BLOCK]))
            ready, _, _ = select.select([self.wire], [], [], BLOCK + settings.WIRE_TIMEOUT)
            found = self.wire.receive() if ready else None
            if found is not None:
                self.token = keys.wake_name(found[0].decode()).encode()
        except (RedisError, OSError) as error:
            self.wire.close()
            time.sleep(self.outage.failed(error))

    # --- signals: the first lets the job end, the second does not

    def _take_signals(self) -> None:
        if self.deadline is None:
            return
        self.deadline.install()
        for number in (signal.SIGINT, signal.SIGTERM):
            self.signals.append((number, signal.signal(number, self._on_stop)))

    def _give_signals_back(self) -> None:
        if self.deadline is not None:
            self.deadline.remove()
        for number, handler in self.signals:
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _on_stop(self, signum: int, frame: Any) -> None:
        self.stopping += 1
        if self.stopping > 1:
            raise SystemExit('Cold shut down')
        self.worker.log.info('Warm shut down requested')


class _Keeper(threading.Thread):
    """The helper thread: renews leases, shows a long job to readers, and does its share for all."""

    def __init__(self, worker: SimpleWorker) -> None:
        super().__init__(name=f'rq-keeper-{worker.name}', daemon=True)
        self.worker = worker
        self.connection = clone(worker.connection, settings.SUPERVISOR_TIMEOUT)
        self.care = Care(worker, self.connection, self._leases)
        self.outage = Outage(worker.log, f'Worker {worker.name}')
        self._held: tuple[Lease, float, float] | None = None
        self._shown_at = 0.0
        self._end = threading.Event()

    def hold(self, lease: Lease, started: float) -> None:
        """A job begins; `started` in Redis time, epoch seconds."""
        self._shown_at = 0.0
        self._held = (lease, started, time.monotonic())

    def let_go(self) -> None:
        """The job has ended."""
        self._held = None

    def _leases(self) -> list[Lease]:
        held = self._held
        return [held[0]] if held else []

    def stop(self) -> None:
        """Ends the thread."""
        self._end.set()
        self.join(timeout=settings.SUPERVISOR_TIMEOUT * 3)

    def run(self) -> None:
        """The thread's loop."""
        pause = settings.ANNOUNCE_AFTER / 2
        while not self._end.wait(pause):
            try:
                self._show()
                self.care.tick()
                self.outage.passed()
                pause = settings.ANNOUNCE_AFTER / 2
            except (RedisError, OSError) as error:
                pause = self.outage.failed(error)
        try:
            self.care.leave()
        except (RedisError, OSError):
            pass  # tokens end by themselves, and others nudge

    def _show(self) -> None:
        held, now = self._held, time.monotonic()
        if held is None or now - held[2] < settings.ANNOUNCE_AFTER:
            return
        if self._shown_at and now - self._shown_at < settings.ANNOUNCE_TTL / 3:
            return
        worker_store.announce(self.connection, self.worker.name, held[0], held[1], settings.ANNOUNCE_TTL)
        self._shown_at = now


def _timeout(stored: bytes | None) -> int:
    try:
        return int(stored or 180)
    except ValueError:
        return 180
