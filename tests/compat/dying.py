"""Workers of a released RQ that are killed at a certain point: run by the peer, where `rq` is the other one."""

from __future__ import annotations

import os
import signal
from typing import Any

from redis import Redis

from rq import Queue, Worker


def die() -> None:
    """The worker and its horse, at once."""
    if os.getppid() == WORKER.get('pid'):
        os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


WORKER: dict[str, int] = {}


class Popped(Worker):
    """Dies when it has popped a job."""

    def execute_job(self, *args: Any, **kwargs: Any) -> Any:
        die()


class Prepared(Worker):
    """Dies when it has noted the run of a job, before there is a horse."""

    def fork_work_horse(self, *args: Any, **kwargs: Any) -> Any:
        die()


class Returned(Worker):
    """Dies when a job has returned, before its result is stored."""

    def handle_job_success(self, *args: Any, **kwargs: Any) -> Any:
        die()


class Freeing(Worker):
    """Dies when a job has ended, before those that wait for it are told."""

    def work(self, *args: Any, **kwargs: Any) -> Any:
        for name in ('enqueue_dependents', 'enqueue_ready_jobs_by_queue'):
            if hasattr(Queue, name):
                setattr(Queue, name, lambda *args, **kwargs: die())
        return super().work(*args, **kwargs)


def start(url: str, kind: str, *queues: str, **options: Any) -> int:
    """Such a worker as a process of its own, in a session of its own; its pid."""
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    for stream in (0, 1, 2):  # the peer's answers go this way
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    WORKER['pid'] = os.getpid()
    classes = {'Popped': Popped, 'Prepared': Prepared, 'Returned': Returned, 'Freeing': Freeing, 'Worker': Worker}
    connection = Redis.from_url(url)
    worker = classes[kind](
        [Queue(name, connection=connection) for name in queues], connection=connection, job_monitoring_interval=1
    )
    worker.work(**options)
    os._exit(0)


def ended(pid: int) -> int:
    """The number of the signal that ended it; waits for it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
