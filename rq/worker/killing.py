"""Killing a horse, and what is known of its death: why it was killed, its stack, what the kernel says."""

from __future__ import annotations

import mmap
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from . import settings
from .notes import tells
from .report import Memory, Stacks
from .settlement import End, no_grace_left
from .strays import kill_strays, leave_mark

if TYPE_CHECKING:
    from .base import BaseWorker
    from .start import Death
    from .stops import Stops

__all__ = ['Killing']

TOO_LONG = 'Task exceeded maximum timeout value ({} seconds)'
# Signals at which faulthandler writes the stack down.
CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}


# Words of the memory that it shares with its horses: the mark of the present one, and until when (monotonic nanoseconds)
# the callback may run that the classic way's process is in, and its seconds.
MARK, UNTIL, SECONDS = range(3)


class Killing:
    """One supervisor's; of its horses one after the other."""

    def __init__(self, worker: BaseWorker) -> None:
        self.worker = worker
        self.stacks = Stacks()
        self._memory = Memory(*settings.CGROUPS)
        self._reason = ''
        self._stack = ''
        self.grace_over = False  # the worker has to end: the job is not to blame
        self._known = 0  # the process that has said so
        self._memory_shared = mmap.mmap(-1, mmap.PAGESIZE)
        self._words = memoryview(self._memory_shared)[: 8 * (SECONDS + 1)].cast('q')

    def close(self) -> None:
        """Gives its pipe and its memory back."""
        self.stacks.close()
        self._words.release()
        self._memory_shared.close()

    def __del__(self) -> None:
        with suppress(Exception):  # of a worker whose methods were called by hand
            self.close()

    def be_known(self) -> None:
        """In a horse: from now on its stack can be asked for, and what it forks be found."""
        if self._known == os.getpid():
            return
        self._known = os.getpid()
        self.stacks.answer()
        self._words[MARK] = leave_mark()
        self._words[UNTIL] = 0

    def allow(self, seconds: int) -> None:
        """In the process of a job: a callback begins, which may take so many seconds whatever the job's timeout was."""
        self._words[SECONDS] = seconds
        self._words[UNTIL] = time.monotonic_ns() + seconds * 1_000_000_000

    def allowed(self) -> tuple[float, int]:
        """Until when (monotonic seconds) a callback may run that the process is in, and its seconds; zeros: there is none."""
        return self._words[UNTIL] / 1e9, self._words[SECONDS]

    def late(self, horse: int, seconds: int, callback: int = 0) -> None:
        """The time is up and the job's own code did not end: its whole process group goes. `callback`: the time of one."""
        self.blame_time(seconds, callback)
        self.end(horse)

    def blame_time(self, seconds: int, callback: int = 0) -> None:
        """The time is up: that is why the horse is killed."""
        who = f'Callback exceeded its timeout ({callback} seconds)' if callback else TOO_LONG.format(seconds)
        self._reason = (
            f'rq.timeouts.JobTimeoutException: {who} '
            f'and did not end within {settings.HARD_GRACE:.0f} seconds more; its process was killed'
        )

    def stop(self, horse: int, seconds: float) -> None:
        """The worker has to end."""
        self.blame_stop(seconds)
        self.end(horse)

    def blame_stop(self, seconds: float) -> None:
        """The worker has to end: that is why the horse is killed."""
        self.grace_over = True
        self._reason = no_grace_left(seconds)

    def end(self, horse: int) -> None:
        """Kills a horse with all that it started; before, it is asked where it is."""
        self.ask(horse)
        self.group(horse)

    def ask(self, horse: int) -> None:
        """Asks a horse that is about to be killed where it is."""
        self._stack = self.stacks.ask(horse)

    @staticmethod
    def group(horse: int) -> None:
        """Kills a horse with all that it started."""
        Killing.rest(horse)
        try:
            os.kill(horse, signal.SIGKILL)  # a job may have moved its process to another group
        except ProcessLookupError:
            pass

    def all_of(self, horse: int, job_id: str, began_ns: int) -> None:
        """Kills what a dead horse has left: its group, and what its last job has started outside of it."""
        self.rest(horse)
        if job_id:
            found = kill_strays(self._words[MARK], self.worker.name, job_id, began_ns, horse)
            if found:
                self.worker.log.warning('Job %s had left %d processes outside of its process group', job_id, found)

    @staticmethod
    def rest(horse: int) -> None:
        """Kills what a horse has started in its own group."""
        try:
            os.killpg(horse, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
            pass

    def report(self, death: Death, stops: Stops) -> End:
        """What is known of a horse's end, and what it means for the job that it ran. The next one begins anew."""
        kinds = 'GK' if self.grace_over else 'LH'
        return End(self.told(death), kinds[tells(self.worker)], stops.killed)

    def told(self, death: Death) -> str:
        """What is known of a horse's end: a line, and its stack where it was asked or has crashed."""
        reason = death.text()
        if self._reason and not death.clean:
            reason = f'{self._reason}; peak memory {death.peak_kb / 1024:.0f} MB'
        if not death.clean:
            reason += self._memory.told()
        left = self.stacks.left()  # also of processes that jobs had started: the last is the horse's own
        if not self._stack and os.WIFSIGNALED(death.status) and os.WTERMSIG(death.status) in CRASHES:
            _, mark, rest = left.rpartition('Fatal Python error')
            self._stack = mark + rest.rstrip()
        stack = self._stack
        self._reason = self._stack = ''
        return f'{reason}\n\n{stack}' if stack else reason
