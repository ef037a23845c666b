"""Another run after a success (repeat), another try on request (a returned Retry), a stop; and the notes of all these."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis import Redis

from rq.store import claim, enqueue, keys
from rq.store import job as jobs
from rq.store import worker as workers
from tests.store.conftest import HorseMaker, Settle
from tests.store.hands import FORTYTWO, TRACEBACK, age, put, sent_twice_is_sent_once, status, waiting


def fields_of(redis: Redis, *names: str, job_id: str = 'a') -> list[Any]:
    return [value and value.decode() for value in redis.hmget(keys.job(job_id), *names)]


# --- repeat -----------------------------------------------------------------------------------------------------------


def test_a_success_is_repeated_at_the_intervals_in_their_order(redis: Redis, horse: HorseMaker, settle: Settle) -> None:
    worker = horse()
    put(redis, 'a', repeats_left=3, repeat_intervals='[100, 200]')
    waits = []
    for _ in range(3):
        assert settle(worker, [worker.outcome(worker.one())]) == [b'SCHEDULED']
        assert status(redis, 'a') == 'scheduled'
        due = redis.zscore(keys.scheduled('default'), 'a')
        assert due is not None
        waits.append(round((due - jobs.time(redis)) / 100) * 100)
        redis.zadd(keys.scheduled('default'), {'a': 1})
        enqueue.promote_due(redis, ['default'])
    assert settle(worker, [worker.outcome(worker.one())]) == [b'FINISHED']
    assert waits == [100, 200, 200]
    assert fields_of(redis, 'repeats_left', 'repeat_intervals') == ['0', '[200]']
    assert redis.xlen(keys.results('a')) == 4
    assert 0 < redis.ttl(keys.results('a')) <= 500


def test_a_repeat_without_an_interval_goes_to_the_end_of_its_queue(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    put(redis, 'a', repeats_left=1, repeat_intervals='[0]')
    put(redis, 'b')
    job = worker.one(room=1)
    request = worker.request(room=0, outcomes=[worker.outcome(job)])
    first, second = sent_twice_is_sent_once(redis, lambda: worker.again(request))
    assert first.became == second.became == [b'QUEUED']
    assert waiting(redis) == ['b', 'a']


def test_a_job_that_is_forgotten_is_so_after_its_last_run(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    put(redis, 'a', repeats_left=1)
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), ttl=0)])
    assert (status(redis, 'a'), redis.exists(keys.results('a'))) == ('queued', 0)
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), ttl=0)])
    assert status(redis, 'a') == ''


def test_a_failure_is_not_repeated(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    put(redis, 'a', repeats_left=1)
    assert worker.ask(room=0, outcomes=[worker.outcome(worker.one(), 'X')]).became == [b'FAILED']


@pytest.mark.parametrize('bad', ['x', '"a"', '[[]]', '{"a": 1}', '[-5]', '[null]'])
def test_intervals_that_are_none_are_no_wait(redis: Redis, horse: HorseMaker, bad: str) -> None:
    worker = horse()
    put(redis, 'a', repeats_left=1, repeat_intervals=bad)
    assert worker.ask(room=0, outcomes=[worker.outcome(worker.one())]).became == [b'QUEUED']


# --- retries that are asked for or ruled out --------------------------------------------------------------------------


def test_an_exception_that_is_not_to_be_retried_fails_at_once(redis: Redis, horse: HorseMaker, settle: Settle) -> None:
    worker = horse()
    put(redis, 'a', retries_left=5)
    assert settle(worker, [worker.outcome(worker.one(), 'Y')]) == [b'FAILED']
    assert fields_of(redis, 'status', 'retries_left') == ['failed', '5']


@pytest.mark.parametrize(
    ('kind', 'delay', 'answer'), [('R', 0, b'QUEUED'), ('A', 0, b'QUEUED'), ('R', 60, b'SCHEDULED')]
)
def test_a_returned_retry_is_counted_and_its_result_kept(
    redis: Redis, horse: HorseMaker, kind: str, delay: int, answer: bytes
) -> None:
    worker = horse()
    put(redis, 'a')
    put(redis, 'b')
    job = worker.one(room=1)
    request = worker.request(room=0, outcomes=[worker.outcome(job, kind, delay, FORTYTWO)])
    first, _ = sent_twice_is_sent_once(redis, lambda: worker.again(request))
    assert first.became == [answer]
    assert fields_of(redis, 'number_of_retries') == ['1']
    if answer == b'QUEUED':
        assert waiting(redis) == (['a', 'b'] if kind == 'A' else ['b', 'a'])
    [(_, result)] = redis.xrange(keys.results('a'))
    assert (result[b'type'], result[b'return_value']) == (b'4', FORTYTWO)
    assert redis.ttl(keys.results('a')) == -1, 'it lives with the job'


def test_one_returned_retry_too_many_is_a_failure_of_its_own_type(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    put(redis, 'a', retries_left=3)
    assert worker.ask(room=0, outcomes=[worker.outcome(worker.one(), 'M', 0, FORTYTWO)]).became == [b'FAILED']
    [(_, result)] = redis.xrange(keys.results('a'))
    assert (result[b'type'], result[b'return_value']) == (b'5', FORTYTWO)


# --- stop -------------------------------------------------------------------------------------------------------------


def test_a_stopped_job_is_among_the_failed_and_not_tried_again(redis: Redis, horse: HorseMaker, settle: Settle) -> None:
    worker = horse()
    put(redis, 'a', retries_left=3, failure_ttl=60)
    job = worker.one()
    workers.announce(redis, 'w1', worker.lease(job), 1.0, 90)
    assert settle(worker, [worker.outcome(job, 'S')]) == [b'STOPPED']
    assert fields_of(redis, 'status', 'retries_left') == ['stopped', '3']
    assert redis.zscore(keys.failed('default'), 'a') is not None
    assert not redis.exists(keys.executions('a'))
    [(_, result)] = redis.xrange(keys.results('a'))
    assert (result[b'type'], result[b'exc_string']) == (b'3', TRACEBACK)
    assert settle(worker, [worker.outcome(job)]) == [b'STALE']


# --- notes ------------------------------------------------------------------------------------------------------------


def notes(redis: Redis, queue: str = 'default') -> dict[str, dict[str, str]]:
    found = {}
    for member in redis.zrange(keys.aftermath(queue), 0, -1):
        raw = redis.hgetall(keys.note(member.decode()))
        what, job_id, _ = member.decode().split(':')
        found[f'{what}:{job_id}'] = {name.decode(): value.decode() for name, value in raw.items()}
        assert 0 < redis.ttl(keys.note(member.decode())) <= 86400
    return found


HOOK = json.dumps([{'url': 'http://localhost/', 'job_status': 'finished'}])


@pytest.mark.parametrize(
    ('kind', 'more', 'expected'),
    [
        ('F', {}, {}),
        ('X', {'failure_callback_name': 'm.f'}, {}),  # its horse has run it
        ('L', {}, {}),
        ('L', {'failure_callback_name': ''}, {}),
        ('L', {'failure_callback_name': 'm.f'}, {'lost:a': 'FAILED'}),
        ('L', {'failure_callback_name': 'm.f', 'retries_left': 1}, {'lost:a': 'QUEUED'}),
        ('H', {}, {'lost:a': 'FAILED'}),
        ('S', {}, {}),
        ('S', {'stopped_callback_name': 'm.f'}, {'stopped:a': 'STOPPED'}),
        ('S', {'webhooks': HOOK}, {}),
        ('F', {'webhooks': HOOK}, {'webhook:a': 'FINISHED'}),
        ('F', {'webhooks': HOOK, 'repeats_left': 1}, {'webhook:a': 'FINISHED'}),
        ('X', {'webhooks': HOOK}, {'webhook:a': 'FAILED'}),
        ('X', {'webhooks': HOOK, 'retries_left': 1}, {}),
        ('R', {'webhooks': HOOK}, {}),
    ],
)
def test_what_is_to_be_done_outside_of_redis_is_noted_in_the_same_step(
    redis: Redis, horse: HorseMaker, kind: str, more: dict[str, Any], expected: dict[str, str]
) -> None:
    worker = horse()
    put(redis, 'a', **more)
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), kind, 0 if kind == 'R' else 500)])
    found = notes(redis)
    assert {name: told['became'] for name, told in found.items()} == expected
    for name, told in found.items():
        assert told['worker'] == 'w1'
        assert told['text'] == ('' if name.startswith('webhook') and kind == 'F' else TRACEBACK.decode())


def test_a_job_that_is_not_kept_stays_for_its_note(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    put(redis, 'a', webhooks=HOOK)
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), ttl=0)])
    assert fields_of(redis, 'status', 'forget') == ['finished', '1']
    assert 0 < redis.ttl(keys.job('a')) <= 600
    assert redis.zcard(keys.finished('default')) == 0


@pytest.mark.parametrize('handlers', [False, True])
def test_the_reaper_leaves_notes_where_there_is_user_code_to_run(
    redis: Redis, horse: HorseMaker, handlers: bool
) -> None:
    worker = horse()
    put(redis, 'a')
    put(redis, 'b', failure_callback_name='m.f')
    for job in worker.ask().jobs:
        workers.announce(redis, 'w1', worker.lease(job), 1.0, 90)
    redis.delete(keys.lease('w1'))
    age(redis, 60)
    workers.reap(redis, 'default', TRACEBACK, handlers=handlers)
    assert set(notes(redis)) == ({'lost:a', 'lost:b'} if handlers else {'lost:b'})


def test_a_job_of_a_sync_queue_leaves_no_note(redis: Redis) -> None:
    """Its caller sends its webhooks; there may be no worker at all."""
    put(redis, 'a', push=False, webhooks=HOOK, status='started', execution='e')
    outcome = claim.Outcome('F', claim.Lease('default', 'a', 'e'), 1, 2, 500, b'')
    assert claim.finish_inline(redis, 'sync', outcome) == b'FINISHED'
    assert notes(redis) == {}
