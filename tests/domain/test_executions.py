"""Runs of jobs, as readers see them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from rq import Queue
from rq.exceptions import DeserializationError, NoSuchJobError
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE, Execution, ExecutionRegistry
from rq.store import keys
from rq.store import worker as worker_store
from tests.domain.work import give
from tests.store.conftest import HorseMaker, horse

__all__ = ['horse']

BEGAN = 1763880000.5


@pytest.fixture
def run(redis: Redis, queue: Queue, horse: HorseMaker) -> Execution:
    """An announced run of a job of queue `q`, in worker `w1`."""
    queue.enqueue(give, job_id='j')
    one = horse('w1', queues=['q'])
    claimed = one.one()
    assert worker_store.announce(redis, 'w1', one.lease(claimed), BEGAN, 90)
    return Execution(claimed.execution.decode(), 'j', redis)


def test_a_run_is_found_by_its_ids(redis: Redis, run: Execution) -> None:
    found = Execution.fetch(run.id, 'j', redis)
    assert found == run
    assert hash(found) == hash(run)
    assert found != 'j'
    assert (found.id, found.job_id, found.worker_name) == (run.id, 'j', 'w1')
    assert found.created_at == datetime.fromtimestamp(BEGAN, UTC)
    assert abs((found.last_heartbeat - datetime.now(UTC)).total_seconds()) < 5
    assert found.job.is_started
    assert (found.key, found.composite_key) == (f'rq:execution:j:{run.id}', f'j:{run.id}')
    assert found.worker_executions_key == WORKER_EXECUTIONS_KEY_TEMPLATE.format('w1') == 'rq:worker:w1:executions'
    assert found.serialize() == {
        'id': run.id, 'job_id': 'j', 'created_at': BEGAN, 'last_heartbeat': found.last_heartbeat.timestamp(), 'worker_name': 'w1',
    }  # fmt: skip
    assert Execution.from_composite_key(f'j:{run.id}', redis) == run


def test_a_run_that_is_not_there(redis: Redis) -> None:
    with pytest.raises(ValueError, match='Execution e9 not found in Redis'):
        Execution.fetch('e9', 'j', redis)
    with pytest.raises(ValueError, match="'a:b:c'"):
        Execution.from_composite_key('a:b:c', redis)
    assert Execution.from_composite_key('bare', redis).id == ''
    with pytest.raises(NoSuchJobError):
        _ = Execution('e', 'nope', redis).job


def test_a_job_leads_to_its_runs(redis: Redis, queue: Queue, run: Execution) -> None:
    job = queue.fetch_job('j')
    assert job is not None
    assert job.get_executions() == [run]
    registry = ExecutionRegistry('j', redis)
    assert (registry.key, registry.job_id, registry.count) == ('rq:executions:j', 'j', 1)
    assert registry.get_execution_ids() == registry.get_job_ids() == [run.id]
    assert registry.get_executions() == [run]
    assert run.id in registry
    assert run in registry


def test_a_run_that_ends_while_we_look_is_left_out(redis: Redis, queue: Queue, disorder: None) -> None:
    redis.zadd('rq:executions:j', {'gone': 4102444800, 'past': 5})
    assert ExecutionRegistry('j', redis).get_executions() == []
    assert queue.enqueue(give, job_id='j').get_executions() == []


@pytest.mark.parametrize(
    'hash_',
    [
        {'id': 'e'},
        {'created_at': 'x', 'last_heartbeat': '1'},
        {'created_at': '1e300', 'last_heartbeat': '1'},
        {'created_at': 'nan'},
    ],
)
def test_a_run_that_cannot_be_read_is_told(redis: Redis, hash_: dict[str, Any], disorder: None) -> None:
    redis.hset('rq:execution:j:e', mapping=hash_)
    with pytest.raises(DeserializationError, match='created_at is not a time'):
        Execution.fetch('e', 'j', redis)


def test_an_old_run_without_its_jobs_id_is_of_the_job_that_was_asked_for(redis: Redis, disorder: None) -> None:
    redis.hset('rq:execution:j:e', mapping={'id': 'e', 'created_at': '1.5', 'last_heartbeat': '2'})
    found = Execution.fetch('e', 'j', redis)
    assert (found.job_id, found.worker_name) == ('j', '')


def test_a_run_can_be_written_renewed_and_deleted_by_hand_as_in_rq(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give)
    with redis.pipeline() as pipeline:
        run = Execution.create(job, 90, pipeline, worker_name='w1')
        pipeline.execute()
    now = redis.time()[0]
    assert 88 <= redis.ttl(run.key) <= 90 and 148 <= redis.ttl(keys.executions(job.id)) <= 150
    assert now + 88 <= redis.zscore(queue.started_job_registry.key, run.composite_key) <= now + 90
    assert redis.smembers(keys.worker_executions('w1')) == {run.composite_key.encode()}
    assert [found.id for found in job.get_executions()] == [run.id]
    with redis.pipeline() as pipeline:
        run.heartbeat(queue.started_job_registry, 70, pipeline)
        pipeline.execute()
    assert 68 <= redis.ttl(run.key) <= 70 and Execution.fetch(run.id, job.id, redis).last_heartbeat >= run.created_at
    run.save(50)
    assert 48 <= redis.ttl(run.key) <= 50
    with redis.pipeline() as pipeline:
        run.delete(job, pipeline)
        assert pipeline.execute() == [1, 1, 1, 1]
    assert job.get_executions() == [] and redis.exists(keys.job(job.id))


def test_the_runs_of_a_job_are_added_removed_and_deleted(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give)
    registry = ExecutionRegistry(job.id, redis)
    run = Execution('e', job.id, redis, 'w1')

    def do(*args: Any, **kwargs: Any) -> list[Any]:
        with redis.pipeline() as pipeline:
            args[0](*args[1:], pipeline, **kwargs)
            return pipeline.execute()

    assert do(lambda pipeline: registry.add(run, 60, pipeline, xx=True)) == [0, False]
    assert do(lambda pipeline: registry.add(run, 60, pipeline)) == [1, True]
    assert do(registry.remove, run) == [1]
    do(Execution.create, job, 90)
    do(registry.delete, job)
    assert not redis.exists(registry.key) and job.get_executions() == []
