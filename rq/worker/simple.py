"""What a SimpleWorker does: jobs run in the caller's own process, one at a time; a helper thread keeps the leases."""

from __future__ import annotations

import mmap
import os
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
from rq.store.imitation import is_imitation
from rq.store.wire import Wire
from rq.timeouts import TimerDeathPenalty, UnixSignalDeathPenalty

from . import plan, settings
from .board import bulks
from .care import Care
from .deadline import Deadline
from .errands import Errands
from .forks import rests_at_forks
from .log import JobLog
from .notes import COLD
from .order import QueueOrder
from .outage import Outage
from .pack import Pack
from .runner import Runner
from .surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable

    from rq.store.claim import Answer, Claim, Lease

    from .base import BaseWorker

__all__ = ['Keeper', 'Loop']

# How long it waits for a token before it looks at its limits again, and how often it looks for the end of a suspension.
BLOCK = 1.0
# An imitation of a server has no socket to wait on; it is asked again so often.
ASK_AGAIN = 0.05


class Loop:
    """One call of a SimpleWorker's `work()`."""

    tells_deaths = False

    def __init__(self, worker: BaseWorker) -> None:
        self.worker = worker
        self.main = threading.current_thread() is threading.main_thread()  # the only one that signals reach
        self.deadline: Deadline | None = None
        if self.main and hasattr(signal, 'SIGALRM'):
            self.deadline = Deadline()
        elif issubclass(worker.death_penalty_class, UnixSignalDeathPenalty):
            worker.death_penalty_class = TimerDeathPenalty
        self.runner = Runner(worker, JobLog(worker.log, None), self.deadline)
        self.order = QueueOrder(worker.queue_names(), worker._dequeue_strategy)
        self.client = clone(worker.connection, settings.SUPERVISOR_TIMEOUT)
        self.wire = Wire(clone(worker.connection, settings.WIRE_TIMEOUT))
        self.imitation = is_imitation(worker.connection)
        self.outage = Outage(worker.log, f'Worker {worker.name}')
        self.keeper = self._keeper()
        self.stop = _Stop(self.keeper)
        self.runner.stopping = self.stop.seen
        self.tally = self.keeper.care.tally
        self.errands = self.keeper.errands = Errands(self)
        self.keeper.care.on_notes = self.errands.look
        self.seq = 0
        self.ran = 0
        self.worked = 0.0
        self.outcomes: list[bytes] = []
        self.token = b''

    def run(self, burst: bool, max_jobs: int | None, max_idle: int | None) -> bool:
        """Works until the end; answers whether any job ran. Raises SystemExit when told a second time to stop."""
        names = {name: os.environ.get(name) for name in ('RQ_WORKER_ID', 'RQ_JOB_ID')}
        os.environ['RQ_WORKER_ID'] = self.worker.name
        if self.deadline is not None:
            self.deadline.install()
        self.surroundings = Surroundings()
        self.worker._chief = self.errands
        self.worker.subscribe()
        self.keeper.start()
        try:
            if self.begin():
                self._work(burst, max_jobs, max_idle)
                while not self.stop.told and self.errands.do() and burst:  # callbacks may have enqueued more
                    self._work(burst, max_jobs, max_idle)
        finally:
            self._say_what_is_lost()
            self.wire.close()  # before the keeper leaves: a token that was on its way to us is then passed on
            self.client.connection_pool.disconnect()
            self.keeper.stop()
            self.worker._chief = None
            self.worker.unsubscribe()
            self.stop.close()
            if self.deadline is not None:
                self.deadline.remove()
            _set_names(names)
        return self.ran > 0

    def begin(self) -> bool:
        """Learns from which number on its requests count; False: told to stop meanwhile."""
        answer = self._insist(lambda: self.wire.command(b'TIME'))
        if answer is not None:
            self.seq = int(answer[0]) * 1_000_000 + int(answer[1])
        return answer is not None

    def told(self, at_once: bool = False) -> None:
        """Told to stop by the worker's own methods, from whatever thread or signal handler."""
        if not self.stop.told:
            self.keeper.say('Warm shut down requested')
            self.stop.tell()

    def _say_what_is_lost(self) -> None:
        for packed in self.outcomes:
            job_id = _text(bulks(packed)[2])
            self.worker.log.error('Redis has not taken the outcome of job %s (%d bytes)', job_id, len(packed))

    def _work(self, burst: bool, max_jobs: int | None, max_idle: int | None) -> None:
        idle_since = time.monotonic()
        while True:
            ending = self.stop.told or (max_jobs is not None and self.ran >= max_jobs)
            if ending and not self.outcomes:
                return
            if self.errands.due:
                self.errands.do()
            answer = self._exchange(0 if ending else 1)
            if ending or answer is None:
                return
            if answer.jobs:
                self._run(answer)
                idle_since = time.monotonic()
                continue
            if answer.dropped:
                continue
            idle = time.monotonic() - idle_since
            if burst and self.worker._promote(self.client):
                continue
            if burst or (max_idle is not None and idle >= max_idle):
                return
            self._block(answer, BLOCK if max_idle is None else min(BLOCK, max_idle - idle))

    def _exchange(self, room: int) -> Answer | None:
        """The answer to a claim; None: told to stop, and nothing was owed."""
        self.seq += 1
        queues = [(name, 1) for _, name in self.order.next()]
        token, self.token = self.token, b''
        worker = self.worker
        what = queues, room, self.outcomes, token, b'idle', self._counters()
        claim = store.Claim(worker.name.encode(), worker.incarnation, self.seq, *what)
        answer: Answer | None = self._insist(lambda: store.exchange(self.wire, claim), claim)
        if answer is None:
            return None
        if b'STALE' in answer.became:
            worker.log.error('An outcome came too late and was dropped: its lease had gone to another worker')
        self.outcomes = []
        return answer

    def _keeper(self) -> Keeper:
        return Keeper(self.worker)

    def _counters(self) -> tuple[int, int, float] | None:
        return self.runner.done, self.runner.failed, self.worked

    def _insist(self, request: Callable[[], Any], claim: Claim | None = None) -> Any:
        """The answer, whatever happens to Redis meanwhile; None: told to stop before there was one, and nothing is owed."""
        while True:
            try:
                answer = request()
                self.outage.passed()
                return answer
            except (RedisError, OSError) as error:
                if self.imitation:  # it is never away for a while, and a user's test should end
                    raise
                self.wire.close()
                self.stop.wait(self.outage.failed(error))
            if plan.grace(self.stop.since, self.worker._grace, time.monotonic()) == 'leave':
                raise SystemExit(1)
            if self.stop.told and not self.outcomes:
                if claim is not None:
                    self._disown(claim)
                return None

    def _disown(self, claim: Claim) -> None:
        """A request without an answer may have claimed a job: it goes back, or is reaped where Redis stays away."""
        try:
            store.release_pack(self.client, self.worker.name, claim.seq)
        except (RedisError, OSError) as error:
            self.worker.log.error('Redis is away; what was claimed last is left to other workers (%s)', error)

    def _run(self, answer: Answer) -> None:
        [claimed] = answer.jobs
        job = claimed._replace(queue=self.order.number(claimed.queue))
        pack = Pack(self.seq, [job], answer.now_us)
        lease = store.Lease(self.order.names[job.queue], _text(job.id), _text(job.execution))
        self._name(job.id)
        if self.tally is not None:
            self.tally.begin()
        clock = time.monotonic_ns()
        self.keeper.hold(lease, pack.redis_us(clock) / 1e6)
        try:
            packed, ended = self.runner.run(pack, 0, clock)
        finally:
            if self.deadline is not None:
                self.deadline.close()
            self.keeper.let_go()
            told = self.runner.told()
            if self.tally is not None:
                self.tally.take(pack, *told)
        if self.main:
            self.surroundings.restore_handlers()
        self.outcomes.append(packed)
        self.ran += 1
        self.worked += (ended - clock) / 1e9

    def _name(self, job_id: bytes) -> None:
        if self.main:
            self.surroundings.name_job(job_id)
        else:  # what the C library knows is one for all threads; other workers may run in them
            os.environ._data[b'RQ_JOB_ID'] = job_id  # type: ignore[attr-defined]

    def _block(self, answer: Answer, seconds: float) -> None:
        held = {name.decode() for name in answer.suspended}
        names = [name for name in self.order.names if name not in held]
        if not names:
            self.stop.wait(min(seconds, BLOCK / 2))
            return
        if self.imitation:
            self.stop.wait(min(seconds, ASK_AGAIN))
            return
        markers = [keys.wake(name).encode() for name in names]
        try:
            self.wire.send(len(markers) + 2, Wire.pack([b'BLPOP', *markers, b'%.3f' % max(seconds, 0.01)]))
            self.stop.wait(seconds + settings.WIRE_TIMEOUT, self.wire)
            if self.stop.told:
                self.wire.close()
                return
            found = self.wire.receive()
            if found is not None:
                self.token = keys.wake_name(found[0].decode()).encode()
        except (RedisError, OSError) as error:
            self.wire.close()
            self.stop.wait(self.outage.failed(error))


