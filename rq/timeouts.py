"""Time limits for code that runs inside this process: a context manager that ends its body with an exception.

`UnixSignalDeathPenalty` uses the process's real-time timer and works in the main thread only; `TimerDeathPenalty` uses a
second thread and works everywhere, but not while the body sits in C code. Neither can stop code that catches
`BaseException`: the worker's parent kills the process a few seconds after the limit.

The exceptions are `BaseException`s, which in RQ they are not. A job with `except Exception: log_and_go_on()` would
otherwise swallow its own timeout, go on for ever or end as a success (guarantee I18). `except JobTimeoutException` in a
job works as it does in RQ; code that calls jobs must name these exceptions, `except Exception` is not enough.
"""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

__all__ = [
    'BaseDeathPenalty',
    'BaseTimeoutException',
    'HorseMonitorTimeoutException',
    'JobTimeoutException',
    'TimerDeathPenalty',
    'UnixSignalDeathPenalty',
    'get_default_death_penalty_class',
]


# Ten years: as good as none, and within what every system's timers take.
_LONGEST = 10 * 365 * 86400


class BaseTimeoutException(BaseException):
    """Catch this where code runs under a time limit: the limit was reached, whatever it was for."""


class JobTimeoutException(BaseTimeoutException):
    """Catch this inside a job to clean up when its timeout is reached, and raise it again: little time is left."""


class HorseMonitorTimeoutException(BaseTimeoutException):
    """Catch this in `monitor_work_horse`: the wait for the horse took as long as one report interval."""


class BaseDeathPenalty:
    """A context manager that raises `exception` in its body after `timeout` seconds; none at 0, below, or for None."""

    def __init__(
        self, timeout: float | None, exception: type[BaseException] = BaseTimeoutException, **kwargs: Any
    ) -> None:
        # Workers pass job_id= for subclasses that want to say in their message whose time is up.
        self._timeout = timeout
        self._exception = exception

    def __enter__(self) -> None:
        self.setup_death_penalty()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.cancel_death_penalty()

    def setup_death_penalty(self) -> None:
        """Start the clock."""
        raise NotImplementedError

    def cancel_death_penalty(self) -> None:
        """Stop the clock; once this has returned, nothing is raised any more."""
        raise NotImplementedError

    @property
    def _seconds(self) -> float:
        return min(self._timeout or 0, _LONGEST)

    @property
    def _message(self) -> str:
        return f'Task exceeded maximum timeout value ({self._timeout} seconds)'


class UnixSignalDeathPenalty(BaseDeathPenalty):
    """A time limit by SIGALRM, in fractions of seconds; raises ValueError outside the main thread.

    A limit inside a limit is fine: the outer handler and what is left of the outer time are put back at the end.
    """

    _armed = False
    _outer_handler: Any = None
    _outer_deadline: float | None = None
    _outer_interval = 0.0

    def setup_death_penalty(self) -> None:
        """Start the clock, and remember which handler and deadline it replaces."""
        seconds = self._seconds
        if not seconds > 0:
            return
        # The outer timer is halted first: from here on no alarm can meet a half-made change of handlers.
        outer_left, self._outer_interval = signal.setitimer(signal.ITIMER_REAL, 0)
        self._outer_deadline = time.monotonic() + outer_left if outer_left else None
        self._outer_handler = signal.signal(signal.SIGALRM, self.handle_death_penalty)
        self._armed = True
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def cancel_death_penalty(self) -> None:
        """Stop the clock, and put back the handler and the deadline that it replaced."""
        if not self._armed:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        # A handler that was not set from Python is None; it cannot be put back, the default is the nearest.
        signal.signal(signal.SIGALRM, signal.SIG_DFL if self._outer_handler is None else self._outer_handler)
        self._armed = False  # only now: an alarm on the line above finds all of this still to do, and does it
        if self._outer_deadline is not None:
            # An outer deadline that has passed meanwhile is due at once; 0 would switch the timer off.
            outer_left = max(self._outer_deadline - time.monotonic(), 1e-6)
            signal.setitimer(signal.ITIMER_REAL, outer_left, self._outer_interval)

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        """Raise the exception. The clock is put away first: the signal may strike before `__exit__` gets to it."""
        self.cancel_death_penalty()
        raise self._exception(self._message)


class TimerDeathPenalty(BaseDeathPenalty):
    """A time limit by a second thread, in fractions of seconds, for Windows and for threads that are not the main one.

    Python delivers the exception between two steps of its own code, so a body that waits in C code (a socket, a lock,
    `time.sleep`) gets it when that call returns.
    """

    def __init__(
        self, timeout: float | None, exception: type[BaseException] = JobTimeoutException, **kwargs: Any
    ) -> None:
        super().__init__(timeout, exception, **kwargs)
        self._target_thread_id = threading.get_ident()
        self._timer: threading.Timer | None = None
        self._sent: type[BaseException] | None = None
        self._lock = threading.Lock()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._sent is not None and isinstance(exc, self._sent):
            self._sent = None  # it has arrived; there is nothing to call back
        super().__exit__(exc_type, exc, traceback)

    def new_timer(self) -> None:
        """Make the timer, not yet started; it never keeps the process from ending."""
        self._timer = threading.Timer(self._seconds, self.handle_death_penalty)
        self._timer.daemon = True

    def setup_death_penalty(self) -> None:
        """Start the clock."""
        if self._seconds > 0:
            self.new_timer()
            assert self._timer is not None
            self._timer.start()

    def cancel_death_penalty(self) -> None:
        """Stop the clock; an exception that is still on its way to the body is called back."""
        with self._lock:
            timer, self._timer = self._timer, None
            if self._sent is not None:
                _raise_in_thread(self._target_thread_id, None)
                self._sent = None
        if timer is not None:
            timer.cancel()

    def handle_death_penalty(self) -> None:
        """Raise the exception in the thread that made this object; called by the timer's thread."""
        with self._lock:
            # None: the body ended while the timer was on its way here.
            if self._timer is not None:
                self._sent = _with_message(self._exception, self._message)
                _raise_in_thread(self._target_thread_id, self._sent)


def get_default_death_penalty_class() -> type[BaseDeathPenalty]:
    """The kind of time limit that this platform can do: by signal on Unix, by thread on Windows."""
    return UnixSignalDeathPenalty if hasattr(signal, 'SIGALRM') else TimerDeathPenalty


def _with_message(exception: type[BaseException], message: str) -> type[BaseException]:
    # A thread can be sent a class only, which Python then calls without arguments. This one knows its message, looks
    # like the original in tracebacks, and pickles as the original.
    class TimedOut(exception):  # type: ignore[valid-type,misc]
        def __init__(self, *args: Any) -> None:
            super().__init__(*(args or (message,)))

        def __reduce__(self) -> tuple[type[BaseException], tuple[Any, ...]]:
            return exception, self.args

    TimedOut.__name__ = exception.__name__
    TimedOut.__qualname__ = exception.__qualname__
    TimedOut.__module__ = exception.__module__
    return TimedOut


def _raise_in_thread(thread_id: int, exception: type[BaseException] | None) -> None:
    """Have `exception` raised in a thread as soon as it runs Python code; None takes back what was not raised yet."""
    import ctypes  # not needed at all where limits are by signal

    argument = ctypes.py_object() if exception is None else ctypes.py_object(exception)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), argument)
