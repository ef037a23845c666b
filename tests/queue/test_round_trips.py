"""What an enqueue costs on the wire, and what becomes of it when a reply is lost (I6)."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from rq import Queue
from rq.job import Job
from tests.domain.work import give
from tests.support.faults import drop_reply, drop_request
from tests.support.proxy import Proxy


def calls(count: int) -> list[Any]:
    return [Queue.prepare_data(give, (number,)) for number in range(count)]


def test_one_enqueue_is_one_round_trip(proxied: Redis, proxy: Proxy) -> None:
    queue = Queue('q', connection=proxied)
    queue.enqueue(give)  # the server learns the script
    proxy.reset()
    for options in ({}, {'job_id': 'mine'}, {'at_front': True}, {'ttl': 50}, {'job_id': 'only', 'unique': True}):
        queue.enqueue(give, 1, **options)
    assert proxy.commands == {'EVALSHA': 5}
    assert proxy.round_trips == 5


def test_a_server_that_has_forgotten_the_script_is_given_it_once(proxied: Redis, proxy: Proxy, redis: Redis) -> None:
    queue = Queue('q', connection=proxied)
    redis.script_flush()
    queue.enqueue(give)
    queue.enqueue(give)
    assert proxy.commands == {'EVALSHA': 2, 'EVAL': 1}
    assert queue.count == 2


@pytest.mark.parametrize('count', [1, 99, 100, 101, 250])
def test_many_are_a_hundred_a_round_trip(proxied: Redis, proxy: Proxy, count: int) -> None:
    queue = Queue('q', connection=proxied)
    queue.enqueue_many(calls(1))
    proxy.reset()
    queue.enqueue_many(calls(count))
    assert proxy.commands['EVALSHA'] == math.ceil(count / 100)
    handshake = 4 if count > 100 else 0  # more than one request: they go ahead of their answers, by a wire of their own
    assert proxy.round_trips <= math.ceil(count / 100) + handshake
    assert queue.count == count + 1


def test_scheduling_is_one_round_trip(proxied: Redis, proxy: Proxy) -> None:
    queue = Queue('q', connection=proxied)
    queue.enqueue_in(timedelta(hours=1), give)
    proxy.reset()
    queue.enqueue_in(timedelta(hours=1), give)
    assert proxy.round_trips == 1


@pytest.mark.parametrize(
    ('read', 'trips'),
    [
        (lambda queue: queue.count, 1),
        (lambda queue: queue.job_ids, 1),
        (lambda queue: queue.jobs, 2),
        (lambda queue: queue.fetch_job('j1'), 1),
        (lambda queue: Queue.all(queue.connection), 1),
        (lambda queue: queue.failed_job_registry.count, 1),
        (lambda queue: queue.finished_job_registry.get_job_ids(), 1),
        (lambda queue: queue.started_job_registry.count, 1),
        (lambda queue: Queue('failed', connection=queue.connection).job_ids, 3),  # one to see that nothing waits
        (lambda queue: Job.fetch_many(['j1', 'j2'], connection=queue.connection), 1),
    ],
)
def test_reading_takes_few_round_trips(proxied: Redis, proxy: Proxy, read: Any, trips: int) -> None:
    queue = Queue('q', connection=proxied)
    queue.enqueue(give, job_id='j1')
    queue.enqueue(give, job_id='j2')
    proxy.reset()
    read(queue)
    assert proxy.round_trips == trips


@pytest.mark.parametrize('fault', [drop_reply, drop_request])
@pytest.mark.parametrize('options', [{}, {'job_id': 'mine'}, {'job_id': 'mine', 'unique': True}, {'at_front': True}])
def test_an_enqueue_that_is_sent_again_is_one_job(
    proxied: Redis, proxy: Proxy, redis: Redis, fault: Any, options: dict[str, Any]
) -> None:
    queue = Queue('q', connection=proxied)
    queue.enqueue(give, 'before')
    rule = proxy.on('EVALSHA', fault())
    job = queue.enqueue(give, **options)
    assert rule.fired == 1
    assert queue.job_ids.count(job.id) == 1
    assert queue.count == 2


def test_many_that_are_sent_again_are_each_one_job(proxied: Redis, proxy: Proxy) -> None:
    queue = Queue('q', connection=proxied)
    queue.enqueue_many(calls(1))
    rule = proxy.on('EVALSHA', drop_reply())
    jobs = queue.enqueue_many(calls(150))
    assert rule.fired == 1
    assert queue.job_ids[1:] == [job.id for job in jobs]


def test_a_job_whose_fate_is_unknown_raises_redis_pys_own_error(proxy: Proxy, redis: Redis) -> None:
    with Redis.from_url(proxy.url, retry=None) as client:
        queue = Queue('q', connection=client)
        proxy.on('EVALSHA EVAL', drop_reply(), times=None)
        with pytest.raises(RedisConnectionError):
            queue.enqueue(give)
    assert Queue('q', connection=redis).count <= 1
