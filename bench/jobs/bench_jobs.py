"""The functions that the benchmark's jobs call; the same file for both systems."""

from __future__ import annotations

import os
import time

__all__ = ['answer', 'noop', 'stamp']


def noop() -> None:
    """Nothing: what is left is the cost of the queue."""


def answer() -> int:
    """42, so that there is a result to keep."""
    return 42


def stamp(pipe: str) -> None:
    """Write this moment (monotonic, nanoseconds) to the named pipe; the clock is read before anything else."""
    now = time.monotonic_ns()
    end = os.open(pipe, os.O_WRONLY)
    os.write(end, b'%d\n' % now)
    os.close(end)
