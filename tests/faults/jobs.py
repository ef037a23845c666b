"""What the jobs of these tests do: they write down that they began, outside Redis, where no fault reaches."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from pathlib import Path

from rq import Queue, get_current_job
from rq.job import Job

__all__ = [
    'LEDGER', 'POISON', 'big', 'deaf', 'die', 'die_with_parent', 'fails', 'fork_again_and_again', 'fork_and_return',
    'noop', 'note', 'note_times', 'printed', 'spawn', 'swallows', 'told', 'until',
]  # fmt: skip

# The file that jobs write to: one line a begin, by one write, which survives the process.
LEDGER = 'RQ_TEST_LEDGER'

_fd = -1


def _write(kind: str, number: int) -> None:
    global _fd
    if _fd < 0:
        _fd = os.open(os.environ[LEDGER], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(_fd, b'%b %d %d %d\n' % (kind.encode(), number, os.getpid(), time.monotonic_ns()))


def noop(number: int = 0) -> int:
    return number


def note(number: int, seconds: float = 0.0) -> int:
    """Writes its number down, takes its time, returns its number."""
    _write('b', number)
    if seconds:
        time.sleep(seconds)
    return number


def note_times(number: int, seconds: float = 0.0) -> int:
    """As `note`, and writes down when it ends."""
    note(number, seconds)
    _write('e', number)
    return number


def until(number: int, path: str, limit: float = 20.0) -> int:
    """Writes its number down and waits until a file is there."""
    _write('b', number)
    deadline = time.monotonic() + limit
    while not Path(path).exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    _write('e', number)
    return number


def die(number: int, after: float = 0.0) -> None:
    """Kills its own process."""
    _write('b', number)
    time.sleep(after)
    os.kill(os.getpid(), signal.SIGKILL)


def die_with_parent(number: int) -> None:
    """Takes its supervisor along, as a machine that runs out of memory may."""
    _write('b', number)
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def fails(number: int) -> None:
    _write('b', number)
    raise ValueError(f'job {number} fails')


def big(number: int, size: int) -> bytes:
    """Returns so many bytes that do not compress to nothing."""
    _write('b', number)
    return os.urandom(size)


def fork_and_return(number: int) -> int:
    """Forks, and the child returns as well: what a job must not do, and does."""
    _write('b', number)
    os.fork()
    return number


def spawn(number: int, child: int, queue: str) -> int:
    """Enqueues a job, `child` by number and id."""
    _write('b', number)
    connection = get_current_job().connection  # type: ignore[union-attr]
    Queue(queue, connection=connection).enqueue(note, child, job_id=f'j{child}')
    return number


def told(job: Job, *_: object) -> None:
    """A callback: writes down the number of its job."""
    _write('c', job.args[0])


def fork_again_and_again(number: int) -> None:
    """A hundred processes that fork no further, each deaf to all but SIGKILL; then it waits, deaf as well."""
    _write('b', number)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGTERM})
    for _ in range(100):
        if os.fork() == 0:
            _write('f', number)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(60)
            os._exit(0)
    time.sleep(60)


def _exit(number: int) -> None:
    _write('b', number)
    os._exit(7)


def _fault(number: int) -> None:
    _write('b', number)
    ctypes.string_at(0)


def _abort(number: int) -> None:
    _write('b', number)
    os.abort()


# Each ends its own process; the last one kills its worker before.
POISON = (_exit, _fault, _abort, die_with_parent)


def printed(number: int) -> int:
    print(f'job {number} says so', flush=True)
    return number


def swallows(number: int) -> int:
    """Takes every exception for nothing."""
    _write('b', number)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            time.sleep(20)
        except Exception:
            pass
    return number


def deaf(number: int) -> None:
    """Starts a child and then sits in C code that no signal handler of Python interrupts."""
    _write('b', number)
    subprocess.Popen(['sleep', '60'])
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(60)
