"""adopt: what other RQs' workers popped and never started comes back."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import job as jobs
from rq.store import keys
from rq.store import worker as workers
from tests.store.conftest import HorseMaker
from tests.store.hands import TRACEBACK, all_keys, fields, hold, put, sent_twice_is_sent_once, status, tokens, waiting
from tests.support.keyspace import difference, snapshot


def pop(redis: Redis, *names: str, seconds: float = 61, **more: object) -> None:
    """Jobs on the intermediate list, first seen so many seconds ago."""
    for name in names:
        redis.hset(keys.job(name), mapping=fields(**more))
        redis.rpush(keys.intermediate('default'), name)
        redis.set(keys.first_seen('default', name), f'{jobs.time(redis) - seconds:.6f}', ex=86400)


def adopt(redis: Redis, **more: int) -> list[tuple[str, ...]]:
    return workers.adopt(redis, 'default', TRACEBACK, **more)


def test_ids_that_lay_there_for_a_minute_come_to_the_head_of_the_queue_in_their_order(redis: Redis) -> None:
    put(redis, 'x')
    pop(redis, 'a', 'b', 'c')
    answers = sent_twice_is_sent_once(redis, lambda: adopt(redis))
    assert sorted(answers[0]) == [('a', 'QUEUED'), ('b', 'QUEUED'), ('c', 'QUEUED')]
    assert answers[1] == []
    assert waiting(redis) == ['a', 'b', 'c', 'x']
    assert tokens(redis) == 1
    assert [key for key in all_keys(redis) if b'intermediate' in key] == []


def test_the_first_sight_is_only_stamped(redis: Redis, disorder: None) -> None:
    redis.hset(keys.job('a'), mapping=fields())
    redis.rpush(keys.intermediate('default'), 'a')
    assert sent_twice_is_sent_once(redis, lambda: adopt(redis)) == ([], [])
    assert abs(float(redis.get(keys.first_seen('default', 'a')) or 0) - jobs.time(redis)) < 5
    assert 86_000 < redis.ttl(keys.first_seen('default', 'a')) <= 86_400
    assert redis.llen(keys.intermediate('default')) == 1


def test_less_than_a_minute_is_too_early(redis: Redis, disorder: None) -> None:
    pop(redis, 'a', seconds=55)
    before = snapshot(redis)
    assert adopt(redis) == []
    assert difference(before, snapshot(redis)) == {}


def test_what_a_lease_holds_is_left_to_its_worker(redis: Redis, disorder: None) -> None:
    pop(redis, 'a')
    hold(redis, 'a', 'e' * 32, 4e9)
    redis.zadd(keys.executions('a'), {'e' * 32: 4e9})
    before = snapshot(redis)
    assert adopt(redis) == []
    assert difference(before, snapshot(redis)) == {}


def test_what_our_worker_runs_is_left_to_it(redis: Redis, horse: HorseMaker, disorder: None) -> None:
    put(redis, 'a')
    horse().ask()
    pop(redis, 'a', status='started')
    assert adopt(redis) == []


@pytest.mark.parametrize(('more', 'answer'), [({}, 'FAILED'), ({'retries_left': 1}, 'QUEUED')])
def test_a_started_job_without_a_lease_is_lost_as_rq_says(redis: Redis, more: dict[str, object], answer: str) -> None:
    pop(redis, 'a', status='started', worker_name='theirs', **more)
    assert adopt(redis) == [('a', answer)]
    assert status(redis, 'a') == answer.lower()


def test_an_id_whose_job_is_gone_or_waits_or_has_ended_only_leaves(redis: Redis) -> None:
    pop(redis, 'gone', 'waits', 'ended')
    redis.delete(keys.job('gone'))
    redis.rpush(keys.queue('default'), 'waits')
    redis.hset(keys.job('ended'), 'status', 'finished')
    redis.zadd(keys.finished('default'), {'ended': 4e9})
    assert sorted(adopt(redis)) == [('ended', 'KEPT'), ('gone', 'GONE'), ('waits', 'KEPT')]
    assert (waiting(redis), redis.exists(keys.intermediate('default'))) == (['waits'], 0)


def test_no_more_are_looked_at_than_asked(redis: Redis) -> None:
    pop(redis, *'abcde')
    assert [len(adopt(redis, most=2)) for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.parametrize(
    'key', [keys.intermediate('default'), keys.queue('default'), keys.job('a'), keys.wip('default')]
)
def test_keys_of_a_wrong_type_lose_nothing(redis: Redis, disorder: None, key: str) -> None:
    pop(redis, 'a', 'b')
    redis.delete(key)
    redis.set(key, 'not mine')
    found = adopt(redis)
    if key == keys.job('a'):
        assert sorted(found) == [('a', 'GONE'), ('b', 'QUEUED')]
    else:
        assert found == []
        assert redis.exists(keys.job('a'), keys.job('b')) == 2


def test_a_stamp_that_makes_no_sense_is_made_anew(redis: Redis, disorder: None) -> None:
    pop(redis, 'a')
    redis.delete(keys.first_seen('default', 'a'))
    redis.rpush(keys.first_seen('default', 'a'), 'x')
    assert adopt(redis) == []
    assert abs(float(redis.get(keys.first_seen('default', 'a')) or 0) - jobs.time(redis)) < 5
