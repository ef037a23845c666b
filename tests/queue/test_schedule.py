"""enqueue_at and enqueue_in: jobs for later."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from redis import Redis

from rq import Queue
from rq.exceptions import DuplicateJobError
from rq.job import Job, JobStatus
from rq.store import enqueue as store
from tests.domain.work import add, give

LATER = datetime(2100, 1, 1, tzinfo=UTC)


def test_a_job_for_later_waits_in_its_registry_and_not_on_the_queue(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue_at(LATER, add, 1, b=2, job_timeout=5, meta={'a': 1})
    found = Job.fetch(job.id, connection=redis)
    assert (queue.count, queue.scheduled_job_registry.get_job_ids()) == (0, [job.id])
    assert queue.scheduled_job_registry.get_scheduled_time(job) == LATER
    assert found.get_status() is job.get_status(refresh=False) is JobStatus.SCHEDULED
    assert found.is_scheduled
    assert (found.enqueued_at, found.args, found.kwargs, found.timeout, found.meta) == (
        None,
        (1,),
        {'b': 2},
        5,
        {'a': 1},
    )
    assert redis.smembers('rq:queues') == {b'rq:queue:q'}


@pytest.mark.parametrize(
    ('when', 'due'),
    [
        (datetime(2100, 1, 1, 0, 0, 0, 1, tzinfo=UTC), 4102444800.001),  # never early: the next millisecond
        (datetime(2100, 1, 1, 0, 0, 0, 123000, tzinfo=UTC), 4102444800.123),
        (datetime(2100, 1, 1, tzinfo=UTC), 4102444800),
        (datetime(2100, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), 4102444800),
    ],
)
def test_the_moment_at_which_it_is_due(redis: Redis, queue: Queue, when: datetime, due: float) -> None:
    job = queue.enqueue_at(when, give)
    assert redis.zscore('rq:scheduled:q', job.id) == due


def test_a_naive_time_is_local_with_the_offset_of_that_day(
    redis: Redis, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('TZ', 'America/New_York')
    time.tzset()
    try:
        winter, summer = queue.enqueue_at(datetime(2030, 1, 1), give), queue.enqueue_at(datetime(2030, 7, 1), give)  # noqa: DTZ001
        registry = queue.scheduled_job_registry
        assert registry.get_scheduled_time(winter) == datetime(2030, 1, 1, 5, tzinfo=UTC)
        assert registry.get_scheduled_time(summer) == datetime(2030, 7, 1, 4, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_enqueue_in_counts_from_now(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue_in(timedelta(minutes=10), give)
    left = queue.scheduled_job_registry.get_scheduled_time(job) - datetime.now(UTC)
    assert timedelta(minutes=9, seconds=55) < left < timedelta(minutes=10, seconds=1)


def test_what_is_due_moves_to_the_queue_at_the_front_if_asked(redis: Redis, queue: Queue) -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    queue.enqueue(give, job_id='waits')
    queue.enqueue_at(past, give, job_id='back')
    queue.enqueue_at(past + timedelta(seconds=1), give, job_id='front', at_front=True)
    queue.enqueue_at(LATER, give, job_id='later')
    assert store.promote_due(redis, ['q'])[0] == 2
    assert queue.job_ids == ['front', 'waits', 'back']
    job = Job.fetch('back', connection=redis)
    assert job.is_queued
    assert job.enqueued_at is not None


def test_unique_refuses_an_id_that_is_in_use_and_leaves_its_job_as_it_is(
    redis: Redis, queue: Queue, unchanged: Any
) -> None:
    queue.enqueue(give, 1, job_id='same')
    with unchanged(), pytest.raises(DuplicateJobError):
        queue.enqueue_at(LATER, give, 2, job_id='same', unique=True)
    with unchanged(), pytest.raises(ValueError, match='requires an explicit job_id'):
        queue.enqueue_at(LATER, give, unique=True)


def test_a_job_of_ones_own_can_be_scheduled(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give, 1, job_id='mine')
    queue.schedule_job(job, LATER)
    assert (queue.count, queue.scheduled_job_registry.get_job_ids()) == (0, ['mine'])
    assert Job.fetch('mine', connection=redis).enqueued_at is None


def test_a_pipeline_takes_it_along(redis: Redis, queue: Queue) -> None:
    with redis.pipeline() as pipeline:
        queue.enqueue_at(LATER, give, pipeline=pipeline)
        assert queue.scheduled_job_registry.count == 0
        pipeline.execute()
    assert queue.scheduled_job_registry.count == 1


@pytest.mark.parametrize('when', ['tomorrow', 5, None, LATER.date()])
def test_what_is_no_time_is_refused(queue: Queue, unchanged: Any, when: Any) -> None:
    with unchanged(), pytest.raises(TypeError, match=r'datetime is needed .* not '):
        queue.enqueue_at(when, give)
    with unchanged(), pytest.raises(TypeError, match=r'timedelta is needed, such as .* not '):
        queue.enqueue_in(when, give)
