"""Processes that a job started and that left its process group (`setsid`): found when the job's process was killed or died.

A group is all that a kill reaches by itself. Who left it has two things left of its origin, unless it took pains: a
fork has the horse's memory mapped, of which one file is a mark; what was executed has the job's name in its
environment. Asked for only after a death. Elsewhere than on Linux nobody is found.
"""

from __future__ import annotations

import mmap
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ['kill_strays', 'leave_mark']

PROC = Path('/proc')
# Seconds: the kernel counts a process's begin in hundredths.
TICK = 0.02
# Seconds that a search may take: who forks faster than it is killed is not waited for.
PATIENCE = 1.0
# Seconds: what began that short a time ago has the last numbers, which are looked at alone.
JUST_NOW = 60.0

_mark: mmap.mmap | None = None  # of this process


def leave_mark() -> int:
    """Marks this process and all that it will fork; 0 where that is not possible."""
    global _mark
    if not hasattr(os, 'memfd_create'):
        return 0
    try:
        fd = os.memfd_create('rq-horse')
    except OSError:
        return 0
    try:
        os.ftruncate(fd, mmap.PAGESIZE)
        _mark = mmap.mmap(fd, mmap.PAGESIZE)
        return os.fstat(fd).st_ino
    except OSError:
        return 0
    finally:
        os.close(fd)


def kill_strays(mark: int, worker: str, job_id: str, began_ns: int, horse: int) -> int:
    """Kills what a job has left running; answers how many. `began_ns`: the job's begin (monotonic); `horse`: its process.

    What had begun before is of an earlier job, which may have meant it to stay.
    """
    if not hasattr(time, 'CLOCK_BOOTTIME'):
        return 0
    seconds = (time.monotonic_ns() - began_ns) / 1e9
    since = time.clock_gettime(time.CLOCK_BOOTTIME) - seconds - TICK
    first = horse if seconds < JUST_NOW else 0
    names = {f'RQ_JOB_ID={job_id}'.encode(), f'RQ_WORKER_ID={worker}'.encode()}
    killed: set[int] = set()
    until = time.monotonic() + PATIENCE
    while True:
        found = [pid for pid in _since(since, first) if pid not in killed and _is_of(pid, mark, names)]
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        killed.update(found)
        if not found or time.monotonic() > until:  # they may have forked meanwhile
            return len(killed)


def _since(instant: float, first: int) -> Iterator[int]:
    """Processes that began then or later (seconds since the system's start); their numbers come after `first` (0: any)."""
    per_second = os.sysconf('SC_CLK_TCK')
    with suppress(OSError):
        last = int((PROC / 'loadavg').read_bytes().split()[-1]) if first else 0
        for name in os.listdir(PROC):
            if name.isdigit() and int(name) != os.getpid() and _is_between(int(name), first, last):
                with suppress(OSError, ValueError, IndexError):
                    stat = (PROC / name / 'stat').read_bytes()
                    if int(stat.rpartition(b')')[2].split()[19]) / per_second >= instant:
                        yield int(name)


def _is_between(pid: int, first: int, last: int) -> bool:
    """Whether it was given after the one and not after the other; after the highest number the lowest come again."""
    if not first:
        return True
    return first < pid <= last if first <= last else pid > first or pid <= last


def _is_of(pid: int, mark: int, names: set[bytes]) -> bool:
    try:
        if mark and b' %d /memfd:rq-horse' % mark in b' '.join((PROC / str(pid) / 'maps').read_bytes().split()):
            return True
        return names <= set((PROC / str(pid) / 'environ').read_bytes().split(b'\0'))
    except OSError:
        return False  # it has ended, or is somebody else's
