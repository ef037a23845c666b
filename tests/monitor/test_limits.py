"""Rate limits as they are read."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from rq import Queue
from rq.monitor import limits
from rq.rate_limit import RateLimit
from rq.store import keys
from tests.monitor import work
from tests.support.reads import reading


def test_holders_and_waiters_are_told_in_their_order(redis: Redis) -> None:
    queue = Queue('q', connection=redis)
    for number in range(4):
        queue.enqueue(work.add, 1, 2, job_id=f'j{number}', rate_limit=RateLimit('crm', concurrency=2), job_timeout=100)
    queue.enqueue(work.add, 1, 2, job_id='free', rate_limit=RateLimit('mail', concurrency=3))
    crm, mail = limits.listing(redis).limits
    assert (crm.name, crm.concurrency, crm.holder_total, crm.waiter_total) == ('crm', 2, 2, 2)
    assert [slot.id for slot in crm.holders] == ['j0', 'j1'] and [slot.id for slot in crm.waiters] == ['j2', 'j3']
    assert crm.next_release is None and crm.running == 0 and not crm.holders[0].stale
    assert (mail.holder_total, mail.waiter_total) == (1, 0)
    now = datetime.now(UTC)
    redis.hset(keys.job('j1'), mapping={'status': 'started', 'started_at': now.strftime('%Y-%m-%dT%H:%M:%S.%fZ')})
    crm = limits.limit(redis, 'crm')
    assert crm.running == 1 and crm.next_release is not None
    assert abs(crm.next_release - now - timedelta(seconds=100)) < timedelta(seconds=1)
    redis.delete(keys.job('j0'))
    assert limits.limit(redis, 'crm').holders[0].stale
    assert [one.name for one in limits.listing(redis, 'MAI').limits] == ['mail']
    assert limits.limit(redis, 'none').concurrency is None


@pytest.mark.serial
def test_ten_thousand_keys_cost_a_page(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = redis.pipeline(transaction=False)
    for number in range(10_000):
        pipeline.sadd(keys.limits(), f'key-{number:05d}')
        pipeline.hset(keys.limit(f'key-{number:05d}'), 'concurrency', 1)
        pipeline.zadd(keys.limit_holders(f'key-{number:05d}'), {f'h{number}': number})
    pipeline.zadd(keys.limit_waiters('key-00000'), {f'w{number}': number for number in range(50_000)})
    pipeline.execute()
    began = time.process_time()
    with reading(redis, monkeypatch) as cost:
        found = limits.listing(redis)
    assert cost.trips <= 5 and time.process_time() - began < 0.1
    assert found.total == 10_000 and found.limits[0].waiter_total == 50_000 and len(found.limits[0].waiters) == 5
    with reading(redis, monkeypatch) as cost:
        assert len(limits.limit(redis, 'key-00000').waiters) == 100
    assert cost.trips <= 4


def test_hostile_values_hide_only_themselves(redis: Redis) -> None:
    redis.sadd(keys.limits(), 'a', 'b', b'\xff')
    redis.hset(keys.limit('a'), 'concurrency', b'\xff<script>')
    redis.set(keys.limit('b'), 'x')
    redis.set(keys.limit_holders('b'), 'x')
    redis.zadd(keys.limit_holders('a'), {b'\xff': float('inf'), 'x': float('-inf')})
    found = limits.listing(redis)
    assert [one.concurrency for one in found.limits] == [None] * 3
    assert [slot.since for slot in found.limits[1].holders] == [None, None] or found.limits[0].holders


@pytest.mark.parametrize('told', ['²', '9' * 5_000])
def test_a_number_of_slots_that_only_looks_like_one_is_none(redis: Redis, told: str) -> None:
    redis.sadd(keys.limits(), 'a')
    redis.hset(keys.limit('a'), 'concurrency', told)
    assert limits.limit(redis, 'a').concurrency is None
