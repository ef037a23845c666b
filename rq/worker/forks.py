"""A fork copies the forking thread alone; what other threads of ours held at that instant stays held in the child for good.

So a fork waits until they rest: until none of them is within Redis, a log handler or Python's buffers.
"""

from __future__ import annotations

import os
import threading
from weakref import WeakSet

__all__ = ['rests_at_forks']

# A thread of ours is busy for one Redis call, at most a second, and seldom that long. Then the fork is no longer held up.
PATIENCE = 3.0


class _Forks:
    """The locks of the threads; each is held by its thread while that is busy, and by whoever forks while he does."""

    def __init__(self) -> None:
        self.locks: WeakSet[threading.Lock] = WeakSet()
        self._taken = threading.local()
        os.register_at_fork(before=self._take, after_in_parent=self._give, after_in_child=self._give)

    def _take(self) -> None:
        self._taken.locks = [lock for lock in list(self.locks) if lock.acquire(timeout=PATIENCE)]

    def _give(self) -> None:
        for lock in self._taken.locks:
            lock.release()


_forks: _Forks | None = None


def rests_at_forks() -> threading.Lock:
    """A lock for a thread to hold while it is busy: no fork of this process happens then."""
    global _forks
    lock = threading.Lock()
    if hasattr(os, 'register_at_fork'):
        _forks = _forks or _Forks()
        _forks.locks.add(lock)
    return lock
