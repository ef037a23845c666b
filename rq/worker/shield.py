"""A worker that signs on or off is not disturbed: what tells it to stop waits until it can answer."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ['Shield']

_STOPPING = (signal.SIGTERM, signal.SIGINT)


class Shield:
    """Holds SIGTERM and SIGINT back while it is raised, in the main thread: other threads get no signals.

    Without it one that comes a moment too early or too late leaves a worker in Redis that is no more.
    """

    def __init__(self) -> None:
        self.main = threading.current_thread() is threading.main_thread()
        self._blocks = self.main and hasattr(signal, 'pthread_sigmask')

    @contextmanager
    def raised(self) -> Iterator[None]:
        """While this lasts they wait."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING) if self._blocks else None
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
        handlers = [signal.signal(number, handler) for number in _STOPPING]
        before = signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING) if self._blocks else None
        try:
            yield
        finally:
            if before is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            for number, former in zip(_STOPPING, handlers, strict=True):
                signal.signal(number, signal.SIG_DFL if former is None else former)

    def forget(self) -> None:
        """Drops those that wait: they ask again for what the worker has done already."""
        while self._blocks and (waiting := signal.sigpending() & set(_STOPPING)):
            signal.sigwait(waiting)
