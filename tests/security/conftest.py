"""Keys for tests, a file in which planted code leaves its mark, and hands that write to Redis as an attacker would."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from rq import Queue, signing
from rq.store import keys
from tests.security import jobs
from tests.worker.conftest import burst, disorder, worker

__all__ = ['burst', 'disorder', 'worker']

SECRET, OTHER = 'a1b2' * 16, 'c3d4' * 16
Sign = Callable[..., None]
Plant = Callable[..., str]


@pytest.fixture(autouse=True)
def unsigned() -> Iterator[None]:
    """Each test begins, and leaves, without signing."""
    signing.configure(None)
    yield
    signing.configure(None)


@pytest.fixture
def sign() -> Sign:
    """`sign('require')`: this process signs and checks from now on."""

    def configure(mode: str = 'require', keys: Any = (('k1', SECRET),), **queues: str) -> None:
        signing.configure(keys, mode, queues)

    return configure


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that planted code writes to; it is not there before."""
    path = tmp_path / 'mark'
    monkeypatch.setenv(jobs.MARK, str(path))
    return path


@pytest.fixture
def queue(redis: Redis) -> Queue:
    """A queue called `q`."""
    return Queue('q', connection=redis)


@pytest.fixture
def plant(redis: Redis) -> Plant:
    """`plant('evil', data=...)`: a job written to Redis by somebody who has no key, on a queue; answers its id."""

    def write(job_id: str, queue: str = 'q', **fields: Any) -> str:
        told = {'status': 'queued', 'origin': queue, 'created_at': '2026-01-01T00:00:00Z', 'timeout': '60', **fields}
        told.setdefault('data', pickle.dumps(('tests.security.jobs.add', None, (1, 2), {})))
        redis.hset(keys.job(job_id), mapping={name: value for name, value in told.items() if value is not None})
        redis.sadd(keys.queues(), keys.queue(queue))
        redis.rpush(keys.queue(queue), job_id)
        return job_id

    return write
