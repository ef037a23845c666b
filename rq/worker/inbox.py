"""What processes and threads that run one job each tell the process that sends the counts: one line a job, through a pipe.

A line is shorter than what the kernel writes in one piece, so lines of several writers do not mix. A full pipe, or a
line that cannot be sent, costs that count and nothing else.
"""

from __future__ import annotations

import json
import os
import zlib
from base64 import b64decode
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rq.store.claim import Outcome

__all__ = ['Alone', 'Inbox', 'told_of']

# PIPE_BUF is 4096 on Linux and 512 or more elsewhere; macOS has 512, so a long text may be torn there and is then dropped.
LINE = 4096
TEXT = 1_500


class Alone(NamedTuple):
    """A run that was no part of a pack."""

    queue: str
    function: str
    job_id: str
    enqueued_at: str
    retries_left: str
    times: tuple[int, int]  # begin and end, microseconds of Redis time
    kind: str  # of lua/lib/settle.lua
    text: str  # of the exception
    cpu_us: int
    peak_kb: int  # 0: it did not rise


def told_of(outcome: Outcome) -> Alone:
    """What an outcome alone tells of its run."""
    text = ''
    if outcome.payload and outcome.kind not in {'F', 'R', 'A', 'S'}:
        with suppress(ValueError, zlib.error):
            text = zlib.decompress(b64decode(outcome.payload.rpartition(b'\n')[2])).decode('utf-8', 'replace')
    queue, job_id, _ = outcome.lease
    return Alone(queue, '', job_id, '', '', (outcome.started_us, outcome.ended_us), outcome.kind, text, 0, 0)


class Inbox:
    """The pipe. Made before the processes are forked that write to it."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._rest = b''

    def close(self) -> None:
        """Nobody reads any more."""
        os.close(self._read)
        os.close(self._write)

    def put(self, run: Alone) -> None:
        """Tells of a run. Raises nothing."""
        text = run.text if len(run.text) <= TEXT else f'{run.text[: TEXT // 3]}\n...\n{run.text[-TEXT * 2 // 3 :]}'
        for shown in (text, ''):
            line = json.dumps(run._replace(text=shown)).encode() + b'\n'
            if len(line) <= LINE:
                with suppress(OSError):
                    os.write(self._write, line)
                return

    def take(self) -> list[Alone]:
        """What came since the last time."""
        data = self._rest
        with suppress(OSError):
            while more := os.read(self._read, 65536):
                data += more
        *lines, self._rest = data.split(b'\n')
        found = []
        for line in lines:
            with suppress(ValueError, TypeError):
                parts: list[Any] = json.loads(line)
                run = Alone(*parts)
                found.append(run._replace(times=(int(run.times[0]), int(run.times[1]))))
        return found
