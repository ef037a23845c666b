"""What a job may change for those after it, put back after each: folder, environment, signal handlers."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

__all__ = ['Surroundings', 'close_old_connections']

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGCHLD)


class Surroundings:
    """The state of the process as a job finds it. Reading it back costs 2 us a job."""

    def __init__(self) -> None:
        self._folder = os.getcwd()
        self._environment = dict(os.environ)
        self._handlers: list[tuple[signal.Signals, Any]] = [(s, signal.getsignal(s)) for s in _SIGNALS]

    def name_job(self, job_id: str) -> None:
        """Tells the job's own code who it is: `RQ_JOB_ID`."""
        os.environ['RQ_JOB_ID'] = self._environment['RQ_JOB_ID'] = job_id

    def restore(self) -> None:
        """Puts back what the job changed."""
        try:
            if os.getcwd() != self._folder:
                os.chdir(self._folder)
        except OSError:
            self._return_to_folder()
        if os.environ != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
        for number, handler in self._handlers:
            if signal.getsignal(number) is not handler and handler is not None:
                signal.signal(number, handler)

    def _return_to_folder(self) -> None:
        try:
            os.chdir(self._folder)
        except OSError:
            pass  # the folder itself is gone; jobs that need it will say so


def close_old_connections() -> None:
    """Lets Django close database connections that are too old or broken, if the jobs use Django."""
    database = sys.modules.get('django.db')
    if database is not None:
        database.close_old_connections()
