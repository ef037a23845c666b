"""Jobs that any of the RQs may run: importable under this name by each of them, and without a trace in the other's code."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

from redis import Redis

from rq import Queue, Retry, get_current_job


def add(x: Any, y: Any) -> Any:
    return x + y


def echo(*args: Any, **kwargs: Any) -> Any:
    return [list(args), kwargs]


def fail(text: str = 'no') -> None:
    raise ValueError(text)


async def add_later(x: int, y: int) -> int:
    return x + y


def generate() -> Iterator[int]:
    yield 1


def unserializable() -> Any:
    return lambda: None


def never_again() -> None:
    raise SystemExit(3)


def end_process(code: int) -> None:
    os._exit(code)


def kill_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt() -> None:
    raise KeyboardInterrupt


def swallow(seconds: float) -> str:
    """Takes an exception of its timeout for one of its own."""
    try:
        time.sleep(seconds)
    except Exception:
        return 'swallowed'
    return 'slept'


def ask_again(most: int, interval: Any = 0) -> Any:
    return Retry(max=most, interval=interval)


def write_meta(value: Any) -> Any:
    job = get_current_job()
    assert job is not None
    job.meta['written'] = value
    job.save_meta()
    return job.get_meta(refresh=True)


def about_myself() -> Any:
    """What a job sees of itself."""
    job = get_current_job()
    assert job is not None
    return [job.id, job.get_status(), job.worker_name, job.retries_left, sorted(job.meta), job.origin]


def enqueue_another(name: str, job_id: str) -> str:
    job = get_current_job()
    assert job is not None
    return Queue(name, connection=job.connection).enqueue(add, 1, 1, job_id=job_id).id


def fail_until(count: int) -> Any:
    """Fails until it has run so many times."""
    job = get_current_job()
    assert job is not None
    runs = job.connection.incr(f'runs:{job.id}')
    if runs < count:
        raise ValueError(f'run {runs}')
    return runs


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def wait(url: str, key: str) -> str:
    """Runs until something is in the list `key`."""
    with Redis.from_url(url) as redis:
        return str(redis.blpop([key], timeout=60))


def die_once(url: str) -> int:
    """Its worker and its horse are killed when it runs first."""
    with Redis.from_url(url) as redis:
        runs = int(redis.incr(f'runs:{get_current_job().id}'))
    if runs == 1:
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    return runs


def count(url: str, key: str, seconds: float = 0) -> int:
    """Notes that it has run, with the process that ran it."""
    time.sleep(seconds)
    with Redis.from_url(url) as redis:
        redis.hincrby(f'seen:{key}', get_current_job().id, 1)
        return int(redis.rpush(f'order:{key}', f'{get_current_job().id} {os.getpid()}'))


def together(url: str, key: str, seconds: float) -> int:
    """How many of these run at this moment, noted in the list `key`."""
    with Redis.from_url(url) as redis:
        now = int(redis.incr(f'now:{key}'))
        redis.rpush(key, now)
        time.sleep(seconds)
        redis.decr(f'now:{key}')
    return now


def on_success(job: Any, connection: Any, result: Any) -> None:
    connection.rpush('callbacks', f'success {job.id} {result!r} {job.get_status(refresh=False)}')


def on_failure(job: Any, connection: Any, kind: Any, value: Any, traceback: Any) -> None:
    connection.rpush('callbacks', f'failure {job.id} {kind.__name__} {value} {job.get_status(refresh=False)}')


def on_stopped(job: Any, connection: Any) -> None:
    connection.rpush('callbacks', f'stopped {job.id}')


def on_success_fail(job: Any, connection: Any, result: Any) -> None:
    raise KeyError('callback')


def on_failure_fail(job: Any, connection: Any, kind: Any, value: Any, traceback: Any) -> None:
    raise KeyError('callback')


def handler_goes_on(job: Any, kind: Any, value: Any, traceback: Any) -> Any:
    job.connection.rpush('handlers', f'first {job.id} {kind.__name__}')
    return True


def handler_stops(job: Any, kind: Any, value: Any, traceback: Any) -> Any:
    job.connection.rpush('handlers', f'second {job.id} {kind.__name__}')
    return False


def horse_killed(job: Any, pid: int, status: int, rusage: Any) -> None:
    job.connection.rpush('handlers', f'killed {job.id} {status}')


class Counter:
    """Something with methods; can be called."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __call__(self, more: int) -> int:
        return self.start + more

    def plus(self, more: int) -> int:
        return self.start + more

    @classmethod
    def made(cls, start: int) -> int:
        return cls(start).start

    @staticmethod
    def twice(value: int) -> int:
        return value * 2
