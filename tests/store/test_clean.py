"""clean: registries forget what has expired."""

from __future__ import annotations

from redis import Redis

from rq.store import job as jobs
from rq.store import keys, registry
from tests.store.hands import sent_twice_is_sent_once


def test_expired_members_go_and_others_stay(redis: Redis) -> None:
    now = int(jobs.time(redis))
    for key in (keys.finished('high'), keys.failed('low')):
        redis.zadd(key, {'gone': now - 1, 'due': now, 'alive': now + 50, 'for-ever': '+inf', 'kept': -1})
    assert registry.clean(redis, ['high', 'low', 'none']) == 4
    for key in (keys.finished('high'), keys.failed('low')):
        assert redis.zrange(key, 0, -1) == [b'kept', b'alive', b'for-ever']


def test_a_call_drops_no_more_than_it_was_told_and_the_oldest_first(redis: Redis) -> None:
    redis.zadd(keys.finished('high'), {f'job-{n}': n + 1 for n in range(2500)})
    assert registry.clean(redis, ['high']) == 1000
    assert redis.zrange(keys.finished('high'), 0, 0) == [b'job-1000']
    assert registry.clean(redis, ['high', 'low'], most=600) == 600


def test_a_key_of_a_wrong_type_keeps_no_other_from_being_cleaned(redis: Redis) -> None:
    redis.set(keys.finished('high'), 'not a set')
    redis.zadd(keys.failed('high'), {'gone': 1})
    assert registry.clean(redis, ['high']) == 1


def test_cleaning_twice_changes_nothing(redis: Redis) -> None:
    redis.zadd(keys.finished('high'), {'gone': 1, 'kept': -1})
    sent_twice_is_sent_once(redis, lambda: registry.clean(redis, ['high']))
