"""Servers that do not allow everything: RESTORE and DUMP refused, as on managed ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from rq.store import job as jobs
from rq.store import keys
from tests.store.conftest import HorseMaker
from tests.store.hands import FORTYTWO, put


@pytest.fixture(params=['-restore', '-dump', '-restore -dump', '-@dangerous +info +keys'])
def narrow(request: pytest.FixtureRequest, redis: Redis, redis_url: str) -> Iterator[Redis]:
    """A client of a user who may not do all."""
    redis.execute_command('ACL', 'SETUSER', 'narrow', 'on', '>secret', '~*', '&*', '+@all', *request.param.split())
    with Redis.from_url(redis_url, username='narrow', password='secret') as client:
        yield client
    redis.execute_command('ACL', 'DELUSER', 'narrow')


def test_without_restore_results_are_stored_whole_with_their_ttl(
    narrow: Redis, redis: Redis, horse: HorseMaker
) -> None:
    worker = horse(redis=narrow)
    for number, ttl in enumerate([500, -1]):
        put(narrow, str(number))
        answer = worker.ask(room=0, outcomes=[worker.outcome(worker.one(), ttl=ttl)])
        assert answer.became == [b'FINISHED']
        entry = jobs.last_result(redis, str(number))
        assert entry is not None
        assert entry[1][b'return_value'] == FORTYTWO
        assert jobs.result_count(redis, str(number)) == 1
        assert redis.ttl(keys.results(str(number))) == (-1 if ttl < 0 else pytest.approx(ttl, abs=5))
