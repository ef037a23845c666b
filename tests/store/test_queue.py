"""empty_chunk and the plain commands on queues and registries."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import job as jobs
from rq.store import keys, registry
from rq.store import queue as queues
from rq.store.script import Script
from tests.store.conftest import HorseMaker
from tests.store.hands import all_keys, fields, put, put_many, sent_twice_is_sent_once, status, waiting


def test_emptying_deletes_what_waits_with_all_that_belongs_to_it(redis: Redis) -> None:
    put_many(redis, map(str, range(1200)))
    put(redis, 'other', 'other')
    redis.xadd(keys.results('7'), {'type': '1'})
    redis.sadd(keys.dependents('7'), 'x')
    redis.sadd(keys.dependencies('7'), 'y')
    assert queues.empty(redis, 'default') == 1200
    assert {key.decode() for key in all_keys(redis)} == {
        'rq:queues', 'rq:queue:other', 'rq:job:other', 'rq:wake:default', 'rq:wake:other',
    }  # fmt: skip
    assert queues.empty(redis, 'default') == 0


def test_a_chunk_sent_twice_takes_nothing_more(redis: Redis) -> None:
    """It took as many again: jobs that were enqueued since."""
    put_many(redis, 'abcdef')
    chunk = Script('empty_chunk')
    answers = sent_twice_is_sent_once(redis, lambda: chunk(redis, keys.queue('default'), 'one', 'a', 'b', 'c'))
    assert answers == (3, 3)
    assert waiting(redis) == ['d', 'e', 'f']


def test_a_chunk_takes_what_is_still_at_the_head_and_leaves_what_came_meanwhile(redis: Redis) -> None:
    put_many(redis, 'abcd')
    put(redis, 'x', at_front=True)
    assert Script('empty_chunk')(redis, keys.queue('default'), '', 'a', 'b', 'c', 'd') == 3
    assert waiting(redis) == ['x', 'd']


def test_an_id_twice_on_the_list_goes_twice_and_a_running_job_stays(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    horse().ask()
    redis.rpush(keys.queue('default'), 'a', 'gone', 'a')
    assert queues.empty(redis, 'default') == 3
    assert (waiting(redis), status(redis, 'a')) == ([], 'started')


def test_emptying_a_queue_with_a_job_of_a_wrong_type_goes_on(redis: Redis) -> None:
    put_many(redis, 'ab')
    redis.delete(keys.job('a'))
    redis.set(keys.job('a'), 'not mine')
    assert queues.empty(redis, 'default') == 2
    assert not redis.exists(keys.job('a'), keys.job('b'))


def test_queues_are_read_and_changed_by_hand(either: Redis, redis: Redis) -> None:
    put_many(either, 'abc')
    put(either, 'x', 'low')
    assert queues.names(either) == ['default', 'low']
    assert queues.length(either, 'default') == 3
    assert queues.lengths(either, ['default', 'low', 'none']) == [3, 1, 0]
    assert queues.ids(either, 'default') == ['a', 'b', 'c']
    assert queues.ids(either, 'default', 1, 1) == ['b']
    assert queues.position(either, 'default', 'c') == 2
    assert queues.position(either, 'default', 'z') is None
    assert queues.remove(either, 'default', 'b') == 1
    queues.push(either, 'default', 'b')
    queues.push(either, 'default', 'y', at_front=True)
    assert queues.ids(either, 'default') == ['y', 'a', 'c', 'b']
    assert queues.pop(either, 'default') == 'y'
    assert queues.pop(either, 'none') is None
    assert queues.lock(either, 'default', 60)
    assert not queues.lock(either, 'default', 60)
    queues.unlock(either, 'default')
    assert queues.lock(either, 'default', 60)


def test_a_forgotten_queue_is_no_longer_known_and_its_list_is_gone(redis: Redis, disorder: None) -> None:
    put(redis, 'a')
    queues.forget(redis, 'default')
    assert all_keys(redis) == [b'rq:job:a']


def test_what_is_no_queue_among_the_queues_is_not_named(redis: Redis, disorder: None) -> None:
    put(redis, 'a')
    redis.sadd(keys.queues(), 'other:thing', b'rq:queue:\xff')
    assert queues.names(redis) == ['\\xff', 'default']


def test_registries_are_read_by_either_protocol(either: Redis, redis: Redis, disorder: None) -> None:
    key = keys.failed('default')
    redis.zadd(key, {'gone': 1000, 'soon': 4e9, 'later': 5e9, 'never': -1})
    assert registry.count(either, key) == 4
    assert registry.count(either, key, 2000) == 3
    assert registry.counts(either, [key, keys.finished('default')]) == [4, 0]
    assert registry.ids(either, key) == ['never', 'gone', 'soon', 'later']
    assert registry.ids(either, key, 0, 0, desc=True) == ['later']
    assert registry.scores(either, key, '-inf', 4e9, most=2) == ['never', 'gone']
    assert registry.score(either, key, 'soon') == 4e9
    assert registry.score(either, key, 'none') is None
    assert registry.has(either, key, 'soon')
    assert not registry.has(either, key, 'none')
    registry.add(either, key, 'none', 7, only_update=True)
    assert not registry.has(either, key, 'none')
    assert registry.remove(either, key, 'later') == 1
    assert registry.drop_expired(either, key, 2000) == 1
    assert registry.ids(either, key) == ['never', 'soon']


def test_jobs_are_read_by_either_protocol(either: Redis, horse: HorseMaker) -> None:
    put(either, 'a')
    assert jobs.exists(either, 'a')
    assert not jobs.exists(either, 'b')
    assert jobs.fetch(either, 'a')[b'data'] == fields()['data']
    assert jobs.fetch(either, 'b') == {}
    assert [len(found) > 0 for found in jobs.fetch_many(either, ['a', 'b', 'a'])] == [True, False, True]
    assert jobs.field(either, 'a', 'origin') == b'default'
    assert jobs.field(either, 'a', 'none') is None
    jobs.save(either, 'a', {'note': 'x'})
    assert jobs.field(either, 'a', 'note') == b'x'
    jobs.expire(either, 'a', 60)
    assert either.ttl(jobs.status_key('a')) > 0
    jobs.persist(either, 'a')
    assert either.ttl(keys.job('a')) == -1
    assert jobs.last_result(either, 'a') is None
    assert jobs.wait_result(either, 'a', 0.01) is None
    worker = horse()
    worker.ask(room=0, outcomes=[worker.outcome(worker.one())])
    (entry,) = jobs.results(either, 'a')
    assert jobs.last_result(either, 'a') == entry
    assert jobs.wait_result(either, 'a', 0.01) == entry
    assert jobs.result_count(either, 'a') == 1
    assert jobs.running(either, 'a') == []
    assert jobs.fetch_execution(either, 'a', 'e') == {}
    assert jobs.time(either) > 1.7e9


@pytest.mark.parametrize('count', [0, 1, 2500])
def test_many_jobs_are_fetched_in_order(redis: Redis, count: int) -> None:
    put_many(redis, map(str, range(count)))
    found = jobs.fetch_many(redis, [*map(str, range(count)), 'none'])
    assert len(found) == count + 1
    assert found[-1] == {}
    assert all(found[:-1])
