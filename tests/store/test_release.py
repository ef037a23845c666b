"""release: what was claimed and has not begun goes back to the heads of its queues, in its order."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import claim, keys
from rq.store import worker as workers
from tests.store.conftest import HorseMaker
from tests.store.hands import ids, put, put_many, sent_twice_is_sent_once, status, tokens, waiting


def test_released_jobs_are_at_the_head_in_the_order_they_were_claimed(redis: Redis, horse: HorseMaker) -> None:
    """I7."""
    put_many(redis, map(str, range(70)))
    worker = horse()
    pack = worker.ask().jobs
    assert len(pack) == 64
    assert claim.release(redis, [worker.lease(job) for job in pack[1:]]) == 63
    assert waiting(redis) == [str(number) for number in range(1, 70)]
    assert redis.zrange(keys.wip('default'), 0, -1) == [worker.lease(pack[0]).member.encode()]


def test_a_released_job_is_as_it_was_before_the_claim(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', note='kept')
    before = redis.hgetall(keys.job('a'))
    worker = horse()
    claim.release(redis, [worker.lease(worker.one())])
    assert redis.hgetall(keys.job('a')) == before
    assert tokens(redis) == 1


def test_a_released_job_that_was_announced_leaves_no_traces(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    workers.announce(redis, 'w1', lease, 1.0, 90)
    claim.release(redis, [lease])
    assert not redis.exists(keys.execution('a', lease.execution), keys.executions('a'), keys.worker_executions('w1'))
    assert redis.hget(keys.worker('w1'), 'current_job') is None


def test_released_twice_a_job_is_queued_once(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'ab')
    worker = horse()
    leases = [worker.lease(job) for job in worker.ask().jobs]
    assert sent_twice_is_sent_once(redis, lambda: claim.release(redis, leases)) == (2, 0)
    assert waiting(redis) == ['a', 'b']


def test_without_the_lease_nothing_is_released(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    claim.release(redis, [lease])
    other = horse('w2')
    assert ids(other.ask()) == ['a']
    assert claim.release(redis, [lease]) == 0
    assert (status(redis, 'a'), waiting(redis)) == ('started', [])


def test_jobs_of_several_queues_each_go_to_their_own(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, ['x1', 'x2'], 'x')
    put_many(redis, ['y1', 'y2'], 'y')
    worker = horse(queues=['x', 'y'])
    assert claim.release(redis, [worker.lease(job) for job in worker.ask().jobs]) == 4
    assert (waiting(redis, 'x'), waiting(redis, 'y')) == (['x1', 'x2'], ['y1', 'y2'])


@pytest.mark.parametrize('was', ['canceled', 'stopped'])
def test_a_job_that_was_ended_meanwhile_is_not_queued(redis: Redis, horse: HorseMaker, was: str) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    redis.hset(keys.job('a'), 'status', was)
    redis.zadd(keys.canceled('default') if was == 'canceled' else keys.failed('default'), {'a': 4e9})
    assert claim.release(redis, [lease]) == 0
    assert (status(redis, 'a'), waiting(redis), redis.exists(keys.wip('default'))) == (was, [], 0)


def test_a_job_whose_hash_is_gone_only_loses_its_lease(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    redis.delete(keys.job('a'))
    assert claim.release(redis, [lease]) == 0
    assert not redis.exists(keys.wip('default'), keys.queue('default'))


def test_a_job_whose_ttl_is_over_when_it_is_given_back_is_gone(redis: Redis, horse: HorseMaker, disorder: None) -> None:
    put(redis, 'a', ttl=100)
    worker = horse()
    lease = worker.lease(worker.one())
    redis.hset(keys.job('a'), 'expire_at', '1000')
    assert claim.release(redis, [lease]) == 1
    assert not redis.exists(keys.job('a'))
    assert worker.ask().dropped == [b'a']


def test_an_expiry_that_is_no_number_is_no_expiry(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    redis.hset(keys.job('a'), 'expire_at', 'soon')
    assert claim.release(redis, [lease]) == 1
    assert redis.ttl(keys.job('a')) == -1


def test_a_queue_of_a_wrong_type_keeps_the_lease(redis: Redis, horse: HorseMaker, disorder: None) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    redis.set(keys.queue('default'), 'not mine')
    assert claim.release(redis, [lease]) == 0
    assert redis.zcard(keys.wip('default')) == 1


def test_nothing_to_release_is_no_request(redis: Redis) -> None:
    assert claim.release(redis, []) == 0
