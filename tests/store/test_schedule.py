"""schedule and promote_due: jobs that wait for their time."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from rq.store import enqueue, keys
from rq.store import job as jobs
from tests.store.conftest import HorseMaker
from tests.store.hands import entry, fields, put, sent_twice_is_sent_once, status, tokens, waiting
from tests.support.keyspace import difference, snapshot


def put_at(redis: Redis, job_id: str, due: float, queue: str = 'default', **more: Any) -> bytes:
    more.setdefault('status', 'scheduled')
    answer: bytes = enqueue.schedule(redis, queue, entry(job_id, queue, **more), due)  # type: ignore[arg-type]
    return answer


def now(redis: Redis) -> int:
    return int(jobs.time(redis))


def test_a_scheduled_job_waits_in_the_registry_of_its_queue(redis: Redis) -> None:
    assert put_at(redis, 'a', 2_000_000_000, ttl=60) == b'QUEUED'
    assert redis.zscore(keys.scheduled('default'), 'a') == 2_000_000_000
    assert status(redis, 'a') == 'scheduled'
    assert redis.ttl(keys.job('a')) > 0
    assert redis.sismember(keys.queues(), keys.queue('default'))
    assert (waiting(redis), tokens(redis)) == ([], 0)
    redis.persist(keys.job('a'))


@pytest.mark.parametrize('call', ['', 'nonce'])
def test_sent_twice_it_is_scheduled_once(redis: Redis, call: str) -> None:
    answers = sent_twice_is_sent_once(redis, lambda: put_at(redis, 'a', 2_000_000_000, call=call))
    assert answers == (b'QUEUED', b'AGAIN')


def test_sent_again_after_it_was_promoted_it_is_not_scheduled_anew(redis: Redis) -> None:
    put_at(redis, 'a', 1, call='nonce')
    enqueue.promote_due(redis, ['default'])
    before = snapshot(redis)
    assert put_at(redis, 'a', 1, call='nonce') == b'AGAIN'
    assert difference(before, snapshot(redis)) == {}


def test_unique_refuses_an_id_that_exists(redis: Redis) -> None:
    put(redis, 'a', call='one')
    before = snapshot(redis)
    assert put_at(redis, 'a', 2_000_000_000, call='two', unique=True) == b'DUPLICATE'
    assert difference(before, snapshot(redis)) == {}


def test_a_waiting_id_that_is_scheduled_leaves_the_list(redis: Redis) -> None:
    put(redis, 'a', call='one')
    assert put_at(redis, 'a', 2_000_000_000, call='two') == b'QUEUED'
    assert waiting(redis) == []
    assert redis.zcard(keys.scheduled('default')) == 1


def test_a_scheduled_id_that_is_scheduled_again_has_the_new_time(redis: Redis) -> None:
    put_at(redis, 'a', 2_000_000_000, call='one')
    put_at(redis, 'a', 2_100_000_000, call='two')
    assert redis.zscore(keys.scheduled('default'), 'a') == 2_100_000_000


def test_a_scheduled_id_that_is_enqueued_leaves_the_schedule(redis: Redis) -> None:
    put_at(redis, 'a', 2_000_000_000, call='one')
    assert put(redis, 'a', call='two') == b'QUEUED'
    assert (waiting(redis), redis.zcard(keys.scheduled('default'))) == (['a'], 0)


def test_due_jobs_are_queued_oldest_first_and_the_others_wait(redis: Redis) -> None:
    due = now(redis)
    for name, seconds in [('b', -5), ('a', -9), ('c', 0), ('later', 100)]:
        put_at(redis, name, due + seconds)
    found = enqueue.promote_due(redis, ['default'])
    assert (found.moved, found.wait) == (3, pytest.approx(100, abs=1.1))
    assert waiting(redis) == ['a', 'b', 'c']
    assert [status(redis, name) for name in ('a', 'later')] == ['queued', 'scheduled']
    assert redis.hget(keys.job('a'), 'enqueued_at') > b'2026-11-23T05:24:26'
    assert tokens(redis) == 1


def test_promoting_twice_moves_each_once(redis: Redis) -> None:
    put_at(redis, 'a', 1)
    answers = sent_twice_is_sent_once(redis, lambda: enqueue.promote_due(redis, ['default']))
    assert answers == ((1, None, 0), (0, None, 0))


def test_no_job_is_promoted_early(redis: Redis) -> None:
    """I13: by the clock of Redis, to the microsecond."""
    seconds, micros = redis.time()
    put_at(redis, 'a', seconds + 1.5)
    found = enqueue.promote_due(redis, ['default'])
    assert (found.moved, found.wait) == (0, pytest.approx(1.5 - micros / 1e6, abs=0.2))


def test_a_job_that_goes_to_the_front_goes_to_the_front(redis: Redis) -> None:
    put(redis, 'waits')
    put_at(redis, 'a', 1, enqueue_at_front=1)
    put_at(redis, 'b', 2, enqueue_at_front=0)
    enqueue.promote_due(redis, ['default'])
    assert waiting(redis) == ['a', 'waits', 'b']


def test_the_queue_of_a_promoted_job_is_known_though_another_rq_scheduled_it(redis: Redis) -> None:
    redis.hset(keys.job('a'), mapping=fields(status='scheduled'))
    redis.zadd(keys.scheduled('default'), {'a': 1})
    assert enqueue.promote_due(redis, ['default']) == (1, None, 0)
    assert redis.smembers(keys.queues()) == {b'rq:queue:default'}


def test_a_job_without_a_status_that_was_put_in_the_registry_by_hand_is_queued(redis: Redis) -> None:
    redis.hset(keys.job('a'), mapping=fields(status=None))
    redis.hset(keys.job('b'), mapping=fields(status='finished'))
    redis.zadd(keys.finished('default'), {'b': 4e9})
    redis.zadd(keys.scheduled('default'), {'a': 1, 'b': 2})
    assert enqueue.promote_due(redis, ['default']) == (2, None, 0)
    assert waiting(redis) == ['a', 'b']


def test_canceled_and_deleted_jobs_only_leave_the_schedule(redis: Redis) -> None:
    put_at(redis, 'canceled', 1)
    redis.hset(keys.job('canceled'), 'status', 'canceled')
    redis.zadd(keys.canceled('default'), {'canceled': 1})
    redis.zadd(keys.scheduled('default'), {'gone': 1})
    assert enqueue.promote_due(redis, ['default']) == (0, None, 0)
    assert not redis.exists(keys.scheduled('default'), keys.queue('default'))
    assert status(redis, 'canceled') == 'canceled'


def test_a_running_job_that_is_scheduled_by_hand_is_not_queued(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    horse().ask()
    redis.zadd(keys.scheduled('default'), {'a': 1})
    assert enqueue.promote_due(redis, ['default']) == (0, None, 0)
    assert waiting(redis) == []


@pytest.mark.parametrize(
    ('due', 'first', 'second'),
    [
        ((700, 700), (500, 500), (700, 700)),
        ((1500, 100), (900, 100), (1500, 100)),
        ((100, 1500), (100, 900), (100, 1500)),
    ],
)
def test_a_thousand_jobs_at_most_are_moved_and_no_queue_waits_for_another(
    redis: Redis, due: tuple[int, int], first: tuple[int, int], second: tuple[int, int]
) -> None:
    """I14."""
    for queue, count in zip(('one', 'two'), due, strict=True):
        pipeline = redis.pipeline(transaction=False)
        for number in range(count):
            pipeline.hset(keys.job(f'{queue}-{number}'), mapping=fields(queue, status='scheduled'))
            pipeline.zadd(keys.scheduled(queue), {f'{queue}-{number}': number})
        pipeline.execute()
    for expected in (first, second):
        enqueue.promote_due(redis, ['one', 'two'])
        assert tuple(redis.llen(keys.queue(queue)) for queue in ('one', 'two')) == expected
    assert waiting(redis, 'one') == [f'one-{number}' for number in range(due[0])]
    assert enqueue.promote_due(redis, ['one', 'two']) == (0, None, 0)


def test_scores_that_are_no_time_never_come(redis: Redis) -> None:
    for name, score in [('never', float('inf')), ('late', 1e300)]:
        put_at(redis, name, 2_000_000_000)
        redis.zadd(keys.scheduled('default'), {name: score})
    assert enqueue.promote_due(redis, ['default']) == (0, None, 0)
    redis.zadd(keys.scheduled('default'), {'never': float('-inf')})
    assert enqueue.promote_due(redis, ['default']) == (1, None, 0)


@pytest.mark.parametrize(
    'key', [keys.job('bad'), keys.queue('default'), keys.scheduled('default'), keys.wip('default')]
)
def test_a_key_of_a_wrong_type_stops_no_other_due_job(redis: Redis, disorder: None, key: str) -> None:
    redis.hset(keys.job('bad'), mapping=fields(status='scheduled'))
    for queue in ('default', 'other'):
        put_at(redis, f'good-{queue}', 3, queue)
    redis.zadd(keys.scheduled('default'), {'bad': 1})
    redis.delete(key)
    redis.set(key, 'not mine')
    moved, *_ = enqueue.promote_due(redis, ['default', 'other'])
    assert waiting(redis, 'other') == ['good-other']
    if key == keys.job('bad'):
        assert (moved, waiting(redis)) == (2, ['good-default'])
    elif key != keys.scheduled('default'):
        assert redis.zcard(keys.scheduled('default')) == 2  # none is lost: they wait until the key is right again


# --- another RQ's scheduler -------------------------------------------------------------------------------------------


@pytest.mark.parametrize('holder', ['5f1c', '4711'], ids=['its name', 'its pid, as before RQ 2.10'])
def test_a_queue_that_another_rqs_scheduler_has_locked_is_left_to_it_until_the_lock_ends(
    redis: Redis, holder: str
) -> None:
    for queue in ('default', 'other'):
        put_at(redis, f'in-{queue}', 1, queue)
    redis.set(keys.scheduler_lock('default'), holder, ex=61)
    redis.hset(keys.scheduler('5f1c'), mapping={'name': '5f1c', 'pid': '4711'})
    redis.expire(keys.scheduler('5f1c'), 61)
    assert enqueue.promote_due(redis, ['default', 'other']) == (1, None, 0)
    assert (waiting(redis), waiting(redis, 'other')) == ([], ['in-other'])
    assert enqueue.promote_due(redis, ['default']) == (0, None, 0)
    redis.delete(keys.scheduler_lock('default'))
    assert enqueue.promote_due(redis, ['default', 'other']) == (1, None, 0)
    assert waiting(redis) == ['in-default']


def test_a_queue_that_a_scheduler_of_ours_has_locked_is_promoted_by_all(redis: Redis) -> None:
    put_at(redis, 'a', 1)
    redis.set(keys.scheduler_lock('default'), '5f1c', ex=61)
    redis.hset(keys.scheduler('5f1c'), 'packhorse', '1')
    redis.expire(keys.scheduler('5f1c'), 61)
    assert enqueue.promote_due(redis, ['default']) == (1, None, 0)


def test_a_lock_that_never_ends_stops_nothing(redis: Redis, disorder: None) -> None:
    put_at(redis, 'a', 1)
    redis.set(keys.scheduler_lock('default'), 'dead')
    assert enqueue.promote_due(redis, ['default']).moved == 1


def test_a_lock_that_is_no_text_stops_nothing(redis: Redis, disorder: None) -> None:
    put_at(redis, 'a', 1)
    redis.rpush(keys.scheduler_lock('default'), 'not mine')
    assert enqueue.promote_due(redis, ['default']) == (1, None, 0)