class _Stop:
    """Signals: the first lets the job end, a second one at least a second later does not."""

    def __init__(self, keeper: Keeper) -> None:
        self.told = False
        self.since: float | None = None
        self._keeper = keeper
        self._shared = mmap.mmap(-1, 1)  # for the process of a job as well
        self._pid = os.getpid()
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)

    def close(self) -> None:
        """The worker's loop has ended; signals may still come."""
        os.close(self._read)
        os.close(self._write)
        self._write = -1

    def wait(self, seconds: float, *others: Any) -> None:
        """Waits so long, or until one of the others can be read; not at all once told to stop."""
        select.select([self._read, *others], [], [], seconds)

    def on_signal(self, signum: int, frame: Any) -> None:
        """The answer to SIGINT and SIGTERM. Raises SystemExit the second time."""
        # Not logged from here: the signal may have struck in the middle of another log line.
        now = time.monotonic()
        what = plan.on_signal(self.since, now)
        if what == 'cold':
            raise SystemExit(COLD)
        if what == 'warm':
            self._keeper.say('Warm shut down requested')
            self.tell()

    def seen(self) -> bool:
        """Whether it was told to stop; also in a process that was forked before."""
        return self._shared[0] > 0

    def tell(self) -> None:
        """The loop ends after the job in hand."""
        if os.getpid() == self._pid:
            self._shared[0] = 1
        if not self.told:
            self.told, self.since = True, time.monotonic()
            if self._write >= 0:
                os.write(self._write, b'!')


