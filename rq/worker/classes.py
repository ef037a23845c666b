"""The worker classes that users name."""

from __future__ import annotations

import os
import select
import signal
import time
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from rq.exceptions import StopRequested
from rq.results import encode_death
from rq.store import claim as store
from rq.store import worker as worker_store
from rq.store.imitation import is_imitation
from rq.timeouts import HorseMonitorTimeoutException

from . import settings
from .alone import alone, let_go, perform
from .base import BaseWorker
from .chain import SHUTDOWN_SIGNAL
from .classic import OVERRIDABLE, ClassicLoop, is_classic
from .failure import reason_of
from .horse import Limits
from .killing import Killing
from .modes import DequeueStrategy
from .order import reordered
from .outage import Outage
from .shield import Shield
from .simple import Loop
from .start import Death, _flush_streams, _leave, let_children_be
from .supervisor import Supervisor

if TYPE_CHECKING:
    from rq.executions import Execution
    from rq.job import Job
    from rq.queue import Queue

__all__ = ['RandomWorker', 'RoundRobinWorker', 'SimpleWorker', 'Worker']

# A system without pidfd looks so often whether a horse has ended.
LOOK = 0.02
# Seconds after which it is seen that a callback has begun, which has a time limit of its own.
CALLBACK_LOOK = 1.0
# A horse that holds an outcome tries again at most 5 s after Redis is back.
AFTER_OUTAGE = 10.0


class _OneByOne(BaseWorker):
    """What the classes that run one job at a time have in common."""

    def _show_idle(self) -> None:
        with suppress(RedisError, OSError):  # for readers; the job itself is settled
            self.set_state('idle')

    def _by_hand(self) -> ClassicLoop:
        loop = ClassicLoop(self)
        loop.begin()
        return loop

    def _run_loop(self, loop: Loop, shield: Shield, limits: tuple[bool, int | None, int | None]) -> bool:
        let_children_be()
        classic = isinstance(loop, ClassicLoop)
        self._runner, self._is_horse = None if classic else loop.runner, False
        self._stopper, self._stop_requested = loop.told, False
        try:
            with shield.lowered(loop.on_signal if isinstance(loop, ClassicLoop) else loop.stop.on_signal):
                return loop.run(*limits)
        finally:
            self._runner = self._stopper = None
            if self._killing is not None:
                self._killing.close()
                self._killing = None
            if loop.stop.told:
                shield.forget()
            self.log.info("Worker '%s' done, quitting", self.key)


class SimpleWorker(_OneByOne):
    """A worker that runs jobs in the process that called `work()`.

    For tests, for debuggers and for systems without fork. A job that kills the process kills the worker.
    """

    def _work(self, shield: Shield, burst: bool, max_jobs: int | None, max_idle_time: int | None) -> bool:
        loop = ClassicLoop(self) if is_classic(self, OURS) else Loop(self)
        return self._run_loop(loop, shield, (burst, max_jobs, max_idle_time))

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Runs a job in this process; what became of it is in Redis afterwards."""
        perform(self, job, queue, self.prepare_execution(job))
        self._show_idle()

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Seconds for which one sign of life of this job is good: its whole timeout, since none follows."""
        return job.timeout + 60 if job.timeout and job.timeout > 0 else self.worker_ttl


