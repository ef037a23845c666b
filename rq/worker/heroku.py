"""HerokuWorker: a dyno that is told to stop has some seconds left; the job is told so, instead of being cut off."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from rq.exceptions import ShutDownImminentException

from .alone import CURRENT
from .chain import signal_name
from .classes import Worker

if TYPE_CHECKING:
    from types import FrameType

__all__ = ['HerokuWorker']


class HerokuWorker(Worker):
    """A worker whose running job gets a ShutDownImminentException `imminent_shutdown_delay` seconds after SIGTERM.

    The job may clean up and end; it has failed, and with retries it is tried again. At 0 the exception comes at once.
    Heroku sends SIGTERM to every process of a dyno, so a job's process ignores it, and is told by SIGRTMIN.
    """

    imminent_shutdown_delay = 6
    frame_properties = ['f_code', 'f_lasti', 'f_lineno', 'f_locals', 'f_trace']  # noqa: RUF012 - RQ's, to be overridden

    def setup_work_horse_signals(self) -> None:
        """In the process of a job: SIGRTMIN says that the end is near; Ctrl-C and SIGTERM are for the worker."""
        signal.signal(signal.SIGRTMIN, self.request_stop_sigrtmin)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def handle_warm_shutdown_request(self) -> None:
        """Tells the process of the running job by SIGRTMIN."""
        if self._horse_pid:
            self._say('Warm shut down requested, sending horse SIGRTMIN signal')
            self.kill_horse(sig=signal.SIGRTMIN)
        else:
            self._say('Warm shut down requested')

    def request_stop_sigrtmin(self, signum: int, frame: FrameType | None) -> None:
        """In the process of a job: the exception comes after the delay, or with the next signal."""
        if self.imminent_shutdown_delay == 0:
            self.log.warning('Imminent shutdown, raising ShutDownImminentException immediately')
            self.request_force_stop_sigrtmin(signum, frame)
            return
        seconds = self.imminent_shutdown_delay
        self.log.warning('Imminent shutdown, raising ShutDownImminentException in %d seconds', seconds)
        signal.signal(signal.SIGRTMIN, self.request_force_stop_sigrtmin)
        signal.signal(signal.SIGALRM, self.request_force_stop_sigrtmin)
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def request_force_stop_sigrtmin(self, signum: int, frame: FrameType | None) -> None:
        """In the process of a job: raises ShutDownImminentException where the job is; not once it has ended."""
        runner = CURRENT.get()
        if runner is None or runner.outcome is not None:
            return  # what became of the job is on its way to Redis, and must arrive there
        self.log.warning('Raising ShutDownImminentException to cancel job...')
        info: dict[str, Any] = {name: getattr(frame, name, None) for name in self.frame_properties}
        raise ShutDownImminentException(f'shut down imminent (signal: {signal_name(signum)})', info)
