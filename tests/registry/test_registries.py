"""What all registries do: count, list, contain, add, remove, requeue; and reading writes nothing (I16)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from rq import Queue
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.executions import ExecutionRegistry
from rq.job import Job
from rq.registry import (
    BaseRegistry,
    CanceledJobRegistry,
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    ReadyJobRegistry,
    ScheduledJobRegistry,
    StartedJobRegistry,
    clean_registries,
)
from tests.domain.work import fail, give

KINDS: dict[type[BaseRegistry], str] = {
    StartedJobRegistry: 'wip',
    FinishedJobRegistry: 'finished',
    FailedJobRegistry: 'failed',
    DeferredJobRegistry: 'deferred',
    ScheduledJobRegistry: 'scheduled',
    CanceledJobRegistry: 'canceled',
    ReadyJobRegistry: 'ready',
    BaseRegistry: 'registry',
}
EXPIRING = (FinishedJobRegistry, FailedJobRegistry)


def now(redis: Redis) -> int:
    return int(redis.time()[0])  # type: ignore[index]


@pytest.mark.parametrize('kind', KINDS)
def test_a_registry_is_made_of_a_name_or_a_queue(redis: Redis, kind: type[BaseRegistry]) -> None:
    queue = Queue('q', connection=redis, serializer='json')
    registries = [kind('q', redis), kind('q', connection=redis), kind(queue=queue), kind('other', queue=queue)]
    for registry in registries:
        assert (registry.name, registry.key, registry.connection) == ('q', f'rq:{KINDS[kind]}:q', redis)
        assert registry.get_queue() == queue
        assert registry == registries[0]
        assert (registry.count, len(registry), bool(registry)) == (0, 0, True)
    assert kind(connection=redis).name == 'default'
    assert registries[2].serializer is queue.serializer
    assert registries[0] != kind('p', redis)
    assert registries[0] != 'q'
    assert repr(registries[0]) == f"{kind.__name__}('q')"
    with pytest.raises(TypeError, match=f'{kind.__name__}.. needs connection='):
        kind('q')


def test_a_queue_and_a_job_lead_to_their_registries(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give)
    for name in ('started', 'finished', 'failed', 'deferred', 'scheduled', 'canceled', 'ready'):
        registry = getattr(queue, f'{name}_job_registry')
        assert registry.key == f'rq:{"wip" if name == "started" else name}:q'
    for name in ('started', 'finished', 'failed'):
        assert getattr(job, f'{name}_job_registry') == getattr(queue, f'{name}_job_registry')


@pytest.mark.parametrize('kind', EXPIRING)
def test_pages_leave_out_what_has_expired(redis: Redis, kind: type[BaseRegistry]) -> None:
    registry, moment = kind('q', redis), now(redis)
    members = {
        'never': -1,
        'nor this': -1,
        'old': 5,
        'just': moment - 1,
        'soon': moment + 50,
        'late': moment + 60,
        'ever': 'inf',
    }
    redis.zadd(registry.key, members)  # type: ignore[arg-type]
    living = ['never', 'nor this', 'soon', 'late', 'ever']
    assert (registry.count, len(registry), registry.get_job_count()) == (5, 5, 5)
    assert registry.get_job_count(cleanup=False) == 7
    assert registry.get_job_ids(cleanup=False) == ['never', 'nor this', 'old', 'just', 'soon', 'late', 'ever']
    for start, end, desc in itertools.product(range(-7, 8), range(-7, 8), (False, True)):
        redis.zadd('rq:living', {name: place for place, name in enumerate(living)})
        as_redis = [name.decode() for name in redis.zrange('rq:living', start, end, desc=desc)]
        assert registry.get_job_ids(start, end, desc=desc) == as_redis, (start, end, desc)
    redis.delete('rq:living')
    assert registry.get_expired_job_ids() == ['old', 'just']
    assert registry.get_expired_job_ids(5) == ['old']
    registry.cleanup(5)
    assert registry.get_job_count(cleanup=False) == 6
    registry.cleanup()
    assert registry.get_job_ids(cleanup=False) == living


def test_clean_registries_drops_what_has_expired(redis: Redis, queue: Queue) -> None:
    for key in ('rq:finished:q', 'rq:failed:q', 'rq:canceled:q'):
        redis.zadd(key, {'old': 5, 'never': -1})
    clean_registries(queue)
    assert redis.zrange('rq:finished:q', 0, -1) == redis.zrange('rq:failed:q', 0, -1) == [b'never']
    assert redis.zcard('rq:canceled:q') == 2


@pytest.mark.parametrize('kind', [kind for kind in KINDS if kind not in (*EXPIRING, StartedJobRegistry)])
def test_where_nothing_expires_everything_is_listed(redis: Redis, kind: type[BaseRegistry], disorder: None) -> None:
    registry = kind('q', redis)
    redis.zadd(registry.key, {'a': 5, 'b': 6, 'c': 7})
    assert (registry.count, registry.get_job_ids(), registry.get_job_ids(0, 1, desc=True)) == (
        3,
        ['a', 'b', 'c'],
        ['c', 'b'],
    )
    if kind is not ReadyJobRegistry:
        registry.cleanup()
        assert registry.count == 3


def test_a_job_or_an_id_is_in_a_registry_or_not(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give)
    registry = queue.canceled_job_registry
    assert job not in registry
    job.cancel()
    assert job in registry
    assert job.id in registry
    for other in ('nope', 5, None, queue):
        assert other not in registry


# --- changed by hand -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('kind', 'ttl', 'score'),
    [
        (FinishedJobRegistry, 100, 100),
        (FinishedJobRegistry, 0, 0),
        (FinishedJobRegistry, -1, 'inf'),
        (CanceledJobRegistry, 0, 0),
        (FailedJobRegistry, 100, 100),
        (FailedJobRegistry, -1, -1),
        (FailedJobRegistry, None, 31536000),
        (DeferredJobRegistry, None, 0),
        (DeferredJobRegistry, 50, 0),
        (ReadyJobRegistry, None, 0),
    ],
)
def test_a_job_put_in_by_hand_has_rqs_score(
    redis: Redis, queue: Queue, kind: Any, ttl: int | None, score: int | str, disorder: None
) -> None:
    job = queue.enqueue(give)
    kind(queue=queue).add(job, ttl)
    found = redis.zscore(f'rq:{KINDS[kind]}:q', job.id)
    assert found == float(score) if score in ('inf', -1) else abs(found - now(redis) - int(score)) <= 1  # type: ignore[operator]
    assert job.is_queued
    if kind is FailedJobRegistry:
        assert redis.ttl(job.key) == -1 if ttl == -1 else redis.ttl(job.key) > 90


def test_a_score_is_changed_only_where_there_is_one(redis: Redis, queue: Queue, disorder: None) -> None:
    registry = queue.finished_job_registry
    assert registry.add('a', 100, xx=True) == 0
    assert registry.count == 0
    assert registry.add('a', 100) == 1
    assert registry.add('a', 200, xx=True) == 0
    assert registry.get_expiration_time('a') > datetime.fromtimestamp(now(redis) + 150, UTC)


def test_the_time_at_which_a_member_expires(redis: Redis, queue: Queue) -> None:
    registry = queue.finished_job_registry
    redis.zadd(registry.key, {'a': 4102444800, 'never': 'inf', 'nor this': -1})
    assert registry.get_expiration_time('a') == datetime(2100, 1, 1, tzinfo=UTC)
    assert (
        registry.get_expiration_time('never')
        == registry.get_expiration_time('nor this')
        > datetime(9999, 1, 1, tzinfo=UTC)
    )
    with pytest.raises(NoSuchJobError, match='nope is not in rq:finished:q'):
        registry.get_expiration_time('nope')


def test_a_member_is_removed_with_its_job_or_without(redis: Redis, queue: Queue, disorder: None) -> None:
    first, second = queue.enqueue(give), queue.enqueue(give)
    registry = queue.canceled_job_registry
    for job in (first, second):
        job.cancel()
    assert registry.remove(first) == 1
    assert registry.remove(first) == 0
    assert Job.exists(first.id, connection=redis)
    with redis.pipeline() as pipeline:
        registry.remove(second.id, pipeline=pipeline, delete_job=True)
        assert registry.count == 1
        pipeline.execute()
    assert registry.count == 0
    assert not Job.exists(second.id, connection=redis)


PUT: dict[str, Callable[[Queue], Job]] = {
    'canceled': lambda queue: canceled(queue.enqueue(give)),
    'finished': lambda queue: Queue('q', connection=queue.connection, is_async=False).enqueue(give),
    'failed': lambda queue: Queue('q', connection=queue.connection, is_async=False).enqueue(fail),
    'scheduled': lambda queue: queue.enqueue_at(datetime(2100, 1, 1, tzinfo=UTC), give),
}


def canceled(job: Job) -> Job:
    job.cancel()
    return job


@pytest.mark.parametrize('name', PUT)
@pytest.mark.parametrize('by_id', [False, True])
@pytest.mark.parametrize('at_front', [False, True])
def test_a_job_of_any_registry_is_requeued(redis: Redis, queue: Queue, name: str, by_id: bool, at_front: bool) -> None:
    queue.enqueue(give, job_id='waits')
    job = PUT[name](queue)
    registry = getattr(queue, f'{name}_job_registry')
    assert registry.get_job_ids() == [job.id]
    found = registry.requeue(job.id if by_id else job, at_front=at_front)
    assert found == job
    assert found.get_status(refresh=False) is found.get_status()
    assert found.is_queued
    assert registry.count == 0
    assert queue.job_ids == ([job.id, 'waits'] if at_front else ['waits', job.id])
    assert redis.ttl(job.key) == -1
    stored = Job.fetch(job.id, connection=redis)
    assert (stored.started_at, stored.ended_at) == (None, None)


@pytest.mark.parametrize('name', PUT)
def test_what_is_not_in_a_registry_is_not_requeued(queue: Queue, unchanged: Any, name: str) -> None:
    job = queue.enqueue(give)
    registry = getattr(queue, f'{name}_job_registry')
    for job_or_id in (job, job.id):
        with unchanged(), pytest.raises(InvalidJobOperation, match=job.id):
            registry.requeue(job_or_id)
    with unchanged(), pytest.raises(NoSuchJobError, match='No such job: rq:job:nope'):
        registry.requeue('nope')


def test_a_failed_job_whose_hash_is_gone_is_not_requeued(redis: Redis, queue: Queue) -> None:
    redis.zadd('rq:failed:q', {'gone': 4102444800})
    with pytest.raises(NoSuchJobError):
        queue.failed_job_registry.requeue('gone')
    assert queue.count == 0


# --- reading never writes ---------------------------------------------------------------------------------------------------

READS: dict[str, Callable[[BaseRegistry], Any]] = {
    'count': lambda registry: registry.count,
    'len': len,
    'get_job_count': lambda registry: registry.get_job_count(cleanup=True),
    'get_job_ids': lambda registry: registry.get_job_ids(cleanup=True),
    'in': lambda registry: 'old' in registry,
    'get_expiration_time': lambda registry: registry.get_expiration_time('old'),
}


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('read', READS)
def test_reading_writes_nothing(redis: Redis, unchanged: Any, kind: Any, read: str, disorder: None) -> None:
    registry = kind('q', redis)
    redis.zadd(registry.key, {'old': 5, 'never': -1, 'later': 4102444800})
    redis.hset('rq:job:old', mapping={'data': 'x', 'status': 'started', 'origin': 'q', 'timeout': 'bad'})
    before = writes(redis)
    with unchanged():
        READS[read](registry)
    assert writes(redis) == before


def writes(redis: Redis) -> int:
    """Changes of the data set since the last save, as the server counts them."""
    return int(redis.info('persistence')['rdb_changes_since_last_save'])  # type: ignore[index]


def test_the_registry_of_a_jobs_runs_writes_nothing_either(redis: Redis, unchanged: Any, disorder: None) -> None:
    redis.zadd('rq:executions:j', {'old': 5, 'e1': 4102444800})
    registry = ExecutionRegistry('j', redis)
    with unchanged():
        assert registry.get_execution_ids() == ['e1']
        assert registry.get_executions() == []
        assert registry.count == 1
