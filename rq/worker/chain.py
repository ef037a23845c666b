"""RQ's chain of methods around one job: dequeue, execute_job, prepare_execution, main_work_horse, the horse's end.

The fast path does the same in packs and calls none of these; a worker class that overrides one gets the classic way
(classic.py), where each is called as RQ calls it. Called by hand they work as well: a job that was not claimed by this
worker is then taken as it begins.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from redis.exceptions import RedisError

from rq.executions import Execution
from rq.store import job as job_store
from rq.store import worker as store
from rq.store.claim import Lease
from rq.utils import now, utcformat

from .alone import Held, hold, perform
from .older import take_older_methods
from .order import reordered
from .start import _leave

if TYPE_CHECKING:
    import logging

    from redis import Redis

    from rq.job import Job
    from rq.queue import Queue

    from .killing import Killing

__all__ = ['SHUTDOWN_SIGNAL', 'Chain', 'signal_name']

SHUTDOWN_SIGNAL = signal.SIGKILL if hasattr(signal, 'SIGKILL') else signal.SIGTERM
_signames = {
    number: name for name, number in vars(signal).items() if name.startswith('SIG') and not name.startswith('SIG_')
}


# Seconds for which nobody needs to be told again that a run is alive.
FRESH = 1.0


def signal_name(signum: int) -> str:
    """The name of a signal; SIG_UNKNOWN for a number that is none."""
    try:
        return signal.Signals(signum).name
    except ValueError:
        return _signames.get(signum, 'SIG_UNKNOWN')


class Chain:
    """The part of BaseWorker that RQ's users override to run jobs in another way."""

    if TYPE_CHECKING:
        name: str
        connection: Redis
        queues: list[Queue]
        log: logging.Logger
        incarnation: str
        job_monitoring_interval: int
        worker_ttl: int
        shutdown_requested_date: Any
        work_horse_killed_handler: Callable[..., Any] | None
        _is_horse: bool
        _stop_requested: bool
        set_state: Callable[..., None]
        heartbeat: Callable[..., None]
        procline: Callable[[str], None]
        handle_warm_shutdown_request: Callable[[], None]
        _say: Callable[[str], None]
        _speaker: Callable[[str], None] | None
        _queue: Callable[[Any], Queue]

    _held: dict[str, Held]  # jobs taken and not settled, by id
    executions: dict[str, Execution]
    _ordered_queues: list[Queue]
    _horse_pid = 0
    _loop: Any = None  # where dequeue_job_and_maintain_ttl asks: a ClassicLoop
    _stopper: Callable[[bool], None] | None = None  # tells the loop that runs now to end; True: at once
    _killing: Killing | None = None  # of the processes of single jobs
    _stopped_job_id: str | None = None  # whose horse was killed on request

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        take_older_methods(cls)

    # --- taking a job

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """The next job, claimed for this worker, and its queue; None when there is none.

        `timeout` None: does not wait. Else it waits, looking after itself every so many seconds, until there is one,
        `max_idle_time` is over or the worker is told to stop.
        """
        if self._loop is None:
            self._loop = self._by_hand()
        found: tuple[Job, Queue] | None = self._loop.dequeue(timeout, max_idle_time)
        return found

    def _by_hand(self) -> Any:
        raise NotImplementedError('BaseWorker takes no jobs: use Worker or SimpleWorker')

    def reorder_queues(self, reference_queue: Queue) -> None:
        """Puts the queues into the order of the next look, after a job of this one was taken."""
        self._ordered_queues = reordered(self._ordered_queues, reference_queue, self._dequeue_strategy)

    _dequeue_strategy: Any

    def _new_execution_id(self) -> str:
        return self.incarnation + uuid4().hex[:16]  # by the incarnation a dead worker's leases are known

    # --- one job

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Runs a job. Raises NotImplementedError: Worker does it in a process of its own, SimpleWorker in this one."""
        raise NotImplementedError('BaseWorker does not run jobs: use Worker or SimpleWorker')

    def prepare_execution(self, job: Job) -> Execution:
        """The run that begins now, shown to readers. Raises NoSuchJobError, InvalidJobOperation (another runs it)."""
        held = self._held.get(job.id) or hold(self, job, self._queue(job.origin))  # type: ignore[arg-type]
        execution = Execution(held.lease.execution, job.id, self.connection, self.name)
        self.executions[execution.id] = execution
        self._show(held)
        return execution

    def _show(self, held: Held) -> None:
        held.shown_at = time.monotonic()
        with suppress(RedisError, OSError):  # told again in time
            ttl = self.job_monitoring_interval + 60
            store.announce(self.connection, self.name, held.lease, held.now_us / 1e6, ttl)

    @property
    def execution(self) -> Execution | None:
        """The run that was begun last, None when none is under way here."""
        return next(reversed(self.executions.values()), None)

    @execution.setter
    def execution(self, execution: Execution | None) -> None:
        if execution is None:
            self.executions.clear()
        else:
            self.executions[execution.id] = execution

    def prepare_job_execution(self, job: Job, remove_from_intermediate_queue: bool = False) -> None:
        """Tells readers that the job's process has begun. Its status and start are written as it is claimed."""
        job.last_heartbeat = now()
        held = self._held.get(job.id)
        if held is None or time.monotonic() - held.shown_at > FRESH:
            with suppress(RedisError, OSError):
                self.heartbeat(self.get_heartbeat_ttl(job))
                job_store.update(self.connection, job.id, {'last_heartbeat': utcformat(job.last_heartbeat)})
        self.procline(f'Processing {job.description} from {job.origin} since {time.time()}')

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Seconds for which one sign of life of this job is good."""
        interval: float = self.job_monitoring_interval
        if job.timeout and job.timeout > 0:
            interval = min(job.timeout - working_time, interval)
        return int(interval) + 60

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """Signs of life of the worker and of the run, for readers. The lease of the job is renewed apart from this."""
        self.heartbeat(self.get_heartbeat_ttl(job))
        held = self._held.get(job.id)
        if held is not None:
            self._show(held)

    def handle_execution_ended(self, job: Job, queue: Queue, heartbeat_ttl: int) -> None:
        """Takes down when the job's function returned, or raised."""
        job.ended_at = job.last_heartbeat = now()

    def cleanup_execution(self, job: Job, pipeline: Any, execution: Execution | None = None) -> None:
        """Takes away what readers see of a run; and its lease, but for a job whose outcome is yet to come."""
        run = execution or self.execution
        if run is None:
            return
        lease = Lease(job.origin, job.id, run.id)
        store.end_run(pipeline, self.name, lease, keep_lease=job.id in self._held)
        self.executions.pop(run.id, None)

    # --- the process of a job

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """What the process of a job does, from its begin to its end: it does not return."""
        self._is_horse = True
        self._loop = self._speaker = self._stopper = None  # the worker's, not this process's
        self.setup_work_horse_signals()
        if self._killing is not None:
            self._killing.be_known()
        code = 0
        try:
            perform(self, job, queue, self.execution)  # type: ignore[arg-type]
        except BaseException as error:  # noqa: BLE001 - the outermost frame of a process; the outcome has been sent
            code = 0 if isinstance(error, SystemExit) else 1
            if code:
                self.log.error('Job %s: exception raised in the work-horse: %r', job.id, error)
        finally:
            _leave(code)

    def setup_work_horse_signals(self) -> None:
        """In the process of a job: Ctrl-C is for the worker, SIGTERM ends it."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    @property
    def horse_pid(self) -> int:
        """The process that runs jobs now; 0 when there is none."""
        return self._horse_pid

    def kill_horse(self, sig: signal.Signals = SHUTDOWN_SIGNAL) -> None:
        """Nothing: there is no process to signal."""

    def wait_for_horse(self) -> tuple[int | None, int | None, Any]:
        """(None, None, None): there is no process to wait for."""
        return None, None, None

    def handle_work_horse_killed(self, job: Job, retpid: Any, ret_val: Any, rusage: Any) -> None:
        """Tells `work_horse_killed_handler` that the process of a job died."""
        self.log.warning('Work horse killed for job %s: retpid=%s, ret_val=%s', job.id, retpid, ret_val)
        if self.work_horse_killed_handler is not None:
            self.work_horse_killed_handler(job, retpid, ret_val, rusage)

    # --- stopping

    def request_stop(self, signum: int | None, frame: Any) -> None:
        """The first signal: no more jobs after the one in hand."""
        self._stop_requested = True
        self.shutdown_requested_date = now()
        if self._stopper is None or self._speaker is not None:
            self.handle_warm_shutdown_request()
        if self._stopper is not None:
            self._stopper(False)  # on the fast path it says so itself

    def request_force_stop(self, signum: int | None, frame: Any) -> None:
        """The second signal: the job's process is killed. Raises SystemExit."""
        self._say('Cold shut down')
        if self._horse_pid:
            self.kill_horse()
        elif self._stopper is not None:
            self._stopper(True)
        raise SystemExit('Cold shut down')
