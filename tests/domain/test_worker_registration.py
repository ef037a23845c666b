"""rq.worker_registration: which workers are registered."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from rq import Queue
from rq.worker_registration import MAX_KEYS, REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY, clean_worker_registry, get_keys
from tests.store.conftest import HorseMaker, horse

__all__ = ['horse']


def test_keys_of_all_workers_or_of_a_queues(redis: Redis, queue: Queue, horse: HorseMaker) -> None:
    horse('w1', queues=['q'])
    horse('w2', queues=['other'])
    assert get_keys(connection=redis) == {'rq:worker:w1', 'rq:worker:w2'}
    assert get_keys(queue=queue) == get_keys(queue) == {'rq:worker:w1'}
    with pytest.raises(ValueError, match='"Queue" or "connection" argument is required'):
        get_keys()
    assert (REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY % 'q', MAX_KEYS) == ('rq:workers', 'rq:workers:q', 1000)


def test_cleaning_takes_out_those_whose_record_has_expired(redis: Redis, queue: Queue, horse: HorseMaker) -> None:
    horse('alive', queues=['q'])
    for key in ('rq:workers', 'rq:workers:q'):
        redis.sadd(key, 'rq:worker:dead', 'rq:worker:also dead')
    redis.sadd('rq:workers', 'rq:worker:of another queue')
    clean_worker_registry(queue)
    assert get_keys(queue) == {'rq:worker:alive'}
    assert get_keys(connection=redis) == {'rq:worker:alive', 'rq:worker:of another queue'}
    assert redis.keys('rq:worker:*dead*') == []


def test_cleaning_harms_no_worker_that_lives(redis: Redis, queue: Queue, horse: HorseMaker, unchanged: Any) -> None:
    horse('alive', queues=['q'])
    redis.delete('rq:worker:alive')  # its record is gone, say by a FLUSHALL; its lease tells that it lives
    with unchanged():
        clean_worker_registry(queue)


def test_cleaning_more_than_a_thousand(redis: Redis, queue: Queue) -> None:
    redis.sadd('rq:workers:q', *[f'rq:worker:{number}' for number in range(1100)])
    clean_worker_registry(queue)
    assert get_keys(queue) == set()
