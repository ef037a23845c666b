"""Jobs and a counter that tell how many functions Python calls for a job, by `sys.setprofile`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import rq

__all__ = ['Counter', 'begin', 'end', 'noop']

OURS = rq.__path__[0]


class Counter:
    """Counts while it is on: calls of Python functions of ours, and what they call that is written in C.

    What redis-py calls by itself is its own business, and another number with each of its releases.
    """

    def __init__(self) -> None:
        self.calls = 0

    def start(self) -> None:
        self.calls = 0
        sys.setprofile(self._event)

    def stop(self) -> int:
        sys.setprofile(None)
        return self.calls

    def of(self, work: Callable[[], Any]) -> int:
        """How many calls a piece of work makes."""
        self.start()
        try:
            work()
        finally:
            self.stop()
        return self.calls

    def _event(self, frame: FrameType, event: str, argument: Any) -> None:
        if event in ('call', 'c_call') and frame.f_code.co_filename.startswith(OURS):
            self.calls += 1


_counter = Counter()


def begin() -> None:
    """From here on the calls of this process are counted."""
    _counter.start()


def end() -> int:
    """So many there were."""
    return _counter.stop()


def noop() -> None:
    """Nothing."""
