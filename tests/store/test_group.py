"""Groups: jobs under a name; who is stored no more leaves (sweep_groups)."""

from __future__ import annotations

from redis import Redis

from rq.store import enqueue, group, keys
from rq.store import job as jobs
from tests.store.hands import entry, put, sent_twice_is_sent_once


def test_a_bulk_may_be_of_a_group(redis: Redis) -> None:
    told = [entry(f'j{number}', call='1', group_id='g') for number in range(150)]
    sent_twice_is_sent_once(redis, lambda: enqueue.enqueue_many(redis, 'default', told, 'g'))
    assert group.names(redis) == ['g']
    assert len(group.ids(redis, 'g')) == 150
    assert group.exists(redis, 'g')


def test_a_deleted_job_leaves_its_group(redis: Redis) -> None:
    enqueue.enqueue_many(redis, 'default', [entry('a', call='1', group_id='g')], 'g')
    jobs.delete(redis, 'a')
    assert not group.exists(redis, 'g')
    assert group.names(redis) == ['g']
    assert group.sweep(redis) == 0
    assert group.names(redis) == []


def test_the_sweep_takes_out_those_who_have_expired(redis: Redis, disorder: None) -> None:
    enqueue.enqueue_many(redis, 'default', [entry(name, call='1', group_id='g') for name in 'abc'], 'g')
    enqueue.enqueue_many(redis, 'default', [entry('d', call='1', group_id='h')], 'h')
    redis.delete(*(keys.job(name) for name in 'acd'))
    assert group.sweep(redis, 'g') == 2
    assert (group.ids(redis, 'g'), group.ids(redis, 'h')) == (['b'], ['d'])
    assert group.sweep(redis) == 1
    assert group.names(redis) == ['g']


def test_a_job_may_be_put_in_and_taken_out_by_hand(redis: Redis) -> None:
    put(redis, 'a')
    group.add(redis, 'g', ['a'])
    assert group.ids(redis, 'g') == ['a']
    assert group.remove(redis, 'g', 'a') == 1


def test_a_key_of_a_wrong_type_stops_no_sweep(redis: Redis, disorder: None) -> None:
    redis.set(keys.group('bad'), 'x')
    redis.sadd(keys.groups(), 'bad', 'empty')
    assert group.sweep(redis) == 0
    assert group.names(redis) == ['bad']
