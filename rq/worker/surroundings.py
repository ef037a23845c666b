"""What a job may change for those after it, put back after each: folder, environment, signal handlers."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what `signal` stands on
import os
import signal
import sys
from typing import Any

__all__ = ['Surroundings', 'close_old_connections']

# Those that programs set for themselves. A job that lets SIGPIPE kill would have the next one killed by it.
_SIGNALS = ('SIGTERM', 'SIGINT', 'SIGALRM', 'SIGCHLD', 'SIGPIPE', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2')

NAME = b'RQ_JOB_ID'


def _memory() -> tuple[Any, Any]:
    """Where the C library keeps a variable, and how to write there; (None, None) where that is not known to be safe."""
    if sys.platform != 'linux':
        return None, None
    import ctypes

    find = ctypes.CDLL(None).getenv
    find.restype, find.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
    return find, ctypes.memmove


class Surroundings:
    """The state of the process as a job finds it. Looking after a job costs 2 us.

    Comparing `os.environ` itself decodes every variable (100 us), and `signal.getsignal` makes an enum of every answer;
    what they stand on is compared instead.
    """

    def __init__(self) -> None:
        self._folder = _folder()
        self._variables: Any = os.environ._data  # type: ignore[attr-defined]
        self._environment = dict(self._variables)
        self._find, self._write = _memory()
        self._place = self._length = 0
        self._signals = [int(getattr(signal, name)) for name in _SIGNALS if hasattr(signal, name)]
        self._handlers = list(map(_signal.getsignal, self._signals))

    def name_job(self, job_id: bytes) -> None:
        """Tells the job's own code, and what it starts, who it is: `RQ_JOB_ID`.

        glibc keeps every value that a variable ever had, which a warm process would feel: a value of the same length
        is written over the last one.
        """
        if b'\0' in job_id:
            return  # not one of ours, and nothing that an environment can hold
        self._variables[NAME] = self._environment[NAME] = job_id
        if self._place and len(job_id) == self._length:
            self._write(self._place, job_id, self._length)
            return
        os.putenv(NAME, job_id)
        self._length = len(job_id)
        self._place = self._find(NAME) if self._find is not None else 0

    def restore(self) -> None:
        """Puts back what the job changed."""
        if self._folder is not None and _folder() != self._folder:
            self._return_to_folder()
        if self._variables != self._environment:
            self._restore_environment()
        self.restore_handlers()

    def restore_handlers(self) -> None:
        """Puts back the signal handlers alone. Main thread only."""
        if list(map(_signal.getsignal, self._signals)) == self._handlers:
            return
        for number, handler in zip(self._signals, self._handlers, strict=True):
            if handler is not None:  # one that was not set from Python cannot be put back
                signal.signal(number, handler)

    def _restore_environment(self) -> None:
        self._place = 0
        for name in [name for name in self._variables if name not in self._environment]:
            del os.environ[os.fsdecode(name)]
        for name, value in self._environment.items():
            if self._variables.get(name) != value:
                os.environ[os.fsdecode(name)] = os.fsdecode(value)

    def _return_to_folder(self) -> None:
        try:
            os.chdir(self._folder or '.')
        except OSError:
            pass  # the folder itself is gone; jobs that need it will say so


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None  # it was deleted


def close_old_connections() -> None:
    """Lets Django close database connections that are too old or broken, if the jobs use Django."""
    close = getattr(sys.modules.get('django.db'), 'close_old_connections', None)
    if close is not None:
        try:
            close()
        except Exception:  # noqa: BLE001 - Django without settings, a database that is away: the jobs' trouble
            pass
