"""The worker processes of `rq up`: started, started again when they die, ended together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from rq.respawn import Respawn

from .errors import tell

__all__ = ['Herd', 'HerdFailed']

QUICK_DEATHS = 5
USAGE = 2
PR_SET_PDEATHSIG = 1


class HerdFailed(Exception):
    """The workers cannot run; the text says why, `code` is how the last one ended."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class Herd:
    """Keeps a number of worker processes running, until it is told to stop."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], number: int) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._missing = number
        self._running: dict[subprocess.Popen[bytes], float] = {}
        self._respawn = Respawn()
        self.stopping_since: float | None = None

    @property
    def stopping(self) -> bool:
        """Whether it was told to end."""
        return self.stopping_since is not None

    @property
    def alive(self) -> int:
        """How many run now."""
        return len(self._running)

    @property
    def done(self) -> bool:
        """Whether none runs and none is to be started."""
        return not self._running and (self.stopping or not self._missing)

    def pause(self) -> float | None:
        """Seconds until the next start is due; None when none is."""
        return self._respawn.pause if self._missing and not self.stopping else None

    def start_missing(self) -> None:
        """Starts those that are missing and due."""
        if self.pause() != 0.0:
            return
        while self._missing:
            process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C is for us: we end the workers before their server
                preexec_fn=_dying_with(os.getpid()),  # safe: this program has one thread
            )
            self._running[process] = time.monotonic()
            self._missing -= 1

    def reap(self) -> None:
        """Takes note of those that have ended. Raises HerdFailed when they do so again and again."""
        for process in [process for process in self._running if process.poll() is not None]:
            lived = time.monotonic() - self._running.pop(process)
            code = process.returncode
            if self.stopping:
                continue
            if code == 0:  # it was told to: `send_shutdown_command`
                tell(f'Worker {process.pid} has ended as it was told')
                continue
            if code == USAGE:
                raise HerdFailed('The workers cannot be started with these options', code)
            self._missing += 1
            self._plan_start(lived, code)
            tell(f'Worker {process.pid} has ended unexpectedly ({_how(code)}); another takes its place', err=True)

    def _plan_start(self, lived: float, code: int) -> None:
        self._respawn.note_death(lived)
        if self._respawn.quick_deaths >= QUICK_DEATHS:
            raise HerdFailed('The workers end again and again; what they print says why', code)

    def stop(self) -> None:
        """Asks all to end once their jobs have; asked again after a second, they end now, and their jobs with them."""
        self.stopping_since = self.stopping_since or time.monotonic()
        self._signal(lambda process: process.send_signal(signal.SIGTERM))

    def kill(self) -> None:
        """Kills all; a horse ends after the job in its hands, since it has lost its supervisor."""
        self.stopping_since = self.stopping_since or time.monotonic()
        self._signal(subprocess.Popen.kill)
        for process in self._running:
            process.wait()
        self._running.clear()

    def _signal(self, send: Callable[[subprocess.Popen[bytes]], None]) -> None:
        for process in self._running:
            send(process)


def _how(code: int) -> str:
    return f'signal {signal.Signals(-code).name}' if code < 0 else f'code {code}'


def _dying_with(parent: int) -> Callable[[], None] | None:
    """What a child does so that the kernel kills it when we are killed (Linux); its jobs go back to their queue."""
    if sys.platform != 'linux':
        return None
    import ctypes

    libc = ctypes.CDLL(None)

    def die_too() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we asked to be told
            os._exit(1)

    return die_too
