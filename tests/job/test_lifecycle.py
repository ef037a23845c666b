"""What can be done to a job: saved, canceled, requeued, deleted, left to expire."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from rq import Queue, cancel_job, requeue_job
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job, JobStatus
from tests.domain.work import fail, give


@pytest.fixture
def failed(redis: Redis) -> Job:
    """A failed job of queue `q`."""
    job = Queue('q', connection=redis, is_async=False).enqueue(fail)
    redis.sadd('rq:queues', 'rq:queue:q')
    return job


# --- save -----------------------------------------------------------------------------------------------------------------


def test_save_stores_a_new_job_whole(redis: Redis) -> None:
    job = Job.create(give, (1,), connection=redis, meta={'a': 1})
    job.save()
    found = Job.fetch(job.id, connection=redis)
    assert (found.args, found.meta, found.get_status()) == ((1,), {'a': 1}, 'created')


def test_save_writes_only_what_was_changed_since_the_job_was_read(redis: Redis, queue: Queue) -> None:
    job = Job.fetch(queue.enqueue(give).id, connection=redis)
    assert job.timeout == 180  # reading a field is no change
    redis.hset(job.key, mapping={'timeout': '7', 'description': 'theirs', 'foreign': 'kept'})
    job.description = 'mine'
    job.save()
    raw = redis.hgetall(job.key)
    assert (raw[b'timeout'], raw[b'description'], raw[b'foreign']) == (b'7', b'mine', b'kept')


def test_save_after_enqueue_does_not_undo_what_a_worker_wrote(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give)
    redis.hset(job.key, mapping={'status': 'started', 'started_at': '2026-11-23T05:24:25.947771Z', 'worker_name': 'w'})
    job.meta['progress'] = 1
    job.save()
    assert job.get_status() is JobStatus.STARTED
    found = Job.fetch(job.id, connection=redis)
    assert (found.worker_name, found.meta) == ('w', {'progress': 1})
    redis.hset(job.key, 'status', 'queued')


def test_save_of_what_has_not_changed_sends_nothing(redis: Redis, queue: Queue, unchanged: Any) -> None:
    job = Job.fetch(queue.enqueue(give, meta={'a': 1}).id, connection=redis)
    for name in ('created_at', 'enqueued_at', 'origin', 'description', 'timeout', '_status', 'args'):
        getattr(job, name)
    with unchanged():
        job.save()


def test_a_second_save_writes_the_second_change(redis: Redis) -> None:
    job = Job.create(give, connection=redis)
    job.save()
    job.description = 'first'
    job.save()
    redis.hset(job.key, 'timeout', 9)
    job.description = None
    job.meta = {'a': 1}
    job.save()
    job.meta = {}
    job.save()
    found = Job.fetch(job.id, connection=redis)
    assert (found.description, found.timeout, found.meta) == (None, 9, {})


def test_save_into_a_pipeline_that_is_never_sent_is_sent_by_the_next(redis: Redis) -> None:
    job = Job.create(give, connection=redis)
    with redis.pipeline() as pipeline:
        job.save(pipeline=pipeline)
    assert not Job.exists(job.id, connection=redis)
    job.save()
    assert Job.exists(job.id, connection=redis)


def test_save_without_meta(redis: Redis) -> None:
    job = Job.create(give, connection=redis, meta={'a': 1})
    job.save(include_meta=False)
    assert Job.fetch(job.id, connection=redis).meta == {}
    assert 'meta' not in job.to_dict(include_meta=False)


def test_meta_is_saved_and_read_alone(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give, meta={'a': 1})
    other = Job.fetch(job.id, connection=redis)
    other.meta['b'] = 2
    other.save_meta()
    assert job.get_meta(refresh=False) == {'a': 1}
    assert job.get_meta() == job.meta == {'a': 1, 'b': 2}
    other.meta = {}
    other.save_meta()
    assert job.get_meta() == {}


# --- status ----------------------------------------------------------------------------------------------------------------


def test_the_status_is_asked_for(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give)
    for status in JobStatus:
        redis.hset(job.key, 'status', status.value)
        assert job.get_status() is status
        for name in ('queued', 'started', 'finished', 'failed', 'deferred', 'scheduled', 'stopped', 'canceled'):
            assert getattr(job, f'is_{name}') is (status.value == name)
    redis.hset(job.key, 'status', 'queued')


def test_a_status_that_we_do_not_know_is_named(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give)
    redis.hset(job.key, 'status', 'asleep')
    found = Job.fetch(job.id, connection=redis)
    with pytest.raises(InvalidJobOperation, match=f"Job {job.id} has an unknown status: 'asleep'"):
        found.get_status()
    found.description = 'changed'
    found.save()
    assert redis.hget(job.key, 'status') == b'asleep'
    redis.hset(job.key, 'status', 'queued')


def test_a_status_set_by_hand_moves_nothing(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give)
    job.set_status(JobStatus.FINISHED)
    assert redis.hget(job.key, 'status') == b'finished'
    assert queue.job_ids == [job.id]
    with redis.pipeline() as pipeline:
        job.set_status(JobStatus.QUEUED, pipeline=pipeline)
        pipeline.execute()
    assert job.is_queued


# --- cancel ------------------------------------------------------------------------------------------------------------------


def test_a_canceled_job_waits_no_more(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give)
    assert job.cancel() == {}
    assert job.get_status(refresh=False) is job.get_status() is JobStatus.CANCELED
    assert (queue.count, queue.canceled_job_registry.get_job_ids()) == (0, [job.id])
    with pytest.raises(InvalidJobOperation, match=f'Cannot cancel already canceled job: {job.id}'):
        job.cancel()


def test_any_job_can_be_canceled_wherever_it_is(redis: Redis, queue: Queue, failed: Job) -> None:
    scheduled = queue.enqueue_at(datetime(2100, 1, 1, tzinfo=UTC), give)
    for job in (scheduled, failed):
        job.cancel()
        assert job.is_canceled
    assert (queue.scheduled_job_registry.count, queue.failed_job_registry.count) == (0, 0)
    assert sorted(queue.canceled_job_registry.get_job_ids()) == sorted([scheduled.id, failed.id])


def test_a_job_is_canceled_by_id_or_in_a_pipeline(redis: Redis, queue: Queue) -> None:
    cancel_job(queue.enqueue(give, job_id='one').id, connection=redis)
    with redis.pipeline() as pipeline:
        queue.enqueue(give, job_id='two').cancel(pipeline=pipeline)
        assert queue.count == 1
        pipeline.execute()
    assert queue.canceled_job_registry.count == 2
    with pytest.raises(NoSuchJobError):
        cancel_job('nope', connection=redis)


def test_a_job_that_is_gone_cannot_be_canceled(queue: Queue) -> None:
    job = queue.enqueue(give)
    job.delete()
    with pytest.raises(InvalidJobOperation, match='not stored any more'):
        job.cancel()


# --- requeue -----------------------------------------------------------------------------------------------------------------


def test_a_failed_job_is_requeued(redis: Redis, queue: Queue, failed: Job) -> None:
    queue.enqueue(give)
    assert failed.requeue(at_front=True) is failed
    assert failed.is_queued
    assert (failed.started_at, failed.ended_at) == (None, None)
    assert queue.job_ids[0] == failed.id
    assert queue.failed_job_registry.count == 0
    assert redis.ttl(failed.key) == -1


def test_a_failed_job_is_requeued_by_id(redis: Redis, queue: Queue, failed: Job) -> None:
    assert requeue_job(failed.id, connection=redis).is_queued
    assert queue.job_ids == [failed.id]


def test_what_has_not_failed_cannot_be_requeued(redis: Redis, queue: Queue, unchanged: Any) -> None:
    job = queue.enqueue(give)
    with unchanged(), pytest.raises(InvalidJobOperation, match="not among the failed jobs of queue 'q'"):
        job.requeue()
    with unchanged(), pytest.raises(NoSuchJobError):
        requeue_job('nope', connection=redis)


# --- delete, expiry -----------------------------------------------------------------------------------------------------------


def test_a_deleted_job_leaves_nothing(redis: Redis, queue: Queue, failed: Job) -> None:
    jobs = [queue.enqueue(give), queue.enqueue_at(datetime(2100, 1, 1, tzinfo=UTC), give), failed, queue.enqueue(give)]
    jobs[3].cancel()
    for job in jobs:
        job.delete()
    assert {key for key in redis.scan_iter() if not key.startswith((b'rq:wake', b'rq:said'))} == {b'rq:queues'}
    jobs[0].delete()  # deleting what is gone is no error


def test_a_job_is_deleted_with_its_entry_on_the_list_or_without(redis: Redis, queue: Queue, disorder: None) -> None:
    first, second = queue.enqueue(give), queue.enqueue(give)
    first.delete(remove_from_queue=False)
    assert queue.job_ids == [first.id, second.id]
    with redis.pipeline() as pipeline:
        second.delete(pipeline=pipeline)
        assert Job.exists(second.id, connection=redis)
        pipeline.execute()
    assert queue.job_ids == [first.id]


def test_cleanup_lets_a_job_expire_or_not(redis: Redis) -> None:
    job = Job.create(give, connection=redis)
    job.save()
    job.cleanup(50)
    assert 45 < redis.ttl(job.key) <= 50
    job.cleanup()
    assert redis.ttl(job.key) > 0
    job.cleanup(-1)
    assert redis.ttl(job.key) == -1
    job.cleanup(0)
    assert not Job.exists(job.id, connection=redis)


def test_ttls_have_defaults(redis: Redis) -> None:
    job = Job.create(give, connection=redis)
    assert (job.get_ttl(), job.get_ttl(9), job.get_result_ttl(500)) == (None, 9, 500)
    job = Job.create(give, connection=redis, ttl=1, result_ttl=0)
    assert (job.get_ttl(), job.get_ttl(9), job.get_result_ttl(500)) == (1, 1, 0)


def test_the_wait_before_a_retry_is_that_of_its_number_and_the_last_repeats(redis: Redis) -> None:
    job = Job.create(give, connection=redis)
    assert (job.should_retry, job.get_retry_interval()) == (False, 0)
    job.retries_left, job.retry_intervals = 3, [10, 20]
    job.save()
    waits = []
    for used in range(4):
        redis.hset(job.key, 'retries_used', used)
        job.refresh()
        waits.append(job.get_retry_interval())
    assert waits == [10, 20, 20, 20]
    assert job.should_retry
