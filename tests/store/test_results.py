"""Results: one entry in a small stream per outcome, ten kept, expiring with the job."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import job as jobs
from rq.store import keys
from tests.store.conftest import HorseMaker
from tests.store.hands import (
    FORTYTWO,
    put,
)  # fmt: skip


def test_a_small_result_takes_less_than_700_bytes(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    worker.ask(room=0, outcomes=[worker.outcome(worker.one())])
    assert redis.memory_usage(keys.results('a')) < (700 if 'valkey_version' in redis.info('server') else 1000)


@pytest.mark.parametrize('size', [0, 1, 100, 2048, 2049, 100_000])
def test_results_of_any_size_are_stored_whole_with_their_ttl(redis: Redis, horse: HorseMaker, size: int) -> None:
    put(redis, 'a')
    worker = horse()
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), payload=b'A' * size)])
    entry = jobs.last_result(redis, 'a')
    assert entry is not None
    assert entry[1].get(b'return_value', b'') == b'A' * size
    assert 495 < redis.ttl(keys.results('a')) <= 500


def test_ten_results_are_kept_newest_first(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    for number in range(13):
        put(redis, 'a', call=str(number))
        worker.ask(room=0, outcomes=[worker.outcome(worker.one(), payload=b'%d' % number)])
    assert jobs.result_count(redis, 'a') == 10
    told = [entry[b'return_value'] for _, entry in jobs.results(redis, 'a')]
    assert told == [b'%d' % number for number in range(12, 2, -1)]


def test_the_ttl_of_the_last_result_is_the_ttl_of_all(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    for number, ttl in enumerate([500, -1, 700]):
        put(redis, 'a', call=str(number))
        worker.ask(room=0, outcomes=[worker.outcome(worker.one(), ttl=ttl)])
        assert redis.ttl(keys.results('a')) == (-1 if ttl < 0 else pytest.approx(ttl, abs=5))


def test_who_waits_for_a_result_is_woken_by_it(redis: Redis, redis_url: str, horse: HorseMaker) -> None:
    """The stream is replaced by its smaller copy in the same step; a blocked reader must see the entry."""
    from threading import Thread

    from tests.support.waiting import wait_for

    put(redis, 'a')
    worker = horse()
    job = worker.one()
    found = []

    def read() -> None:
        with Redis.from_url(redis_url) as reader:
            found.append(jobs.wait_result(reader, 'a', 10))

    thread = Thread(target=read)
    thread.start()
    wait_for(lambda: redis.info('clients')['blocked_clients'] == 1)
    worker.ask(room=0, outcomes=[worker.outcome(job)])
    thread.join(10)
    assert found[0] is not None
    assert found[0][1][b'return_value'] == FORTYTWO
