"""Where a running job stands, told to whoever asks: the stack of its process, as a traceback has it, kept for a minute.

A horse answers a signal from C (`report.py`), so also while C code holds the interpreter's lock. A worker that runs jobs in
its own process looks at its threads itself, as soon as the job's code lets it.
"""

from __future__ import annotations

import json
import linecache
import os
import re
import stat
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

from rq.store import stack as store

from .board import BEGUN
from .report import LOOK

if TYPE_CHECKING:
    from redis import Redis

    from .simple import Loop
    from .supervisor import Supervisor

__all__ = ['Teller', 'of_child', 'of_horse', 'of_threads', 'parsed', 'readable']

# Bytes of an answer at most, and seconds between two: whoever asks again sees the last one.
LARGEST, PAUSE = 64 * 1024, 0.25
# Bytes of a source file that is read to show some of its lines.
LONG_FILE = 4_000_000
FRAME = re.compile(r'  File "(.*)", line (\d+) in (.*)$')
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# The innermost frame of ours below a job's own code.
CALLER = os.path.join(PACKAGE, 'job', 'perform.py')

Frame = tuple[str, int, str]
Thread = tuple[str, list[Frame]]  # title, outermost first


class Teller:
    """Writes the answers of one worker, not too often."""

    def __init__(self, worker_name: str) -> None:
        self.worker = worker_name
        self._next = 0.0  # monotonic seconds

    def tell(self, connection: Redis, job_id: str, found: dict[str, Any]) -> None:
        """Keeps an answer where who asked looks for it. Raises redis-py's errors."""
        answer = {'worker': self.worker, **found}
        text = answer.get('text', '')
        while len(packed := json.dumps(answer).encode()) > LARGEST:
            text = text[: len(text) // 2]
            answer |= {'text': text, 'note': 'It is longer than this: the end is cut off.'}
        store.put(connection, job_id, packed)

    def is_soon(self) -> bool:
        """Whether the last answer is so young that there is no new one."""
        now = time.monotonic()
        if now < self._next:
            return True
        self._next = now + PAUSE
        return False


# --- a horse


def of_horse(chief: Supervisor, job_id: str) -> dict[str, Any]:
    """The answer of a supervisor: the stack of its horse, if that runs the job now."""
    run = chief.board.running() if chief.horse else None
    pack = chief.board.snapshot(run[0]) if run else None
    slot = pack.slots[run[1]] if run and pack and run[1] < len(pack.slots) else None
    if run is None or slot is None or slot.lease.id != job_id or slot.state != BEGUN:
        return {'state': 'elsewhere', 'note': 'This worker does not run it now: it has just ended, or not begun.'}
    lasts = (time.monotonic_ns() - run[2]) / 1e9
    found = {'state': 'running', 'execution': slot.lease.execution, 'pid': chief.horse, 'seconds': round(lasts, 3)}
    found |= _of_process(chief.killing.stacks, chief.horse)
    if chief.board.running() != run:
        found['note'] = 'The job ended while it was asked: this may be the stack of the next one.'
    return found


def _of_process(stacks: Any, pid: int) -> dict[str, str]:
    if LOOK is None:
        return {'text': '', 'note': 'The system of its worker has no signal to spare for this.'}
    told, others = stacks.look(pid)
    if not told:
        return {'text': '', 'note': 'Its process does not answer: it is halted, or was started in a way of its own.'}
    threads = parsed(told)
    note = ''
    if others > 0:
        more = [thread for thread in parsed(stacks.look_at_all(pid)) if not thread[0].startswith('Current')]
        threads += more
        if not more:
            note = f'The process has {others} more threads, which tell nothing while its main thread runs no Python.'
    return {'text': readable(threads), 'note': note}


def of_child(stacks: Any, pid: int) -> dict[str, Any]:
    """The answer of a worker in the classic way, whose job runs in a child."""
    return {'state': 'running', 'pid': pid, **_of_process(stacks, pid)}


# --- the worker's own process


def of_threads(loop: Loop) -> dict[str, Any]:
    """The answer of a worker that runs the job in its own process: its threads, but for the one that asks."""
    main, me = threading.main_thread().ident, threading.get_ident()
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    threads: list[Thread] = []
    frames = sys._current_frames()
    for ident in sorted(frames, key=lambda one: one != main):
        if ident != me:
            summary = traceback.extract_stack(frames[ident])
            found = [(one.filename, one.lineno or 0, one.name) for one in summary]
            threads.append(('Main thread' if ident == main else f'Thread {names.get(ident, ident)}', found))
    note = '' if loop.main else 'The worker runs in a thread: the job is in one of these.'
    return {'state': 'running', 'pid': os.getpid(), 'text': readable(threads), 'note': note}


# --- text


def parsed(told: str) -> list[Thread]:
    """The threads in what `faulthandler` wrote; it begins with the innermost frame."""
    threads: list[Thread] = []
    for line in told.splitlines():
        found = FRAME.match(line)
        if found and threads:
            threads[-1][1].insert(0, (found[1], int(found[2]), found[3]))
        elif line.startswith(('Current thread', 'Thread', 'Stack')):
            threads.append((line.partition(' (most recent')[0], []))
    return threads


def readable(threads: list[Thread]) -> str:
    """The threads as tracebacks have them, with lines of source, and without what of the worker is below the job."""
    parts = []
    for number, (title, frames) in enumerate(threads):
        shown, left = _own(frames)
        name = 'Main thread' if not number and title.startswith(('Current', 'Stack')) else title
        lines = [f'{name} (most recent call last):']
        lines += [f'  ({left} calls of the worker)'] if left else []
        for path, line, function in shown:
            lines.append(f'  File "{path}", line {line}, in {function}')
            source = _source(path, line)
            lines += [f'    {source}'] if source else []
        parts.append('\n'.join(lines))
    linecache.clearcache()
    return '\n\n'.join(parts)


def _own(frames: list[Frame]) -> tuple[list[Frame], int]:
    """The frames of the job's own code, and how many below them are left out."""
    for at in range(len(frames) - 1, -1, -1):
        if frames[at][0] == CALLER:
            return frames[at + 1 :], at + 1
    return frames, 0


def _source(path: str, line: int) -> str:
    try:
        told = os.stat(path)
    except (OSError, ValueError):
        return ''
    if not stat.S_ISREG(told.st_mode) or told.st_size > LONG_FILE:
        return ''
    return linecache.getline(path, line).strip()[:500]
