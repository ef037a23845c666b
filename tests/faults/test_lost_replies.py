"""Fault 11: the request was applied and its reply lost, or the request itself; for every request of a workload (I6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry as Retrying

from rq import Queue, Retry
from rq.store import keys
from tests.faults import jobs
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger
from tests.support.faults import Action, drop_reply, drop_request, pass_on
from tests.support.invariants import violations
from tests.support.keyspace import snapshot
from tests.support.proxy import Proxy

HURRY = {'outage.SHORTEST': 0.005}
# What differs from run to run, in hashes of jobs and workers.
TIMES = {b'created_at', b'enqueued_at', b'started_at', b'ended_at', b'execution', b'last_heartbeat', b'call', b'birth'}
TIMES |= {b'death', b'pid', b'incarnation', b'total_working_time', b'exc_info', b'rss', b'cpu', b'horses'}
# What workers count has its times; of a day what ended is held.
COUNTED = tuple(
    name.encode() for name in ('rq:stats:', 'rq:recorded:', keys.error_groups(), keys.error_group(''), keys.deploys())
)
ENDED = keys.stats('queues', '86400-').encode()


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as proxy:
        yield proxy


def seen(redis: Redis) -> dict[bytes, Any]:
    """The keyspace without what differs from run to run."""
    found: dict[bytes, Any] = {}
    for name, key in snapshot(redis).items():
        value = key.value
        if name.startswith(ENDED):
            found[ENDED] = {field: counts.split()[:6] for field, counts in value.items()}
        if name.startswith(COUNTED):
            continue
        if name.endswith(b':pack') or name.startswith(keys.gone('').encode()):
            value = None
        elif key.type == 'hash':
            value = {field: text for field, text in value.items() if field not in TIMES}
        elif key.type == 'zset':
            value = sorted(value)
        elif key.type == 'stream':
            value = [entry.get(b'return_value') or b'failed' for _, entry in value]
        found[name] = (key.type, value, key.ttl is None)
    # A key whose time is milliseconds may be there or not.
    return {name: key for name, key in found.items() if name != keys.nudge().encode()}


def fill(redis: Redis, queues: int) -> int:
    """The workload: jobs that return, that fail, that are tried again, whose result is not kept; answers how many."""
    names = ['default', 'second', 'third'][:queues]
    number = 0
    for name in names:
        queue = Queue(name, connection=redis)
        many = []
        for function, options in [
            (jobs.note, {}),
            (jobs.note, {}),
            (jobs.fails, {}),
            (jobs.fails, {'retry': Retry(max=1)}),
            (jobs.note, {'result_ttl': 0}),
            *[(jobs.note, {})] * 9,
        ]:
            many.append(Queue.prepare_data(function, (number,), job_id=f'job{number}', **options))
            number += 1
        queue.enqueue_many(many)
    return number


class Runs:
    """The same work, again and again, with a fault at another place."""

    def __init__(self, redis: Redis, herd: Herd, proxy: Proxy, ledger: Ledger, queues: int) -> None:
        self.redis, self.herd, self.proxy, self.ledger, self.queues = redis, herd, proxy, ledger, queues
        self.names = ['default', 'second', 'third'][:queues]

    def run(self, action: Action, k: int) -> tuple[dict[bytes, Any], int]:
        """The keyspace in the end, and how many requests there were."""
        self.redis.flushall()
        self.ledger.path.write_text('')
        count = fill(self.redis, self.queues)
        self.proxy.reset()
        if k:
            self.proxy.on('', action, k=k)
        member = self.herd.start(
            *self.names,
            url=self.proxy.url,
            settings=HURRY,
            work={'burst': True},
            worker={'name': 'w'},
            level='CRITICAL',
        )
        assert member.wait() == 0
        begun = self.ledger.counts()
        # One of the failing jobs of each queue is tried twice.
        assert begun == {number: 2 if number % 14 == 3 else 1 for number in range(count)}, (action, k)
        assert violations(self.redis) == [], (action, k)
        return seen(self.redis), self.proxy.requests


@pytest.mark.parametrize('queues', [1, 3])
@pytest.mark.parametrize('action', [drop_reply(), drop_request()], ids=['reply', 'request'])
def test_ten_02_whatever_is_lost_every_job_runs_once_and_the_keyspace_ends_the_same(
    redis: Redis, herd: Herd, proxy: Proxy, ledger: Ledger, queues: int, action: Action
) -> None:
    runs = Runs(redis, herd, proxy, ledger, queues)
    expected, count = runs.run(pass_on(), 0)
    assert count > 10
    for k in range(1, count + 1):
        found, _ = runs.run(action, k)
        assert found == expected, f'{action.kind} of request {k} of {count}'


@pytest.mark.parametrize('action', [drop_reply(), drop_request()], ids=['reply', 'request'])
def test_ten_02_whatever_an_enqueue_loses_its_job_is_there_once(redis: Redis, proxy: Proxy, action: Action) -> None:
    """Experiments U and V: a client that retries by itself enqueued twice."""
    for k in range(1, 4):
        for options in [{}, {'job_id': 'mine'}, {'at_front': True}]:
            redis.flushall()
            with Redis.from_url(proxy.url, retry=Retrying(NoBackoff(), 2)) as client:
                queue = Queue(connection=client)
                queue.enqueue(jobs.noop, job_id='first')
                rule = proxy.on('EVALSHA EVAL', action, k=k)
                many = [queue.enqueue(jobs.noop, number, **options) for number in range(3 if not options else 1)]
                queue.enqueue_many([Queue.prepare_data(jobs.noop, (number,)) for number in range(5)])
                queue.enqueue_many([Queue.prepare_data(jobs.noop, (number,)) for number in range(5)])
                assert rule.wait()
            assert redis.llen(keys.queue('default')) == 11 + len(many)
            assert len(set(Queue(connection=redis).job_ids)) == 11 + len(many)
            assert violations(redis) == []
