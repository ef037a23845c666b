"""How a horse starts and how its end is learnt: forked by the supervisor, or by a nursery that imported modules before.

The nursery is a single-threaded process that imports the modules of `--preload` once and forks a horse whenever it is
told to; it reports births and deaths over a pipe. The supervisor itself never imports user code.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
import traceback
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rq._faultpoints import ARMED, reach

from .failure import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ['Death', 'ForkStart', 'NurseryStart', 'die_with_parent', 'let_children_be']

# The supervisor has other duties while a nursery imports.
PATIENCE = 0.04
PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Death:
    """The end of a horse, as the kernel tells it."""

    pid: int
    status: int  # as waitpid gives it
    peak_kb: int  # peak memory in kilobytes
    seen: bool = True  # False: how it ended is not known
    usage: Any = None  # as wait4 gives it, if we were the one to ask

    @classmethod
    def of(cls, pid: int | None, status: int | None, usage: Any) -> Death:
        """What wait4 has answered; Nones where it has answered nothing."""
        peak = getattr(usage, 'ru_maxrss', 0)
        return cls(
            pid or 0,
            status or 0,
            peak // 1024 if sys.platform == 'darwin' else peak,
            seen=status is not None,
            usage=usage,
        )

    @property
    def clean(self) -> bool:
        """Whether it ended by itself, with exit code 0."""
        return self.status == 0

    def text(self) -> str:
        """What happened, in RQ's words and with the peak memory."""
        if not self.seen:
            return 'Work-horse ended; nobody knows how: its exit status went to another process'
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


def _wait(pid: int) -> Death | None:
    """The end of a child, None while it lives. Raises ChildProcessError for who is no child of ours."""
    found, status, usage = os.wait4(pid, os.WNOHANG)
    return Death.of(pid, status, usage) if found else None


def die_with_parent(parent: int) -> None:
    """Asks the kernel for a SIGTERM when the parent dies, where it can (Linux). Ends this process if it is dead already."""
    if sys.platform == 'linux':
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _become_horse(parent: int, body: Callable[[], int]) -> None:
    """Runs in a forked child; never returns."""
    code = 1
    try:
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # until the horse has its own answer; the board says stop as well
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD, signal.SIGINT, signal.SIGTERM})
        die_with_parent(parent)
        let_children_be()
        body()
        code = 0
    except SystemExit:
        code = 0
    except BaseException:  # noqa: BLE001 - the outermost frame of a process
        traceback.print_exc()
    finally:
        _leave(code)


class _ChildrenOfJobs:
    """Sees to it that what a signal means to a worker it does not mean to the processes that its jobs fork.

    `multiprocessing` ends its processes by SIGTERM, which a horse only takes down. Blocked meanwhile: a signal that
    comes right after the fork would meet the worker's handler, or be forgotten by Python.
    """

    def __init__(self) -> None:
        self._before: set[Any] = set()
        usual = (('SIGTERM', signal.SIG_DFL), ('SIGALRM', signal.SIG_DFL), ('SIGINT', signal.default_int_handler))
        self._usual: dict[int, Any] = {getattr(signal, name): to for name, to in usual if hasattr(signal, name)}
        os.register_at_fork(before=self._block, after_in_parent=self._unblock, after_in_child=self._become_ordinary)

    def _block(self) -> None:
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, self._usual)

    def _unblock(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)

    def _become_ordinary(self) -> None:
        for number, handler in self._usual.items():
            # One that the job itself has set is the child's as well, as ever.
            if str(getattr(signal.getsignal(number), '__module__', '')).startswith('rq.worker.'):
                signal.signal(number, handler)
        self._unblock()


_children_of_jobs: _ChildrenOfJobs | None = None


def let_children_be() -> None:
    """From now on processes that this one forks get the usual handlers instead of a worker's. For good, and only once."""
    global _children_of_jobs
    if _children_of_jobs is None and hasattr(os, 'register_at_fork'):
        _children_of_jobs = _ChildrenOfJobs()


def _leave(code: int) -> None:
    try:
        _flush_streams()
    finally:
        os._exit(code)  # whatever else: a fork must not go on as a second supervisor


def _flush_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # noqa: BLE001 - closed, None, or whatever a job has put there
            pass


class ForkStart:
    """Horses forked by the supervisor itself."""

    def __init__(self, body: Callable[[], int]) -> None:
        self.body = body
        if sys.platform == 'linux':
            import ctypes  # noqa: F401 - here once and not in every child

    def start(self) -> int:
        """The pid of a new horse."""
        _flush_streams()  # else the child has a copy of what they hold
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become_horse(parent, self.body)
        if ARMED:
            reach('after.fork')
        try:
            os.setpgid(pid, pid)  # in parent and child: whoever comes first
        except OSError:
            pass  # it has ended, or done it
        return pid

    def reap(self, pid: int) -> Death | None:
        """The end of the horse, or None while it lives."""
        try:
            return _wait(pid)
        except ChildProcessError:  # the application around us has taken it
            return Death(pid, 0, 0, seen=False)

    def close(self) -> None:
        """Nothing to end."""


