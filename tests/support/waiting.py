"""Waiting for something to become true, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ['wait_for']

T = TypeVar('T')


def wait_for(
    predicate: Callable[[], T], timeout: float = 10.0, message: str | Callable[[], str] = '', interval: float = 0.005
) -> T:
    """The first true value of `predicate`; AssertionError with `message` if there is none within `timeout` seconds.

    Asked once more after the deadline, so that a machine that stood still is no failure.
    """
    deadline = time.monotonic() + timeout
    while True:
        late = time.monotonic() >= deadline
        value = predicate()
        if value:
            return value
        if late:
            text = message() if callable(message) else message
            raise AssertionError(f'Not within {timeout} s: {text or getattr(predicate, "__name__", predicate)}')
        time.sleep(interval)
