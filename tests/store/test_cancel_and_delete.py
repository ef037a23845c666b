"""cancel and delete: a job leaves where it is, wherever that is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from rq.store import claim, enqueue, keys, limit
from rq.store import job as jobs
from rq.store import worker as workers
from rq.store.states import HOMES, JobStatus
from tests.store.conftest import HorseMaker
from tests.store.hands import all_keys, entry, fields, ids, put, sent_twice_is_sent_once, status, waiting
from tests.support.keyspace import difference, snapshot

REGISTRIES: dict[str, Callable[[str], str]] = {
    'finished': keys.finished, 'failed': keys.failed, 'deferred': keys.deferred, 'scheduled': keys.scheduled,
    'canceled': keys.canceled, 'ready': keys.ready,
}  # fmt: skip


def place(redis: Redis, was: JobStatus, job_id: str = 'a') -> None:
    """A job of this status, in its home."""
    home = HOMES[was]
    redis.hset(keys.job(job_id), mapping=fields(status=was.value))
    if home == 'queue':
        redis.rpush(keys.queue('default'), job_id)
    elif home == 'wip':
        redis.hset(keys.job(job_id), 'execution', 'e' * 32)
        redis.zadd(keys.wip('default'), {f'{job_id}:{"e" * 32}': 4e9})
    elif was is JobStatus.RATE_LIMITED:  # behind another that holds the only slot
        if not redis.exists(keys.job('holder')):
            redis.hset(keys.job('holder'), mapping=fields(queue='held', rate_limit_key='l'))
            redis.rpush(keys.queue('held'), 'holder')
        redis.hset(keys.job(job_id), mapping={'rate_limit_key': 'l', 'rate_limit_concurrency': 1})
        redis.sadd(keys.limits(), 'l')
        redis.hset(keys.limit('l'), 'concurrency', 1)
        redis.zadd(keys.limit_holders('l'), {'holder': 1})
        redis.zadd(keys.limit_waiters('l'), {job_id: 2})
    elif home is not None:
        redis.zadd(REGISTRIES[home]('default'), {job_id: 4e9})


def clear_limit(redis: Redis) -> None:
    """Takes away what `place` made besides the job, which no longer waits."""
    assert redis.zrange(keys.limit_waiters('l'), 0, -1) == []
    jobs.delete(redis, 'holder')
    limit.sweep(redis)
    redis.delete(keys.queue('held'))


NOT_CANCELED = [s for s in JobStatus if s is not JobStatus.CANCELED]


@pytest.mark.parametrize('was', NOT_CANCELED)
def test_a_canceled_job_is_among_the_canceled_and_nowhere_else(redis: Redis, was: JobStatus) -> None:
    place(redis, was)
    answers = sent_twice_is_sent_once(redis, lambda: jobs.cancel(redis, 'a'))
    assert answers == ((b'CANCELED', {}), (b'ALREADY', {}))
    assert status(redis, 'a') == 'canceled'
    score = redis.zscore(keys.canceled('default'), 'a')
    assert score is not None
    assert abs(score - jobs.time(redis)) < 5
    clear_limit(redis)
    others = {'rq:job:a', 'rq:canceled:default'} | ({'rq:wip:default'} if was is JobStatus.STARTED else set())
    assert {key.decode() for key in all_keys(redis)} == others


def test_no_job_is_no_cancel(redis: Redis) -> None:
    assert jobs.cancel(redis, 'a')[0] == b'GONE'
    assert all_keys(redis) == []


def test_a_job_is_found_where_its_status_does_not_say(redis: Redis) -> None:
    """Another RQ's save may have overwritten the status."""
    place(redis, JobStatus.QUEUED)
    redis.hset(keys.job('a'), 'status', 'finished')
    assert jobs.cancel(redis, 'a')[0] == b'CANCELED'
    assert waiting(redis) == []
    place(redis, JobStatus.SCHEDULED, 'b')
    redis.hset(keys.job('b'), 'status', 'queued')
    assert jobs.cancel(redis, 'b')[0] == b'CANCELED'
    assert not redis.exists(keys.scheduled('default'))


def test_a_job_that_is_twice_on_the_list_leaves_it_twice(redis: Redis) -> None:
    put(redis, 'a')
    put(redis, 'b')
    redis.rpush(keys.queue('default'), 'a')
    jobs.cancel(redis, 'a')
    assert waiting(redis) == ['b']


def test_a_job_without_an_origin_is_canceled_where_it_is(redis: Redis, disorder: None) -> None:
    redis.hset(keys.job('a'), mapping=fields(origin=None))
    assert jobs.cancel(redis, 'a')[0] == b'CANCELED'
    assert all_keys(redis) == [b'rq:job:a']


def test_a_running_job_that_is_canceled_stays_leased_and_its_outcome_is_not_stored(
    redis: Redis, horse: HorseMaker
) -> None:
    put(redis, 'a')
    worker = horse()
    job = worker.one()
    assert jobs.cancel(redis, 'a')[0] == b'CANCELED'
    assert redis.zcard(keys.wip('default')) == 1
    assert worker.ask(room=0, outcomes=[worker.outcome(job)]).became == [b'KEPT']
    assert not redis.exists(keys.wip('default'), keys.results('a'))


def test_a_canceled_job_keeps_its_expiry(redis: Redis) -> None:
    put(redis, 'a', ttl=60)
    jobs.cancel(redis, 'a')
    assert 50 < redis.ttl(keys.job('a')) <= 60