class Worker(_OneByOne):
    """A worker that runs jobs in a process of their own, which stays warm from job to job (`rq worker`).

    A subclass that overrides a method with which RQ runs jobs (classic.py lists them) gets a process for each job.
    """

    _until: float | None = None  # how long wait_for_horse waits (monotonic seconds)

    def _work(self, shield: Shield, burst: bool, max_jobs: int | None, max_idle_time: int | None) -> bool:
        if is_imitation(self.connection):
            raise ValueError(
                'Worker runs jobs in a process of its own, which an imitated server (fakeredis) does not reach: '
                'use SimpleWorker'
            )
        if is_classic(self, OURS):
            return self._run_loop(ClassicLoop(self), shield, (burst, max_jobs, max_idle_time))
        supervisor = Supervisor(self, Limits(burst, max_jobs, max_idle_time, self.horse_options.life))
        self._stopper = supervisor.told
        try:
            with shield.lowered(supervisor._on_stop):
                return supervisor.run()
        finally:
            self._stopper, self._horse_pid = None, 0
            self.log.info("Worker '%s' done, quitting", self.key)
            if supervisor.stopping_since is not None:
                shield.forget()

    # --- the classic way

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Runs a job in a process of its own; what became of it is in Redis afterwards."""
        execution = self.prepare_execution(job)
        if self._killing is None:
            self._killing = Killing(self)
        self._fork(job, queue)
        self.monitor_work_horse(job, queue, execution)
        self._show_idle()

    def _fork(self, job: Job, queue: Queue) -> None:
        while True:
            try:
                return self.fork_work_horse(job, queue)
            except OSError as error:  # no memory or no process left: others may end
                if self._stop_requested:
                    raise StopRequested from error
                self.log.error('Worker %s: no work-horse can be started (%s); trying again', self.name, error)
                time.sleep(1.0)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """Starts the process of a job: `horse_pid` in this one, `main_work_horse` in the new one."""
        _flush_streams()  # else the child has a copy of what they hold
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', DeprecationWarning)  # of forks beside threads: ours rests (forks.py)
            # A signal that strikes before the process has a name here would not be passed on to it.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
            try:
                pid = os.fork()
            except OSError:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
                raise
        if pid == 0:
            try:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
                os.setpgid(0, 0)
                self._is_horse, self._horse_pid = True, 0
                os.environ.update(RQ_WORKER_ID=self.name, RQ_JOB_ID=job.id)
                if self._killing is not None:
                    self._killing.be_known()
                self.main_work_horse(job, queue)
            finally:
                _leave(1)
        self._horse_pid = pid
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        with suppress(OSError):
            os.setpgid(pid, pid)  # in parent and child: whoever comes first
        self.procline(f'Forked {pid} at {time.time()}')

    def monitor_work_horse(self, job: Job, queue: Queue, execution: Execution | None = None) -> None:
        """Waits for the end of a job's process: kills it past the job's timeout, settles the job if nobody has."""
        limit = job.timeout or queue._default_timeout
        end = time.monotonic() + limit + settings.HARD_GRACE if limit > 0 else float('inf')
        horse, callback = self._horse_pid, 0.0
        signs = time.monotonic() + self.job_monitoring_interval
        while True:
            try:
                pid, status, usage = self._wait_a_while(min(signs, end))
                break
            except HorseMonitorTimeoutException:
                if callback != self._callback_until():
                    end = callback = self._callback_until()
                if time.monotonic() < min(signs, end):
                    continue
                if time.monotonic() < end:
                    self._give_signs(job, execution)
                    signs = time.monotonic() + self.job_monitoring_interval
                elif self._is_away():
                    end = time.monotonic() + AFTER_OUTAGE  # it may have ended, and hold an outcome
                else:
                    if self._killing is not None:
                        self._killing.blame_time(limit, self._killing.allowed()[1] if callback else 0)
                    end = float('inf')
                    self.kill_horse()
        self._horse_pid = 0
        held = self._held.get(job.id)
        if held is not None and status and self._killing is not None:
            self._killing.all_of(horse, job.id, held.clock_ns)
        if held is not None and not self._has_ended(held.lease):
            self._settle_dead(job, queue, execution, (pid, status, usage))
        if held is not None:
            let_go(self, held.lease)

    def _wait_a_while(self, until: float) -> Any:
        seconds = max(until - time.monotonic(), 0.0)
        if type(self).wait_for_horse is not Worker.wait_for_horse:
            with self.death_penalty_class(max(1, round(seconds)), HorseMonitorTimeoutException):
                return self.wait_for_horse()
        self._until = time.monotonic() + min(seconds, CALLBACK_LOOK)
        try:
            return self.wait_for_horse()
        finally:
            self._until = None

    def _give_signs(self, job: Job, execution: Execution | None) -> None:
        try:
            self.maintain_heartbeats(job, execution or self.execution)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - a subclass's own, or Redis is away: the horse must be waited for
            self.log.warning('Job %s: no sign of life (%s)', job.id, reason_of(error))

    def _is_away(self) -> bool:
        try:
            worker_store.server_uptime(self.connection)
            return False
        except (RedisError, OSError):
            return True

    def _has_ended(self, lease: store.Lease) -> bool:
        outage = Outage(self.log, f'Worker {self.name}')
        while True:
            try:
                ended = not store.is_leased(self.connection, lease)
                outage.passed()
                return ended
            except (RedisError, OSError) as error:
                time.sleep(outage.failed(error))

    def _callback_until(self) -> float:
        until = self._killing.allowed()[0] if self._killing is not None else 0.0
        return until and until + settings.HARD_GRACE

    def _settle_dead(self, job: Job, queue: Queue, execution: Any, end: tuple[Any, Any, Any]) -> None:
        pid, status, usage = end
        stopped = self._stopped_job_id == job.id
        cut_short = getattr(self._chief, 'grace_over', False)
        killing = self._killing or Killing(self)  # called by hand
        if cut_short:
            killing.blame_stop(self._grace or 0)
        reason = killing.told(Death.of(pid, status, usage))
        brief = reason.partition('\n')[0]
        self.log.warning('Job %s failed: %s', job.id, 'stopped on request' if stopped else brief)
        with alone(self, job, queue, None) as runner:
            if not stopped:
                try:
                    self.handle_work_horse_killed(job, pid, status, usage)
                except Exception as error:  # noqa: BLE001 - a user's handler
                    self.log.error('Job %s: work_horse_killed_handler raised %r', job.id, error)
            text = 'Job stopped by user, work-horse terminated.' if stopped else reason
            registry = queue.started_job_registry
            self.handle_job_failure(
                job, queue=queue, started_job_registry=registry, exc_string=text, execution=execution
            )
            if runner.outcome is not None and runner.outcome[0] == b'X':
                _, ttl, payload = runner.outcome
                runner.outcome = (
                    (b'S', ttl, payload) if stopped else (b'G' if cut_short else b'L', ttl, encode_death(reason))
                )
        self._stopped_job_id = None

    def kill_horse(self, sig: signal.Signals = SHUTDOWN_SIGNAL) -> None:
        """Signals the process of the running job, and what that has started in its group."""
        if not self._horse_pid:
            return
        if sig == SHUTDOWN_SIGNAL and self._killing is not None:
            self._killing.ask(self._horse_pid)
        try:
            os.killpg(os.getpgid(self._horse_pid), sig)
            self._say(f'Killed horse pid {self._horse_pid}')
        except (ProcessLookupError, PermissionError):
            pass  # it has ended

    def wait_for_horse(self) -> tuple[int | None, int | None, Any]:
        """(pid, status, resource usage) of the job's process, as os.wait4 gives them; Nones for who is no child of ours.

        Within monitor_work_horse it raises HorseMonitorTimeoutException when it is time for signs of life.
        """
        pid = self._horse_pid
        if not pid:
            return None, None, None
        try:
            if self._until is not None and not _ended_within(pid, self._until):
                raise HorseMonitorTimeoutException
            found, status, usage = os.wait4(pid, 0)
        except ChildProcessError:
            return None, None, None
        return found, status, usage


def _ended_within(pid: int, until: float) -> bool:
    """Whether a child ends before that instant. Raises ChildProcessError for who is none."""
    if hasattr(os, 'pidfd_open'):
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        except OSError:
            pass  # no file left, or forbidden: look now and then
        else:
            try:
                return bool(select.select([fd], [], [], max(0.0, until - time.monotonic()))[0])
            finally:
                os.close(fd)
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() >= until:
            return False
        time.sleep(LOOK)
    return True


class RoundRobinWorker(Worker):
    """Deprecated: `work(dequeue_strategy='round_robin')` of any worker looks at its queues in turn."""

    def _work(self, shield: Shield, burst: bool, max_jobs: int | None, max_idle_time: int | None) -> bool:
        self._dequeue_strategy = DequeueStrategy.ROUND_ROBIN
        return super()._work(shield, burst, max_jobs, max_idle_time)

    def reorder_queues(self, reference_queue: Queue) -> None:
        """Puts the queue behind this one first."""
        self._ordered_queues = reordered(self._ordered_queues, reference_queue, DequeueStrategy.ROUND_ROBIN)


class RandomWorker(Worker):
    """Deprecated: `work(dequeue_strategy='random')` of any worker looks at its queues in random order."""

    def _work(self, shield: Shield, burst: bool, max_jobs: int | None, max_idle_time: int | None) -> bool:
        self._dequeue_strategy = DequeueStrategy.RANDOM
        return super()._work(shield, burst, max_jobs, max_idle_time)

    def reorder_queues(self, reference_queue: Queue) -> None:
        """Shuffles the queues."""
        self._ordered_queues = reordered(self._ordered_queues, reference_queue, DequeueStrategy.RANDOM)


# What this package itself has under the names that make a worker classic, before any tool replaces it.
OURS = {
    name: frozenset(getattr(kind, name, None) for kind in (Worker, SimpleWorker, RoundRobinWorker, RandomWorker))
    for name in OVERRIDABLE
}
