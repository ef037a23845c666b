"""The processes of the demo: the workers, and the commands that it runs. None outlives it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from screen import red, say

__all__ = ['ENDINGS', 'DemoError', 'Workers', 'run_rq']

HERE = Path(__file__).parent
STOP_SECONDS = 5.0
COMMAND_SECONDS = 30
# A worker that ends is replaced; one that ends again and again has a reason, which its log tells.
REPLACEMENTS = 4
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == 'linux' else None


class DemoError(Exception):
    """The demo cannot go on; the text is the one line that the reader sees."""


def rq_command() -> list[str]:
    """The command beside this Python; where the package is only on the path, its module."""
    script = Path(sys.executable).with_name('rq')
    return [str(script)] if script.exists() else [sys.executable, '-m', 'rq.cli']


def run_rq(url: str, *arguments: str) -> str:
    """What `rq <arguments>` prints. Raises DemoError if it fails."""
    try:
        done = subprocess.run(
            [*rq_command(), *arguments],
            cwd=HERE,
            env={**os.environ, 'RQ_REDIS_URL': url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DemoError(f'`rq {" ".join(arguments)}` has not ended in {COMMAND_SECONDS} s') from None
    if done.returncode:
        raise DemoError(f'`rq {" ".join(arguments)}` failed: {last_line(done.stdout)}')
    return done.stdout


class Workers:
    """Some `rq worker`s, kept at that number until the block ends, and then gone."""

    def __init__(self, url: str, queues: list[str], number: int, folder: Path) -> None:
        self._url, self._queues, self._number, self._folder = url, queues, number, folder
        self._running: list[subprocess.Popen[bytes]] = []
        self._started = 0

    def __enter__(self) -> Workers:
        try:
            for _ in range(self._number):
                self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def check(self) -> None:
        """Replaces workers that have ended. Raises DemoError if that happens too often."""
        for worker in [worker for worker in self._running if worker.poll() is not None]:
            self._running.remove(worker)
            if self._started >= self._number + REPLACEMENTS:
                raise DemoError(f'The workers end again and again: {self.last_words()}')
            self._start()
            say()
            say(red(f'  A worker (pid {worker.pid}) has ended with code {worker.returncode}; another takes its place.'))

    def last_words(self) -> str:
        """The last line that the youngest worker has logged."""
        return last_line(self._log(self._started).read_text(errors='replace'))

    def _log(self, number: int) -> Path:
        return self._folder / f'worker-{number}.log'

    def _start(self) -> None:
        self._started += 1
        with open(self._log(self._started), 'wb') as log, signals_later():
            self._running.append(
                subprocess.Popen(
                    [*rq_command(), 'worker', *self._queues],
                    cwd=HERE,
                    env={**os.environ, 'RQ_REDIS_URL': self._url},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is for us: we stop the workers in our own order
                    preexec_fn=_become_worker,  # safe here: this program has one thread
                )
            )

    def _stop(self) -> None:
        for worker in self._running:
            worker.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for worker in self._running:
            try:
                worker.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()


@contextmanager
def signals_later() -> Iterator[None]:
    """A signal that arrives in the block acts at its end, when the new process is in our books."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _become_worker() -> None:
    """In the new process: hear signals again, and end with the demo if that is killed outright (Linux)."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
    if LIBC:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else 'it printed nothing'
