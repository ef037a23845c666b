"""hold: a worker takes a job that its caller has taken off a list by hand."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import claim, keys
from rq.store import queue as queues
from tests.store.conftest import HorseMaker
from tests.store.hands import FORTYTWO, hold, put, status
from tests.support.invariants import violations

LEASE = claim.Lease('default', 'a', 'f' * 32)


@pytest.mark.parametrize('popped', [False, True])
def test_a_job_is_started_and_leased_wherever_it_was(redis: Redis, popped: bool) -> None:
    put(redis, 'a', ttl=60)
    if popped:
        assert queues.move_head(redis, keys.queue('default'), keys.intermediate('default'), None) == b'a'
        queues.set_first_seen(redis, keys.first_seen('default', 'a'), 1.0)
    answer, now_us = claim.hold(redis, 'w1', LEASE)
    assert answer == 'OK' and abs(now_us / 1e6 - redis.time()[0]) < 5
    assert status(redis, 'a') == 'started' and redis.ttl(keys.job('a')) == -1
    assert redis.hmget(keys.job('a'), 'worker_name', 'execution') == [b'w1', b'f' * 32]
    assert claim.is_leased(redis, LEASE) and violations(redis) == []
    assert not redis.exists(keys.queue('default'), keys.intermediate('default'), keys.first_seen('default', 'a'))
    assert claim.finish(redis, 'w1', [claim.Outcome('F', LEASE, 1, 2, 500, FORTYTWO)]) == [b'FINISHED']
    assert not claim.is_leased(redis, LEASE)


def test_held_twice_is_held_once(redis: Redis) -> None:
    put(redis, 'a')
    assert [claim.hold(redis, 'w1', LEASE)[0] for _ in range(2)] == ['OK', 'OK']
    assert redis.zcard(keys.wip('default')) == 1


def test_given_back_it_expires_when_it_was_to_expire(redis: Redis) -> None:
    put(redis, 'a', ttl=60)
    claim.hold(redis, 'w1', LEASE)
    assert claim.release(redis, [LEASE]) == 1
    assert 58 <= redis.ttl(keys.job('a')) <= 60 and status(redis, 'a') == 'queued'


def test_a_job_that_somebody_runs_stays_his(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    horse('other').one()
    before = redis.hgetall(keys.job('a'))
    assert claim.hold(redis, 'w1', LEASE)[0] == 'HELD'
    assert redis.hgetall(keys.job('a')) == before


def test_a_job_that_another_rq_runs_stays_his(redis: Redis, disorder: None) -> None:
    put(redis, 'a', status='started')
    redis.delete(keys.queue('default'))
    hold(redis, 'a', 'theirs', redis.time()[0] + 60)
    redis.zadd(keys.executions('a'), {'theirs': redis.time()[0] + 60})
    assert claim.hold(redis, 'w1', LEASE)[0] == 'HELD'


def test_what_is_no_job_is_not_made_one(redis: Redis, disorder: None) -> None:
    assert claim.hold(redis, 'w1', LEASE)[0] == 'NONE'
    redis.hset(keys.job('a'), 'status', 'queued')
    assert claim.hold(redis, 'w1', LEASE)[0] == 'NONE'
    assert not redis.exists(keys.wip('default'))
