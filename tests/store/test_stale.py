"""An id of a caller's own that stands on a list twice, since its earlier job expired where it waited: it runs once."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import enqueue, keys
from rq.store import job as jobs
from rq.store import queue as queues
from tests.store.conftest import HorseMaker
from tests.store.hands import Horse, ids, put, put_many, status, waiting


def expire(redis: Redis, job_id: str) -> None:
    """As its ttl does."""
    redis.pexpire(keys.job(job_id), 1)
    while redis.exists(keys.job(job_id)):
        pass


def runs(worker: Horse, kind: str = 'F') -> list[str]:
    """Claims and ends jobs one by one until there is none; the ids in their order."""
    found = []
    while True:
        answer = worker.ask(room=1)
        found += ids(answer)
        worker.ask(room=0, outcomes=[worker.outcome(job, kind) for job in answer.jobs])
        if not answer.jobs and not answer.dropped:
            return found


@pytest.mark.parametrize('again', [{'ttl': 100}, {}])
def test_an_id_that_expired_and_is_enqueued_again_runs_once(
    redis: Redis, horse: HorseMaker, disorder: None, again: dict[str, int]
) -> None:
    """It ran at both places."""
    put_many(redis, 'xy')
    put(redis, 'a', call='one', ttl=100)
    expire(redis, 'a')
    put(redis, 'b')
    assert put(redis, 'a', call='two', **again) == b'QUEUED'
    assert waiting(redis) == ['x', 'y', 'a', 'b', 'a']
    assert runs(horse()) == ['x', 'y', 'a', 'b']
    assert (waiting(redis), status(redis, 'a')) == ([], 'finished')


@pytest.mark.parametrize('kind', ['X', 'S'])
def test_whatever_became_of_it(redis: Redis, horse: HorseMaker, kind: str, disorder: None) -> None:
    put(redis, 'a', call='one', ttl=100)
    expire(redis, 'a')
    put(redis, 'a', call='two')
    assert runs(horse(), kind) == ['a']
    assert status(redis, 'a') == ('failed' if kind == 'X' else 'stopped')


def test_its_retries_and_whoever_requeues_it_count_as_ever(redis: Redis, horse: HorseMaker, disorder: None) -> None:
    worker = horse()
    put(redis, 'a', call='one', ttl=100)
    expire(redis, 'a')
    put(redis, 'a', call='two', retries_left=1)
    assert runs(worker, 'X') == ['a', 'a']
    assert jobs.requeue(redis, 'default', ['a']) == ['QUEUED']
    assert runs(worker) == ['a']
    assert put(redis, 'a', call='three') == b'QUEUED'
    assert runs(worker) == ['a']


def test_a_try_that_has_to_wait_is_not_made_at_the_place_that_was_left(
    redis: Redis, horse: HorseMaker, disorder: None
) -> None:
    worker = horse()
    put(redis, 'a', call='one', ttl=100)
    expire(redis, 'a')
    put(redis, 'a', call='two', retries_left=1, retry_intervals='[600]')
    assert runs(worker, 'X') == ['a']
    assert (status(redis, 'a'), waiting(redis)) == ('scheduled', [])
    redis.zadd(keys.scheduled('default'), {'a': 1})
    enqueue.promote_due(redis, ['default'])
    assert runs(worker) == ['a']


def test_the_place_on_another_list_is_passed_over_while_it_waits_runs_and_has_run(
    redis: Redis, horse: HorseMaker, disorder: None
) -> None:
    low, high = horse('w1', queues=['low']), horse('w2', queues=['high'])
    for _ in range(3):
        put(redis, 'a', 'low', call='one', ttl=100)
        expire(redis, 'a')
    put(redis, 'a', 'high', call='two')
    assert ids(low.ask(room=1)) == []
    job = high.one()
    assert ids(low.ask(room=1)) == []
    high.ask(room=0, outcomes=[high.outcome(job)])
    assert ids(low.ask(room=1)) == []
    assert (waiting(redis, 'low'), status(redis, 'a')) == ([], 'finished')


def test_who_moves_an_id_to_another_list_by_hand_has_it_run_there(
    redis: Redis, horse: HorseMaker, disorder: None
) -> None:
    put(redis, 'a', 'high', call='one')
    queues.remove(redis, 'high', 'a')
    redis.rpush(keys.queue('low'), 'a')
    assert ids(horse('w1', queues=['low']).ask()) == ['a']


def test_a_job_that_was_put_on_its_list_by_hand_runs_again(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    put(redis, 'a', call='one')
    assert runs(worker) == ['a']
    assert queues.push(redis, 'default', 'a') == 1
    assert runs(worker) == ['a']


def test_to_empty_a_queue_deletes_no_job_that_has_its_place_elsewhere(redis: Redis, horse: HorseMaker) -> None:
    """What it had returned was gone with a place it no longer had."""
    worker = horse()
    put(redis, 'a', call='one', ttl=100)
    expire(redis, 'a')
    put(redis, 'b')
    put(redis, 'a', call='two', at_front=True)
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(room=1))])
    assert waiting(redis) == ['a', 'b']
    assert queues.empty(redis, 'default') == 2
    assert (waiting(redis), status(redis, 'a'), status(redis, 'b')) == ([], 'finished', '')


def test_a_canceled_job_that_expired_leaves_its_registry_to_the_next_use_of_its_id(redis: Redis) -> None:
    put(redis, 'a', call='one', ttl=100)
    jobs.cancel(redis, 'a')
    expire(redis, 'a')
    put(redis, 'a', call='two')
    assert redis.zcard(keys.canceled('default')) == 0


def test_who_takes_an_id_by_hand_takes_one(redis: Redis) -> None:
    put_many(redis, 'ab')
    assert [queues.pop(redis, 'default') for _ in range(3)] == ['a', 'b', None]
    assert queues.pop_first(redis, [keys.queue('default')], None) is None
    redis.delete(keys.job('a'), keys.job('b'))
