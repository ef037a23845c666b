"""The functions that the benchmark's jobs call; the same file for every system."""

from __future__ import annotations

import os
import time

__all__ = ['answer', 'give', 'late', 'noop', 'rest', 'rest_10_ms', 'rest_3_s', 'stamp', 'take', 'tick']

_ticks = -1


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


def give(number: int) -> int:
    """The number."""
    return number


def take(data: bytes) -> int:
    """The size of what came."""
    return len(data)


def rest(seconds: float) -> None:
    """Sleeps."""
    time.sleep(seconds)


def rest_10_ms() -> None:
    """Sleeps for 10 ms."""
    time.sleep(0.01)


def rest_3_s() -> None:
    """Sleeps for 3 s."""
    time.sleep(3)


def late(path: str, pushed: int) -> None:
    """1 ms of sleep, after a line in a file: how many nanoseconds after its enqueue this began."""
    waited = time.monotonic_ns() - pushed
    end = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(end, b'%d\n' % waited)
    os.close(end)
    time.sleep(0.001)


def tick() -> int:
    """42, and one byte more in the file BENCH_TICKS: that is counted from outside, the same way for every queue (1 us)."""
    global _ticks
    if _ticks < 0:
        _ticks = os.open(os.environ['BENCH_TICKS'], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(_ticks, b'.')
    return 42
