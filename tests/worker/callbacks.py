"""User code for the dead: callbacks and handlers that say that they were called."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from redis import Redis

from rq import Queue, Worker
from rq.job import Job
from tests.worker.jobs import note, say


def stopped(job: Job, connection: Redis) -> None:
    note('stopped', job.id, job.get_status().value, os.getpid())


def failed(job: Job, connection: Redis, kind: type, error: Exception, trace: Any) -> None:
    note('failed', job.id, kind.__name__, isinstance(error, kind), trace, os.getpid(), error)


def raises(job: Job, connection: Redis, *told: Any) -> None:
    note('raises', job.id)
    raise ValueError('of the callback')


def leaves(job: Job, connection: Redis, *told: Any) -> None:
    note('leaves', job.id)
    raise SystemExit(3)


def sleeps(job: Job, connection: Redis, *told: Any) -> None:
    note('sleeps', job.id)
    time.sleep(60)
    note('slept', job.id)


def naps(job: Job, connection: Redis, *told: Any) -> None:
    note('naps', job.id)
    time.sleep(1)
    note('rested', job.id)


def deaf(job: Job, connection: Redis, *told: Any) -> None:
    note('deaf', job.id)
    while True:
        try:
            time.sleep(0.01)
        except BaseException:
            pass


def dies(job: Job, connection: Redis, *told: Any) -> None:
    note('dies', job.id)
    os.kill(os.getpid(), signal.SIGKILL)


def enqueues(job: Job, connection: Redis, *told: Any) -> None:
    Queue(connection=connection).enqueue(say, 'more')


def handler(job: Job, kind: type, error: Exception, trace: Any) -> None:
    note('handler', job.id, kind.__name__, trace, os.getpid())


def killed(job: Job, pid: int, status: int, usage: Any) -> None:
    note('killed', job.id, pid, status, usage.ru_maxrss > 0, os.getpid())


class Telling(Worker):
    """A worker with handlers of both kinds."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options | {'exception_handlers': [handler], 'work_horse_killed_handler': killed})
