"""Signals as events: a loop waits for them instead of being interrupted by them."""

from __future__ import annotations

import os
import select
import signal
from types import TracebackType
from typing import ClassVar, Self

__all__ = ['Signals']


class Signals:
    """Inside its block, ending signals and the end of a child are only noted; `wait` tells which came."""

    # Looked up by name: the module is imported for the help text on Windows too, which has no SIGHUP.
    ENDING: ClassVar[set[int]] = {
        getattr(signal, name) for name in ('SIGINT', 'SIGTERM', 'SIGHUP') if hasattr(signal, name)
    }

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._before = {number: signal.signal(number, _noted) for number in (*self.ENDING, signal.SIGCHLD)}
        self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._read)
        os.close(self._write)

    def wait(self, seconds: float | None = None) -> set[int]:
        """The signals that have come since the last call, waiting for one for so many seconds, or for ever."""
        select.select([self._read], [], [], seconds)
        try:
            return set(os.read(self._read, 1024))
        except BlockingIOError:
            return set()


def _noted(*_: object) -> None:
    """The kernel has already written the number to the pipe."""
