"""enqueue: one job on its queue, once."""

from __future__ import annotations

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from rq.store import keys
from tests.store.conftest import HorseMaker
from tests.store.hands import (
    age,
    all_keys,
    fields,
    hold,
    ids,
    put,
    put_many,
    sent_twice_is_sent_once,
    status,
    tokens,
    waiting,
)  # fmt: skip
from tests.support.keyspace import difference, snapshot


def test_an_enqueued_job_is_in_its_queue_and_its_queue_is_known(redis: Redis) -> None:
    assert put(redis, 'a') == b'QUEUED'
    assert waiting(redis) == ['a']
    assert redis.smembers(keys.queues()) == {b'rq:queue:default'}
    assert redis.hgetall(keys.job('a')) == {
        name.encode(): value if isinstance(value, bytes) else str(value).encode() for name, value in fields().items()
    }
    assert tokens(redis) == 1


def test_jobs_wait_in_the_order_they_came_and_at_front_goes_first(redis: Redis) -> None:
    for name in 'abc':
        put(redis, name)
    put(redis, 'x', at_front=True)
    put(redis, 'y', at_front=True)
    assert waiting(redis) == ['y', 'x', 'a', 'b', 'c']


def test_a_ttl_is_the_ttl_of_the_hash(redis: Redis) -> None:
    put(redis, 'a', ttl=60)
    put(redis, 'b')
    assert 59 <= redis.ttl(keys.job('a')) <= 60
    assert redis.ttl(keys.job('b')) == -1


@pytest.mark.parametrize('call', ['', 'nonce'])
def test_sent_twice_a_job_is_queued_once(redis: Redis, call: str) -> None:
    answers = sent_twice_is_sent_once(redis, lambda: put(redis, 'a', call=call))
    assert answers == (b'QUEUED', b'AGAIN')


@pytest.mark.parametrize('call', ['', 'nonce'])
def test_sent_again_after_the_job_was_claimed_it_is_not_queued_anew(redis: Redis, horse: HorseMaker, call: str) -> None:
    put(redis, 'a', call=call)
    horse().ask()
    before = snapshot(redis)
    assert put(redis, 'a', call=call) == b'AGAIN'
    assert difference(before, snapshot(redis)) == {}


@pytest.mark.parametrize('call', ['', 'nonce'])
def test_sent_again_after_the_job_was_deleted_as_it_finished_it_is_not_queued_anew(
    redis: Redis, horse: HorseMaker, call: str
) -> None:
    put(redis, 'a', call=call)
    worker = horse()
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), ttl=0)])
    assert not redis.exists(keys.job('a'))
    assert 0 < redis.ttl(keys.gone('a')) <= 30
    before = snapshot(redis)
    assert put(redis, 'a', call=call) == b'AGAIN'
    assert difference(before, snapshot(redis)) == {}


def test_another_call_uses_an_id_again_that_was_deleted_as_it_finished(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', call='one')
    worker = horse()
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), ttl=0)])
    assert put(redis, 'a', call='two') == b'QUEUED'


def test_unique_refuses_an_id_that_exists_and_changes_nothing(redis: Redis) -> None:
    put(redis, 'a', call='one')
    before = snapshot(redis)
    assert put(redis, 'a', call='two', unique=True, description='other') == b'DUPLICATE'
    assert difference(before, snapshot(redis)) == {}
    assert put(redis, 'b', call='two', unique=True) == b'QUEUED'


def test_unique_refuses_an_id_whose_hash_has_no_fields_of_ours(redis: Redis, disorder: None) -> None:
    redis.hset(keys.job('a'), 'progress', '7')
    assert put(redis, 'a', call='one', unique=True) == b'DUPLICATE'


def test_an_id_that_waits_keeps_its_place_and_gets_the_new_hash_and_ttl(redis: Redis) -> None:
    for name in 'abc':
        put(redis, name, call='one')
    assert put(redis, 'b', call='two', description='new', ttl=60) == b'AGAIN'
    assert waiting(redis) == ['a', 'b', 'c']
    assert redis.hmget(keys.job('b'), 'description', 'call') == [b'new', b'two']
    assert 0 < redis.ttl(keys.job('b')) <= 60
    assert put(redis, 'b', call='three') == b'AGAIN'
    assert redis.ttl(keys.job('b')) == -1


def test_an_id_that_waits_in_another_queue_moves(redis: Redis) -> None:
    put(redis, 'a', 'one', call='1')
    assert put(redis, 'a', 'two', call='2') == b'QUEUED'
    assert (waiting(redis, 'one'), waiting(redis, 'two')) == ([], ['a'])


