"""Rate limits: at most so many jobs of a key are queued or running; slots held for nothing come back (admit, sweep_limits)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from rq.store import enqueue, keys, limit
from rq.store import job as jobs
from rq.store import queue as queues
from rq.store import worker as workers
from tests.store.conftest import HorseMaker
from tests.store.hands import TRACEBACK, Horse, age, entry, ids, put, sent_twice_is_sent_once, status, tokens, waiting

KEY = {'rate_limit_key': 'k'}


def limited(redis: Redis, job_id: str, most: int = 1, queue: str = 'default', **more: Any) -> bytes:
    """The answer for a job of the key `k`."""
    told = entry(job_id, queue, call=f'call-{job_id}', rate_limit_concurrency=most, **KEY, **more)
    answer: bytes = enqueue.enqueue_when_ready(redis, queue, told)
    return answer


def run(worker: Horse, kind: str = 'F', ttl: int = 500) -> str:
    """Runs the next job; answers its id."""
    job = worker.one(room=1)
    worker.ask(room=0, outcomes=[worker.outcome(job, kind, ttl)])
    return job.id.decode()


def test_so_many_are_queued_and_the_others_wait_their_turn(redis: Redis, horse: HorseMaker) -> None:
    answers = [limited(redis, job_id, most=2, queue=queue) for job_id, queue in zip('abcd', 'xyxy', strict=True)]
    assert answers == [b'QUEUED', b'QUEUED', b'RATE_LIMITED', b'RATE_LIMITED']
    assert (limit.holders(redis, 'k'), limit.waiters(redis, 'k')) == (['a', 'b'], ['c', 'd'])
    assert (limit.names(redis), limit.concurrency(redis, 'k')) == (['k'], 2)
    worker = horse(queues=['x', 'y'])
    both = worker.ask()
    assert ids(both) == ['a', 'b']
    assert ids(worker.ask(outcomes=[worker.outcome(both.jobs[1])])) == ['c'], 'the longest waiting one, at once'
    assert status(redis, 'd') == 'rate_limited'


def test_sent_twice_it_holds_one_slot(redis: Redis) -> None:
    assert sent_twice_is_sent_once(redis, lambda: limited(redis, 'a')) == (b'QUEUED', b'AGAIN')
    assert sent_twice_is_sent_once(redis, lambda: limited(redis, 'b')) == (b'RATE_LIMITED', b'RATE_LIMITED')


@pytest.mark.parametrize('kind', ['F', 'X', 'Y', 'S', 'M', 'L'])
@pytest.mark.parametrize('ttl', [500, 0])
def test_every_end_gives_the_slot_back(redis: Redis, horse: HorseMaker, kind: str, ttl: int) -> None:
    limited(redis, 'a', failure_ttl=ttl)
    limited(redis, 'b')
    assert run(horse(), kind, ttl) == 'a'
    assert (status(redis, 'b'), waiting(redis), tokens(redis)) == ('queued', ['b'], 1)
    assert limit.holders(redis, 'k') == ['b']


@pytest.mark.parametrize(
    ('kind', 'more', 'holder'),
    [
        ('X', {'retries_left': 1}, 'a'),
        ('X', {'retries_left': 1, 'retry_intervals': '[60]'}, 'b'),
        ('F', {'repeats_left': 1}, 'a'),
        ('F', {'repeats_left': 1, 'repeat_intervals': '[60]'}, 'b'),
    ],
)
def test_another_try_or_run_keeps_the_slot_unless_it_is_later(
    redis: Redis, horse: HorseMaker, kind: str, more: dict[str, Any], holder: str
) -> None:
    limited(redis, 'a', **more)
    limited(redis, 'b')
    assert run(horse(), kind) == 'a'
    assert limit.holders(redis, 'k') == [holder]
    redis.zadd(keys.scheduled('default'), {'a': 1}, xx=True)
    enqueue.promote_due(redis, ['default'])
    assert status(redis, 'a') == ('queued' if holder == 'a' else 'rate_limited')


@pytest.mark.parametrize(
    'act',
    [
        lambda redis: jobs.cancel(redis, 'a'),
        lambda redis: jobs.delete(redis, 'a'),
        lambda redis: queues.empty(redis, 'default'),
        lambda redis: put(redis, 'a', call='another'),
        lambda redis: enqueue.schedule(redis, 'default', entry('a', call='another', status='scheduled'), 9),
    ],
    ids=['cancel', 'delete', 'empty', 'enqueue', 'schedule'],
)
def test_whoever_leaves_the_queue_gives_the_slot_back(redis: Redis, act: Callable[[Redis], Any]) -> None:
    limited(redis, 'a')
    limited(redis, 'b', queue='other')
    act(redis)
    assert (limit.holders(redis, 'k'), waiting(redis, 'other')) == (['b'], ['b'])


@pytest.mark.parametrize('act', [jobs.cancel, jobs.delete])
def test_whoever_waits_may_leave(redis: Redis, act: Callable[[Redis, str], Any]) -> None:
    limited(redis, 'a')
    limited(redis, 'b')
    limited(redis, 'c')
    act(redis, 'b')
    assert limit.waiters(redis, 'k') == ['c']
    jobs.delete(redis, 'a')
    assert limit.holders(redis, 'k') == ['c']


def test_a_canceled_one_that_runs_holds_its_slot_until_it_ends(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    limited(redis, 'a')
    limited(redis, 'b')
    job = worker.one()
    jobs.cancel(redis, 'a')
    assert limit.holders(redis, 'k') == ['a']
    assert worker.ask(room=0, outcomes=[worker.outcome(job)]).became == [b'KEPT']
    assert limit.holders(redis, 'k') == ['b']


def test_what_goes_back_unbegun_keeps_its_slot_and_the_dead_lose_it(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    limited(redis, 'a')
    limited(redis, 'b')
    job = worker.one()
    redis.delete(keys.lease('w1'))
    age(redis, 60)
    assert workers.reap(redis, 'default', TRACEBACK) == [('a', 'QUEUED', 'w1')]
    assert limit.holders(redis, 'k') == ['a']
    job = worker.one()
    workers.announce(redis, 'w1', worker.lease(job), 1.0, 90)
    age(redis, 200)
    assert workers.reap(redis, 'default', TRACEBACK) == [('a', 'FAILED', 'w1')]
    assert limit.holders(redis, 'k') == ['b']


def test_a_requeued_job_asks_for_a_slot_again(redis: Redis, horse: HorseMaker) -> None:
    limited(redis, 'a')
    run(horse(), 'X')
    limited(redis, 'b')
    assert jobs.requeue(redis, 'default', ['a']) == ['RATE_LIMITED']
    assert limit.waiters(redis, 'k') == ['a']


def test_a_released_dependent_asks_for_a_slot(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'p')
    limited(redis, 'a', queue='other')
    assert limited(redis, 'b', dependency_ids='["p"]') == b'DEFERRED'
    assert limit.waiters(redis, 'k') == []
    run(horse())
    assert (status(redis, 'b'), limit.waiters(redis, 'k')) == ('rate_limited', ['b'])


def test_the_front_is_the_front_of_the_queue_not_of_those_who_wait(redis: Redis) -> None:
    limited(redis, 'a')
    limited(redis, 'b')
    limited(redis, 'c', enqueue_at_front='1')
    put(redis, 'x')
    jobs.delete(redis, 'a')
    jobs.delete(redis, 'b')
    assert waiting(redis) == ['c', 'x']


def test_the_last_number_given_counts(redis: Redis) -> None:
    limited(redis, 'a')
    limited(redis, 'b')
    limited(redis, 'c', most=3)
    assert limit.holders(redis, 'k') == ['a', 'b', 'c']
    assert limited(redis, 'd', most=1) == b'RATE_LIMITED'
    jobs.delete(redis, 'a')
    assert limit.holders(redis, 'k') == ['b', 'c'], 'nobody is admitted before there is room'


def test_ids_that_wait_no_more_are_passed_over(redis: Redis, disorder: None) -> None:
    limited(redis, 'a')
    limited(redis, 'b')
    limited(redis, 'c')
    redis.delete(keys.job('b'))
    jobs.delete(redis, 'a')
    assert (limit.holders(redis, 'k'), limit.waiters(redis, 'k')) == (['c'], [])


def test_the_sweep_gives_back_what_is_held_for_nothing(redis: Redis) -> None:
    limited(redis, 'a', ttl=1)
    limited(redis, 'b', most=1)
    assert limit.sweep(redis) == 0
    redis.pexpire(keys.job('a'), 1)
    time.sleep(0.01)
    assert limit.sweep(redis) == 1
    assert (limit.holders(redis, 'k'), waiting(redis)) == (['b'], ['a', 'b'])
    redis.lrem(keys.queue('default'), 0, 'a')


def test_the_sweep_drops_a_key_that_nobody_uses(redis: Redis, horse: HorseMaker) -> None:
    limited(redis, 'a')
    limit.sweep(redis)
    assert limit.names(redis) == ['k']
    run(horse())
    assert limit.sweep(redis) == 0
    assert (limit.names(redis), limit.concurrency(redis, 'k')) == ([], None)


def test_keys_of_a_wrong_type_cost_no_other_job(redis: Redis, horse: HorseMaker, disorder: None) -> None:
    worker = horse()
    limited(redis, 'a')
    put(redis, 'b')
    redis.delete(keys.limit_holders('k'))
    redis.set(keys.limit_holders('k'), 'x')
    pack = worker.ask()
    became = worker.ask(room=0, outcomes=[worker.outcome(job) for job in pack.jobs]).became
    assert became == [b'FINISHED', b'FINISHED']
