"""restore: what was deleted in bulk comes back to where it was, once, and over nobody."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import bulk, enqueue, keys, limit
from rq.store import job as jobs
from rq.store.states import JobStatus
from tests.store.conftest import HorseMaker
from tests.store.hands import entry, fields, ids, put, put_many, sent_twice_is_sent_once, tokens, waiting
from tests.store.test_bulk import BULK, trash
from tests.store.test_cancel_and_delete import place
from tests.support.keyspace import Key, difference, snapshot

S = JobStatus


def ours(redis: Redis) -> dict[bytes, Key]:
    """All keys but those of the trash, and what calls have answered."""
    others = (keys.trash().encode(), keys.said('').encode())
    return {key: value for key, value in snapshot(redis).items() if not key.startswith(others)}


BACK = [s for s in S if s not in {S.STARTED, S.QUEUED, S.RATE_LIMITED, S.READY_TO_ENQUEUE, S.DEFERRED}]


@pytest.mark.parametrize('was', BACK)
def test_a_restored_job_is_where_it_was_and_as_it_was(redis: Redis, was: JobStatus) -> None:
    place(redis, was)
    redis.xadd(keys.results('a'), {'type': '1'})
    redis.sadd(keys.queues(), keys.queue('default'))
    before = ours(redis)
    trash(redis, 'a')
    answers = sent_twice_is_sent_once(redis, lambda: bulk.restore(redis, BULK, ['a']))
    assert answers == ([was.value], ['GONE'])
    assert difference(before, ours(redis)) == {}
    assert bulk.trashed_count(redis, [BULK]) == [0]


def test_restored_waiting_jobs_are_at_the_end_of_their_queue_in_their_order(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abcd')
    trash(redis, 'a', 'b')
    assert bulk.restore(redis, BULK, bulk.trashed_ids(redis, BULK, 0, -1)) == ['queued', 'queued']
    assert (waiting(redis), tokens(redis)) == (list('cdab'), 1)
    assert ids(horse().ask()) == list('cdab')


def test_a_restored_job_waits_for_what_it_waited_for(redis: Redis) -> None:
    put(redis, 'parent')
    enqueue.enqueue_when_ready(redis, 'default', entry('a', dependency_ids='["parent"]'))
    trash(redis, 'a')
    assert redis.smembers(keys.dependents('parent')) == set()
    assert bulk.restore(redis, BULK, ['a']) == ['deferred']
    assert redis.smembers(keys.dependents('parent')) == {b'a'}
    trash(redis, 'a', 'parent')
    assert bulk.restore(redis, BULK, ['a']) == ['queued']  # there is nothing to wait for any more


def test_a_restored_job_asks_for_its_slot_again(redis: Redis) -> None:
    for name in 'ab':
        enqueue.enqueue_when_ready(redis, 'default', entry(name, rate_limit_key='k', rate_limit_concurrency=1))
    trash(redis, 'a')
    assert bulk.restore(redis, BULK, ['a']) == ['rate_limited']
    assert (limit.holders(redis, 'k'), limit.waiters(redis, 'k')) == (['b'], ['a'])


def test_an_id_that_was_used_again_is_not_overwritten(redis: Redis) -> None:
    put(redis, 'a', note='old')
    trash(redis, 'a')
    put(redis, 'a', note='new')
    answers = sent_twice_is_sent_once(redis, lambda: bulk.restore(redis, BULK, ['a']))
    assert answers == (['TAKEN'], ['TAKEN'])
    assert redis.hget(keys.job('a'), 'note') == b'new'
    jobs.delete(redis, 'a')
    assert bulk.restore(redis, BULK, ['a']) == ['queued']
    assert redis.hget(keys.job('a'), 'note') == b'old'


def test_what_would_not_run_any_more_does_not_come_back_and_what_had_ended_does_for_an_hour(redis: Redis) -> None:
    put(redis, 'a', ttl=100)
    redis.hset(keys.job('b'), mapping=fields(status='failed'))
    redis.expire(keys.job('b'), 100)
    redis.zadd(keys.failed('default'), {'b': jobs.time(redis) + 100})
    trash(redis, 'a', 'b')
    for name in 'ab':
        redis.hset(keys.trashed_job(BULK, name), 'trash:expires', int(jobs.time(redis) * 1000) - 1)
    assert bulk.restore(redis, BULK, ['a', 'b']) == ['EXPIRED', 'failed']
    assert 3500 < redis.ttl(keys.job('b')) <= 3600
    assert 3500 < float(redis.zscore(keys.failed('default'), 'b') or 0) - jobs.time(redis) <= 3601


def test_a_job_whose_time_is_not_over_comes_back_with_what_is_left(redis: Redis) -> None:
    put(redis, 'a', ttl=100)
    trash(redis, 'a')
    assert bulk.restore(redis, BULK, ['a']) == ['queued']
    assert 90 < redis.ttl(keys.job('a')) <= 100


def test_a_failed_job_that_is_kept_for_ever_comes_back_for_ever(redis: Redis) -> None:
    redis.hset(keys.job('a'), mapping=fields(status='failed'))
    redis.zadd(keys.failed('default'), {'a': -1})
    redis.hset(keys.job('b'), mapping=fields(status='finished'))
    redis.zadd(keys.finished('default'), {'b': '+inf'})
    trash(redis, 'a', 'b')
    bulk.restore(redis, BULK, ['a', 'b'])
    assert (redis.zscore(keys.failed('default'), 'a'), redis.ttl(keys.job('a'))) == (-1, -1)
    assert redis.zscore(keys.finished('default'), 'b') == float('inf')


def test_a_queue_of_a_wrong_type_loses_no_job(redis: Redis, disorder: None) -> None:
    put(redis, 'a')
    trash(redis, 'a')
    redis.set(keys.queue('default'), 'not mine')
    assert bulk.restore(redis, BULK, ['a']) == ['BROKEN']
    assert redis.exists(keys.trashed_job(BULK, 'a'))
