"""What the tests of jobs, queues and registries share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, TimeoutError  # noqa: A004
from redis.retry import Retry

from rq import Queue
from tests.store.conftest import disorder, invariants
from tests.support.keyspace import difference, snapshot
from tests.support.proxy import Proxy

__all__ = ['disorder', 'invariants', 'proxy', 'proxied', 'queue', 'unchanged']

Unchanged = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def queue(redis: Redis) -> Queue:
    """A queue called `q`."""
    return Queue('q', connection=redis)


@pytest.fixture
def unchanged(redis: Redis) -> Unchanged:
    """`with unchanged():` fails if its block has changed anything in Redis."""

    @contextmanager
    def check() -> Iterator[None]:
        before = snapshot(redis)
        yield
        assert difference(before, snapshot(redis)) == {}

    return check


@pytest.fixture
def proxy(redis: Redis, redis_url: str) -> Iterator[Proxy]:
    """A proxy before the shared server, which counts and breaks things."""
    with Proxy(redis_url) as running:
        yield running


@pytest.fixture
def proxied(proxy: Proxy) -> Iterator[Redis]:
    """A connected client of the proxy, whose counters are at 0; it sends what failed once more."""
    # The errors are named for redis-py 5, which by itself repeats nothing.
    with Redis.from_url(
        proxy.url, retry=Retry(NoBackoff(), 1), retry_on_error=[ConnectionError, TimeoutError]
    ) as client:
        client.ping()
        proxy.reset()
        yield client
