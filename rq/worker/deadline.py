"""A job's timeout inside its own process: one timer a pack, an exception where the function is when the time is up."""

from __future__ import annotations

import signal
import time
from signal import ITIMER_REAL, getitimer
from typing import TYPE_CHECKING, Any

from rq.timeouts import JobTimeoutException

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

__all__ = ['Deadline', 'JobStopped']

# Ten years: as good as no limit, and within what every system's timers take.
LONGEST = 10 * 365 * 86400
NEVER = float('inf')


class JobStopped(BaseException):
    """Somebody wants the job stopped that runs in its worker's own process."""


class Deadline:
    """The time limit of the job that runs now. The supervisor keeps it a second time, for code that cannot be reached."""

    def __init__(self) -> None:
        self._at = 0.0
        self._seconds = 0
        self._before: Any = None
        self.stop_if: Callable[[], bool] | None = None  # asked by the next SIGALRM: whether the job is to be stopped

    def install(self) -> None:
        """Takes SIGALRM. Raises ValueError outside the main thread."""
        self._before = signal.signal(signal.SIGALRM, self._ring)

    def remove(self) -> None:
        """Gives SIGALRM back."""
        signal.setitimer(ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if self._before is None else self._before)

    def open(self, timeouts: list[int]) -> None:
        """Starts the timer for a pack: no job of it can be late before its shortest timeout from now."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGALRM,))  # a job may have blocked it
        limits = [seconds for seconds in timeouts if seconds > 0]
        if limits:
            signal.setitimer(ITIMER_REAL, min(*limits, LONGEST))

    def close(self) -> None:
        """Stops the timer."""
        self._at = 0.0
        signal.setitimer(ITIMER_REAL, 0)

    def set(self, seconds: int) -> None:
        """A job with this timeout begins (-1: no limit)."""
        if seconds <= 0:
            self._at = NEVER
            return
        self._seconds = seconds
        self._at = time.monotonic() + seconds
        # The pack's timer rings in time, unless it has rung, or a job before this one used it for itself.
        if not 0 < getitimer(ITIMER_REAL)[0] <= seconds:
            signal.setitimer(ITIMER_REAL, min(seconds, LONGEST))

    def clear(self) -> None:
        """The job has ended: nothing is raised any more."""
        self._at = 0.0

    def _ring(self, signum: int, frame: FrameType | None) -> None:
        stop_if, self.stop_if = self.stop_if, None
        if not self._at:
            return  # between two jobs: the next one sets the timer
        if stop_if is not None and stop_if():
            self._at = 0.0
            raise JobStopped
        left = self._at - time.monotonic()
        if left >= 0.001:
            signal.setitimer(ITIMER_REAL, min(left, LONGEST))  # the timeout of a job before was shorter
            return
        self._at = 0.0
        raise JobTimeoutException(f'Task exceeded maximum timeout value ({self._seconds} seconds)')
