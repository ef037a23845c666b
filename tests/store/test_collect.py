"""wait_results, drop_finished and withdraw: what `Queue.map` asks of the store."""

from __future__ import annotations

import time
from threading import Timer

import pytest
from redis import Redis

from rq.store import collect, enqueue, keys
from rq.store import job as jobs
from tests.store.conftest import HorseMaker
from tests.store.hands import FORTYTWO, all_keys, put, put_many, sent_twice_is_sent_once, status, waiting


def finish(worker: object, count: int) -> None:
    pack = worker.ask().jobs[:count]  # type: ignore[attr-defined]
    worker.ask(room=0, outcomes=[worker.outcome(job) for job in pack])  # type: ignore[attr-defined]


def test_results_of_many_come_by_one_read_and_only_those_after_the_entry_known(
    either: Redis, redis: Redis, horse: HorseMaker
) -> None:
    put_many(redis, 'abc')
    finish(horse(), 2)
    found = collect.wait_results(either, {'a': '0-0', 'b': '0-0', 'c': '0-0'}, 0)
    assert {job_id: [fields[b'return_value'] for _, fields in entries] for job_id, entries in found.items()} == {
        'a': [FORTYTWO], 'b': [FORTYTWO],
    }  # fmt: skip
    assert collect.wait_results(either, {job_id: entries[-1][0] for job_id, entries in found.items()}, 0) == {}


def test_the_first_result_is_waited_for(either: Redis, redis: Redis) -> None:
    start = time.monotonic()
    assert collect.wait_results(either, {'a': '0-0'}, 0.05) == {}
    assert time.monotonic() - start >= 0.045
    timer = Timer(0.05, lambda: jobs.add_result(redis, 'a', {'type': '1'}, 60))
    timer.start()
    assert list(collect.wait_results(either, {'a': '0-0', 'b': '0-0'}, 5)) == ['a']
    assert time.monotonic() - start < 3
    timer.join()


def test_finished_jobs_go_whole_and_others_stay(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abcd')
    put(redis, 'e', call='nonce')
    worker = horse()
    pack = worker.ask().jobs
    kinds = dict(zip('abcde', 'FXFFF', strict=True))
    worker.ask(room=0, outcomes=[worker.outcome(job, kinds[job.id.decode()]) for job in pack if job.id != b'd'])
    redis.sadd(keys.dependents('c'), 'somebody')
    redis.expire(keys.dependents('c'), 500)
    answers = sent_twice_is_sent_once(
        redis, lambda: collect.drop_finished(redis, 'default', ['a', 'b', 'c', 'd', 'e', 'nobody'])
    )
    assert answers == (2, 0)
    assert [status(redis, job_id) for job_id in 'abcde'] == ['', 'failed', 'finished', 'started', '']
    assert redis.zrange(keys.finished('default'), 0, -1) == [b'c']
    assert not redis.exists(keys.results('a'), keys.results('e'))
    assert enqueue.enqueue(redis, 'default', enqueue.Entry('a', {'status': 'queued'})) == b'AGAIN'
    assert 0 < redis.ttl(keys.gone('a')) <= 30
    assert redis.get(keys.gone('e')) == b'nonce'
    assert collect.drop_finished(redis, 'other', ['c']) == 0


@pytest.mark.parametrize('field', ['group_id', 'rate_limit_key', 'webhooks'])
def test_a_finished_job_in_which_somebody_else_has_a_part_stays(redis: Redis, horse: HorseMaker, field: str) -> None:
    put(redis, 'a')
    finish(horse(), 1)
    redis.hset(keys.job('a'), field, 'x')
    assert collect.drop_finished(redis, 'default', ['a']) == 0
    redis.hset(keys.job('a'), field, '')  # as other RQs write a field that says nothing
    assert collect.drop_finished(redis, 'default', ['a']) == 1


def test_waiting_jobs_go_wherever_they_are_on_the_list_and_others_stay(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, ['before', 'run'])
    worker = horse()
    worker.ask(room=2)
    put_many(redis, ['first', 'a', 'b'])
    put(redis, 'between')
    put(redis, 'c')
    put(redis, 'front', at_front=True)
    enqueue.schedule(redis, 'default', enqueue.Entry('s', {'status': 'scheduled', 'origin': 'default'}), 4e9)
    answers = sent_twice_is_sent_once(
        redis, lambda: collect.withdraw(redis, 'default', ['run', 'a', 'b', 'c', 'front', 's', 'nobody'])
    )
    assert answers == (5, 0)
    assert waiting(redis) == ['first', 'between']
    assert status(redis, 'run') == 'started'
    assert collect.withdraw(redis, 'other', ['first']) == 0
    assert collect.withdraw(redis, 'default', ['first', 'between']) == 2
    assert not redis.exists(keys.wake('default'))
    assert collect.statuses(redis, ['run', 'a']) == {'run': 'started', 'a': ''}


def test_a_long_list_is_not_walked_to_its_middle(redis: Redis, disorder: None) -> None:
    put(redis, 'a')
    redis.rpush(keys.queue('default'), *range(60_000))
    redis.lpush(keys.queue('default'), *range(60_000))
    put(redis, 'b')
    assert collect.withdraw(redis, 'default', ['a']) == 0
    assert collect.withdraw(redis, 'default', ['b']) == 1
    assert redis.llen(keys.queue('default')) == 120_001
    redis.delete(keys.queue('default'))


def test_of_nothing_comes_nothing(redis: Redis) -> None:
    assert (collect.drop_finished(redis, 'q', ['a']), collect.withdraw(redis, 'q', ['a'])) == (0, 0)
    assert all_keys(redis) == []