class Keeper(threading.Thread):
    """The helper thread: renews leases, shows a long job to readers, and does its share for all."""

    def __init__(self, worker: BaseWorker) -> None:
        super().__init__(name=f'rq-keeper-{worker.name}', daemon=True)
        self.worker = worker
        self.connection = clone(worker.connection, settings.SUPERVISOR_TIMEOUT)
        self.care = Care(worker, self.connection, self._leases)
        self.outage = Outage(worker.log, f'Worker {worker.name}')
        self._held: tuple[Lease, float, float] | None = None
        self._shown_at = 0.0
        self._said: list[str] = []
        self._end = threading.Event()
        self._busy = rests_at_forks()
        self.errands: Errands | None = None

    def hold(self, lease: Lease, started: float) -> None:
        """A job begins; `started` in Redis time, epoch seconds."""
        self._shown_at = 0.0
        self._held = (lease, started, time.monotonic())

    def let_go(self) -> None:
        """The job has ended."""
        self._held = None

    def say(self, line: str) -> None:
        """Has a line logged within 50 ms; may be called by a signal handler."""
        self._said.append(line)

    def _leases(self) -> list[Lease]:
        held = self._held
        return [held[0]] if held else []

    def stop(self) -> None:
        """Ends the thread."""
        self._end.set()
        self.join(timeout=settings.SUPERVISOR_TIMEOUT * 3)

    def run(self) -> None:
        """The thread's loop."""
        if hasattr(signal, 'pthread_sigmask'):  # they are for the main thread, which must wake up
            signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        pause, quiet_until = settings.ANNOUNCE_AFTER / 2, 0.0
        while not self._end.wait(pause):
            self._speak()
            if self.errands is not None:
                self.errands.mind_grace()
            if time.monotonic() < quiet_until:
                continue
            with self._busy:
                try:
                    if self.errands is not None:
                        self.errands.ear.listen()
                    self._show()
                    self.care.tick()
                    self.outage.passed()
                except (RedisError, OSError) as error:
                    quiet_until = time.monotonic() + self.outage.failed(error)
        self._speak()
        try:
            self.care.leave()
        except (RedisError, OSError):
            pass  # tokens end by themselves, and others nudge
        self.connection.connection_pool.disconnect()

    def _speak(self) -> None:
        while self._said:
            with self._busy:
                self.worker.log.info(self._said.pop(0))

    def _show(self) -> None:
        held, now = self._held, time.monotonic()
        if held is None or now - held[2] < settings.ANNOUNCE_AFTER:
            return
        if self._shown_at and now - self._shown_at < settings.ANNOUNCE_TTL / 3:
            return
        self._announce(held[0], held[1])
        self._shown_at = now

    def _announce(self, lease: Lease, started: float) -> None:
        worker_store.announce(self.connection, self.worker.name, lease, started, settings.ANNOUNCE_TTL)


def _text(stored: bytes) -> str:
    return stored.decode('utf-8', 'backslashreplace')


def _set_names(names: dict[str, str | None]) -> None:
    for name, value in names.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
