"""A worker that signs on or off is not disturbed: what tells it to stop waits until it can answer."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ['Shield']


def _stopping() -> list[signal.Signals]:
    """What tells a worker to stop; the end of its terminal, too, unless `nohup` or the like said to ignore that."""
    found = [signal.SIGTERM, signal.SIGINT]
    if hasattr(signal, 'SIGHUP') and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        found.append(signal.SIGHUP)
    return found


class Shield:
    """Holds SIGTERM, SIGINT and SIGHUP back while it is raised, in the main thread: other threads get no signals.

    Without it one that comes a moment too early or too late leaves a worker in Redis that is no more.
    """

    def __init__(self) -> None:
        self.main = threading.current_thread() is threading.main_thread()
        self.signals = _stopping()
        self._blocks = self.main and hasattr(signal, 'pthread_sigmask')

    @contextmanager
    def raised(self) -> Iterator[None]:
        """While this lasts they wait."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, self.signals) if self._blocks else None
        try:
            yield
        finally:
            if before is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)

    @contextmanager
    def lowered(self, handler: Callable[..., Any]) -> Iterator[None]:
        """While this lasts they come to this handler, also those that have waited."""
        if not self.main:
            yield
            return
        handlers = [signal.signal(number, handler) for number in self.signals]
        before = signal.pthread_sigmask(signal.SIG_UNBLOCK, self.signals) if self._blocks else None
        try:
            yield
        finally:
            if before is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            for number, former in zip(self.signals, handlers, strict=True):
                signal.signal(number, signal.SIG_DFL if former is None else former)

    def forget(self) -> None:
        """Drops those that wait: they ask again for what the worker has done already."""
        while self._blocks and (waiting := signal.sigpending() & set(self.signals)):
            signal.sigwait(waiting)
