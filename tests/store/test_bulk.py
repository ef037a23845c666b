"""Many jobs at once (discard, restore, cancel_many, move, enqueue_now): each only if it is where it was seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ResponseError

from rq.store import bulk, enqueue, keys, limit
from rq.store import job as jobs
from rq.store.bulk import Seen
from rq.store.states import JobStatus
from tests.store.conftest import HorseMaker
from tests.store.hands import (
    all_keys,
    entry,
    fields,
    ids,
    put,
    put_many,
    sent_twice_is_sent_once,
    status,
    tokens,
    waiting,
)
from tests.store.test_cancel_and_delete import REGISTRIES, clear_limit, place
from tests.store.test_requeue import fail
from tests.support.keyspace import difference, snapshot

S = JobStatus
Act = Callable[[Redis, list[str]], object]
ACTS: dict[str, Act] = {
    'discard': lambda redis, ids_: bulk.discard(redis, ids_, Seen(), BULK, ROOM),
    'cancel_many': lambda redis, ids_: bulk.cancel_many(redis, ids_),
    'enqueue_now': lambda redis, ids_: bulk.enqueue_now(redis, ids_),
    'move': lambda redis, ids_: bulk.move(redis, 'other', [(name, b'', b'') for name in ids_]),
    'restore': lambda redis, ids_: bulk.restore(redis, BULK, ids_),
}
BULK = 'b' * 16
ROOM = 10_000_000


def trash(redis: Redis, *names: str, home: str = '') -> list[str]:
    """Deletes jobs so that they can be brought back."""
    return bulk.discard(redis, names, Seen(home), BULK, ROOM)[1]


# --- discard ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('was', [s for s in S if s is not S.STARTED])
@pytest.mark.parametrize('kept', [BULK, ''], ids=['kept', 'for good'])
def test_a_discarded_job_leaves_nothing_but_the_trash(redis: Redis, was: JobStatus, kept: str) -> None:
    place(redis, was)
    redis.xadd(keys.results('a'), {'type': '1'})
    redis.sadd(keys.dependents('a'), 'x')
    redis.sadd(keys.dependencies('a'), 'y')
    (bytes_, answers), again = sent_twice_is_sent_once(redis, lambda: bulk.discard(redis, ['a'], Seen(), kept, ROOM))
    assert (answers, again) == (['KEPT' if kept else 'DELETED'], (0, ['GONE']))
    clear_limit(redis)
    trashed = {keys.trash(), keys.trashed(BULK), keys.trashed_job(BULK, 'a'), keys.trashed_results(BULK, 'a')}
    assert {key.decode() for key in all_keys(redis)} == (trashed if kept else set())
    assert bool(bytes_) == bool(kept)
    assert all(86_000 < redis.ttl(key) <= 90_000 for key in all_keys(redis) if key != keys.trash().encode())


def test_a_running_job_is_left_alone(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'ab')
    worker = horse()
    job = worker.one(room=1)
    assert trash(redis, 'a', 'b') == ['started', 'KEPT']
    assert worker.ask(room=0, outcomes=[worker.outcome(job)]).became == [b'FINISHED']
    jobs.cancel(redis, 'a')


def test_a_canceled_job_that_still_runs_is_left_alone(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    horse().one()
    jobs.cancel(redis, 'a')
    assert trash(redis, 'a') == ['started']


def test_what_is_not_where_it_was_seen_is_left_alone(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abc')
    fail(horse, *'abc')
    jobs.requeue(redis, 'default', ['b'])
    assert trash(redis, *'abc', home='failed') == ['KEPT', 'queued', 'KEPT']
    assert waiting(redis) == ['b']


def test_a_stopped_job_is_among_the_failed(redis: Redis) -> None:
    place(redis, S.STOPPED)
    assert trash(redis, 'a', home='failed') == ['KEPT']


def test_who_came_later_is_left_alone(redis: Redis) -> None:
    put(redis, 'a')
    put(redis, 'b', enqueued_at='2040-01-01T00:00:00.000000Z')
    put(redis, 'c', enqueued_at=None)
    redis.zadd(keys.canceled('default'), {'d': jobs.time(redis) + 5})
    redis.hset(keys.job('d'), mapping=fields(status='canceled'))
    seen = Seen('', jobs.time(redis))
    assert bulk.discard(redis, 'abcd', seen)[1] == ['DELETED', 'LATER', 'DELETED', 'LATER']


def test_what_exceeds_the_room_goes_for_good(redis: Redis) -> None:
    put_many(redis, 'abc', meta=b'x' * 1000)
    weight = redis.memory_usage(keys.job('a'))
    kept, answers = bulk.discard(redis, 'abc', Seen(), BULK, int(weight * 2.5))
    assert (kept, answers) == (2 * weight, ['KEPT', 'KEPT', 'DELETED'])
    assert bulk.trashed_count(redis, [BULK]) == [2]


def test_a_ghost_leaves_the_registry_in_which_it_was_seen(redis: Redis) -> None:
    redis.zadd(keys.failed('default'), {'ghost': -1})
    assert bulk.discard(redis, ['ghost'], Seen('failed', queue='default'))[1] == ['GONE']
    assert all_keys(redis) == []


def test_a_hash_of_a_wrong_type_can_be_discarded(redis: Redis) -> None:
    redis.set(keys.job('a'), 'not mine')
    redis.rpush(keys.queue('default'), 'a')
    assert bulk.discard(redis, ['a'], Seen('queued', queue='default'), BULK, ROOM)[1] == ['DELETED']
    assert all_keys(redis) == []


@pytest.mark.parametrize('key', [keys.failed('default'), keys.executions('a'), keys.results('a')])
def test_keys_of_a_wrong_type_stop_no_discard(redis: Redis, disorder: None, key: str) -> None:
    redis.hset(keys.job('a'), mapping=fields(status='failed'))
    redis.set(key, 'not mine')
    assert trash(redis, 'a') == ['KEPT']
    assert not redis.exists(keys.job('a'))


def test_those_who_wait_for_a_discarded_job_are_canceled(redis: Redis) -> None:
    put(redis, 'a')
    enqueue.enqueue_when_ready(redis, 'default', entry('child', dependency_ids='["a"]'))
    assert trash(redis, 'a') == ['KEPT']
    assert status(redis, 'child') == 'canceled'


def test_a_slot_of_a_limit_is_given_back(redis: Redis) -> None:
    for name in 'ab':
        enqueue.enqueue_when_ready(redis, 'default', entry(name, rate_limit_key='k', rate_limit_concurrency=1))
    assert trash(redis, 'a') == ['KEPT']
    assert (status(redis, 'b'), limit.holders(redis, 'k')) == ('queued', ['b'])


def test_a_member_of_a_group_leaves_it_and_comes_back(redis: Redis) -> None:
    put(redis, 'a', group_id='g')
    redis.sadd(keys.group('g'), 'a')
    trash(redis, 'a')
    assert not redis.exists(keys.group('g'))
    bulk.restore(redis, BULK, ['a'])
    assert redis.smembers(keys.group('g')) == {b'a'}


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('place_told', [0, 450, None])
def test_ids_leave_a_long_list_wherever_they_are(redis: Redis, place_told: int | None) -> None:
    names = [f'j{number}' for number in range(1500)]
    put_many(redis, names)
    gone = names[500:600] + names[1400:1410]
    assert set(bulk.discard(redis, gone, Seen('queued', place=place_told, queue='default'))[1]) == {'DELETED'}
    assert waiting(redis) == [name for name in names if name not in set(gone)]


def test_of_a_long_list_fewer_ids_are_given_to_a_script(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    put_many(redis, [f'j{number}' for number in range(100)])
    monkeypatch.setattr(bulk, 'WALK', 300)
    calls = redis.info('commandstats')['cmdstat_evalsha']['calls']
    assert bulk.cancel_many(redis, [f'j{number}' for number in range(9)]) == ['CANCELED'] * 9
    assert redis.info('commandstats')['cmdstat_evalsha']['calls'] - calls in (3, 4)  # one more where it was not loaded


@pytest.mark.parametrize('popped', [0, 3, 700])
def test_ids_on_a_long_list_go_by_their_places_whatever_workers_take_meanwhile(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, popped: int
) -> None:
    names = [f'j{number}' for number in range(3000)]
    put_many(redis, names)
    monkeypatch.setattr(bulk, 'LONG', 100)
    places = bulk._places

    def late(*args: Any) -> dict[str, int]:
        found = places(*args)
        if popped:
            redis.delete(*map(keys.job, map(bytes.decode, redis.lpop(keys.queue('default'), popped))))
        return found

    monkeypatch.setattr(bulk, '_places', late)
    gone = names[1000:3000:7]
    assert bulk.cancel_many(redis, gone) == ['CANCELED'] * len(gone)
    assert waiting(redis) == [name for name in names[popped:] if name not in set(gone)]


def test_a_parent_and_its_child_come_back_as_they_were_when_they_went_together(redis: Redis) -> None:
    put(redis, 'a')
    enqueue.enqueue_when_ready(redis, 'default', entry('child', dependency_ids='["a"]'))
    assert trash(redis, 'a', 'child') == ['KEPT', 'KEPT']
    assert bulk.restore(redis, BULK, ['a', 'child']) == ['queued', 'deferred']
    assert redis.smembers(keys.dependents('a')) == {b'child'}


def test_an_id_that_is_named_twice_or_is_twice_on_the_list_goes_once(redis: Redis) -> None:
    put_many(redis, 'ab')
    redis.rpush(keys.queue('default'), 'a')
    assert bulk.discard(redis, ['a', 'b', 'a'], Seen('queued', place=0), BULK, ROOM)[1] == ['KEPT', 'KEPT', 'KEPT']
    assert waiting(redis) == ['a']  # its hash is gone: a worker drops it
    redis.delete(keys.queue('default'))


def test_those_whom_an_end_sets_free_push_nobody_off_the_list(redis: Redis) -> None:
    """They come to the head of the very list from which others are plucked by their places."""
    put_many(redis, ['p', *'abcdef'])
    options = {'dependency_ids': '["p"]', 'allow_dependency_failures': '1', 'enqueue_at_front': '1'}
    enqueue.enqueue_when_ready(redis, 'default', entry('child', **options))
    assert bulk.discard(redis, ['p', 'b', 'd'], Seen('queued', place=0), BULK, ROOM)[1] == ['KEPT'] * 3
    assert waiting(redis) == ['child', *'acef']


def test_an_id_that_looks_like_the_mark_of_a_taken_place_stays(redis: Redis, disorder: None) -> None:
    put_many(redis, ['a', '\0taken', 'b'])
    assert bulk.discard(redis, ['b'], Seen('queued', place=0))[1] == ['DELETED']
    assert waiting(redis) == ['a', '\0taken']


# --- cancel_many ------------------------------------------------------------------------------------------------------

WAITING = [S.QUEUED, S.SCHEDULED, S.DEFERRED, S.RATE_LIMITED, S.READY_TO_ENQUEUE]


@pytest.mark.parametrize('was', list(S))
def test_what_waits_is_canceled_and_nothing_else(redis: Redis, was: JobStatus) -> None:
    place(redis, was)
    before = snapshot(redis)
    if was not in WAITING:
        assert bulk.cancel_many(redis, ['a']) == [was.value]
        assert difference(before, snapshot(redis)) == {}
        return
    answers = sent_twice_is_sent_once(redis, lambda: bulk.cancel_many(redis, ['a']))
    assert answers == (['CANCELED'], ['canceled'])
    clear_limit(redis)
    assert {key.decode() for key in all_keys(redis)} == {'rq:job:a', 'rq:canceled:default'}


def test_a_canceled_job_gives_back_its_slot(redis: Redis) -> None:
    for name in 'ab':
        enqueue.enqueue_when_ready(redis, 'default', entry(name, rate_limit_key='k', rate_limit_concurrency=1))
    assert bulk.cancel_many(redis, ['a', 'none']) == ['CANCELED', 'GONE']
    assert waiting(redis) == ['b']


# --- move -------------------------------------------------------------------------------------------------------------

MOVED = [s for s in S if s not in {S.STARTED, S.CREATED}]


@pytest.mark.parametrize('was', list(S))
def test_a_moved_job_is_in_the_same_home_of_the_other_queue(redis: Redis, was: JobStatus) -> None:
    place(redis, was)
    before = snapshot(redis)
    if was not in MOVED:
        assert bulk.move(redis, 'other', [('a', b'', b'')]) == [was.value]
        assert difference(before, snapshot(redis)) == {}
        return
    answers = sent_twice_is_sent_once(redis, lambda: bulk.move(redis, 'other', [('a', b'', b'')]))
    assert answers == (['MOVED'], ['SAME'])
    assert redis.hget(keys.job('a'), 'origin') == b'other'
    assert status(redis, 'a') == was.value
    home = {'stopped': 'failed', 'ready_to_enqueue': 'ready'}.get(was.value, was.value)
    if home in REGISTRIES:
        assert redis.zrange(REGISTRIES[home]('other'), 0, -1, withscores=True) == [(b'a', 4e9)]
    assert waiting(redis, 'other') == (['a'] if was is S.QUEUED else [])
    assert redis.sismember(keys.queues(), keys.queue('other'))
    jobs.delete(redis, 'a')
    clear_limit(redis)


def test_moved_jobs_keep_their_order_and_wake_a_worker(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abcd')
    put(redis, 'x', 'other')
    redis.delete(keys.wake('other'))
    bulk.move(redis, 'other', [(name, b'', b'') for name in 'bca'], Seen('queued', place=0))
    assert (waiting(redis), waiting(redis, 'other'), tokens(redis, 'other')) == (['d'], list('xbca'), 1)
    assert ids(horse(queues=['other']).ask()) == list('xbca')


def test_a_signed_job_is_moved_with_a_signature_for_the_other_queue_only(redis: Redis) -> None:
    put(redis, 'a', sig='old')
    assert bulk.move(redis, 'other', [('a', b'', b'')]) == ['LATER']  # it was signed after it was read
    assert bulk.move(redis, 'other', [('a', b'old', b'')]) == ['SIGNED']
    assert bulk.move(redis, 'other', [('a', b'old', b'new')]) == ['MOVED']
    assert redis.hget(keys.job('a'), 'sig') == b'new'


def test_nothing_is_moved_to_a_key_that_is_no_queue(redis: Redis, disorder: None) -> None:
    put(redis, 'a')
    redis.set(keys.queue('other'), 'not mine')
    before = snapshot(redis)
    with pytest.raises(ResponseError, match='WRONGTYPE'):
        bulk.move(redis, 'other', [('a', b'', b'')])
    assert difference(before, snapshot(redis)) == {}
    redis.delete(keys.queue('other'))
    place(redis, S.FAILED, 'f')
    redis.set(keys.failed('other'), 'not mine')
    assert bulk.move(redis, 'other', [('f', b'', b'')]) == ['BROKEN']


# --- enqueue_now ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('was', list(S))
def test_what_waits_for_its_time_or_for_others_is_queued(redis: Redis, was: JobStatus) -> None:
    place(redis, was)
    before = snapshot(redis)
    if was not in {S.SCHEDULED, S.DEFERRED, S.READY_TO_ENQUEUE}:
        assert bulk.enqueue_now(redis, ['a']) == [was.value]
        assert difference(before, snapshot(redis)) == {}
        return
    answers = sent_twice_is_sent_once(redis, lambda: bulk.enqueue_now(redis, ['a']))
    assert answers == (['QUEUED'], ['queued'])
    assert (waiting(redis), tokens(redis)) == (['a'], 1)


def test_a_job_that_waited_for_another_is_forgotten_by_it(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'parent', 'low')
    enqueue.enqueue_when_ready(redis, 'default', entry('a', dependency_ids='["parent"]', enqueue_at_front='1'))
    put(redis, 'x')
    assert bulk.enqueue_now(redis, ['a'], Seen('deferred')) == ['QUEUED']
    assert waiting(redis) == ['a', 'x']
    worker = horse(queues=['low'])
    worker.ask(room=0, outcomes=[worker.outcome(worker.one())])
    assert waiting(redis) == ['a', 'x']


def test_a_limit_holds_what_is_enqueued_now(redis: Redis) -> None:
    enqueue.enqueue_when_ready(redis, 'default', entry('a', rate_limit_key='k', rate_limit_concurrency=1))
    enqueue.schedule(
        redis, 'default', entry('b', status='scheduled', rate_limit_key='k', rate_limit_concurrency=1), 4e9
    )
    assert bulk.enqueue_now(redis, ['b'], Seen('scheduled')) == ['RATE_LIMITED']


# --- requeue, and records ---------------------------------------------------------------------------------------------


def test_what_failed_after_it_was_seen_is_not_requeued(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'ab')
    fail(horse, 'a', 'b')
    redis.hset(keys.job('b'), 'ended_at', '2040-01-01T00:00:00.000000Z')
    assert jobs.requeue(redis, 'default', ['a', 'b'], before=jobs.time(redis) + 1e6) == ['QUEUED', 'LATER']
    assert redis.zrange(keys.failed('default'), 0, -1) == [b'b']


def test_a_bulk_begins_once(redis: Redis) -> None:
    assert bulk.begin(redis, BULK, {'action': 'delete', 'total': 3})
    assert not bulk.begin(redis, BULK, {'action': 'delete', 'total': 4})
    assert bulk.read(redis, BULK) == {'action': 'delete', 'total': '3'}
    assert (bulk.take(redis, BULK, 'one'), bulk.take(redis, BULK, 'two')) == (True, False)
    assert bulk.is_worked_on(redis, BULK)
    bulk.leave(redis, BULK)
    assert bulk.take(redis, BULK, 'two')
    assert not bulk.is_halted(redis, BULK)
    bulk.note(redis, BULK, {'halt': '1'})
    assert bulk.is_halted(redis, BULK)


@pytest.mark.parametrize('act', ACTS)
def test_ids_that_are_not_there_change_nothing(redis: Redis, act: str) -> None:
    put(redis, 'a')
    before = snapshot(redis)
    ACTS[act](redis, ['none', 'žluť', 'a b', ''])
    assert difference(before, snapshot(redis)) == {}


@pytest.mark.parametrize('act', ACTS)
def test_a_call_whose_reply_was_lost_answers_what_it_did(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """redis-py sends it again: with the same nonce."""
    place(redis, S.SCHEDULED if act == 'enqueue_now' else S.QUEUED)
    if act == 'restore':
        trash(redis, 'a')
    monkeypatch.setattr(bulk, 'nonce', lambda: 'n')
    first, again = sent_twice_is_sent_once(redis, lambda: ACTS[act](redis, ['a']))
    assert first == again
