"""What a dead horse's end is known by: the stack of its process, and what the kernel says of its memory.

The stack comes over a pipe. A horse has `faulthandler` answer one signal, which works whatever C code is doing, also with
the interpreter's lock held; the same pipe gets what a crash leaves. Nothing of it is paid per job.
"""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ['Memory', 'Stacks', 'answer']

# The signal that asks for the stack: one that nobody uses. Systems without real-time signals have SIGINFO, or no stack.
_LAST = getattr(signal, 'SIGRTMAX', None)
ASK: int | None = _LAST - 3 if _LAST is not None else getattr(signal, 'SIGINFO', None)
# Two more, for a process that is to live on: its main thread alone, from C; and all threads, from Python, when it comes to it.
LOOK: int | None = _LAST - 4 if _LAST is not None else None
LOOK_AT_ALL: int | None = _LAST - 5 if _LAST is not None else None
# Seconds: a process answers within a few milliseconds, unless it is halted; a pause so long ends the answer.
PATIENCE, PAUSE = 0.2, 0.02
# Characters of a stack that are kept: its end is our own code.
MOST = 16_000
# Where there is no limit, version 1 tells of the largest number of pages.
NO_LIMIT = 1 << 60


def answer(file: int) -> None:
    """In a horse: from now on its stack can be asked for. An application that has its own ways keeps them."""

    def tell_all(signum: int, frame: Any) -> None:
        with suppress(OSError, ValueError):
            faulthandler.dump_traceback(file=file, all_threads=True)

    if ASK is not None:
        faulthandler.register(ASK, file=file, all_threads=True, chain=False)
    if LOOK is not None and LOOK_AT_ALL is not None:
        # From C only the thread that is interrupted: the others run on, and their frames may go while they are read.
        faulthandler.register(LOOK, file=file, all_threads=False, chain=False)
        signal.signal(LOOK_AT_ALL, tell_all)
    if not faulthandler.is_enabled():
        faulthandler.enable(file=file)


class Stacks:
    """The pipe between one supervisor and its horses."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self._kept = ''  # what was in the pipe when somebody looked: it may be the last words of a crash
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)  # nobody waits because of us

    def close(self) -> None:
        """Gives the pipe back."""
        for file in {self._read, self._write} - {-1}:
            os.close(file)
        self._read = self._write = -1

    def answer(self) -> None:
        """In a horse: from now on its stack can be asked for."""
        answer(self._write)

    def fileno(self) -> int:
        """Where a horse writes its stack."""
        return self._write

    def ask(self, pid: int) -> str:
        """The stack of a living horse, which must be about to be killed; '' when it does not answer."""
        if ASK is None or (sys.platform == 'linux' and not _of_process(pid)[0] >> (ASK - 1) & 1):
            return ''  # one that does not answer yet would end by the question, and nobody know of what
        self.left()  # what was there before is of somebody else
        return self._answer(pid, ASK)

    def look(self, pid: int) -> tuple[str, int]:
        """The stack of a horse's main thread, '' when it does not answer; how many threads it has besides. It lives on."""
        caught, threads = _of_process(pid)
        if LOOK is None or not caught >> (LOOK - 1) & 1:  # a signal that is not answered would end it
            return '', 0
        self._kept = self.left()
        return self._answer(pid, LOOK), threads - 1

    def look_at_all(self, pid: int) -> str:
        """The stacks of all threads, if the main one comes to answer; to be asked after `look`."""
        if LOOK_AT_ALL is None or not _of_process(pid)[0] >> (LOOK_AT_ALL - 1) & 1:
            return ''
        return self._answer(pid, LOOK_AT_ALL)

    def _answer(self, pid: int, number: int) -> str:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        found, until = '', time.monotonic() + PATIENCE
        while select.select([self._read], [], [], PAUSE if found else max(0.0, until - time.monotonic()))[0]:
            found += self._read_all()
        return found[:MOST]

    def left(self) -> str:
        """What is in the pipe: after a crash what `faulthandler` wrote."""
        kept, self._kept = self._kept, ''
        text = kept + self._read_all()
        return text.partition('\n\nExtension modules:')[0][:MOST]

    def _read_all(self) -> str:
        found = b''
        while True:
            try:
                more = os.read(self._read, 65536)
            except BlockingIOError:
                break
            found += more
        return found.decode('utf-8', 'backslashreplace')


def _of_process(pid: int) -> tuple[int, int]:
    """The signals that a process answers, as bits, and how many threads it has; (0, 1) where nothing tells."""
    caught, threads = 0, 1
    with suppress(OSError, ValueError), open(f'/proc/{pid}/status') as told:
        for line in told:
            if line.startswith('SigCgt:'):
                caught = int(line.split()[1], 16)
            elif line.startswith('Threads:'):
                threads = int(line.split()[1])
    return caught, threads


class Memory:
    """The limit of the control group in which a worker runs, and whom the kernel has killed there for want of memory."""

    def __init__(self, groups: str, root: str) -> None:
        self._folders = list(_folders(groups, Path(root)))
        self._kills = self.kills()

    def told(self) -> str:
        """What there is to say about a death now, '' for nothing: the limit, and kills since the last time."""
        limit, before, self._kills = self.limit(), self._kills, self.kills()
        parts = [f'memory limit of its cgroup {limit / 2**20:.0f} MB'] if limit is not None else []
        if self._kills > before:
            parts.append(f'killed there for want of memory: {self._kills - before}')
        return ''.join(f'; {part}' for part in parts)

    def limit(self) -> int | None:
        """Bytes; None where there is no limit, or nothing tells it."""
        for text in self._read('memory.max', 'memory.limit_in_bytes'):
            if text.strip().isdigit() and int(text) < NO_LIMIT:
                return int(text)
        return None

    def kills(self) -> int:
        """How many processes the kernel has killed there so far."""
        for text in self._read('memory.events', 'memory.oom_control'):
            for line in text.splitlines():
                name, _, count = line.partition(' ')
                if name == 'oom_kill' and count.isdigit():
                    return int(count)
        return 0

    def _read(self, *names: str) -> list[str]:
        found = []
        for folder in self._folders:
            for name in names:
                with suppress(OSError):
                    found.append((folder / name).read_text())
        return found


def _folders(groups: str, root: Path) -> list[Path]:
    """Where the files of our group may be. Inside a container the path is the host's, and the root is our group."""
    found: list[Path] = []
    with suppress(OSError):
        for line in Path(groups).read_text().splitlines():
            _, kinds, path = line.split(':', 2)
            if kinds == '':
                found += [root / path.lstrip('/'), root, root / 'unified' / path.lstrip('/')]
            elif 'memory' in kinds.split(','):
                found += [root / 'memory' / path.lstrip('/'), root / 'memory']
    return found
