"""Commands in this process, for their answers; and jobs in the states that commands show and change."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from rq.cli import main
from rq.store import keys

Run = Callable[..., Result]
AddJobs = Callable[..., list[str]]


@pytest.fixture
def run(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run('info', '-r')` in this process, on the tests' server: quick, but with no terminal and no signals."""
    for variable in ('REDIS_URL', 'RQ_CONFIG', 'RQ_TRACEBACK'):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv('RQ_REDIS_URL', redis_url)

    def run_command(*words: str) -> Result:
        return CliRunner().invoke(main, list(words), prog_name='rq')

    return run_command


@pytest.fixture
def add_jobs(redis: Redis) -> AddJobs:
    """`add_jobs('low', 3, failed=True)`: ids of jobs that wait in a queue, or have failed there."""

    def add(queue: str, number: int = 1, failed: bool = False) -> list[str]:
        ids = [str(uuid4()) for _ in range(number)]
        pipeline = redis.pipeline()
        pipeline.sadd(keys.queues(), keys.queue(queue))
        for job_id in ids:
            fields = {'status': 'failed' if failed else 'queued', 'origin': queue, 'data': 'x', 'created_at': ''}
            pipeline.hset(keys.job(job_id), mapping=fields)
            if failed:
                pipeline.zadd(keys.failed(queue), {job_id: int(time.time()) + 3600})
            else:
                pipeline.rpush(keys.queue(queue), job_id)
        pipeline.execute()
        return ids

    return add


@pytest.fixture
def add_worker(redis: Redis) -> Callable[..., None]:
    """`add_worker('w1', ['low'], state='busy')`: a worker as its record in Redis tells."""

    def add(name: str, queues: list[str], **fields: Any) -> None:
        record = {
            'queues': ','.join(queues),
            'hostname': 'host',
            'pid': 42,
            'ip_address': '127.0.0.1:5',
            'state': 'idle',
        }
        redis.hset(keys.worker(name), mapping=record | fields)
        redis.sadd(keys.workers(), keys.worker(name))
        for queue in queues:
            redis.sadd(keys.workers_of(queue), keys.worker(name))

    return add


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])
