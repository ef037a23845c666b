"""announce: what readers see of a running job, and for how long."""

from __future__ import annotations

from redis import Redis

from rq.store import claim, keys
from rq.store import job as jobs
from rq.store import worker as workers
from tests.store.conftest import HorseMaker
from tests.store.hands import put
from tests.support.keyspace import difference, snapshot


def test_an_announced_job_is_shown_as_rq_shows_it(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    assert workers.announce(redis, 'w1', lease, 1795425000.25, 90)
    run = jobs.fetch_execution(redis, 'a', lease.execution)
    heartbeat = float(run.pop(b'last_heartbeat'))
    assert run == {
        b'id': lease.execution.encode(), b'job_id': b'a', b'worker_name': b'w1', b'created_at': b'1795425000.250000',
    }  # fmt: skip
    assert abs(heartbeat - jobs.time(redis)) < 5
    assert jobs.running(redis, 'a') == [lease.execution]
    assert workers.running(redis, 'w1') == [lease.member]
    assert redis.hmget(keys.worker('w1'), 'current_job', 'state') == [b'a', b'busy']
    assert redis.hget(keys.job('a'), 'announced') == lease.execution.encode()
    assert redis.hget(keys.job('a'), 'last_heartbeat').endswith(b'Z')


def test_the_traces_live_as_long_as_told_and_the_sets_longer(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    for _ in range(2):
        workers.announce(redis, 'w1', lease, 1.0, 90)
        assert 88 < redis.ttl(keys.execution('a', lease.execution)) <= 90
        assert 148 < redis.ttl(keys.executions('a')) <= 150
        assert 140 < redis.zscore(keys.executions('a'), lease.execution) - jobs.time(redis) <= 150
        assert 470 < redis.ttl(keys.worker_executions('w1')) <= 480
        redis.expire(keys.execution('a', lease.execution), 5)
        redis.expire(keys.executions('a'), 5)


def test_without_a_lease_nothing_is_announced(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    claim.release(redis, [lease])
    before = snapshot(redis)
    assert not workers.announce(redis, 'w1', lease, 1.0, 90)
    assert difference(before, snapshot(redis)) == {}


def test_a_job_whose_hash_is_gone_gets_none_by_being_announced(redis: Redis, horse: HorseMaker, disorder: None) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    redis.delete(keys.job('a'))
    assert not workers.announce(redis, 'w1', lease, 1.0, 90)
    assert not redis.exists(keys.job('a'))


def test_a_worker_without_a_hash_gets_none_by_announcing(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    redis.delete(keys.worker('w1'))
    assert workers.announce(redis, 'w1', lease, 1.0, 90)
    assert not redis.exists(keys.worker('w1'), keys.worker_executions('w1'))
