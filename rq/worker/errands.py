"""Commands and notes for workers that run jobs in their own process: the keeper listens, notes are done between jobs."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from . import notes, plan, stacks
from .hearing import Ear
from .settlement import no_grace_left

if TYPE_CHECKING:
    from redis import Redis

    from .simple import Loop

__all__ = ['Errands']


class Errands:
    """Of one SimpleWorker's `work()`, or of one in the classic way."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.worker = loop.worker
        self.ear = Ear(loop.worker)
        self.teller = stacks.Teller(loop.worker.name)
        self.tells_deaths = loop.tells_deaths
        self.due = False  # a note is; the keeper has seen it
        self.grace_over = False  # the worker has to end: the job in hand is not to blame
        self._stopping = ''  # the execution that is to be stopped

    def look(self, connection: Redis) -> None:
        """Whether a note is due: it is done when the job in hand has ended."""
        self.due = notes.is_due(self.worker, connection)

    def do(self) -> bool:
        """Does the notes that are due; whether there were any. Redis away: they wait."""
        self.due = False
        loop = self.loop
        try:
            return notes.work_off(self.worker, loop.client, {}, told_to_stop=lambda: loop.stop.told) > 0
        except (RedisError, OSError) as error:
            self.worker.log.warning('Worker %s: callbacks wait for Redis (%s)', self.worker.name, error)
            return False

    # --- commands; called by the keeper's thread

    def shut_down(self) -> None:
        """As SIGINT, which only the main thread gets."""
        if self.loop.main:
            self._signal(signal.SIGINT)
        else:
            self.loop.stop.tell()

    def kill_horse(self) -> bool:
        """Kills the process of the running job, in the classic way; False where there is none."""
        pid = getattr(self.worker, '_horse_pid', 0)
        if pid:
            self.worker.kill_horse()
        return bool(pid)

    def stop_run(self, job_id: str, execution: str) -> None:
        """Ends the job that runs, if it is meant and can be ended."""
        found = [
            lease
            for lease in self.loop.keeper._leases()
            if job_id in ('', lease.id) and execution in ('', lease.execution)
        ]
        if not found:
            what, name = ('job', job_id) if job_id else ('execution', execution)
            self.ear.ignore(f'not working on {what} {name}')
        elif getattr(self.worker, '_horse_pid', 0):
            self.worker._stopped_job_id = found[0].id
            self.worker.kill_horse()
        elif self.loop.deadline is not None:
            self._stopping = found[0].execution
            self.loop.deadline.stop_if = self._runs_still
            self._signal(signal.SIGALRM)
        else:
            self.worker.log.warning('Job %s cannot be stopped: it runs in its worker itself', found[0].id)

    def tell_stack(self, job_id: str) -> None:
        """Where a job stands. Called by the keeper's thread: while C code holds the interpreter's lock it comes late."""
        if self.teller.is_soon():
            return
        pid, killing = getattr(self.worker, '_horse_pid', 0), self.worker._killing
        found: dict[str, Any]
        if all(lease.id != job_id for lease in self.loop.keeper._leases()):
            found = {'state': 'elsewhere', 'note': 'This worker does not run it now: it has just ended, or not begun.'}
        elif not pid or killing is None:
            found = stacks.of_threads(self.loop)
        else:
            found = stacks.of_child(killing.stacks, pid)
        self.teller.tell(self.loop.keeper.connection, job_id, found)

    # --- the end of grace; seen by the keeper's thread

    def mind_grace(self) -> None:
        """Told to stop with a time limit: what still runs near its end is ended, and follows its policy.

        In the worker's own process that reaches Python code only.
        """
        loop, seconds = self.loop, self.worker._grace
        leases = loop.keeper._leases()
        if self.grace_over or not leases or not plan.grace(loop.stop.since, seconds, time.monotonic()):
            return
        self.grace_over = True
        loop.keeper.say(f'The grace of {seconds:g} seconds is over, the running job is ended')
        if getattr(self.worker, '_horse_pid', 0):
            self.worker.kill_horse()
        elif loop.deadline is not None:
            loop.runner.cut_short = no_grace_left(seconds or 0.0)
            self._stopping = leases[0].execution
            loop.deadline.stop_if = self._runs_still
            self._signal(signal.SIGALRM)
        elif loop.main:
            loop.stop.since = float('-inf')  # the next signal is the second one
            self._signal(signal.SIGTERM)

    def _runs_still(self) -> bool:
        return any(lease.execution == self._stopping for lease in self.loop.keeper._leases())

    @staticmethod
    def _signal(number: Any) -> None:
        main = threading.main_thread().ident
        if main is not None:
            signal.pthread_kill(main, number)
