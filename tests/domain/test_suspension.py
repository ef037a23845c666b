"""rq.suspension: no worker takes a job while it lasts."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from rq import Queue
from rq.suspension import WORKERS_SUSPENDED, is_suspended, resume, suspend
from tests.domain.work import give
from tests.store.conftest import HorseMaker, horse

__all__ = ['horse']


def test_workers_are_suspended_until_they_are_resumed(redis: Redis, queue: Queue, horse: HorseMaker) -> None:
    job, one = queue.enqueue(give), horse(queues=['q'])
    assert not is_suspended(redis)
    suspend(redis)
    assert is_suspended(redis)
    assert is_suspended(redis, worker=None)
    assert redis.ttl(WORKERS_SUSPENDED) == -1
    assert one.ask().jobs == []
    assert resume(redis)
    assert not resume(redis)
    assert not is_suspended(redis)
    assert one.one().id.decode() == job.id


def test_a_suspension_may_end_by_itself(redis: Redis) -> None:
    suspend(redis, 30)
    assert 25 < redis.ttl('rq:suspended') <= 30
    suspend(redis, ttl=60)
    assert 55 < redis.ttl('rq:suspended') <= 60


def test_resuming_wakes_one_worker_for_what_waits(redis: Redis, queue: Queue) -> None:
    queue.enqueue(give)
    redis.delete('rq:wake:q')
    suspend(redis)
    resume(redis)
    assert redis.llen('rq:wake:q') == 1


@pytest.mark.parametrize('ttl', [0, -1])
def test_a_time_that_is_none_is_refused(redis: Redis, unchanged: Any, ttl: int) -> None:
    with unchanged(), pytest.raises(ValueError, match=f'above 0 seconds, or None for no end: {ttl}'):
        suspend(redis, ttl)