def test_a_hash_of_a_wrong_type_cannot_be_canceled_and_nothing_changes(redis: Redis, disorder: None) -> None:
    redis.set(keys.job('a'), 'not mine')
    with pytest.raises(ResponseError, match='WRONGTYPE'):
        jobs.cancel(redis, 'a')
    assert all_keys(redis) == [b'rq:job:a']


def test_cancel_in_a_pipeline_is_part_of_it(redis: Redis) -> None:
    put(redis, 'a')
    pipeline = redis.pipeline()
    jobs.cancel(pipeline, 'a')
    assert status(redis, 'a') == 'queued'
    assert pipeline.execute() == [[b'CANCELED']]


# --- delete -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('was', list(JobStatus))
def test_a_deleted_job_leaves_nothing(redis: Redis, was: JobStatus) -> None:
    place(redis, was)
    redis.xadd(keys.results('a'), {'type': '1'})
    redis.sadd(keys.dependents('a'), 'x')
    redis.sadd(keys.dependencies('a'), 'y')
    answers = sent_twice_is_sent_once(redis, lambda: jobs.delete(redis, 'a'))
    assert answers == (1, 0)
    clear_limit(redis)
    assert all_keys(redis) == []


def test_a_deleted_running_job_has_no_lease_and_no_traces_and_its_outcome_is_stale(
    redis: Redis, horse: HorseMaker
) -> None:
    put(redis, 'a')
    worker = horse()
    job = worker.one()
    workers.announce(redis, 'w1', worker.lease(job), 1.0, 90)
    before = redis.hgetall(keys.worker('w1')).keys()
    assert jobs.delete(redis, 'a') == 1
    assert before - redis.hgetall(keys.worker('w1')).keys() == {b'current_job'}
    assert [key for key in all_keys(redis) if b':a' in key or b'executions' in key or b'wip' in key] == []
    assert worker.ask(room=0, outcomes=[worker.outcome(job)]).became == [b'STALE']
    assert not redis.exists(keys.job('a'), keys.results('a'))


def test_a_job_that_another_rq_runs_loses_its_lease(redis: Redis) -> None:
    redis.hset(keys.job('a'), mapping=fields(status='started'))
    redis.zadd(keys.wip('default'), {'a:' + 'e' * 32: 4e9})
    redis.zadd(keys.executions('a'), {'e' * 32: 4e9})
    redis.hset(keys.execution('a', 'e' * 32), 'id', 'e' * 32)
    assert jobs.delete(redis, 'a') == 1
    assert all_keys(redis) == []


def test_a_member_of_a_group_leaves_it(redis: Redis, disorder: None) -> None:
    put(redis, 'a', group_id='g')
    redis.sadd(keys.group('g'), 'a', 'b')
    jobs.delete(redis, 'a')
    assert redis.smembers(keys.group('g')) == {b'b'}


def test_a_deleted_job_may_stay_on_the_list(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    assert jobs.delete(redis, 'a', remove_from_queue=False) == 1
    assert waiting(redis) == ['a']
    assert horse().ask().dropped == [b'a']


def test_another_queue_than_the_origin_is_looked_in_too(redis: Redis, horse: HorseMaker) -> None:
    """A job that another RQ pushed to a second queue, without telling its hash."""
    put(redis, 'a', 'one')
    redis.rpush(keys.queue('two'), 'a')
    assert jobs.delete(redis, 'a', 'two') == 1
    assert (waiting(redis, 'one'), waiting(redis, 'two')) == ([], [])


def test_without_a_hash_the_queue_given_is_cleaned(redis: Redis) -> None:
    redis.rpush(keys.queue('default'), 'a')
    redis.zadd(keys.failed('default'), {'a': 4e9})
    assert jobs.delete(redis, 'a', 'default') == 0
    assert all_keys(redis) == []


def test_only_a_result_left_is_no_job_deleted(redis: Redis) -> None:
    redis.xadd(keys.results('a'), {'type': '1'})
    assert jobs.delete(redis, 'a') == 0
    assert all_keys(redis) == []


def test_a_hash_of_a_wrong_type_can_be_deleted(redis: Redis) -> None:
    redis.set(keys.job('a'), 'not mine')
    redis.rpush(keys.queue('default'), 'a')
    assert jobs.delete(redis, 'a', 'default') == 1
    assert all_keys(redis) == []


@pytest.mark.parametrize(
    'key', [keys.failed('default'), keys.wip('default'), keys.executions('a'), keys.queue('default')]
)
def test_keys_of_a_wrong_type_stop_no_delete(redis: Redis, disorder: None, key: str) -> None:
    redis.hset(keys.job('a'), mapping=fields(status='failed'))
    redis.set(key, 'not mine')
    assert jobs.delete(redis, 'a') == 1
    assert all_keys(redis) == [key.encode()]


def test_a_deleted_id_can_be_used_at_once(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    jobs.delete(redis, 'a')
    assert put(redis, 'a') == b'QUEUED'
    assert claim.release(redis, [lease]) == 0
    assert ids(worker.ask()) == ['a']


def test_a_scheduled_job_that_is_deleted_is_not_promoted(redis: Redis) -> None:
    enqueue.schedule(redis, 'default', entry('a', status='scheduled'), 1)
    jobs.delete(redis, 'a')
    before = snapshot(redis)
    assert enqueue.promote_due(redis, ['default']) == (0, None, 0)
    assert difference(before, snapshot(redis)) == {}
