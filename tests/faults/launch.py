"""`python -m tests.faults.launch '{"settings": {...}, "work": {...}, "options": {...}}' queue...`: a worker in a hurry.

A worker as `rq worker` starts it, with other numbers in rq/worker: what happens in production once in a million packs
is then met every second. The connection is that of RQ_REDIS_URL. Without arguments: a process that imports everything
once and forks a worker for each line of its standard input, `{"url": ..., "queues": [...], ...}`; on its standard
output it says `started <pid>` and `ended <pid> <exit status>`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import traceback
from importlib import import_module
from types import FrameType
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from rq import Queue, _faultpoints
from rq.utils import import_attribute
from rq.worker import Worker, courier
from rq.worker.horse import Horse
from rq.worker.supervisor import Supervisor

__all__ = ['main', 'serve']

# A word of the board that nobody uses, and the files whose lines are counted.
LINES = 15
TRACED_SUPERVISOR = ('rq/worker/supervisor.py', 'rq/worker/settlement.py', 'rq/worker/board.py', 'rq/worker/care.py')
TRACED = ('rq/worker/horse.py', 'rq/worker/courier.py', 'rq/worker/board.py')


def main(told: dict[str, Any], url: str, queues: list[str]) -> None:
    """Works. Settings are names in rq.worker.settings, `module.NAME` in another module of rq.worker, or `rq.a.b.NAME`."""
    os.environ.update(told.get('env', {}))
    if 'fault' in told:
        _faultpoints.arm(told['fault'])
    for name, value in told.get('settings', {}).items():
        module, _, constant = name.rpartition('.')
        home = import_module(module if module.startswith('rq.') else f'rq.worker.{module or "settings"}')
        assert hasattr(home, constant), name
        setattr(home, constant, value)
    if 'clock' in told:
        set_clock(*told['clock'])
    if 'horse_url' in told:
        courier.clone = lambda connection, timeout: Redis.from_url(told['horse_url'], socket_timeout=timeout)
    connection = Redis.from_url(url, retry=Retry(NoBackoff(), 2))  # for its birth: a worker that cannot say hello ends
    kind = import_attribute(told.get('class', 'rq.worker.Worker'))
    worker: Worker = kind([Queue(name, connection=connection) for name in queues], **told.get('worker', {}))
    for name, value in told.get('options', {}).items():
        assert hasattr(worker.horse_options, name), name
        setattr(worker.horse_options, name, value)
    if 'kill_at_lines' in told:
        kill_at_lines(*told['kill_at_lines'])
    if 'kill_supervisor_at' in told:
        kill_supervisor_at(told['kill_supervisor_at'])
    worker.work(logging_level=told.get('level', 'INFO'), **told.get('work', {}))


def set_clock(path: str, seconds: float) -> None:
    """While a file is there, the wall clock of this process and its horses is wrong by so many seconds."""
    right, right_ns = time.time, time.time_ns

    def wrong() -> float:
        return right() + (seconds if os.path.exists(path) else 0.0)

    def wrong_ns() -> int:
        return right_ns() + (int(seconds * 1e9) if os.path.exists(path) else 0)

    time.time, time.time_ns = wrong, wrong_ns


def kill_at_lines(first: int, last: int) -> None:
    """From now on each horse kills itself before one line of its code: the first one's `first`, up to `last`."""
    run = Horse.run

    def traced(horse: Horse) -> int:
        words = horse.board.words
        left = words[LINES] = max(words[LINES] + 1, first)
        if left > last:
            return run(horse)

        die_at_line(left, TRACED)
        return run(horse)

    Horse.run = traced  # type: ignore[method-assign]


def kill_supervisor_at(line: int) -> None:
    """The supervisor kills itself before this line of its code."""
    run, start = Supervisor.run, Supervisor._horse

    def traced(supervisor: Supervisor) -> bool:
        die_at_line(line, TRACED_SUPERVISOR)
        return run(supervisor)

    def untraced(supervisor: Supervisor) -> int:
        sys.settrace(None)
        return start(supervisor)

    Supervisor.run, Supervisor._horse = traced, untraced  # type: ignore[method-assign]


def die_at_line(left: int, files: tuple[str, ...]) -> None:
    """This process kills itself before the line of these files that is reached as the `left`-th."""
    process = os.getpid()

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith(files):
            return None
        left -= event == 'line'
        if left <= 0 and os.getpid() == process:
            os.kill(process, signal.SIGKILL)
        return trace

    sys.settrace(trace)


def serve() -> None:
    """Forks workers until standard input ends and all of them have."""
    alive: set[int] = set()
    open_ = True
    while open_ or alive:
        if open_ and select.select([0], [], [], 0.005)[0]:
            line = sys.stdin.readline()
            open_ = bool(line)
            if line:
                alive.add(_fork(json.loads(line)))
        elif not open_:
            select.select([], [], [], 0.005)
        for pid in list(alive):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                alive.discard(pid)
                print('ended', pid, status, flush=True)


def _fork(told: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setpgid(0, 0)
            main(told, told['url'], told['queues'])
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    print('started', pid, flush=True)
    return pid


if __name__ == '__main__':
    if len(sys.argv) > 1:
        main(json.loads(sys.argv[1]), os.environ['RQ_REDIS_URL'], sys.argv[2:])
    else:
        serve()
