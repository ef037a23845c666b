"""The classic way: one job at a time, each through the methods that RQ calls, for worker classes that override some.

The parent claims a job by the script, keeps its lease from a helper thread and calls `execute_job`; where that forks,
the child reports its own outcome. Methods of users may do anything: what they leave unsettled follows the job's policy.
"""

from __future__ import annotations

import os
import time
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from rq.exceptions import StopRequested
from rq.results import encode_exception
from rq.store import claim as store
from rq.store.claim import Lease, Outcome

from . import plan, settings
from .alone import Held, let_go, send
from .failure import exception_text, reason_of
from .inbox import Inbox
from .simple import BLOCK, Keeper, Loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from rq.job import Job
    from rq.queue import Queue
    from rq.store.claim import Answer

    from .base import BaseWorker

__all__ = ['OVERRIDABLE', 'ClassicLoop', 'is_classic']

# What the fast path does otherwise. A worker that overrides one of these has RQ's structure in mind, and gets it.
OVERRIDABLE = (
    'check_for_suspension', 'cleanup_execution', 'clean_registries', 'dequeue_job_and_maintain_ttl', 'execute_job',
    'fork_work_horse', 'get_heartbeat_ttl', 'handle_warm_shutdown_request', 'handle_work_horse_killed', 'heartbeat',
    'kill_horse', 'main_work_horse', 'maintain_heartbeats', 'monitor_work_horse', 'prepare_execution',
    'prepare_job_execution', 'procline', 'reorder_queues', 'request_force_stop', 'request_stop',
    'run_maintenance_tasks', 'setup_work_horse_signals', 'wait_for_horse',
)  # fmt: skip

# A worker's method that fails, or that finds nothing to do again and again, must not make a busy loop.
PAUSE = 1.0
# Jobs that a worker's own threads run are looked after so often when it ends.
LOOK = 0.05


def is_classic(worker: BaseWorker, ours: dict[str, frozenset[Any]]) -> bool:
    """Whether a subclass, or a tool that patches the class, has replaced a method that only the classic way calls.

    `ours`: by name, the functions that this package itself has there.
    """
    own = vars(worker)
    kind = type(worker)
    return any(name in own or getattr(kind, name, None) not in ours[name] for name in OVERRIDABLE)


class _InOrder:
    """The queues in the order that `reorder_queues` has left (see QueueOrder)."""

    most = 1

    def __init__(self, worker: BaseWorker) -> None:
        self.worker = worker
        self.names = worker.queue_names()
        self._last: list[Any] = []

    def next(self) -> list[tuple[int, bytes]]:
        """(number, name) of each queue."""
        self._last = list(self.worker._ordered_queues)
        return [(self.names.index(queue.name), queue.name.encode()) for queue in self._last]

    def number(self, place: int) -> int:
        """Which queue stood at a place of the last order given."""
        return self.names.index(self._last[place].name)


class _ManyKeeper(Keeper):
    """Keeps the leases of all jobs that the worker holds: its own methods may run several at a time."""

    def _held_now(self) -> list[Held]:
        return list(self.worker._held.values())

    def _leases(self) -> list[Lease]:
        return [held.lease for held in self._held_now()]

    def _show(self) -> None:
        now = time.monotonic()
        for held in self._held_now():
            since = held.shown_at or held.clock_ns / 1e9 + settings.ANNOUNCE_AFTER - settings.ANNOUNCE_TTL / 3
            if now - since >= settings.ANNOUNCE_TTL / 3:
                self._announce(held.lease, held.now_us / 1e6)
                held.shown_at = now


