"""enqueue_slot and steer_cron: each slot of a cron job is enqueued once, by whoever comes first."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from rq.store import cron, keys
from tests.store.hands import entry, sent_twice_is_sent_once, tokens, waiting

SECOND = 1_000_000


def now(redis: Redis) -> int:
    seconds, micros = redis.time()
    return seconds * SECOND + micros


def ask(redis: Redis, job_id: str, slot: int, definition: str = 'd', **more: Any) -> bytes:
    asked = cron.Slot('nightly', definition, slot, more.pop('due', slot), more.pop('gap', 1), more.pop('run', ''))
    answer: bytes = cron.enqueue_slot(redis, 'default', entry(job_id, **more), asked)
    return answer


def test_a_slot_is_enqueued_once_however_many_ask(redis: Redis) -> None:
    slot = now(redis) - SECOND
    assert [ask(redis, name, slot) for name in 'abc'] == [b'QUEUED', b'TAKEN', b'TAKEN']
    assert (waiting(redis), tokens(redis)) == (['a'], 1)
    assert redis.zrange(keys.cron_history('nightly'), 0, -1) == [b'a']
    assert redis.zscore(keys.cron_jobs(), 'nightly') == pytest.approx(now(redis) / SECOND, abs=5)
    assert redis.ttl(keys.cron_history('nightly')) > 364 * 86400
    assert redis.ttl(keys.cron_state('nightly')) > 700 * 86400


def test_sent_twice_a_slot_is_enqueued_once_and_said_to_be(redis: Redis) -> None:
    slot = now(redis) - SECOND
    assert sent_twice_is_sent_once(redis, lambda: ask(redis, 'a', slot)) == (b'QUEUED', b'QUEUED')


def test_a_slot_is_never_early_by_redis_time(redis: Redis) -> None:
    assert ask(redis, 'a', now(redis) + 60 * SECOND) == b'EARLY'
    assert ask(redis, 'a', now(redis) - SECOND, due=now(redis) + 60 * SECOND) == b'EARLY'
    assert not redis.exists(keys.job('a'), keys.cron_state('nightly'))


def test_a_scheduler_that_wakes_up_late_does_not_enqueue_what_others_have_passed(redis: Redis) -> None:
    later = now(redis) - SECOND
    assert ask(redis, 'b', later) == b'QUEUED'
    assert ask(redis, 'a', later - 60 * SECOND) == b'TAKEN'


def test_definitions_of_one_name_have_slots_of_their_own(redis: Redis) -> None:
    slot = now(redis) - SECOND
    assert [ask(redis, 'a', slot, 'one'), ask(redis, 'b', slot, 'two')] == [b'QUEUED', b'QUEUED']
    assert redis.zcard(keys.cron_history('nightly')) == 2


def test_intervals_are_apart_by_the_gap(redis: Redis) -> None:
    first = now(redis) - 100 * SECOND
    assert ask(redis, 'a', first, gap=10 * SECOND) == b'QUEUED'
    assert ask(redis, 'b', first + 9 * SECOND, gap=10 * SECOND) == b'TAKEN'
    assert ask(redis, 'c', first + 10 * SECOND, gap=10 * SECOND) == b'QUEUED'


def test_a_paused_job_is_not_enqueued_and_what_fell_into_the_pause_is_over(redis: Redis) -> None:
    slot = now(redis) - SECOND
    assert sent_twice_is_sent_once(redis, lambda: cron.pause(redis, 'nightly')) == (True, False)
    assert redis.ttl(keys.cron_state('nightly')) == -1
    assert cron.paused(redis, ['nightly', 'other']) == [True, False]
    assert ask(redis, 'a', slot) == b'PAUSED'
    assert sent_twice_is_sent_once(redis, lambda: cron.resume(redis, 'nightly')) == (True, False)
    assert redis.ttl(keys.cron_state('nightly')) > 0
    assert ask(redis, 'a', slot) == b'TAKEN'
    assert ask(redis, 'a', now(redis)) == b'QUEUED'


@pytest.mark.parametrize('paused', [False, True])
def test_a_run_that_was_asked_for_is_enqueued_once_even_of_a_paused_job(redis: Redis, paused: bool) -> None:
    if paused:
        cron.pause(redis, 'nightly')
    assert ask(redis, 'a', 0, run='first') == b'TAKEN'  # nobody asked
    cron.run_now(redis, 'nightly', 'first')
    answers = [ask(redis, name, 0, run='first') for name in 'aab']
    assert answers == [b'QUEUED', b'QUEUED', b'TAKEN']
    cron.run_now(redis, 'nightly', 'first')  # the same request, sent again
    assert ask(redis, 'c', 0, run='first') == b'TAKEN'
    assert ask(redis, 'd', 0, 'another definition', run='first') == b'QUEUED'
    assert waiting(redis) == ['a', 'd']
    assert (redis.ttl(keys.cron_state('nightly')) == -1) is paused
    redis.delete(keys.cron_state('nightly'))


def test_a_run_that_nothing_is_asked_about_is_in_the_history(redis: Redis) -> None:
    assert [ask(redis, name, 0, run=cron.ALWAYS) for name in 'aab'] == [b'QUEUED'] * 3
    assert waiting(redis) == ['a', 'b']
    assert cron.history(redis, 'nightly') == ['b', 'a']
    assert not redis.exists(keys.cron_state('nightly'))


def test_the_history_keeps_the_newest_thousand(redis: Redis) -> None:
    redis.zadd(keys.cron_history('nightly'), {f'old-{number}': number for number in range(1000)})
    ask(redis, 'a', now(redis) - SECOND)
    assert redis.zcard(keys.cron_history('nightly')) == 1000
    assert cron.history(redis, 'nightly', 0, 0) == ['a']
    assert cron.history(redis, 'nightly', -1) == ['old-1']


def test_a_look_tells_the_time_and_every_state_in_one_round_trip(redis: Redis) -> None:
    slot = now(redis) - SECOND
    ask(redis, 'a', slot)
    cron.begin(redis, 'nightly', 'd', 5)
    cron.begin(redis, 'nightly', 'e', 5)
    cron.run_now(redis, 'nightly', 'x')
    ask(redis, 'b', 0, 'e', run='x')
    at, states = cron.look(redis, [('nightly', 'd'), ('nightly', 'e'), ('other', 'd')])
    assert abs(at - now(redis)) < 5 * SECOND
    assert states == [cron.State(slot, run='x', enqueued=True), cron.State(5, run='x', ran='x'), cron.State()]


@pytest.mark.parametrize(
    'key', [keys.queue('default'), keys.cron_history('nightly'), keys.cron_jobs(), keys.cron_state('nightly')]
)
def test_a_key_of_a_wrong_type_is_refused_before_anything_is_written(redis: Redis, disorder: None, key: str) -> None:
    redis.set(key, 'not mine')
    with pytest.raises(Exception, match='WRONGTYPE'):
        ask(redis, 'a', now(redis) - SECOND)
    assert redis.keys('*') == [key.encode()]


def test_a_full_server_refuses_a_slot_whole(redis: Redis) -> None:
    slot = now(redis) - SECOND
    limit = redis.config_get('maxmemory')['maxmemory']
    redis.config_set('maxmemory', 1)
    try:
        with pytest.raises(Exception, match=r'maxmemory|OOM'):
            ask(redis, 'a', slot)
        assert redis.dbsize() == 0
    finally:
        redis.config_set('maxmemory', limit)
    assert ask(redis, 'a', slot) == b'QUEUED'
