"""enqueue_many: many jobs on one queue, in order, a hundred a round trip."""

from __future__ import annotations

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from rq.store import enqueue, keys
from tests.store.hands import all_keys, entry, fields, put, put_many, sent_twice_is_sent_once, tokens, waiting
from tests.support.keyspace import difference, snapshot


def commands(redis: Redis, name: str) -> int:
    return int(redis.info('commandstats').get(f'cmdstat_{name}', {}).get('calls', 0))


def test_many_jobs_wait_in_their_order(redis: Redis) -> None:
    names = [f'job-{number}' for number in range(250)]
    put_many(redis, names)
    assert waiting(redis) == names
    assert redis.smembers(keys.queues()) == {b'rq:queue:default'}
    assert tokens(redis) == 1


def test_a_hundred_jobs_take_one_round_trip(redis: Redis) -> None:
    put_many(redis, ['warm'])
    before = commands(redis, 'evalsha') + commands(redis, 'eval')
    put_many(redis, [f'job-{number}' for number in range(300)])
    assert commands(redis, 'evalsha') + commands(redis, 'eval') == before + 3


def test_nothing_to_enqueue_is_nothing_done(redis: Redis) -> None:
    put_many(redis, [])
    assert all_keys(redis) == []


@pytest.mark.parametrize('call', ['', 'nonce'])
def test_sent_twice_each_is_queued_once(redis: Redis, call: str) -> None:
    sent_twice_is_sent_once(redis, lambda: put_many(redis, ['a', 'b', 'c'], call=call))
    assert waiting(redis) == ['a', 'b', 'c']


def test_the_rest_of_a_half_known_bulk_is_queued(redis: Redis) -> None:
    put_many(redis, ['a', 'b'])
    put_many(redis, ['a', 'b', 'c', 'd'])
    assert waiting(redis) == ['a', 'b', 'c', 'd']


def test_the_same_id_twice_in_one_bulk_is_queued_once(redis: Redis) -> None:
    put_many(redis, ['a', 'b', 'a'], call='nonce')
    assert waiting(redis) == ['a', 'b']


def test_each_job_has_its_place_and_its_ttl(redis: Redis) -> None:
    enqueue.enqueue_many(
        redis, 'default', [entry('a'), entry('b', at_front=True), entry('c', ttl=60), entry('d', at_front=True)]
    )
    assert waiting(redis) == ['d', 'b', 'a', 'c']
    assert [redis.ttl(keys.job(name)) > 0 for name in 'abcd'] == [False, False, True, False]


def test_a_bulk_of_big_payloads_is_sent_in_parts_of_a_megabyte(redis: Redis) -> None:
    put_many(redis, ['warm'])
    before = commands(redis, 'evalsha') + commands(redis, 'eval')
    put_many(redis, [f'job-{number}' for number in range(10)], data=b'x' * 300_000)
    sent = commands(redis, 'evalsha') + commands(redis, 'eval') - before
    assert 3 <= sent <= 5
    assert len(waiting(redis)) == 11


def test_ids_that_wait_elsewhere_move(redis: Redis) -> None:
    put(redis, 'a', 'other', call='one')
    put_many(redis, ['a', 'b'], call='two')
    assert (waiting(redis, 'other'), waiting(redis)) == ([], ['a', 'b'])


def test_a_key_of_a_wrong_type_in_the_middle_leaves_those_before_queued_and_is_told(
    redis: Redis, disorder: None
) -> None:
    redis.set(keys.job('c'), 'not mine')
    with pytest.raises(ResponseError, match='WRONGTYPE'):
        put_many(redis, ['a', 'b', 'c', 'd'], call='nonce')
    assert waiting(redis) == ['a', 'b']
    assert tokens(redis) == 1
    assert not redis.exists(keys.job('d'))
    redis.delete(keys.job('c'))
    put_many(redis, ['a', 'b', 'c', 'd'], call='nonce')  # and the same call can be made again
    assert waiting(redis) == ['a', 'b', 'c', 'd']


@pytest.mark.parametrize('key', [keys.queue('default'), keys.queues()])
def test_a_queue_of_a_wrong_type_refuses_the_bulk_whole(redis: Redis, disorder: None, key: str) -> None:
    redis.set(key, 'not mine')
    before = snapshot(redis)
    with pytest.raises(ResponseError, match='WRONGTYPE'):
        put_many(redis, ['a', 'b'])
    assert difference(before, snapshot(redis)) == {}


def test_in_a_pipeline_a_bulk_is_one_command_a_hundred_jobs(redis: Redis) -> None:
    pipeline = redis.pipeline()
    enqueue.enqueue_many(pipeline, 'default', [entry(f'job-{number}') for number in range(150)])
    assert pipeline.execute() == [[b'QUEUED'] * 100, [b'QUEUED'] * 50]
    assert redis.hgetall(keys.job('job-149'))[b'timeout'] == str(fields()['timeout']).encode()
