"""Jobs that turn the profiler of the process they run in on and off (bench/profile.py)."""

from __future__ import annotations

import cProfile
import time

__all__ = ['begin', 'end', 'give', 'noop']

# By the time of the processor: who else runs on the machine is nothing to us.
_profile = cProfile.Profile(time.process_time)


def begin() -> None:
    """From here on what this process calls is counted."""
    _profile.enable()


def end(path: str) -> None:
    """So much it was."""
    _profile.disable()
    _profile.dump_stats(path)


def noop() -> None:
    """Nothing."""


def give(number: int) -> int:
    """The number."""
    return number
