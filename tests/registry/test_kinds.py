"""What single kinds of registry do besides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from redis import Redis

from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry, FailedView
from tests.domain.work import give
from tests.store.conftest import HorseMaker, either, horse

__all__ = ['either', 'horse']


# --- started -------------------------------------------------------------------------------------------------------------------


def test_started_jobs_are_known_by_their_runs(redis: Redis, queue: Queue, horse: HorseMaker) -> None:
    jobs = [queue.enqueue(give, number) for number in range(3)]
    claimed = horse(queues=['q']).ask(room=2).jobs
    registry = queue.started_job_registry
    pairs = [(one.id.decode(), one.execution.decode()) for one in claimed]
    assert sorted(registry.get_job_and_execution_ids()) == sorted(pairs)
    assert sorted(registry.get_job_ids()) == sorted(job.id for job in jobs[:2])
    assert registry.count == 2
    assert jobs[0] in registry
    assert jobs[0].id in registry
    assert ':'.join(pairs[0]) in registry
    assert jobs[2] not in registry
    assert None not in registry
    assert jobs[0].is_started


def test_members_of_all_ages_and_kinds_can_be_read(redis: Redis, queue: Queue, disorder: None) -> None:
    redis.zadd('rq:wip:q', {'a:e1': 4102444800, 'bare': 4102444801, 'odd:x:y': 4102444802, 'past:e': 5})
    registry = queue.started_job_registry
    assert registry.get_job_ids() == ['past', 'a', 'bare', 'odd']
    assert registry.get_job_and_execution_ids(desc=True) == [('odd', 'x:y'), ('bare', ''), ('a', 'e1'), ('past', 'e')]
    assert registry.get_job_and_execution_ids(1, 1) == [('a', 'e1')]
    assert registry.get_expired_job_ids() == ['past']
    assert registry.count == 4  # a run past its score is there until a reaper has judged it


def test_cleaning_is_left_to_the_reaper(redis: Redis, queue: Queue, unchanged: Any, disorder: None) -> None:
    redis.zadd('rq:wip:q', {'past:e': 5})
    with unchanged():
        queue.started_job_registry.cleanup()


def test_a_job_is_neither_added_nor_removed_but_its_runs_are(redis: Redis, queue: Queue, disorder: None) -> None:
    job, registry = queue.enqueue(give), queue.started_job_registry
    for refused in (registry.add, registry.remove):
        with pytest.raises(NotImplementedError, match='known by its run'):
            refused(job)
    runs = [Execution(name, job.id, redis) for name in ('e1', 'e2', 'e3')]
    with redis.pipeline() as pipeline:
        for run in runs:
            registry.add_execution(run, pipeline, ttl=60)
        pipeline.execute()
    assert registry.get_job_and_execution_ids() == [(job.id, name) for name in ('e1', 'e2', 'e3')]
    registry.remove_execution(runs[0])
    assert registry.count == 2
    registry.remove_executions(job)
    assert registry.count == 0
    registry.remove_execution(runs[0], delete_job=True)
    assert not Job.exists(job.id, connection=redis)


# --- scheduled -------------------------------------------------------------------------------------------------------------------


def test_a_job_scheduled_by_hand(redis: Redis, queue: Queue, disorder: None) -> None:
    job, registry = Job.create(give, connection=redis, origin='q'), queue.scheduled_job_registry
    assert registry.schedule(job, datetime(2100, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))) == 1
    assert registry.schedule(job, datetime(2100, 1, 1, 0, 0, 0, 1, tzinfo=UTC)) == 0
    assert (
        registry.get_scheduled_time(job)
        == registry.get_scheduled_time(job.id)
        == datetime(2100, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)
    )
    with pytest.raises(NoSuchJobError, match='nope'):
        registry.get_scheduled_time('nope')
    with pytest.raises(TypeError, match='datetime'):
        registry.schedule(job, 'tomorrow')  # type: ignore[arg-type]


def test_what_is_due(redis: Redis, queue: Queue, disorder: None) -> None:
    registry = queue.scheduled_job_registry
    redis.zadd(registry.key, {'a': 5, 'b': 6, 'c': 4102444800})
    assert registry.get_jobs_to_schedule() == registry.get_jobs_to_enqueue() == ['a', 'b']
    assert registry.get_jobs_to_schedule(5) == ['a']
    assert registry.get_jobs_to_schedule(chunk_size=1) == ['a']
    assert registry.get_jobs_to_enqueue(4102444800) == ['a', 'b', 'c']
    assert registry.remove_jobs(5) == 1
    with redis.pipeline() as pipeline:
        registry.remove_jobs(pipeline=pipeline)
        pipeline.execute()
    assert registry.get_job_ids() == ['c']


# --- canceled, ready ---------------------------------------------------------------------------------------------------------------


def test_canceled_jobs_do_not_expire(queue: Queue) -> None:
    with pytest.raises(NotImplementedError, match='do not expire'):
        queue.canceled_job_registry.get_expired_job_ids()


def test_jobs_that_an_rq_process_left_ready_are_queued_by_a_cleanup(redis: Redis, queue: Queue) -> None:
    registry = queue.ready_job_registry
    jobs = [Job.create(give, (number,), connection=redis, origin='q') for number in range(2)]
    for job in jobs:
        job.save()
    with redis.pipeline() as pipeline:
        registry.register_jobs(jobs, pipeline)
        pipeline.execute()
    redis.zadd(registry.key, {'gone': 5})
    assert jobs[0].get_status() is JobStatus.READY_TO_ENQUEUE
    assert sorted(job.id for job in registry.cleanup()) == sorted(job.id for job in jobs)
    assert registry.count == 0
    assert sorted(queue.job_ids) == sorted(job.id for job in jobs)
    assert jobs[0].is_queued


# --- failed jobs of all queues -------------------------------------------------------------------------------------------------


def test_the_view_of_failed_jobs_has_every_queue_in_the_order_in_which_they_expire(redis: Redis) -> None:
    moment = redis.time()[0]  # type: ignore[index]
    redis.sadd('rq:queues', 'rq:queue:a', 'rq:queue:b', 'rq:queue:empty', 'no queue')
    redis.zadd('rq:failed:a', {'a1': moment + 10, 'a2': moment + 30, 'kept': -1, 'old': 5})
    redis.zadd('rq:failed:b', {'b1': moment + 20, 'b2': moment + 40, 'ever': 'inf', 'just': moment})
    redis.zadd('rq:failed:unknown', {'u': moment + 20})
    view = FailedView(redis)
    everything = ['a1', 'b1', 'a2', 'b2', 'kept', 'ever']
    assert view.count() == 6
    assert view.ids() == everything
    for offset in range(7):
        for length in range(1, 8):
            assert view.ids(offset, length) == everything[offset : offset + length]
    assert view.ids(1, -1) == everything[1:]
    assert view.ids(0, -2) == everything[:-1]
    assert view.ids(-2) == ['kept', 'ever']


def test_both_protocols_are_read_alike(redis: Redis, either: Redis) -> None:
    redis.sadd('rq:queues', 'rq:queue:q')
    redis.zadd('rq:failed:q', {'kept': -1, 'old': 5, 'a': 4102444800, 'b': 4102444801})
    registry = FailedJobRegistry('q', either)
    assert (registry.count, registry.get_job_ids()) == (3, ['kept', 'a', 'b'])
    assert registry.get_job_ids(0, 1, desc=True) == ['b', 'a']
    assert registry.get_expiration_time('a') == datetime(2100, 1, 1, tzinfo=UTC)
    assert registry.get_expired_job_ids() == ['old']
    assert (FailedView(either).count(), FailedView(either).ids()) == (3, ['a', 'b', 'kept'])
    registry.cleanup()
    assert registry.get_job_count(cleanup=False) == 3


def test_the_view_of_nothing(redis: Redis, unchanged: Any) -> None:
    with unchanged():
        assert (FailedView(redis).count(), FailedView(redis).ids(), FailedView(redis).ids(0, 5)) == (0, [], [])
