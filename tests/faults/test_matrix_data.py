"""The fault matrix (docs/guarantees.md), row 26: whatever is written into Redis by whomever, good jobs are done and workers live."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from rq import Callback, Queue, RateLimit, Repeat, Retry
from rq.job import Job
from rq.store import admin, keys
from tests.faults import jobs
from tests.faults.conftest import ALL
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger
from tests.faults.mixture import SCALED
from tests.support.waiting import wait_for

Measure = Callable[[str, str], None]
# What takes the place of a field's value; None: the field is gone.
VALUES: list[Any] = [
    None,
    b'',
    b'\xff\xfe\x00',
    b'nan',
    b'-1',
    b'1e400',
    b'9' * 400,
    b'x' * 20_000,
    b'[]',
    b'{"a":',
    b'failed',
]
GOOD = 5


@pytest.fixture(autouse=True)
def invariants(redis: Redis) -> Iterator[None]:
    """Not here: what these tests break stays broken. They look at what matters themselves."""
    yield
    redis.flushall()


def good(redis: Redis, first: int, count: int, queue: str = 'good') -> list[Job]:
    many = [Queue.prepare_data(jobs.note, (first + number,), job_id=f'good{first + number}') for number in range(count)]
    return Queue(queue, connection=redis).enqueue_many(many)


def finished(redis: Redis, put: list[Job], queue: str = 'good') -> bool:
    found = set(redis.zrange(keys.finished(queue), 0, -1))
    return all(job.id.encode() in found for job in put)


def rich(redis: Redis, job_id: str) -> Job:
    """A job that has most of the fields there are."""
    return Queue('good', connection=redis).enqueue(
        jobs.note,
        7,
        job_id=job_id,
        retry=Retry(max=1),
        repeat=Repeat(1),
        meta={'a': 1},
        result_ttl=100,
        failure_ttl=100,
        ttl=1000,
        description='rich',
        on_success=Callback(jobs.told, timeout=1),
        on_failure=Callback(jobs.told, timeout=1),
        rate_limit=RateLimit('rich', 1000),
    )


def test_row_26_I12_any_field_of_a_job_may_hold_anything(
    redis: Redis, herd: Herd, ledger: Ledger, measured: Measure
) -> None:
    fields = sorted(redis.hkeys(keys.job(rich(redis, 'sample').id)))
    redis.flushall()
    victims, others, endless = [], [], set()
    for number, (field, value) in enumerate((field, value) for field in fields for value in VALUES):
        job_id = f'bad{number}'
        rich(redis, job_id)
        if value is None:
            redis.hdel(keys.job(job_id), field)
        else:
            redis.hset(keys.job(job_id), field, value)
        victims.append(job_id)
        if field == b'repeats_left' and value in (b'1e400', b'9' * 400):
            endless.add(job_id)  # it is run again and again, as its field says
        others += good(redis, GOOD * number, GOOD)
    cut = redis.hget(keys.job('bad0'), 'data') or b''
    for length in range(0, len(cut), 7):  # a payload that breaks off
        rich(redis, f'cut{length}')
        redis.hset(keys.job(f'cut{length}'), 'data', cut[:length])
        victims.append(f'cut{length}')
    member = herd.start('good', settings=SCALED, level='ERROR')
    wait_for(lambda: finished(redis, others), 40, herd.process.report)
    lasting = good(redis, 100_000, 20)
    wait_for(lambda: finished(redis, lasting), 10)

    def in_limbo() -> list[str]:
        homes = admin.census(redis, ['good']).homes['good']
        return [name for name in [*homes['queue'], *homes['wip']] if name.partition(':')[0] not in endless]

    wait_for(lambda: not in_limbo(), 10, lambda: f'{in_limbo()}')
    assert member.status is None
    assert len(others) == len(set(ledger.begun()) & set(range(GOOD * len(fields) * len(VALUES)))), 'each good one ran'
    measured('26', f'{len(victims)} broken jobs of {len(fields)} fields: {len(others)} good ones done, exits 0')


WRONG = {
    'string': lambda redis, key: redis.set(key, 'x'),
    'list': lambda redis, key: redis.rpush(key, 'x'),
    'hash': lambda redis, key: redis.hset(key, 'x', 'y'),
    'stream': lambda redis, key: redis.xadd(key, {'x': 'y'}),
    'zset': lambda redis, key: redis.zadd(
        key, {'x': float('inf'), b'\xff:\xfe:': float('-inf'), '': 0, 'a:b:c': 1e300}
    ),
    'set': lambda redis, key: redis.sadd(key, 'x', b'\xff', ''),
}


def break_(redis: Redis, name: str, kind: str) -> None:
    """A key becomes one of another type, in one step: its worker writes as well."""
    with redis.pipeline() as pipeline:
        pipeline.delete(name)
        WRONG[kind](pipeline, name)
        pipeline.execute()


CONTAINERS = [
    keys.queue, keys.wip, keys.finished, keys.failed, keys.deferred, keys.scheduled, keys.canceled, keys.ready, keys.wake,
    keys.intermediate, keys.aftermath, keys.workers_of, keys.suspended_queue, keys.scheduler_lock,
]  # fmt: skip
SHARED = [keys.releasing, keys.groups, keys.limits, keys.nudge, keys.workers, keys.cron_jobs]
OF_ONE = [keys.job, keys.results, keys.executions, keys.dependents, keys.dependencies, keys.gone]


@pytest.mark.parametrize('kind', WRONG if ALL else ['string', 'list', 'zset'])
def test_row_26_I12_any_key_may_be_of_any_type(
    redis: Redis, herd: Herd, ledger: Ledger, measured: Measure, kind: str
) -> None:
    member = herd.start('bad', 'good', worker={'name': 'w'}, settings=SCALED, level='CRITICAL')
    member.horse()
    number = 0
    for name in [*(function('bad') for function in CONTAINERS), *(function() for function in SHARED)]:
        break_(redis, name, kind)
        put = good(redis, number, 20)
        number += 20
        wait_for(
            lambda put=put: finished(redis, put), 15, lambda name=name: f'{name} as {kind}\n{herd.process.report()}'
        )  # type: ignore[misc]
        redis.delete(name)
    for function in OF_ONE:
        name = function('victim')
        break_(redis, name, kind)
        redis.rpush(keys.queue('good'), 'victim')
        put = good(redis, number, 20)
        number += 20
        wait_for(
            lambda put=put: finished(redis, put), 15, lambda name=name: f'{name} as {kind}\n{herd.process.report()}'
        )  # type: ignore[misc]
        redis.delete(name, keys.job('victim'))
    assert member.status is None
    assert ledger.begun() == list(range(number))
    count = len(CONTAINERS) + len(SHARED) + len(OF_ONE)
    measured('26', f'{count} keys, each of six types: {number} good ones done, exits 0')


@pytest.mark.parametrize('kind', [kind for kind in WRONG if kind != 'hash'] if ALL else ['string', 'zset'])
def test_row_26_I12_the_keys_of_a_worker_may_be_of_any_type(
    redis: Redis, herd: Herd, ledger: Ledger, kind: str
) -> None:
    member = herd.start('good', worker={'name': 'w'}, settings=SCALED, level='CRITICAL')
    member.horse()
    functions = [keys.pack, keys.worker_executions, keys.worker, keys.lease]
    if kind == 'string':
        functions.remove(keys.lease)  # a lease with another text is another worker's: then this one stops, as it should
    for place, function in enumerate(functions):
        name = function('w')
        break_(redis, name, kind)
        put = good(redis, 100 * place, 20)
        time.sleep(0.5)  # a renewal or two
        redis.delete(name)
        wait_for(
            lambda put=put: finished(redis, put), 15, lambda name=name: f'{name} as {kind}\n{herd.process.report()}'
        )  # type: ignore[misc]
    assert member.status is None
    assert ledger.twice() == []


def test_row_26_I12_whatever_is_said_on_a_workers_channel_it_lives(
    redis: Redis, herd: Herd, ledger: Ledger, measured: Measure
) -> None:
    chance = random.Random(26)
    member = herd.start('good', worker={'name': 'w'}, settings=SCALED, level='CRITICAL')
    channel = 'rq:pubsub:w'
    wait_for(lambda: redis.publish(channel, '{}') == 1)
    things: list[Any] = [None, True, 0, -1, 1e300, '', 'stop-job', 'kill-horse!', [], {}, {'command': {}}, 'x' * 10_000]

    def thing(depth: int = 0) -> Any:
        if depth < 3 and chance.random() < 0.4:
            return {
                chance.choice(['command', 'job_id', 'execution_id', 'created_at', 'x']): thing(depth + 1)
                for _ in range(3)
            }
        return chance.choice(things)

    for _ in range(300):
        text = json.dumps(thing()).encode()
        redis.publish(channel, text if chance.random() < 0.7 else text[: chance.randrange(1 + len(text))] + b'\xff')
    redis.publish(channel, json.dumps({'command': 'stop-job', 'job_id': 'nobody'}))
    put = good(redis, 0, 20)
    wait_for(lambda: finished(redis, put), 10, herd.process.report)
    assert member.status is None
    measured('26', '300 senseless commands: exits 0')
