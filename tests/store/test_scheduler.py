"""lock_queues and unlock_queues: RQ's scheduler locks, renewed and given up by their holder only."""

from __future__ import annotations

from redis import Redis

from rq.store import keys, scheduler
from tests.store.hands import sent_twice_is_sent_once


def test_free_locks_are_taken_own_ones_renewed_and_others_left(redis: Redis) -> None:
    redis.set(keys.scheduler_lock('theirs'), 'other', ex=7)
    redis.set(keys.scheduler_lock('old'), '4711', ex=7)
    answers = sent_twice_is_sent_once(redis, lambda: scheduler.lock(redis, 'me', ['a', 'theirs', 'old'], 61))
    assert answers == (({'a'}, {'a'}), ({'a'}, set()))
    assert (redis.get(keys.scheduler_lock('a')), redis.ttl(keys.scheduler_lock('a'))) == (b'me', 61)
    assert (redis.get(keys.scheduler_lock('theirs')), redis.ttl(keys.scheduler_lock('theirs'))) == (b'other', 7)
    assert scheduler.lock(redis, 'me', [], 61) == (set(), set())


def test_a_lock_that_another_has_taken_meanwhile_is_not_given_up(redis: Redis) -> None:
    scheduler.lock(redis, 'me', ['a', 'b'], 61)
    redis.set(keys.scheduler_lock('b'), 'other', ex=61)
    assert sent_twice_is_sent_once(redis, lambda: scheduler.unlock(redis, 'me', ['a', 'b'])) == (1, 0)
    assert redis.get(keys.scheduler_lock('b')) == b'other'
    assert scheduler.unlock(redis, 'me', []) == 0


def test_the_process_of_a_lock_is_that_of_the_scheduler_it_names_or_the_lock_itself(redis: Redis) -> None:
    scheduler.lock(redis, 'me', ['a'], 61)
    assert scheduler.pid(redis, 'a') is None  # it has no record
    scheduler.show(redis, 'me', {'pid': '42'}, 61)
    assert scheduler.pid(redis, 'a') == 42
    redis.set(keys.scheduler_lock('old'), '4711', ex=61)
    assert [scheduler.pid(redis, name) for name in ('old', 'none')] == [4711, None]
    assert scheduler.fetch(redis, 'me') == {b'pid': b'42', b'packhorse': b'1'}
    assert [scheduler.forget(redis, 'me') for _ in range(2)] == [True, False]
