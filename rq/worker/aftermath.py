"""The aftermath horse: a short-lived process that does what notes ask for. The supervisor itself runs no user code.

It may do anything: the supervisor knows by when the step in hand must be over, and kills the process group after that.
"""

from __future__ import annotations

import mmap
import os
import signal
import time
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from rq.connections import clone

from . import notes, settings
from .notes import Facts
from .start import ForkStart

if TYPE_CHECKING:
    from redis import Redis

    from .base import BaseWorker
    from .start import Death

__all__ = ['Aftermath']

# Words of the shared memory: monotonic nanoseconds by which the step in hand must be over (0: there is none); to end.
DEADLINE, STOP = range(2)
# Facts about dead horses that are kept for their notes; those of more are read from the notes themselves.
KEPT = 100
# Seconds until the next process where one could not be forked, or ended with an error.
AGAIN_AFTER = 1.0


class Aftermath:
    """One supervisor's: at most one process at a time, while there are notes for it."""

    def __init__(self, worker: BaseWorker) -> None:
        self.worker = worker
        self.log = worker.log
        self.pid = 0
        self.ran = False  # whether a process has ended well since this was set to False
        self._facts: dict[str, Facts] = {}
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._words = memoryview(self._memory)[:16].cast('q')
        self._starter = ForkStart(self._run)
        self._not_before = 0.0

    def remember(self, execution: str, death: Death) -> None:
        """How the horse died that ran this, for `work_horse_killed_handler`."""
        while len(self._facts) >= KEPT:
            del self._facts[next(iter(self._facts))]
        self._facts[execution] = Facts(death.pid, death.status, death.usage)

    def start(self) -> None:
        """There are notes: a process takes them, if none is at it and the last one did not just fail."""
        if self.pid or time.monotonic() < self._not_before:
            return
        self._words[DEADLINE] = self._words[STOP] = 0
        try:
            self.pid = self._starter.start()
        except OSError as error:
            self.log.error('Worker %s: no process can be started for callbacks (%s)', self.worker.name, error)
            self._not_before = time.monotonic() + AGAIN_AFTER

    def look(self) -> None:
        """Buries the process if it has ended, and kills it if its time is up. To be called with every turn of the loop."""
        if not self.pid:
            return
        death = self._starter.reap(self.pid)
        if death is not None:
            self._bury(death)
            return
        deadline = self._words[DEADLINE]
        if deadline and time.monotonic_ns() > deadline:
            self.log.error('Worker %s: a callback did not end in time, its process was killed', self.worker.name)
            self._kill()

    def _bury(self, death: Death) -> None:
        self.pid, self.ran = 0, death.clean
        if not death.clean:
            self._not_before = time.monotonic() + AGAIN_AFTER
            what = death.text().replace('Work-horse', 'A process for callbacks')
            self.log.error('Worker %s: %s; they are tried again later', self.worker.name, what)

    def over(self, connection: Redis, stopping: bool) -> bool:
        """Whether the worker may end: the process is done, and nothing is due unless the worker was told to stop."""
        if self.pid:
            self._words[STOP] = stopping
            return False
        if stopping or time.monotonic() < self._not_before:
            return True
        try:
            if notes.is_due(self.worker, connection):
                self.start()
        except (RedisError, OSError):
            pass  # what is due waits for the next worker
        return not self.pid

    def close(self) -> None:
        """Ends the process, whatever it does: what it had not done another worker will."""
        if self.pid:
            self._kill()
            os.waitpid(self.pid, 0)
            self.pid = 0
        self._words.release()
        self._memory.close()

    def _kill(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
            pass
        self._words[DEADLINE] = 0

    # --- in the process

    def _run(self) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # it comes when the supervisor dies
        connection = clone(self.worker.connection, settings.WIRE_TIMEOUT)
        try:
            notes.work_off(self.worker, connection, self._facts, self._begin, lambda: self._words[STOP])
        except (RedisError, OSError) as error:
            self.log.warning('Worker %s: callbacks wait for Redis (%s)', self.worker.name, error)
        return 0

    def _begin(self, seconds: float) -> None:
        seconds = min(seconds, notes.LEASE + 86400) + settings.HARD_GRACE
        self._words[DEADLINE] = time.monotonic_ns() + int(seconds * 1e9)
