"""How a horse starts and how its end is learnt: forked by the supervisor, or by a nursery that imported modules before.

The nursery is a single-threaded process that imports the modules of `--preload` once and forks a horse whenever it is
told to; it reports births and deaths over a pipe. The supervisor itself never imports user code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ['Death', 'ForkStart', 'NurseryStart', 'die_with_parent']


@dataclass(slots=True)
class Death:
    """The end of a horse, as the kernel tells it."""

    pid: int
    status: int  # as waitpid gives it
    peak_kb: int  # peak memory in kilobytes

    @property
    def clean(self) -> bool:
        """Whether it ended by itself, with exit code 0."""
        return self.status == 0

    def text(self) -> str:
        """What happened, in RQ's words and with the peak memory."""
        told = f'Work-horse terminated unexpectedly; waitpid returned {self.status}'
        if os.WIFSIGNALED(self.status):
            number = os.WTERMSIG(self.status)
            told += f' (signal {number}{_signal_name(number)})'
        elif os.WIFEXITED(self.status):
            told += f' (exit code {os.WEXITSTATUS(self.status)})'
        return f'{told}; peak memory {self.peak_kb / 1024:.0f} MB'


def _signal_name(number: int) -> str:
    try:
        return f', {signal.Signals(number).name}'
    except ValueError:
        return ''


def die_with_parent(parent: int) -> None:
    """Asks the kernel for a SIGTERM when the parent dies, where it can (Linux). Ends this process if it is dead already."""
    if sys.platform == 'linux':
        import ctypes

        pr_set_pdeathsig = 1
        ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _become_horse(parent: int, body: Callable[[], int]) -> None:
    """Runs in a forked child; never returns."""
    code = 1
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        die_with_parent(parent)
        body()
        code = 0
    except SystemExit:
        code = 0
    except BaseException:  # the outermost frame of a process
        traceback.print_exc()
    finally:
        _leave(code)


def _leave(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(code)


class ForkStart:
    """Horses forked by the supervisor itself."""

    def __init__(self, body: Callable[[], int]) -> None:
        self.body = body

    def start(self) -> int:
        """The pid of a new horse."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                pass
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become_horse(parent, self.body)
        try:
            os.setpgid(pid, pid)  # in parent and child: whoever comes first
        except OSError:
            pass  # it has ended, or done it
        return pid

    def reap(self, pid: int) -> Death | None:
        """The end of the horse, or None while it lives."""
        try:
            found, status, usage = os.wait4(pid, os.WNOHANG)
        except ChildProcessError:
            return Death(pid, 0, 0)
        return Death(pid, status, usage.ru_maxrss) if found else None

    def close(self) -> None:
        """Nothing to end."""


class NurseryStart:
    """Horses forked by a process that has imported the modules of `--preload`."""

    def __init__(self, body: Callable[[], int], modules: tuple[str, ...]) -> None:
        self._body = body
        self._modules = modules
        self._orders_read, self._orders = os.pipe()
        self._news, self._news_write = os.pipe()
        os.set_blocking(self._news, False)
        self._buffer = b''
        self._deaths: dict[int, Death] = {}
        self.pid = self._fork()

    def _fork(self) -> int:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become_horse(parent, self._nurse)
        os.close(self._orders_read)
        os.close(self._news_write)
        return pid

    def start(self) -> int:
        """The pid of a new horse. Raises OSError when the nursery has died (its modules could not be imported)."""
        os.write(self._orders, b'!')
        os.set_blocking(self._news, True)
        try:
            while True:
                news = self._read()
                if news is None:
                    raise OSError(f'the modules of --preload ({", ".join(self._modules)}) could not be imported')
                if 'born' in news:
                    return int(news['born'])
                self._note(news)
        finally:
            os.set_blocking(self._news, False)

    def reap(self, pid: int) -> Death | None:
        """The end of the horse, or None while it lives."""
        try:
            while True:
                news = self._read()
                if news is None:
                    return self._deaths.pop(pid, None) or Death(pid, 0, 0)
                self._note(news)
        except BlockingIOError:
            return self._deaths.pop(pid, None)

    def close(self) -> None:
        """Ends the nursery."""
        os.close(self._orders)
        try:
            os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass
        os.close(self._news)

    def _note(self, news: dict[str, Any]) -> None:
        death = Death(news['dead'], news['status'], news['peak'])
        self._deaths[death.pid] = death

    def _read(self) -> dict[str, Any] | None:
        while b'\n' not in self._buffer:
            more = os.read(self._news, 4096)
            if not more:
                return None
            self._buffer += more
        line, self._buffer = self._buffer.split(b'\n', 1)
        news: dict[str, Any] = json.loads(line)
        return news

    # --- in the nursery

    def _nurse(self) -> int:
        os.close(self._orders)
        os.close(self._news)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for module in self._modules:
            import_module(module)
        horses = ForkStart(self._body)
        alive: set[int] = set()
        signal.signal(signal.SIGCHLD, lambda *_: self._report(horses, alive))
        while os.read(self._orders_read, 1):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
            pid = horses.start()
            alive.add(pid)
            self._tell({'born': pid})
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        return 0

    def _report(self, horses: ForkStart, alive: set[int]) -> None:
        for pid in list(alive):
            death = horses.reap(pid)
            if death is not None:
                alive.discard(pid)
                self._tell({'dead': pid, 'status': death.status, 'peak': death.peak_kb})

    def _tell(self, news: dict[str, int]) -> None:
        os.write(self._news_write, json.dumps(news).encode() + b'\n')
