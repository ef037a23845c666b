"""Killing a horse, and what is known of its death: why it was killed, its stack, what the kernel says."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from . import settings
from .notes import tells
from .report import Memory, Stacks
from .settlement import End, no_grace_left

if TYPE_CHECKING:
    from .base import BaseWorker
    from .start import Death
    from .stops import Stops

__all__ = ['Killing']

TOO_LONG = 'Task exceeded maximum timeout value ({} seconds)'
# Signals at which faulthandler writes the stack down.
CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}


class Killing:
    """One supervisor's; of its horses one after the other."""

    def __init__(self, worker: BaseWorker) -> None:
        self.worker = worker
        self.stacks = Stacks()
        self._memory = Memory()
        self._reason = ''
        self._stack = ''
        self.grace_over = False  # the worker has to end: the job is not to blame

    def close(self) -> None:
        """Gives its pipe back."""
        self.stacks.close()

    def late(self, horse: int, seconds: int, callback: int = 0) -> None:
        """The time is up and the job's own code did not end: its whole process group goes. `callback`: the time of one."""
        who = f'Callback exceeded its timeout ({callback} seconds)' if callback else TOO_LONG.format(seconds)
        self._reason = (
            f'rq.timeouts.JobTimeoutException: {who} '
            f'and did not end within {settings.HARD_GRACE:.0f} seconds more; its process was killed'
        )
        self.end(horse)

    def stop(self, horse: int, seconds: float) -> None:
        """The worker has to end."""
        self.grace_over = True
        self._reason = no_grace_left(seconds)
        self.end(horse)

    def end(self, horse: int) -> None:
        """Kills a horse with all that it started; before, it is asked where it is."""
        self._stack = self.stacks.ask(horse)
        self.group(horse)

    @staticmethod
    def group(horse: int) -> None:
        """Kills a horse with all that it started."""
        Killing.rest(horse)
        try:
            os.kill(horse, signal.SIGKILL)  # a job may have moved its process to another group
        except ProcessLookupError:
            pass

    @staticmethod
    def rest(horse: int) -> None:
        """Kills what a horse has started in its own group."""
        try:
            os.killpg(horse, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
            pass

    def report(self, death: Death, stops: Stops) -> End:
        """What is known of a horse's end, and what it means for the job that it ran. The next one begins anew."""
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
        kinds = 'GK' if self.grace_over else 'LH'
        return End(f'{reason}\n\n{stack}' if stack else reason, kinds[tells(self.worker)], stops.killed)
