"""A server that is not there, refuses, or wants a password: redis-py's own error comes through, soon and as it is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import (
    AuthenticationError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from rq import Queue
from rq.job import Job
from tests.domain.work import give
from tests.support.faults import error
from tests.support.proxy import Proxy


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine at which nobody listens."""
    with socket.socket() as held:
        held.bind(('127.0.0.1', 0))
        yield held.getsockname()[1]


ACTIONS = {
    'enqueue': lambda queue: queue.enqueue(give),
    'enqueue_many': lambda queue: queue.enqueue_many([Queue.prepare_data(give)] * 150),
    'count': lambda queue: queue.count,
    'all': lambda queue: Queue.all(connection=queue.connection),
    'fetch': lambda queue: Job.fetch('a', connection=queue.connection),
    'failed': lambda queue: queue.failed_job_registry.count,
    'inline': lambda queue: Queue('s', connection=queue.connection, is_async=False).enqueue(give),
}


@pytest.mark.parametrize('action', ACTIONS)
def test_a_server_that_is_not_there(closed_port: int, action: str) -> None:
    with Redis(port=closed_port, retry=None) as client, pytest.raises(RedisConnectionError, match='refused'):
        ACTIONS[action](Queue('q', connection=client))


def test_making_a_queue_and_a_job_asks_nobody(closed_port: int) -> None:
    with Redis(port=closed_port, retry=None) as client:
        queue = Queue('q', connection=client)
        assert queue.create_job(give, (1,)).args == (1,)
        assert queue.failed_job_registry.key == 'rq:failed:q'


def test_a_server_that_wants_a_password(other_server: Any) -> None:
    server = other_server(config={'requirepass': 'secret'})
    port = int(server.url.rpartition(':')[2].split('/')[0])
    for action in ACTIONS.values():
        for password in (None, 'wrong'):
            with Redis(port=port, password=password, retry=None) as client, pytest.raises(AuthenticationError):
                action(Queue('q', connection=client))
    with Redis(port=port, password='secret') as client:
        assert Queue('q', connection=client).enqueue(give).is_queued


@pytest.mark.parametrize(
    ('reply', 'kind'),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", OutOfMemoryError),
        ("READONLY You can't write against a read only replica.", ReadOnlyError),
        ('NOPERM this user has no permissions', ResponseError),
        ('LOADING server is loading the dataset in memory', RedisConnectionError),
    ],
)
def test_a_server_that_refuses(proxy: Proxy, unchanged: Any, reply: str, kind: type[Exception]) -> None:
    with Redis.from_url(proxy.url, retry=None) as client:
        proxy.on('EVALSHA EVAL', error(reply), times=None)
        with unchanged(), pytest.raises(kind):
            Queue('q', connection=client).enqueue(give)


def test_a_full_server_takes_nothing_of_a_job(other_server: Any) -> None:
    server = other_server(config={'maxmemory-policy': 'noeviction'})
    with Redis.from_url(server.url) as client:
        queue = Queue('q', connection=client)
        queue.enqueue(give)
        before = sorted(client.keys())
        client.config_set('maxmemory', '1mb')
        with pytest.raises(OutOfMemoryError):
            queue.enqueue(give)
        with pytest.raises((OutOfMemoryError, ResponseError)):
            queue.enqueue_many([Queue.prepare_data(give)] * 150)
        assert sorted(client.keys()) == before
        client.config_set('maxmemory', '0')
        assert queue.count == 1


def test_a_server_that_does_not_answer(proxy: Proxy) -> None:
    with Redis.from_url(proxy.url, retry=None, socket_timeout=0.2) as client:
        client.ping()
        proxy.black_hole()
        with pytest.raises(RedisTimeoutError):
            Queue('q', connection=client).enqueue(give)
        proxy.heal()
