"""Jobs that wait for other jobs: enqueue_when_ready, the end of a job, release_dependents, sweep_deferred."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from rq.store import claim, depend, enqueue, keys
from rq.store import job as jobs
from rq.store import queue as queues
from rq.store import worker as workers
from tests.store.conftest import HorseMaker
from tests.store.hands import (
    TRACEBACK,
    Horse,
    age,
    entry,
    fields,
    ids,
    put,
    sent_twice_is_sent_once,
    status,
    tokens,
    waiting,
)


def after(redis: Redis, job_id: str, *others: str, queue: str = 'default', **more: Any) -> bytes:
    """The answer for a job that waits for others."""
    more.setdefault('call', f'call-{job_id}')
    told = entry(job_id, queue, dependency_ids=json.dumps(others), **more)
    answer: bytes = enqueue.enqueue_when_ready(redis, queue, told)
    return answer


def work(worker: Horse, kinds: dict[str, str] | None = None, ttl: int = 500) -> list[str]:
    """Runs what waits, round after round; answers the ids in their order."""
    ran = []
    outcomes: list[claim.Outcome] = []
    while True:
        answer = worker.ask(outcomes=outcomes)
        outcomes = [worker.outcome(job, (kinds or {}).get(job.id.decode(), 'F'), ttl) for job in answer.jobs]
        ran += ids(answer)
        if not answer.jobs:
            return ran


def states(redis: Redis, *job_ids: str) -> str:
    return ' '.join(status(redis, job_id) or '-' for job_id in job_ids)


# --- entering ---------------------------------------------------------------------------------------------------------


def test_a_job_waits_for_another_and_is_queued_as_that_one_finishes(redis: Redis, horse: HorseMaker) -> None:
    worker = horse(queues=['default', 'other'])
    put(redis, 'p')
    assert sent_twice_is_sent_once(redis, lambda: after(redis, 'c', 'p', queue='other')) == (b'DEFERRED', b'DEFERRED')
    assert (states(redis, 'c'), waiting(redis, 'other')) == ('deferred', [])
    assert (depend.dependents(redis, 'p'), depend.dependencies(redis, 'c')) == (['c'], ['p'])
    answer = worker.ask()
    assert ids(answer) == ['p']
    assert ids(worker.ask(outcomes=[worker.outcome(answer.jobs[0])])) == ['c'], 'released and claimed in one trip'
    assert redis.hget(keys.job('c'), 'enqueued_at') != fields()['enqueued_at'].encode()
    assert depend.dependents(redis, 'p') == depend.dependencies(redis, 'c') == []


@pytest.mark.parametrize('was', ['finished', 'gone'])
def test_what_has_finished_or_is_not_there_is_not_waited_for(redis: Redis, was: str) -> None:
    if was == 'finished':
        redis.hset(keys.job('p'), mapping=fields(status='finished'))
        redis.zadd(keys.finished('default'), {'p': 4e9})
    assert after(redis, 'c', 'p') == b'QUEUED'
    assert (waiting(redis), tokens(redis)) == (['c'], 1)
    assert depend.dependents(redis, 'p') == depend.dependencies(redis, 'c') == []


@pytest.mark.parametrize(('allowed', 'answer'), [(None, b'DEFERRED'), ('0', b'DEFERRED'), ('1', b'QUEUED')])
def test_one_that_failed_counts_only_for_those_who_allow_it(redis: Redis, allowed: str | None, answer: bytes) -> None:
    redis.hset(keys.job('p'), mapping=fields(status='failed'))
    redis.zadd(keys.failed('default'), {'p': 4e9})
    assert after(redis, 'c', 'p', allow_dependency_failures=allowed) == answer


def test_several_are_waited_for_until_the_last_of_them(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    for job_id in 'pqr':
        put(redis, job_id)
    assert after(redis, 'c', 'p', 'q', 'nobody', 'r', 'p') == b'DEFERRED'
    assert depend.dependencies(redis, 'c') == ['p', 'q', 'r']
    for job_id in 'pqr':
        job = worker.one(room=1)
        assert job.id == job_id.encode()
        assert states(redis, 'c') == 'deferred'
        worker.ask(room=0, outcomes=[worker.outcome(job)])
    assert waiting(redis) == ['c']


def test_a_released_job_goes_to_the_head_of_its_queue_if_it_asks_for_that(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    put(redis, 'p')
    after(redis, 'c', 'p', enqueue_at_front='1')
    after(redis, 'd', 'p')
    job = worker.one(room=1)
    put(redis, 'x')
    worker.ask(room=0, outcomes=[worker.outcome(job)])
    assert waiting(redis) == ['c', 'x', 'd']


def test_a_job_that_may_wait_so_long_takes_what_it_waits_for_with_it(redis: Redis) -> None:
    put(redis, 'p')
    after(redis, 'c', 'p', ttl=100)
    assert 0 < redis.ttl(keys.job('c')) <= 100
    assert 0 < redis.ttl(keys.dependencies('c')) <= 100


def test_a_circle_is_refused_and_nothing_is_changed(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    after(redis, 'b', 'a')
    after(redis, 'c', 'b')
    before = redis.hgetall(keys.job('a'))
    assert after(redis, 'a', 'c') == b'CYCLE'
    assert after(redis, 'b', 'b', call='again') == b'CYCLE'
    assert redis.hgetall(keys.job('a')) == before
    assert work(horse()) == ['a', 'b', 'c']


def test_an_id_used_again_forgets_what_it_waited_for(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    put(redis, 'p')
    put(redis, 'q')
    after(redis, 'c', 'p')
    assert after(redis, 'c', 'q', call='second') == b'DEFERRED'
    assert depend.dependencies(redis, 'c') == ['q']
    assert jobs.delete(redis, 'p') == 1
    assert states(redis, 'c') == 'deferred', 'it waits for p no more'
    assert work(worker) == ['q', 'c']


# --- the end of what is waited for ------------------------------------------------------------------------------------


def test_a_failure_releases_those_who_allow_it_and_a_later_success_the_others(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    put(redis, 'p')
    after(redis, 'c', 'p')
    after(redis, 'd', 'p', allow_dependency_failures='1')
    assert work(worker, {'p': 'X'}) == ['p', 'd']
    assert (states(redis, 'c', 'd'), depend.dependents(redis, 'p')) == ('deferred finished', ['c'])
    assert redis.ttl(keys.dependents('p')) > 0, 'it lives as long as the failed job'
    jobs.requeue(redis, 'default', ['p'])
    assert work(worker) == ['p', 'c']


def test_a_failure_that_is_tried_again_releases_nobody(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    put(redis, 'p', retries_left=1, retry_intervals='[100]')
    after(redis, 'c', 'p', allow_dependency_failures='1')
    assert work(worker, {'p': 'X'}) == ['p']
    assert states(redis, 'p', 'c') == 'scheduled deferred'


def test_a_job_whose_result_is_not_kept_releases_its_dependents(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    put(redis, 'p')
    after(redis, 'c', 'p')
    assert work(worker, ttl=0) == ['p', 'c']
    assert not redis.exists(keys.job('p'), keys.dependents('p'))


def test_the_dead_release_those_who_allow_failures(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'p')
    after(redis, 'd', 'p', allow_dependency_failures='1')
    job = horse().one()
    workers.announce(redis, 'w1', horse('w2').lease(job), 1.0, 90)
    redis.hset(keys.job('p'), 'announced', job.execution)
    redis.delete(keys.lease('w1'))
    age(redis, 60)
    assert workers.reap(redis, 'default', TRACEBACK) == [('p', 'FAILED', 'w1')]
    assert waiting(redis) == ['d']


def test_a_canceled_job_keeps_them_waiting_unless_told_to_release_them(redis: Redis) -> None:
    put(redis, 'p')
    after(redis, 'c', 'p')
    after(redis, 'd', 'p', allow_dependency_failures='1')
    assert jobs.cancel(redis, 'p') == (b'CANCELED', {})
    assert states(redis, 'c', 'd') == 'deferred deferred'
    put(redis, 'q')
    after(redis, 'e', 'q', queue='other')
    after(redis, 'f', 'q', 'p')
    assert jobs.cancel(redis, 'q', release=True) == (b'CANCELED', {'other': ['e']})
    assert states(redis, 'e', 'f') == 'queued deferred'


def test_a_canceled_job_may_be_taken_off_the_lists_of_those_it_waits_for(redis: Redis) -> None:
    put(redis, 'p')
    after(redis, 'c', 'p')
    after(redis, 'd', 'p')
    jobs.cancel(redis, 'c')
    assert depend.dependents(redis, 'p') == ['c', 'd']
    jobs.cancel(redis, 'd', forget_dependencies=True)
    assert (depend.dependents(redis, 'p'), depend.dependencies(redis, 'd')) == (['c'], [])


def test_a_canceled_dependent_is_not_released(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'p')
    after(redis, 'c', 'p')
    jobs.cancel(redis, 'c')
    assert work(horse()) == ['p']
    assert states(redis, 'c') == 'canceled'


@pytest.mark.parametrize('how', ['delete', 'empty', 'expire'])
def test_when_it_is_gone_without_an_end_they_are_canceled_or_run_if_they_allow_failures(
    redis: Redis, horse: HorseMaker, how: str
) -> None:
    """Nothing may wait for ever for what will never finish."""
    put(redis, 'p')
    after(redis, 'c', 'p', queue='other')
    after(redis, 'd', 'p', queue='other', allow_dependency_failures='1')
    if how == 'delete':
        assert sent_twice_is_sent_once(redis, lambda: jobs.delete(redis, 'p')) == (1, 0)
    elif how == 'empty':
        assert queues.empty(redis, 'default') == 1
    else:  # its ttl was over; who finds its id on the list sees it
        redis.delete(keys.job('p'))
        assert horse().ask().dropped == [b'p']
    assert (states(redis, 'c', 'd'), waiting(redis, 'other')) == ('canceled queued', ['d'])
    assert not redis.exists(keys.dependents('p'))
    redis.delete(keys.queue('default'))


def test_a_deleted_dependent_leaves_the_lists_of_those_it_waited_for(redis: Redis) -> None:
    put(redis, 'p')
    after(redis, 'c', 'p')
    jobs.delete(redis, 'c')
    assert depend.dependents(redis, 'p') == []
    assert not redis.exists(keys.dependencies('c'))


def test_one_that_finished_in_another_rq_which_leaves_it_in_the_sets_is_not_waited_for(
    redis: Redis, horse: HorseMaker
) -> None:
    worker = horse()
    put(redis, 'p')
    put(redis, 'q')
    after(redis, 'c', 'p', 'q')
    redis.lrem(keys.queue('default'), 0, 'p')
    redis.hset(keys.job('p'), 'status', 'finished')
    redis.zadd(keys.finished('default'), {'p': 4e9})
    assert work(worker) == ['q', 'c']


def test_a_due_job_waits_for_what_it_depends_on(redis: Redis, horse: HorseMaker) -> None:
    """RQ runs it at its time, whatever became of its dependency."""
    put(redis, 'p')
    enqueue.schedule(redis, 'default', entry('c', status='scheduled', dependency_ids='["p"]'), 1)
    assert enqueue.promote_due(redis, ['default']).moved == 1
    assert states(redis, 'c') == 'deferred'
    assert work(horse()) == ['p', 'c']


def test_jobs_of_one_bulk_may_wait_for_each_other_and_keep_their_order(redis: Redis, horse: HorseMaker) -> None:
    told = [entry('a', call='1'), entry('b', call='1', dependency_ids='["a"]', waits=True), entry('c', call='1'),
            entry('d', call='1', dependency_ids='["nobody"]', waits=True), entry('e', call='1')]  # fmt: skip
    answers = sent_twice_is_sent_once(redis, lambda: enqueue.enqueue_many(redis, 'default', told))
    assert answers[0] == [b'QUEUED', b'DEFERRED', b'QUEUED', b'QUEUED', b'QUEUED']
    assert waiting(redis) == ['a', 'c', 'd', 'e']
    assert work(horse()) == ['a', 'c', 'd', 'e', 'b']


# --- many -------------------------------------------------------------------------------------------------------------


def test_a_job_that_very_many_wait_for_is_ended_at_once_and_they_are_told_in_steps(
    redis: Redis, horse: HorseMaker
) -> None:
    """I14: no script deals with them all."""
    worker = horse()
    put(redis, 'p')
    told = [entry(f'c{n}', call='1', dependency_ids='["p"]', waits=True) for n in range(1500)]
    told += [entry(f'd{n}', call='1', dependency_ids='["p", "q"]', waits=True) for n in range(500)]
    put(redis, 'q', 'slow')
    enqueue.enqueue_many(redis, 'default', told)
    job = worker.one(room=1)
    worker.ask(room=0, outcomes=[worker.outcome(job, ttl=0)])
    assert waiting(redis) == []
    assert enqueue.promote_due(redis, ['default']).releasing == 1
    steps = 1
    while depend.release_dependents(redis, 500):
        steps += 1
    assert 2 < steps < 30
    assert len(waiting(redis)) == 1500
    assert redis.zcard(keys.deferred('default')) == 500
    assert not redis.exists(keys.dependents('p'), keys.releasing())
    assert depend.dependencies(redis, 'd7') == ['q']


def test_many_who_wait_for_a_failed_job_go_on_waiting(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    put(redis, 'p')
    told = [entry(f'c{n}', call='1', dependency_ids='["p"]', waits=True) for n in range(400)]
    told += [entry('d', call='1', dependency_ids='["p"]', waits=True, allow_dependency_failures='1')]
    enqueue.enqueue_many(redis, 'default', told)
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(room=1), 'X')])
    while depend.release_dependents(redis):
        pass
    assert waiting(redis) == ['d']
    assert len(depend.dependents(redis, 'p')) == 400
    assert redis.ttl(keys.dependents('p')) > 0


# --- the sweep --------------------------------------------------------------------------------------------------------


def test_the_sweep_finds_those_who_wait_for_what_vanished(redis: Redis, disorder: None) -> None:
    for job_id in 'pq':
        put(redis, job_id)
    after(redis, 'c', 'p')
    after(redis, 'd', 'p', allow_dependency_failures='1')
    after(redis, 'e', 'q')
    after(redis, 'f', 'q')
    redis.delete(keys.job('p'), keys.dependents('p'))  # somebody's DEL, or a failure TTL that is over
    redis.hset(keys.job('q'), 'status', 'finished')  # its worker died before it told anybody
    redis.delete(keys.dependencies('f'))
    redis.zadd(keys.deferred('default'), {'nobody': 1})
    assert depend.sweep_deferred(redis, 'default') == ('0', 4)
    assert states(redis, 'c', 'd', 'e', 'f') == 'canceled queued queued queued'
    assert redis.zcard(keys.deferred('default')) == 0


def test_the_sweep_lets_those_be_who_wait_with_reason(redis: Redis) -> None:
    put(redis, 'p')
    redis.hset(keys.job('q'), mapping=fields(status='failed'))
    redis.zadd(keys.failed('default'), {'q': 4e9})
    after(redis, 'c', 'p')
    after(redis, 'd', 'q')
    assert depend.sweep_deferred(redis, 'default') == ('0', 0)
    assert states(redis, 'c', 'd') == 'deferred deferred'


def test_the_sweep_pushes_what_another_rq_left_among_the_ready(redis: Redis) -> None:
    for job_id, score in (('old', 1), ('new', 4e9)):
        redis.hset(keys.job(job_id), mapping=fields(status='ready_to_enqueue'))
        redis.zadd(keys.ready('default'), {job_id: score})
    assert depend.sweep_deferred(redis, 'default') == ('0', 1)
    assert (waiting(redis), states(redis, 'old', 'new')) == (['old'], 'queued ready_to_enqueue')


def test_the_sweep_goes_through_many_in_steps(redis: Redis) -> None:
    put(redis, 'p')
    told = [entry(f'c{n}', call='1', dependency_ids='["p"]', waits=True) for n in range(1000)]
    enqueue.enqueue_many(redis, 'default', told)
    cursor, steps = '0', 0
    while True:
        cursor, _ = depend.sweep_deferred(redis, 'default', cursor)
        steps += 1
        if cursor == '0':
            break
    assert 5 < steps < 30


def test_what_another_rq_made_ready_may_be_placed_by_name(redis: Redis) -> None:
    """place_ready."""
    redis.hset(keys.job('a'), mapping=fields(status='ready_to_enqueue'))
    redis.zadd(keys.ready('default'), {'a': 4e9, 'gone': 4e9})
    assert depend.place_ready(redis, 'default', ['a', 'gone', 'b']) == 1
    assert (waiting(redis), redis.zcard(keys.ready('default'))) == (['a'], 0)


def test_dependents_may_be_released_whatever_became_of_their_job(redis: Redis) -> None:
    """enqueue_dependents."""
    put(redis, 'p')
    after(redis, 'c', 'p', queue='other')
    after(redis, 'd', 'p', 'c')
    assert depend.enqueue_dependents(redis, 'p') == {'other': ['c']}
    assert depend.enqueue_dependents(redis, 'p') == {}
    assert states(redis, 'c', 'd') == 'queued deferred'