class ClassicLoop(Loop):
    """One call of `work()` in the classic way; or the desk at which `dequeue_job_and_maintain_ttl` asks by hand."""

    tells_deaths = True

    def __init__(self, worker: BaseWorker) -> None:
        super().__init__(worker)
        self.deadline = None  # each job's own, by the worker's death_penalty_class
        self.order: Any = _InOrder(worker)
        self.late: dict[str, float] = {}  # jobs that execute_job left running: when they count as lost
        self.parent = os.getpid()

    def _keeper(self) -> Keeper:
        return _ManyKeeper(self.worker)

    def _counters(self) -> None:
        """Whoever runs a job counts it."""

    def on_signal(self, signum: int, frame: Any) -> None:
        """The answer to SIGINT and SIGTERM, by the worker's own methods."""
        what = plan.on_signal(self.stop.since, time.monotonic())
        if what == 'warm':
            self.worker.request_stop(signum, frame)
            self.stop.tell()
        elif what == 'cold':
            self.worker.request_force_stop(signum, frame)

    def told(self, at_once: bool = False) -> None:
        """As every loop's; `handle_warm_shutdown_request` has said so."""
        self.stop.tell()

    def close(self) -> None:
        """Where it was not `work()` that made it."""
        self.wire.close()
        self.client.connection_pool.disconnect()
        self.stop.close()

    # --- the loop

    def _work(self, burst: bool, max_jobs: int | None, max_idle: int | None) -> None:
        worker = self.worker
        if worker._loop is not None:
            worker._loop.close()
        worker._loop, worker._speaker = self, self.keeper.say
        if self.tally is not None:
            self.tally.inbox = worker._inbox = Inbox()
        try:
            for module in worker.horse_options.preload:
                _preload(module)
            self._take_turns(burst, max_jobs, max_idle)
            while self.late:  # the worker's own threads run them; told to stop, too, it waits for the job in hand
                self._tidy_up()
                time.sleep(LOOK)
        finally:
            worker._loop = worker._speaker = None
            self._give_up()
            if os.getpid() == self.parent and self.tally is not None:
                self.tally.close_inbox()
                worker._inbox = None

    def _take_turns(self, burst: bool, max_jobs: int | None, max_idle: int | None) -> None:
        worker = self.worker
        while not self.stop.told and (max_jobs is None or self.ran < max_jobs):
            self._tidy_up()
            try:
                found = self._next(burst, max_idle)
            except StopRequested:
                return
            if found is not None:
                self._execute(*found)
                self._call(worker.heartbeat)
            elif burst and worker._promote(self.client):
                continue
            elif burst or max_idle is not None or self.stop.told:
                return
            else:
                self.stop.wait(PAUSE)

    def _next(self, burst: bool, max_idle: int | None) -> tuple[Job, Queue] | None:
        worker = self.worker
        self._call(worker.check_for_suspension, burst)
        if worker.should_run_maintenance_tasks:
            self._call(worker.run_maintenance_tasks)
        found: list[tuple[Job, Queue] | None] = []

        def ask() -> None:
            found.append(worker.dequeue_job_and_maintain_ttl(None if burst else worker.dequeue_timeout, max_idle))

        while not self.stop.told and not self._call(ask):
            self.stop.wait(PAUSE)
        taken = found[-1] if found else None
        self._put_back(taken[0].id if taken else '')
        return taken

    def _call(self, method: Callable[..., Any], *args: Any) -> bool:
        """Whether a method of the worker went through; what it raises, and Redis being away, ends no worker."""
        try:
            method(*args)
        except StopRequested:
            raise
        except (RedisError, OSError) as error:
            self.stop.wait(self.outage.failed(error))
            return False
        except Exception as error:  # noqa: BLE001 - a method of a subclass
            self.worker.log.error('Worker %s: %s\n%s', self.worker.name, reason_of(error), exception_text(error))
            self.stop.wait(PAUSE)
            return False
        self.outage.passed()
        return True

    def _execute(self, job: Job, queue: Queue) -> None:
        worker = self.worker
        self._name(job.id.encode())
        try:
            worker.execute_job(job, queue)
        except StopRequested:  # before it had begun
            self._put_back('')
        except (SystemExit, KeyboardInterrupt) as error:
            if os.getpid() != self.parent:
                raise
            if self.stop.told or job.id not in worker._held:
                raise
            self._lost(worker._held[job.id], reason_of(error), 'X')
        except BaseException as error:  # noqa: BLE001 - of a subclass
            if os.getpid() != self.parent:
                os._exit(1)  # a child that the worker's method forked and let come here
            worker.log.error('Job %s: %s\n%s', job.id, reason_of(error), exception_text(error))
            if job.id in worker._held:
                self._lost(worker._held[job.id], exception_text(error), 'X')
        if os.getpid() != self.parent:
            os._exit(0)
        self.ran += 1
        if self.main:
            self.surroundings.restore_handlers()
        self._leave_running(job, queue)

    # --- what methods of the worker leave behind

    def _leave_running(self, job: Job, queue: Queue) -> None:
        """A job without an outcome: its method may have given it to a thread, or its process has ended without a word."""
        held = self.worker._held.get(job.id)
        if held is None:
            return
        if self._settled(held):
            let_go(self.worker, held.lease)
        elif self.worker._horse_pid and not _lives(self.worker._horse_pid):
            self._lost(held, 'Work-horse terminated without an outcome of the job')
        else:
            seconds = job.timeout or queue._default_timeout
            self.late[job.id] = time.monotonic() + seconds + settings.HARD_GRACE if seconds > 0 else float('inf')

    def _settled(self, held: Held) -> bool:
        answer = self._insist(lambda: [store.is_leased(self.client, held.lease)])
        return answer is not None and not answer[0]

    def _tidy_up(self) -> None:
        for job_id, until in list(self.late.items()):
            held = self.worker._held.get(job_id)
            if held is None:
                del self.late[job_id]
            elif time.monotonic() > until:
                del self.late[job_id]
                if not self._settled(held):
                    self._lost(
                        held, 'execute_job of the worker ended, and no outcome came within the timeout of the job'
                    )
                let_go(self.worker, held.lease)

    def _put_back(self, taken: str) -> None:
        """What was claimed and is not to be run: the worker's own method has left it out."""
        for job_id, held in list(self.worker._held.items()):
            if job_id != taken and job_id not in self.late:
                self._insist(partial(store.release, self.client, [held.lease]))
                let_go(self.worker, held.lease)

    def _lost(self, held: Held, reason: str, kind: str = 'L') -> None:
        times = (held.now_us, held.redis_us(time.monotonic_ns()))
        send(self.worker, Outcome(kind, held.lease, *times, 0, encode_exception(reason)))

    def _give_up(self) -> None:
        """The worker ends; once, since who ends must not wait: other workers find what Redis does not take now."""
        if os.getpid() != self.parent:
            return
        for held in list(self.worker._held.values()):
            times = (held.now_us, held.redis_us(time.monotonic_ns()))
            reason = encode_exception('The worker ended before the job; its process was killed')
            try:
                store.finish(self.client, self.worker.name, [Outcome('L', held.lease, *times, 0, reason)])
            except (RedisError, OSError):
                self.worker.log.error('Redis is away; left behind for other workers: %s', held.lease.id)
        self.worker._held.clear()

    # --- taking jobs

    def dequeue(self, timeout: int | None, max_idle: int | None) -> tuple[Job, Queue] | None:
        """The next job and its queue; None: there is none (`timeout` None), idle for too long, or told to stop."""
        worker = self.worker
        worker.procline(f'Listening on {",".join(self.order.names)}')
        idle_since = beat = time.monotonic()
        while not self.stop.told:
            if self.errands.due:
                self.errands.do()
            answer = self._exchange(1)
            if answer is None:
                return None
            found = self._taken(answer)
            if found is not None:
                worker.reorder_queues(reference_queue=found[1])
                self._call(worker.heartbeat)
                return found
            if answer.jobs or answer.dropped:
                continue
            idle = time.monotonic() - idle_since
            if timeout is None or (max_idle is not None and idle >= max_idle):
                return None
            self._block(answer, BLOCK if max_idle is None else min(BLOCK, max_idle - idle))
            if time.monotonic() - beat >= timeout:
                self._call(worker.heartbeat)
                beat = time.monotonic()
        return None

    def _taken(self, answer: Answer) -> tuple[Job, Queue] | None:
        if not answer.jobs:
            return None
        [claimed] = answer.jobs
        queue = self.worker.queues[self.order.number(claimed.queue)]
        lease = Lease(queue.name, claimed.id.decode('utf-8', 'backslashreplace'), claimed.execution.decode())
        held = self.worker._held[lease.id] = Held(lease, answer.now_us)
        try:
            return self.runner._job(claimed, queue, answer.now_us), queue
        except Exception as error:  # noqa: BLE001 - a hash that cannot be read
            self._lost(held, exception_text(error), 'X')
            return None


def _lives(pid: int) -> bool:
    """Whether a child of ours has not ended; who is waited for by somebody else stays to be waited for."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None
    except ChildProcessError:
        return False


def _preload(module: str) -> None:
    try:
        import_module(module)
    except Exception as error:
        raise SystemExit(f'The module {module!r} of --preload cannot be imported: {reason_of(error)}') from error
