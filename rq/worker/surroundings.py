"""What a job may change for those after it, put back after each: folder, environment, signal handlers."""

from __future__ import annotations

import _signal
import os
import signal
import sys
from typing import Any

__all__ = ['Surroundings', 'close_old_connections']

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGCHLD)


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
        self._folder = os.getcwd()
        self._variables: Any = os.environ._data  # type: ignore[attr-defined]
        self._environment = dict(self._variables)
        self._find, self._write = _memory()
        self._place = self._length = 0
        self._handlers: list[tuple[int, Any]] = [(int(s), _signal.getsignal(s)) for s in _SIGNALS]

    def name_job(self, job_id: bytes) -> None:
        """Tells the job's own code, and what it starts, who it is: `RQ_JOB_ID`.

        glibc keeps every value that a variable ever had, which a warm process would feel: a value of the same length
        is written over the last one.
        """
        self._variables[NAME] = self._environment[NAME] = job_id
        if self._place and len(job_id) == self._length:
            self._write(self._place, job_id, self._length)
            return
        os.putenv(NAME, job_id)
        self._length = len(job_id)
        self._place = self._find(NAME) if self._find is not None else 0

    def restore(self) -> None:
        """Puts back what the job changed."""
        try:
            if os.getcwd() != self._folder:
                os.chdir(self._folder)
        except OSError:
            self._return_to_folder()
        if self._variables != self._environment:
            self._restore_environment()
        for number, handler in self._handlers:
            if _signal.getsignal(number) is not handler and handler is not None:
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
            os.chdir(self._folder)
        except OSError:
            pass  # the folder itself is gone; jobs that need it will say so


def close_old_connections() -> None:
    """Lets Django close database connections that are too old or broken, if the jobs use Django."""
    database = sys.modules.get('django.db')
    if database is not None:
        database.close_old_connections()
