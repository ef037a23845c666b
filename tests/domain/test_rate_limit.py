"""RateLimit and RateLimitRegistry."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from rq import Queue, RateLimit, Repeat, Retry, SimpleWorker
from rq.job import Job, JobStatus
from rq.rate_limit import RateLimitRegistry, release_slot
from tests.domain.work import fail, give


@pytest.mark.parametrize('bad', [('k', 0), ('k', -1), ('', 1), ('k', 'x'), ('k', 1.5), ('k', True)])
def test_a_limit_that_makes_no_sense_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match=r'key must not be empty|concurrency must be an integer of at least 1'):
        RateLimit(*bad)


def test_no_more_than_so_many_are_queued_or_running_and_all_are_run(redis: Redis, queue: Queue) -> None:
    limit = RateLimit('k', concurrency=2)
    jobs = [queue.enqueue(give, number, rate_limit=limit) for number in range(5)]
    assert [job._status.value for job in jobs] == ['queued'] * 2 + ['rate_limited'] * 3
    registry = RateLimitRegistry.from_job(jobs[0])
    assert (registry.key, registry.concurrency) == ('k', 2)
    assert (registry.get_allowed_job_count(), registry.get_rate_limited_job_count()) == (2, 3)
    assert jobs[4].is_queued is False and jobs[4].has_rate_limit
    SimpleWorker([queue], connection=redis).work(burst=True)
    assert [job.return_value() for job in jobs] == [0, 1, 2, 3, 4]
    registry.cleanup()
    assert RateLimitRegistry.all(redis) == []


def test_failures_retries_and_repeats_give_their_slots_back(redis: Redis, queue: Queue) -> None:
    limit = RateLimit('k', 1)
    queue.enqueue(fail, rate_limit=limit, retry=Retry(2))
    queue.enqueue(give, rate_limit=limit, repeat=Repeat(2))
    queue.enqueue(fail, rate_limit=limit, retry=Retry(1, interval=100))
    last = queue.enqueue(give, rate_limit=limit)
    SimpleWorker([queue], connection=redis).work(burst=True)
    assert last.get_status() is JobStatus.FINISHED
    assert RateLimitRegistry('k', redis).get_allowed_job_ids() == []


def test_a_sync_queue_has_no_limits(redis: Redis) -> None:
    with pytest.raises(ValueError, match='not supported on synchronous queues'):
        Queue('s', connection=redis, is_async=False).enqueue(give, rate_limit=RateLimit('k', 1))


def test_the_registry_may_be_worked_by_hand(redis: Redis, queue: Queue) -> None:
    a, b, c = (queue.enqueue(give, job_id=name, rate_limit=RateLimit('k', 1)) for name in 'abc')
    registry = RateLimitRegistry('k', redis)
    assert registry.release_stale_and_enqueue('a') == []
    assert registry.cancel('b') == []
    b.delete()
    queue.remove(a)
    a.delete()
    assert registry.get_allowed_job_ids() == ['c']
    queue.enqueue(give, job_id='d', rate_limit=RateLimit('k', 1))
    assert registry.acquire_and_enqueue(2) == ['d']
    queue.enqueue(give, job_id='e', rate_limit=RateLimit('k', 2))
    queue.remove('c')
    redis.hset(c.key, 'status', 'created')
    assert release_slot(Job.fetch('c', connection=redis)) == ['e']
    assert queue.job_ids == ['d', 'e']
    with pytest.raises(ValueError, match='has no rate limit'):
        RateLimitRegistry.from_job(queue.enqueue(give))
    with pytest.raises(ValueError, match='Nobody uses'):
        _ = RateLimitRegistry('none', redis).concurrency
