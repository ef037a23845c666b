"""Notes (take_notes, drop_note): taken by one worker at a time, not for ever, and gone once they are dropped."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import keys, note
from tests.store.conftest import HorseMaker
from tests.store.hands import all_keys, put, sent_twice_is_sent_once


def leave(redis: Redis, what: str = 'lost', job_id: str = 'a', queue: str = 'default', due: float = 0.0) -> str:
    """A note as lua/lib/note.lua leaves it; `due` in seconds from now."""
    member = f'{what}:{job_id}:e1'
    redis.hset(keys.note(member), mapping={'worker': 'w1', 'became': 'FAILED', 'text': 'dGV4dA=='})
    redis.expire(keys.note(member), 86400)
    redis.zadd(keys.aftermath(queue), {member: redis.time()[0] + due})
    return member


def wait(redis: Redis, member: str, queue: str = 'default') -> float:
    """Seconds until a note is due."""
    score = redis.zscore(keys.aftermath(queue), member)
    assert score is not None
    return score - redis.time()[0]


def test_take_notes_gives_what_was_noted_and_to_one_taker_only(redis: Redis) -> None:
    leave(redis)
    [taken] = note.take(redis, ['default'], 60)
    assert taken == note.Note('default', 'lost', 'a', 'e1', 'w1', 'FAILED', b'dGV4dA==', 1)
    assert note.take(redis, ['default'], 60) == []
    assert wait(redis, taken.member) == pytest.approx(60, abs=2)


def test_drop_note_leaves_nothing_however_often_it_is_sent(redis: Redis) -> None:
    leave(redis)
    [taken] = note.take(redis, ['default'], 60)
    assert sent_twice_is_sent_once(redis, lambda: note.drop(redis, taken)) == (True, False)
    assert all_keys(redis) == []


def test_a_job_that_was_to_be_deleted_as_it_ended_goes_with_its_last_note(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', failure_ttl=0, failure_callback_name='f', webhooks='[]')
    worker = horse()
    assert worker.ask(room=0, outcomes=[worker.outcome(worker.one(), 'L')]).became == [b'FAILED']
    for left in (1, 0):
        assert redis.exists(keys.job('a'))
        [taken] = note.take(redis, ['default'], 60)
        assert note.drop(redis, taken)
        assert redis.zcard(keys.aftermath('default')) == left
    assert not redis.exists(keys.job('a'))


def test_a_taker_that_vanished_loses_its_note_to_the_next(redis: Redis) -> None:
    member = leave(redis)
    for times in range(1, note.TRIES + 2):
        [taken] = note.take(redis, ['default'], 60)
        assert taken.taken == times
        redis.zincrby(keys.aftermath('default'), -60, member)


def test_who_has_long_callbacks_has_its_note_for_longer(redis: Redis) -> None:
    put(redis, 'a', failure_callback_timeout='100', stopped_callback_timeout='nonsense')
    put(redis, 'b', failure_callback_timeout='1e300')
    for job_id, seconds in (('a', 160), ('b', 86400)):
        member = leave(redis, job_id=job_id)
        note.take(redis, ['default'], 60)
        assert wait(redis, member) == pytest.approx(seconds, abs=2)


def test_notes_are_taken_oldest_first_of_all_queues_and_not_early(redis: Redis) -> None:
    leave(redis, job_id='c', due=-1)
    leave(redis, job_id='b', due=-5)
    leave(redis, job_id='d', queue='other', due=-3)
    leave(redis, job_id='z', due=50)
    found = [note.take(redis, ['default', 'other'], 60)[0].job_id for _ in range(3)]
    assert found == ['b', 'c', 'd']
    assert note.take(redis, ['default', 'other'], 60, 10) == []
    assert len(note.take(redis, ['default', 'other'], 60, 0)) == 0


def test_a_look_says_when_the_next_is_due_and_takes_nothing(redis: Redis) -> None:
    assert note.due_in(redis, ['default', 'other']) is None
    leave(redis, queue='other', due=50)
    assert note.due_in(redis, ['default', 'other']) == pytest.approx(50, abs=2)
    leave(redis)
    assert note.due_in(redis, ['default', 'other']) == 0
    assert note.due_in(redis, ['other']) == pytest.approx(50, abs=2)
    redis.zadd(keys.aftermath('never'), {'lost:x:y': float('inf')})
    assert note.due_in(redis, ['never']) is None
    redis.delete(keys.aftermath('never'))


def test_a_note_that_has_expired_is_taken_off_the_list(redis: Redis) -> None:
    redis.delete(keys.note(leave(redis)))
    assert note.take(redis, ['default'], 60) == []
    assert not redis.exists(keys.aftermath('default'))


def test_ids_with_colons_and_members_that_are_none_do_no_harm(redis: Redis) -> None:
    leave(redis, job_id='a:b')
    redis.zadd(keys.aftermath('default'), {'nonsense': 0, b'\xff:\xfe:': 1})
    redis.hset(keys.note('nonsense'), 'worker', 'w1')
    found = {(one.what, one.job_id, one.execution) for one in note.take(redis, ['default'], 60, 9)}
    assert ('lost', 'a:b', 'e1') in found
    for one in note.take(redis, ['default'], 60, 9):
        note.drop(redis, one)
    assert redis.zcard(keys.aftermath('default')) == 2
    redis.delete(keys.note('nonsense'))


def test_a_key_of_a_wrong_type_costs_its_own_queue_only(redis: Redis, disorder: None) -> None:
    redis.set(keys.aftermath('bad'), 'x')
    leave(redis)
    [taken] = note.take(redis, ['bad', 'default'], 60)
    assert taken.queue == 'default'
