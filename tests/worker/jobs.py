"""Functions that tests of workers enqueue."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from rq import get_current_job

JOURNAL = 'PACKHORSE_TEST_JOURNAL'


def note(*words: object) -> None:
    """A line in the journal of the test, whole even if the process is killed right after it."""
    line = ' '.join(map(str, words)) + '\n'
    target = os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(target, line.encode())
    finally:
        os.close(target)


def say(value: Any = None) -> Any:
    """What it is given."""
    note('say', value)
    return value


def pid() -> int:
    return os.getpid()


def interpreter() -> dict[str, Any]:
    """What a new interpreter finds."""
    names = [os.environ.get(name) for name in ('RQ_WORKER_ID', 'RQ_JOB_ID', 'RQ_EXECUTION_ID')]
    started = 'rq.worker.spawn' in sys.argv or sys.argv == ['-c']
    return {'pid': os.getpid(), 'started': started, 'names': names, 'stdin': os.read(0, 1).decode()}


def told_of_the_end() -> None:
    """Waits for HerokuWorker's exception."""
    note('waits')
    try:
        time.sleep(30)
    except BaseException as error:
        note('end', error, sorted(error.extra_info))  # type: ignore[attr-defined]
        raise


def sleep(seconds: float) -> str:
    note('sleep', seconds)
    time.sleep(seconds)
    note('woke', seconds)
    return 'slept'


# --- that do not end


def swallow(seconds: float) -> str:
    """Catches every `Exception` for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            time.sleep(0.01)
        except Exception:
            note('swallowed')
    return 'went on'


def swallow_everything() -> None:
    while True:
        try:
            time.sleep(0.01)
        except BaseException as error:
            note('swallowed', type(error).__name__)


def cleans_up(seconds: float) -> None:
    try:
        time.sleep(seconds)
    finally:
        note('cleaned up')


def c_loop_with_child() -> None:
    """A C loop, and a child process that outlives it unless somebody ends both."""
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
    note('child', child.pid)
    c_loop()


def sleeps_with_child() -> None:
    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
    note('child', child.pid)
    time.sleep(60)


def c_loop() -> int:
    return sum(range(10**12))


def slow_pattern() -> Any:
    return re.match(r'(a+)+$', 'a' * 40 + 'b')


def alarm(seconds: int) -> None:
    """Uses the timer for itself, and leaves it like that."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.alarm(seconds)


# --- that end their process


def die(number: int) -> None:
    note('dies')
    os.kill(os.getpid(), number)
    time.sleep(10)


def segfault() -> None:
    note('dies')
    ctypes.string_at(0)


def die_after_a_child_crashed() -> None:
    child = os.fork()
    if child == 0:
        segfault()
    os.waitpid(child, 0)
    os.kill(os.getpid(), signal.SIGKILL)


def leave(code: int) -> None:
    note('dies')
    os._exit(code)


def too_much_memory() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
    bytearray(2**31)


def fat(megabytes: int) -> None:
    """Dies with so much memory in use."""
    kept = bytearray(megabytes * 2**20)
    kept[::4096] = b'x' * len(kept[::4096])
    os.kill(os.getpid(), signal.SIGKILL)


# --- that raise


def fail(text: str = 'broken') -> None:
    raise ValueError(text)


def raise_this(name: str) -> None:
    raise {'SystemExit': SystemExit, 'KeyboardInterrupt': KeyboardInterrupt, 'GeneratorExit': GeneratorExit}.get(
        name, BaseException
    )(f'this is {name}')


class Odd(Exception):
    """Cannot be printed, nor pickled."""

    def __init__(self) -> None:
        super().__init__('odd')
        self.lock = threading.Lock()

    def __str__(self) -> str:
        raise RuntimeError('no words')

    __repr__ = __str__


def raise_odd() -> None:
    raise Odd


def raise_long(megabytes: int) -> None:
    raise ValueError('x' * megabytes * 2**20)


def recurse(depth: int = 0) -> int:
    return recurse(depth + 1)


# --- that return what cannot be stored


class Refuses:
    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __reduce__(self) -> Any:
        if self.kind == 'recursion':
            return Refuses, (Refuses('recursion'),)
        if self.kind == 'death':
            os.kill(os.getpid(), signal.SIGKILL)
        raise {'TypeError': TypeError, 'SystemExit': SystemExit}[self.kind]('not to be pickled')


def unstorable(kind: str) -> Any:
    if kind == 'lambda':
        return lambda: None
    if kind == 'generator':
        return (number for number in range(3))
    return Refuses(kind)


# --- of other kinds


async def wait_a_little(value: Any) -> Any:
    import asyncio

    await asyncio.sleep(0.01)
    return value


class Counter:
    """Callable, with methods of all kinds."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __call__(self, more: int) -> int:
        return self.start + more

    def add(self, more: int) -> int:
        return self.start + more

    @staticmethod
    def double(value: int) -> int:
        return 2 * value

    @classmethod
    def named(cls, value: int) -> str:
        return f'{cls.__name__} {value}'


# --- that fork


def pool() -> list[int]:
    """The work of processes that `multiprocessing` forks, and ends by SIGTERM."""
    with multiprocessing.get_context('fork').Pool(2) as workers:
        return workers.map(abs, range(-3, 0))


def ended_child() -> int | None:
    child = multiprocessing.get_context('fork').Process(target=time.sleep, args=(30,))
    child.start()
    child.terminate()
    child.join(5)
    return child.exitcode


def forked_child(fails: bool) -> None:
    """Forks a child that comes back from here as well."""
    print('once')
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    print('parent' if child else 'child')
    if fails:
        raise ValueError('both')


def winds_up(seconds: float = 20.0) -> str:
    """Works until its worker is told to stop."""
    job = get_current_job()
    assert job is not None
    assert not job.stopping
    note('works')
    until = time.monotonic() + seconds
    while not job.stopping and time.monotonic() < until:
        time.sleep(0.01)
    return 'wound up' if job.stopping else 'ran out of time'


# --- that leave processes outside of their process group


def _stray(how: str) -> int:
    """A process in a session of its own, deaf to all but SIGKILL: forked, forked twice, or executed."""
    if how == 'executed':
        ignore = 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)'
        return subprocess.Popen([sys.executable, '-c', ignore], start_new_session=True).pid
    read, write = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if how == 'forked twice' and os.fork():
            os._exit(0)
        os.write(write, b'%d' % os.getpid())
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(60)
        os._exit(0)
    return int(os.read(read, 20))


def leaves_strays(then: str) -> None:
    """Leaves three, writes down who they are, and ends in one of several ways, or does not."""
    for how in ('executed', 'forked', 'forked twice'):
        note('stray', _stray(how))
    if then == 'is killed':
        os.kill(os.getpid(), signal.SIGKILL)
    elif then == 'loops in C':
        c_loop()
    elif then == 'sleeps':
        time.sleep(60)


def is_killed_for_memory(events: str) -> None:
    """As by the kernel, which counts it."""
    with open(events, 'w') as file:
        file.write('oom 1\noom_kill 1\n')
    os.kill(os.getpid(), signal.SIGKILL)
