"""Signals wake the supervisor's loop: a pipe that the interpreter writes to whenever one comes."""

from __future__ import annotations

import os
import select
import signal
from typing import TYPE_CHECKING, Any

from rq._faultpoints import ARMED, reach

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ['Wakeup']


class Wakeup:
    """Takes SIGTERM, SIGINT and SIGCHLD while a supervisor works, in the main thread: other threads get no signals."""

    def __init__(self) -> None:
        self._fd = self._write = -1  # outside the main thread: the loop looks often enough
        self._fd_before = -1
        self._handlers: list[tuple[signal.Signals, Any]] = []

    def take(self, on_stop: Callable[..., Any]) -> None:
        """From now on `on_stop` answers SIGTERM and SIGINT, and all three end a `wait`."""
        read, write = os.pipe()
        try:
            os.set_blocking(read, False)
            os.set_blocking(write, False)
            self._fd_before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        except ValueError:  # not the main thread
            os.close(read)
            os.close(write)
            return
        self._fd, self._write = read, write
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            handler = self._on_child if number == signal.SIGCHLD else _reached(on_stop) if ARMED else on_stop
            self._handlers.append((number, signal.signal(number, handler)))

    def give_back(self) -> None:
        """The handlers of before are there again."""
        for number, handler in self._handlers:
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if self._fd >= 0:
            signal.set_wakeup_fd(self._fd_before)
            os.close(self._fd)
            os.close(self._write)
            self._fd = -1

    def wait(self, seconds: float, files: Sequence[Any]) -> None:
        """Until a signal comes, one of the files can be read, or the time is over."""
        own = [self._fd] if self._fd >= 0 else []
        ready, _, _ = select.select([*own, *files], [], [], seconds)
        if self._fd in ready:
            try:
                os.read(self._fd, 4096)
            except BlockingIOError:
                pass

    def _on_child(self, signum: int, frame: Any) -> None:
        """Only wakes the loop."""


def _reached(handler: Callable[..., Any]) -> Callable[..., Any]:
    def handle(signum: int, frame: Any) -> None:
        reach('in.signal_handler')
        handler(signum, frame)

    return handle