def test_an_id_that_another_rq_popped_and_lost_is_queued(redis: Redis) -> None:
    put(redis, 'a', call='one')
    redis.lpop(keys.queue('default'))
    assert put(redis, 'a', call='two') == b'QUEUED'
    assert waiting(redis) == ['a']


@pytest.mark.parametrize('place', [0, 60_000, 110_000, 119_999])
def test_a_long_list_is_searched_from_both_ends_only(redis: Redis, place: int) -> None:
    """Past 50,000 from each end the hash is believed, which is right here: there are 120,000."""
    pipeline = redis.pipeline(transaction=False)
    names = [f'job-{number}' for number in range(120_000)]
    for at in range(0, len(names), 10_000):
        pipeline.rpush(keys.queue('long'), *names[at : at + 10_000])
    pipeline.hset(keys.job(f'job-{place}'), mapping=fields('long', call='one'))
    pipeline.execute()
    assert put(redis, f'job-{place}', 'long', call='two') == b'AGAIN'
    assert redis.llen(keys.queue('long')) == 120_000
    redis.delete(keys.queue('long'), keys.job(f'job-{place}'))


@pytest.mark.parametrize(
    ('was', 'home'),
    [
        ('finished', keys.finished),
        ('failed', keys.failed),
        ('stopped', keys.failed),
        ('canceled', keys.canceled),
        ('deferred', keys.deferred),
        ('scheduled', keys.scheduled),
    ],
)
def test_an_id_that_is_used_again_leaves_the_registry_it_was_in(redis: Redis, was: str, home: object) -> None:
    assert callable(home)
    redis.hset(keys.job('a'), mapping=fields(status=was, call='one', ended_at='then', losses=2, retries_used=2))
    redis.expire(keys.job('a'), 500)
    redis.zadd(home('default'), {'a': 4e9})
    assert put(redis, 'a', call='two') == b'QUEUED'
    assert not redis.exists(home('default'))
    assert redis.ttl(keys.job('a')) == -1
    assert redis.hmget(keys.job('a'), 'ended_at', 'losses', 'retries_used') == [None, None, None]


def test_an_id_that_runs_and_is_used_again_takes_the_lease_from_the_run(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', call='one')
    worker = horse()
    job = worker.one()
    assert put(redis, 'a', call='two') == b'QUEUED'
    assert (waiting(redis), redis.exists(keys.wip('default'))) == (['a'], 0)
    answer = worker.ask(room=1, outcomes=[worker.outcome(job)])
    assert answer.became == [b'STALE']
    assert ids(answer) == ['a']


def test_an_id_that_another_rq_runs_and_is_used_again_takes_the_lease_from_the_run(redis: Redis) -> None:
    redis.hset(keys.job('a'), mapping=fields(status='started'))
    hold(redis, 'a', 'e' * 32, 4e9)
    redis.zadd(keys.executions('a'), {'e' * 32: 4e9})
    redis.hset(keys.execution('a', 'e' * 32), 'id', 'e' * 32)
    assert put(redis, 'a', call='two') == b'QUEUED'
    assert waiting(redis) == ['a']
    assert [key for key in all_keys(redis) if b'exec' in key or b'wip' in key] == []


def test_a_job_that_is_not_pushed_is_only_written_and_its_queue_known(redis: Redis) -> None:
    assert put(redis, 'a', push=False, status='created') == b'QUEUED'
    assert all_keys(redis) == [b'rq:job:a', b'rq:queues']


def test_a_waiting_id_that_is_not_pushed_leaves_the_list(redis: Redis) -> None:
    put(redis, 'a', call='one')
    put(redis, 'a', call='two', push=False, status='created')
    assert waiting(redis) == []


@pytest.mark.parametrize('key', [keys.queue('default'), keys.queues(), keys.job('a')])
def test_a_key_of_a_wrong_type_refuses_the_job_whole(redis: Redis, disorder: None, key: str) -> None:
    redis.set(key, 'not mine')
    before = snapshot(redis)
    with pytest.raises(ResponseError, match='WRONGTYPE'):
        put(redis, 'a', call='one')
    assert difference(before, snapshot(redis)) == {}


def test_a_lost_job_that_was_reaped_can_be_used_again(redis: Redis, horse: HorseMaker) -> None:
    """`losses` belong to one use of an id, not to the id."""
    put(redis, 'a', call='one')
    horse().ask()
    age(redis, 30)
    redis.hset(keys.job('a'), 'losses', 2)
    put(redis, 'a', call='two')
    assert redis.hget(keys.job('a'), 'losses') is None
    assert status(redis, 'a') == 'queued'


def test_many_single_enqueues_leave_one_token(redis: Redis) -> None:
    put_many(redis, ['a', 'b'])
    put(redis, 'c')
    assert tokens(redis) == 1
