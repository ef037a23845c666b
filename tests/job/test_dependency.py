"""depends_on in all its forms, and what a job can say of those it waits for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from rq import Queue, RateLimit, SimpleWorker
from rq.exceptions import InvalidJobDependency
from rq.job import Dependency, Job, JobStatus
from tests.domain.work import fail, give
from tests.support.invariants import violations

__all__: list[str] = []


@pytest.fixture
def queue(redis: Redis) -> Queue:
    return Queue('q', connection=redis)


def work(queue: Queue) -> None:
    SimpleWorker([queue], connection=queue.connection).work(burst=True)


@pytest.mark.parametrize(
    'form',
    [
        lambda a, b: [a, b],
        lambda a, b: (a.id, b),
        lambda a, b: {a.id: 1, b.id: 2}.keys(),
        lambda a, b: Dependency([a, b.id]),
        lambda a, b: [Dependency(a), b.id],
        lambda a, b: [a, b, a.id],
        lambda a, b: (item for item in [a, b]),
    ],
)
def test_jobs_ids_dependencies_and_several_of_these_are_taken(queue: Queue, form: Any) -> None:
    first, second = queue.enqueue(give, job_id='a'), queue.enqueue(give, job_id='b')
    job = queue.enqueue(give, depends_on=form(first, second))
    assert job.get_status() is JobStatus.DEFERRED
    assert (job.dependency_ids, job._dependency_ids) == (['a', 'b'], ['a', 'b'])
    assert Job.fetch(job.id, connection=queue.connection).dependency_ids == ['a', 'b']
    assert first.dependent_ids == second.dependent_ids == [job.id]
    assert queue.deferred_job_registry.get_job_ids() == [job.id]


@pytest.mark.parametrize('nothing', [None, [], ()])
def test_nothing_to_wait_for_is_no_dependency(queue: Queue, nothing: Any) -> None:
    job = queue.enqueue(give, depends_on=nothing)
    assert (job.get_status(), job.dependency_ids) == (JobStatus.QUEUED, [])


@pytest.mark.parametrize('bad', [[], 5, [None], ['a', 5]])
def test_a_dependency_on_what_is_no_job_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match='jobs: '):
        Dependency(bad)


def test_an_unknown_id_counts_as_ended_since_results_expire(queue: Queue) -> None:
    assert queue.enqueue(give, depends_on='nobody').get_status() is JobStatus.QUEUED


def test_a_circle_is_refused_and_the_job_stays_what_it_was(queue: Queue) -> None:
    queue.enqueue(give, 1, job_id='a')
    queue.enqueue(give, 2, job_id='b', depends_on='a')
    with pytest.raises(
        InvalidJobDependency, match='Job a would wait for a job that waits for it; nothing was enqueued'
    ):
        queue.enqueue(give, 3, job_id='a', depends_on='b')
    assert Job.fetch('a', connection=queue.connection).args == (1,)
    work(queue)
    assert [Job.fetch(name, connection=queue.connection).return_value() for name in 'ab'] == [1, 2]


def test_the_head_of_the_queue_may_be_asked_for_in_either_place(queue: Queue) -> None:
    queue.enqueue(give, job_id='a')
    queue.enqueue(give, job_id='b', depends_on=Dependency('a', enqueue_at_front=True))
    queue.enqueue(give, job_id='c', depends_on='a', at_front=True)
    queue.enqueue(give, job_id='d', depends_on='a')
    queue.enqueue_dependents(Job.fetch('a', connection=queue.connection))
    assert set(queue.job_ids[:2]) == {'b', 'c'}
    assert queue.job_ids[2:] == ['a', 'd']


def test_a_job_tells_of_those_it_waits_for(queue: Queue) -> None:
    first, second = queue.enqueue(give, job_id='a'), queue.enqueue(give, job_id='b')
    job = queue.enqueue(give, job_id='c', depends_on=[first, second])
    assert job.dependency == first
    assert job.fetch_dependencies() == [first, second]
    assert job.dependency_ids[0].decode('utf-8') == 'a'  # type: ignore[attr-defined]  # for rq-dashboard
    assert not job.dependencies_are_met()
    first.set_status(JobStatus.FINISHED)
    queue.connection.zadd(queue.finished_job_registry.key, {'a': 4e9})
    queue.remove('a')
    assert job.dependencies_are_met(exclude_job_id='b')
    assert not job.dependencies_are_met()
    second._status = JobStatus.FINISHED
    assert job.dependencies_are_met(parent_job=second, refresh_job_status=False)
    with queue.connection.pipeline() as pipeline:
        assert len(job.fetch_dependencies(watch=True, pipeline=pipeline)) == 2


def test_a_deleted_job_takes_those_who_wait_for_it_along_if_told_so(queue: Queue) -> None:
    first = queue.enqueue(give, job_id='a')
    queue.enqueue(give, job_id='b', depends_on=first)
    first.delete(delete_dependents=True)
    assert not Job.exists('b', queue.connection)
    assert violations(queue.connection) == []


def test_a_canceled_job_may_release_those_who_wait_for_it(queue: Queue) -> None:
    first = queue.enqueue(give, job_id='a')
    queue.enqueue(give, job_id='b', depends_on=first)
    assert first.cancel(enqueue_dependents=True) == {'q': ['b']}
    assert queue.job_ids == ['b']


def test_a_canceled_job_of_a_deleted_one_can_be_requeued(queue: Queue) -> None:
    """What its canceling took away is not lost."""
    first = queue.enqueue(give, job_id='a')
    queue.enqueue(give, 5, job_id='b', depends_on=first)
    first.delete()
    assert queue.canceled_job_registry.get_job_ids() == ['b']
    queue.canceled_job_registry.requeue('b')
    work(queue)
    assert Job.fetch('b', connection=queue.connection).return_value() == 5


def test_a_job_made_by_hand_waits_as_well(queue: Queue) -> None:
    queue.enqueue(give, job_id='a')
    job = Job.create(give, id='b', depends_on='a', connection=queue.connection)
    assert (job._status, job._dependency_ids) == (JobStatus.CREATED, ['a'])
    assert queue.enqueue_job(job)._status is JobStatus.DEFERRED
    again = Job.create(give, id='c', depends_on='a', connection=queue.connection)
    assert queue.setup_dependencies(again)._status is JobStatus.DEFERRED
    assert violations(queue.connection) == []
    work(queue)
    assert {Job.fetch(name, connection=queue.connection).get_status() for name in 'abc'} == {JobStatus.FINISHED}


def test_a_scheduled_job_waits_for_its_time_and_then_for_others(queue: Queue) -> None:
    first = queue.enqueue_in(timedelta(hours=1), give, job_id='a')
    job = queue.enqueue_in(timedelta(seconds=-5), give, depends_on=first)
    assert job.get_status() is JobStatus.SCHEDULED
    work(queue)
    assert job.get_status() is JobStatus.DEFERRED


def test_a_sync_queue_runs_what_is_ready_and_defers_the_rest(redis: Redis, queue: Queue) -> None:
    sync = Queue('sync', connection=redis, is_async=False)
    done = sync.enqueue(give, job_id='a')
    assert sync.enqueue(give, depends_on=done).get_status() is JobStatus.FINISHED
    waiting = queue.enqueue(give, job_id='w')
    late = sync.enqueue(give, depends_on=waiting)
    assert late.get_status() is JobStatus.DEFERRED
    work(queue)
    work(Queue('sync', connection=redis))
    assert late.get_status() is JobStatus.FINISHED


def test_jobs_of_one_bulk_may_wait_for_each_other(queue: Queue) -> None:
    datas = [Queue.prepare_data(give, job_id='a'), Queue.prepare_data(give, job_id='b', depends_on='a', at_front=True),
             Queue.prepare_data(fail, job_id='c'), Queue.prepare_data(give, job_id='d', depends_on='c')]  # fmt: skip
    found = queue.enqueue_many(datas)
    assert [job._status.value for job in found] == ['queued', 'deferred', 'queued', 'deferred']
    assert (found[0].enqueued_at is not None, found[1].enqueued_at) == (True, None)
    work(queue)
    assert [job.get_status().value for job in found] == ['finished', 'finished', 'failed', 'deferred']


def test_a_pipeline_carries_what_waits(queue: Queue) -> None:
    queue.enqueue(give, job_id='a')
    with queue.connection.pipeline() as pipeline:
        job = queue.enqueue(give, depends_on='a', pipeline=pipeline)
        assert not Job.exists(job.id, queue.connection)
        pipeline.execute()
    assert job.get_status() is JobStatus.DEFERRED


def test_one_enqueue_that_waits_is_one_round_trip(queue: Queue, redis: Redis) -> None:
    queue.enqueue(give, job_id='a')
    queue.enqueue(give, depends_on='a', rate_limit=RateLimit('k', 1))
    before = redis.info('commandstats')['cmdstat_evalsha']['calls']
    queue.enqueue(give, depends_on='a', rate_limit=RateLimit('k', 1))
    assert redis.info('commandstats')['cmdstat_evalsha']['calls'] - before == 1
