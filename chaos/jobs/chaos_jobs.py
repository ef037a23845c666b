"""What the workers run. Each job writes its own truth to a file outside of Redis, one line by one write.

A line is `number id attempt pid phase monotonic`: the producer's number, RQ's job id, the moment at which this attempt
began (with the pid it names it), the process, what happened (begin, end, raise, success, failure, stopped), and when.
Runs under any RQ: only the standard library and RQ's public names.
"""

from __future__ import annotations

import os
import time

from rq import get_current_job

_fd = -1


def _note(number: int, job_id: str, attempt: int, phase: str) -> None:
    global _fd
    if _fd < 0:
        _fd = os.open(os.environ['CHAOS_LEDGER'], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(_fd, f'{number} {job_id} {attempt} {os.getpid()} {phase} {time.monotonic_ns()}\n'.encode())


def work(number: int, seconds: float = 0.0, mood: str = '') -> list[int]:
    """Takes its time. `fails`: raises; `flaky`: raises the first time. Returns its attempt and its process."""
    job_id, attempt = get_current_job().id, time.monotonic_ns()
    _note(number, job_id, attempt, 'begin')
    if seconds:
        time.sleep(seconds)
    if mood == 'fails' or (mood == 'flaky' and _first_time(number)):
        _note(number, job_id, attempt, 'raise')
        raise ValueError(f'job {number} is {mood}')
    _note(number, job_id, attempt, 'end')
    return [attempt, os.getpid()]


def _first_time(number: int) -> bool:
    try:
        os.close(os.open(os.path.join(os.environ['CHAOS_FOLDER'], f'once-{number}'), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def succeeded(job: object, connection: object, result: object) -> None:
    _note(job.args[0], job.id, 0, 'success')  # type: ignore[attr-defined]


def failed(job: object, connection: object, kind: object, value: object, traceback: object) -> None:
    _note(job.args[0], job.id, 0, 'failure')  # type: ignore[attr-defined]


def stopped(job: object, connection: object) -> None:
    _note(job.args[0], job.id, 0, 'stopped')  # type: ignore[attr-defined]
