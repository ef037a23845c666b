"""The aftermath: short-lived processes that do what notes ask for. The supervisor itself runs no user code.

They may do anything: the supervisor knows by when the step in hand must be over, and kills the process group after that.
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

    from rq.store.note import Note

    from .base import BaseWorker
    from .start import Death

__all__ = ['Aftermath']

# One process does notes one after the other. While some are due half a second later there is a second one, and a third:
# so that a callback that hangs, or a server that does not answer, does not hold up all others.
MOST = 3
# Words of the shared memory: one says "end"; then for each process the monotonic nanoseconds by which its step must be
# over (0: there is none).
STOP, DEADLINES = 0, 1
# Facts about dead horses that are kept for their notes; those of more are read from the notes themselves.
KEPT = 100
# Seconds until the next process where one could not be forked, or ended with an error.
AGAIN_AFTER = 1.0


class Aftermath:
    """One supervisor's: processes, while there are notes for them."""

    def __init__(self, worker: BaseWorker) -> None:
        self.worker = worker
        self.log = worker.log
        self.pids = [0] * MOST
        self.ran = False  # whether the process that ended last has ended well, since this was set to False
        self._facts: dict[str, Facts] = {}
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._words = memoryview(self._memory)[: 8 * (DEADLINES + MOST)].cast('q')
        self._starter = ForkStart(self._run)
        self._place = 0  # of the process that starts
        self._first: Note | None = None  # which it does first
        self._not_before = 0.0

    def remember(self, execution: str, death: Death) -> None:
        """How the horse died that ran this, for `work_horse_killed_handler`."""
        while len(self._facts) >= KEPT:
            del self._facts[next(iter(self._facts))]
        self._facts[execution] = Facts(death.pid, death.status, death.usage)

    def take(self, connection: Redis) -> bool:
        """Takes a due note, if there is one and room for a process more, which does it and what else is due by then.

        Taken here: of all the workers that see it due only one forks. Raises redis-py's errors.
        """
        if all(self.pids) or time.monotonic() < self._not_before:
            return False
        self._first = notes.take(self.worker, connection)
        if self._first is None:
            return False
        self._place = self.pids.index(0)
        self._words[DEADLINES + self._place] = self._words[STOP] = 0
        try:
            self.pids[self._place] = self._starter.start()
        except OSError as error:
            self.log.error('Worker %s: no process can be started for callbacks (%s)', self.worker.name, error)
            self._not_before = time.monotonic() + AGAIN_AFTER
        return True

    def look(self) -> None:
        """Buries who has ended, and kills whose time is up. To be called with every turn of the loop."""
        for place, pid in enumerate(self.pids):
            death = self._starter.reap(pid) if pid else None
            deadline = self._words[DEADLINES + place]
            if death is not None:
                self._bury(place, death)
            elif pid and deadline and time.monotonic_ns() > deadline:
                self.log.error('Worker %s: a callback did not end in time, its process was killed', self.worker.name)
                self._kill(place)

    def _bury(self, place: int, death: Death) -> None:
        self.pids[place], self.ran = 0, death.clean
        if not death.clean:
            self._not_before = time.monotonic() + AGAIN_AFTER
            what = death.text().replace('Work-horse', 'A process for callbacks')
            self.log.error('Worker %s: %s; they are tried again later', self.worker.name, what)

    def over(self, connection: Redis, stopping: bool) -> bool:
        """Whether the worker may end: no process is at it, and nothing is due unless the worker was told to stop."""
        if any(self.pids):
            self._words[STOP] = stopping
            return False
        if stopping or time.monotonic() < self._not_before:
            return True
        try:
            self.take(connection)
        except (RedisError, OSError):
            pass  # what is due waits for the next worker
        return not any(self.pids)

    def close(self) -> None:
        """Ends the processes, whatever they do: what they had not done another worker will."""
        for place, pid in enumerate(self.pids):
            if pid:
                self._kill(place)
                os.waitpid(pid, 0)
                self.pids[place] = 0
        self._words.release()
        self._memory.close()

    def _kill(self, place: int) -> None:
        try:
            os.killpg(self.pids[place], signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
            pass
        self._words[DEADLINES + place] = 0

    # --- in the process

    def _run(self) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # it comes when the supervisor dies
        connection = clone(self.worker.connection, settings.WIRE_TIMEOUT)
        try:
            notes.work_off(
                self.worker, connection, self._facts, self._begin, lambda: self._words[STOP], first=self._first
            )
        except (RedisError, OSError) as error:
            self.log.warning('Worker %s: callbacks wait for Redis (%s)', self.worker.name, error)
        return 0

    def _begin(self, seconds: float) -> None:
        seconds = min(seconds, notes.LEASE + 86400) + settings.HARD_GRACE
        self._words[DEADLINES + self._place] = time.monotonic_ns() + int(seconds * 1e9)
