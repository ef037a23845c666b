"""Horses as the store sees them, and what must hold in Redis after every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import pytest
from redis import Redis

from rq.store import claim
from tests.store.hands import Horse
from tests.support.invariants import violations

Settle = Callable[[Horse, list[claim.Outcome]], list[bytes]]


class HorseMaker(Protocol):
    """The fixture `horse`."""

    def __call__(self, name: str = 'w1', redis: Redis | None = None, **options: Any) -> Horse: ...


@pytest.fixture
def disorder() -> None:
    """For tests that break Redis on purpose and leave it so: I1, I3 and I15 are not asked of them."""


@pytest.fixture(autouse=True)
def invariants(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test that touched Redis, I1, I3 and I15 hold."""
    if 'redis' not in request.fixturenames or 'disorder' in request.fixturenames:
        yield
        return
    redis: Redis = request.getfixturevalue('redis')
    yield
    assert violations(redis) == []


@pytest.fixture(params=[2, 3], ids=['resp2', 'resp3'])
def either(request: pytest.FixtureRequest, redis_url: str) -> Iterator[Redis]:
    """A client of the shared server, once by each protocol."""
    with Redis.from_url(redis_url, protocol=request.param) as client:
        yield client


@pytest.fixture
def horse(request: pytest.FixtureRequest) -> Iterator[HorseMaker]:
    """Make a horse with a connection of its own: `horse()`, `horse('w2', queues=['a', 'b'])`, `horse(redis=client)`."""
    made: list[Horse] = []

    def make(name: str = 'w1', redis: Redis | None = None, **options: Any) -> Horse:
        one = Horse(request.getfixturevalue('redis') if redis is None else redis, name, **options)
        made.append(one)
        return one

    yield make
    for one in made:
        one.wire.close()


def _by_finish(worker: Horse, outcomes: list[claim.Outcome]) -> list[bytes]:
    return claim.finish(worker.redis, worker.name, outcomes)


def _by_request(worker: Horse, outcomes: list[claim.Outcome]) -> list[bytes]:
    return worker.ask(room=0, outcomes=outcomes).became


@pytest.fixture(params=[_by_finish, _by_request], ids=['finish', 'finish_and_claim'])
def settle(request: pytest.FixtureRequest) -> Settle:
    """Report outcomes, once by each script that takes them; answers what became of each."""
    way: Settle = request.param
    return way