class NurseryStart:
    """Horses forked by a process that has imported the modules of `--preload`. One that dies is replaced."""

    def __init__(self, body: Callable[[], int], modules: tuple[str, ...]) -> None:
        self._body = body
        self._modules = modules
        self._deaths: dict[int, Death] = {}
        self._begin()

    def _begin(self) -> None:
        self._orders_read, self._orders = os.pipe()
        self._news, self._news_write = os.pipe()
        os.set_blocking(self._news, False)
        self._buffer = b''
        self._ordered = False
        self._born: list[int] = []
        self._fruitful = False
        self._end: Death | None = None
        self.pid = ForkStart(self._nurse).start()
        os.close(self._orders_read)
        os.close(self._news_write)

    def start(self) -> int:
        """The pid of a new horse; 0: not yet, ask again. Raises SystemExit when the modules cannot be imported."""
        if self._end is not None:
            self._give_up_or_replace(self._end)
        if not self._ordered:
            self._ordered = True
            try:
                os.write(self._orders, b'!')
            except BrokenPipeError:
                pass  # it is dead, which we are about to hear
        select.select([self._news], [], [], PATIENCE)
        self._listen()
        if not self._born:
            return 0
        self._ordered, self._fruitful = False, True
        return self._born.pop(0)

    def reap(self, pid: int) -> Death | None:
        """The end of the horse, or None while it lives."""
        self._listen()
        death = self._deaths.pop(pid, None)
        if death is None and self._end is not None:
            return _orphan_end(pid)
        return death

    def close(self) -> None:
        """Ends the nursery, in whatever import it may be."""
        if self._end is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            os.waitpid(self.pid, 0)
        os.close(self._orders)
        os.close(self._news)

    def _give_up_or_replace(self, end: Death) -> None:
        if not self._fruitful:
            names = ', '.join(self._modules)
            raise SystemExit(f'The process that imports the modules of --preload ({names}) died: {end.text()}')
        os.close(self._orders)
        os.close(self._news)
        self._begin()

    def _listen(self) -> None:
        """Takes in what the nursery has told so far. Raises SystemExit when it could not import its modules."""
        while self._end is None:
            try:
                more = os.read(self._news, 4096)
            except BlockingIOError:
                return
            if not more:
                os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
                self._end = _wait(self.pid)
            *lines, self._buffer = (self._buffer + more).split(b'\n')
            for line in lines:
                self._note(json.loads(line))

    def _note(self, news: dict[str, Any]) -> None:
        if 'failed' in news:
            raise SystemExit(news['failed'])
        if 'born' in news:
            self._born.append(news['born'])
        else:
            self._deaths[news['dead']] = Death(news['dead'], news['status'], news['peak'])

    # --- in the nursery

    def _nurse(self) -> int:
        os.close(self._orders)
        os.close(self._news)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for module in self._modules:
            try:
                import_module(module)
            except BaseException as error:  # noqa: BLE001 - whatever it does, it must not be taken for a horse's end
                self._tell({'failed': f'The module {module!r} of --preload cannot be imported: {reason_of(error)}'})
                return 1
        gc.collect()
        gc.freeze()  # what is imported stays: the horses' collector need not copy its pages by looking at them
        horses = ForkStart(self._grow_up)
        alive: set[int] = set()
        signal.signal(signal.SIGCHLD, lambda *_: self._report(horses, alive))
        while os.read(self._orders_read, 1):
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
            pid = horses.start()
            alive.add(pid)
            self._tell({'born': pid})
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        return 0

    def _grow_up(self) -> int:
        os.close(self._orders_read)
        os.close(self._news_write)  # its end tells the supervisor that the nursery is dead
        return self._body()

    def _report(self, horses: ForkStart, alive: set[int]) -> None:
        for pid in list(alive):
            death = horses.reap(pid)
            if death is not None:
                alive.discard(pid)
                self._tell({'dead': pid, 'status': death.status, 'peak': death.peak_kb})

    def _tell(self, news: dict[str, Any]) -> None:
        os.write(self._news_write, json.dumps(news).encode() + b'\n')


def _orphan_end(pid: int) -> Death | None:
    """The end of a horse whose nursery died before it, or None while it lives."""
    try:
        return _wait(pid)  # as process 1 of a container we inherit it
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
        return None
    except ProcessLookupError:
        return Death(pid, 0, 0, seen=False)
