"""requeue: failed and stopped jobs go back to their queue, once."""

from __future__ import annotations

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from rq.store import job as jobs
from rq.store import keys
from tests.store.conftest import HorseMaker
from tests.store.hands import fields, ids, put, put_many, sent_twice_is_sent_once, status, tokens, waiting
from tests.support.keyspace import difference, snapshot


def fail(horse: HorseMaker, *names: str) -> None:
    """Fails the waiting jobs, which must be these."""
    worker = horse()
    pack = worker.ask().jobs
    assert [job.id.decode() for job in pack] == list(names)
    worker.ask(room=0, outcomes=[worker.outcome(job, 'X') for job in pack])


def test_a_requeued_job_waits_as_if_it_were_new(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', note='kept')
    before = redis.hgetall(keys.job('a'))
    fail(horse, 'a')
    redis.delete(keys.queues())
    assert jobs.requeue(redis, 'default', ['a']) == ['QUEUED']
    after = redis.hgetall(keys.job('a'))
    assert after.pop(b'enqueued_at') > before.pop(b'enqueued_at')
    assert after == before
    assert redis.ttl(keys.job('a')) == -1
    assert not redis.exists(keys.failed('default'))
    assert (waiting(redis), tokens(redis)) == (['a'], 1)
    assert redis.smembers(keys.queues()) == {b'rq:queue:default'}
    assert ids(horse('w2').ask()) == ['a']


def test_requeued_twice_it_is_queued_once(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    fail(horse, 'a')
    answers = sent_twice_is_sent_once(redis, lambda: jobs.requeue(redis, 'default', ['a']))
    assert answers == (['QUEUED'], ['NOT_FAILED'])


def test_jobs_go_to_the_end_or_to_the_front(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abcd')
    fail(horse, *'abcd')
    put(redis, 'x')
    jobs.requeue(redis, 'default', ['a', 'b'])
    jobs.requeue(redis, 'default', ['c', 'd'], at_front=True)
    assert waiting(redis) == ['d', 'c', 'x', 'a', 'b']


def test_each_id_has_its_answer(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abc')
    fail(horse, *'abc')
    redis.delete(keys.job('b'), keys.results('b'))
    assert jobs.requeue(redis, 'default', ['a', 'b', 'never', 'c']) == ['QUEUED', 'GONE', 'NOT_FAILED', 'QUEUED']
    assert not redis.exists(keys.failed('default'))


def test_a_stopped_job_can_be_requeued(redis: Redis) -> None:
    redis.hset(keys.job('a'), mapping=fields(status='stopped'))
    redis.zadd(keys.failed('default'), {'a': 4e9})
    assert jobs.requeue(redis, 'default', ['a']) == ['QUEUED']
    assert status(redis, 'a') == 'queued'


def test_an_id_that_is_in_the_registry_though_its_job_runs_is_not_queued(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    horse().ask()
    redis.zadd(keys.failed('default'), {'a': 4e9})
    assert jobs.requeue(redis, 'default', ['a']) == ['NOT_FAILED']
    assert (waiting(redis), redis.exists(keys.failed('default'))) == ([], 0)


def test_a_job_with_a_key_of_a_wrong_type_is_gone_and_the_others_are_queued(
    redis: Redis, horse: HorseMaker, disorder: None
) -> None:
    put_many(redis, 'ab')
    fail(horse, *'ab')
    redis.delete(keys.job('a'))
    redis.set(keys.job('a'), 'not mine')
    assert jobs.requeue(redis, 'default', ['a', 'b']) == ['GONE', 'QUEUED']


def test_a_queue_of_a_wrong_type_refuses_all(redis: Redis, horse: HorseMaker, disorder: None) -> None:
    put(redis, 'a')
    fail(horse, 'a')
    redis.set(keys.queue('default'), 'not mine')
    before = snapshot(redis)
    with pytest.raises(ResponseError, match='WRONGTYPE'):
        jobs.requeue(redis, 'default', ['a'])
    assert difference(before, snapshot(redis)) == {}


def test_a_thousand_jobs_are_requeued_in_one_request(redis: Redis, horse: HorseMaker) -> None:
    names = [str(number) for number in range(1000)]
    pipeline = redis.pipeline(transaction=False)
    for name in names:
        pipeline.hset(keys.job(name), mapping=fields(status='failed'))
    pipeline.zadd(keys.failed('default'), dict.fromkeys(names, 4e9))
    pipeline.execute()
    assert jobs.requeue(redis, 'default', names) == ['QUEUED'] * 1000
    assert waiting(redis) == names
