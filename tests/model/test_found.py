"""What the model has found in the store: each as short as it can be told, and each failed when it was written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from rq.store import claim, depend, enqueue, keys, limit, note
from rq.store import job as jobs
from rq.store import worker as workers
from tests.store.conftest import HorseMaker, horse  # noqa: F401 - a fixture
from tests.store.hands import TRACEBACK, age, entry, put, status, waiting


def after(job_id: str, *others: str, **more: Any) -> enqueue.Entry:
    """A job that waits for others."""
    return entry(job_id, dependency_ids=json.dumps(others), waits=True, **{'call': f'call-{job_id}'} | more)


@pytest.mark.parametrize('call', ['', 'one'])
def test_a_job_that_is_not_there_yet_may_not_wait_for_itself(redis: Redis, call: str) -> None:
    """It was deferred, for ever."""
    assert enqueue.enqueue_when_ready(redis, 'default', after('a', 'a', call=call)) == b'CYCLE'
    assert redis.keys() == []


def test_no_job_of_a_bulk_closes_a_circle(redis: Redis) -> None:
    """All of the circle were deferred, for ever."""
    put(redis, 'a', call='one')
    enqueue.enqueue_when_ready(redis, 'default', after('b', 'a'))
    enqueue.enqueue_when_ready(redis, 'default', after('c', 'b'))
    told = [entry('x', call='1'), after('a', 'c', call='two'), entry('y', call='1')]
    assert enqueue.enqueue_many(redis, 'default', told) == [b'QUEUED', b'CYCLE', b'QUEUED']
    assert waiting(redis) == ['a', 'x', 'y']
    assert enqueue.enqueue_many(redis, 'default', told) == [b'AGAIN', b'CYCLE', b'AGAIN']


def test_a_due_job_does_not_wait_for_one_that_waits_for_it(redis: Redis) -> None:
    """Each alone was told nothing of a circle, and both waited for ever."""
    put(redis, 'a', call='one')
    enqueue.schedule(redis, 'default', after('b', 'a', status='scheduled'), 1)
    assert enqueue.enqueue_when_ready(redis, 'default', after('a', 'b', call='two')) == b'DEFERRED'
    assert enqueue.promote_due(redis, ['default']).moved == 1
    assert (waiting(redis), status(redis, 'a')) == (['b'], 'deferred')


def test_an_id_that_is_used_again_is_no_dependent_of_those_it_waited_for(redis: Redis) -> None:
    """It was still named by their set, which then outlived them."""
    put(redis, 'a', ttl=100)
    enqueue.enqueue_when_ready(redis, 'default', after('b', 'a'))
    put(redis, 'b', call='two')
    assert depend.dependents(redis, 'a') == []


def test_those_that_come_to_wait_for_a_slot_in_one_step_keep_their_order(redis: Redis) -> None:
    """Their ids decided."""
    told = [entry(job_id, call='1', rate_limit_key='k', rate_limit_concurrency=1, waits=True) for job_id in 'zyx']
    enqueue.enqueue_many(redis, 'default', told)
    assert (limit.holders(redis, 'k'), limit.waiters(redis, 'k')) == (['z'], ['y', 'x'])


def test_what_only_its_notes_keep_is_neither_waited_for_nor_canceled(redis: Redis, horse: HorseMaker) -> None:  # noqa: F811
    """A job that came to wait for it waited until a sweep found that it had gone; a cancel left its id behind."""
    worker = horse()
    put(redis, 'a', failure_ttl=0, webhooks='[]')
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), 'X')])
    assert redis.hget(keys.job('a'), 'forget') == b'1'
    assert enqueue.enqueue_when_ready(redis, 'default', after('b', 'a')) == b'QUEUED'
    assert jobs.cancel(redis, 'a') == (b'GONE', {})


def test_earlier_results_of_an_id_die_with_its_new_use(redis: Redis, horse: HorseMaker) -> None:  # noqa: F811
    """They stayed for ever when the new job expired."""
    worker = horse()
    put(redis, 'a', call='one')
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), ttl=-1)])
    put(redis, 'a', call='two', ttl=100)
    assert 0 < redis.ttl(keys.results('a')) <= 100


def test_a_note_of_an_earlier_run_does_not_take_the_job_away_from_the_last(redis: Redis, horse: HorseMaker) -> None:  # noqa: F811
    """The webhook of the last run found no job."""
    worker = horse()
    put(redis, 'a', repeats_left=1, failure_ttl=0, webhooks='[]')
    worker.ask(room=0, outcomes=[worker.outcome(worker.one())])
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), 'X')])
    first, last = note.take(redis, ['default'], 60, 2)
    assert note.drop(redis, first)
    assert redis.exists(keys.job('a'))
    assert note.drop(redis, last)
    assert not redis.exists(keys.job('a'))


def test_a_canceled_job_that_goes_back_unbegun_gives_its_slot_back(redis: Redis, horse: HorseMaker) -> None:  # noqa: F811
    """It held it until a sweep."""
    worker = horse()
    for job_id in 'ab':
        told = entry(job_id, call='1', rate_limit_key='k', rate_limit_concurrency=1)
        enqueue.enqueue_when_ready(redis, 'default', told)
    lease = worker.lease(worker.one())
    jobs.cancel(redis, 'a')
    assert claim.release(redis, [lease]) == 0
    assert (limit.holders(redis, 'k'), waiting(redis)) == (['b'], ['b'])


def test_an_id_whose_earlier_job_expired_on_the_schedule_runs_once(redis: Redis, horse: HorseMaker) -> None:  # noqa: F811
    """The old time came, and the new job ran again."""
    worker = horse()
    enqueue.schedule(redis, 'default', entry('a', call='one', status='scheduled', ttl=1), 1)
    redis.delete(keys.job('a'))  # as its ttl does
    put(redis, 'a', call='two')
    worker.ask(room=0, outcomes=[worker.outcome(worker.one())])
    assert enqueue.promote_due(redis, ['default']).moved == 0
    assert worker.ask().jobs == []


def test_a_job_whose_ttl_was_over_when_its_worker_died_leaves_no_hash(redis: Redis, horse: HorseMaker) -> None:  # noqa: F811
    """Its death was written into a hash that had just expired; that one had no status, stayed for ever, and failed."""
    worker = horse()
    put(redis, 'a', ttl=1, call='one')
    assert worker.one().id == b'a'
    redis.hset(keys.job('a'), 'expire_at', '1')
    age(redis, 200)
    redis.delete(keys.lease(worker.name))
    assert [found[:2] for found in workers.reap(redis, 'default', TRACEBACK)] == [('a', 'QUEUED')]
    assert not redis.exists(keys.job('a'))
    assert worker.ask().jobs == []
