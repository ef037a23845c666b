"""What an RQ of the future may write: statuses and fields that nobody here knows cost nothing and lose nothing."""

from __future__ import annotations

import pytest
from redis import Redis

from rq import Queue, SimpleWorker
from rq.exceptions import InvalidJobOperation
from rq.job import Job, JobStatus
from rq.store import keys
from tests.worker import jobs


@pytest.fixture
def disorder() -> None:
    """A status that has no home is in no home."""


def test_a_job_of_an_unknown_status_can_be_read_and_says_so_when_asked(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(jobs.pid)
    redis.hset(job.key, mapping={'status': 'hibernating', 'hibernates_until': '2050'})
    found = Job.fetch(job.id, connection=redis)
    assert (found.func_name, found.is_failed, found._status) == ('tests.worker.jobs.pid', False, 'hibernating')
    with pytest.raises(InvalidJobOperation, match=f"Job {job.id} has an unknown status: 'hibernating'"):
        found.get_status()
    assert [one.id for one in queue.jobs] == [job.id]
    found.description = 'changed'
    found.save()
    assert redis.hget(job.key, 'hibernates_until') == b'2050'


def test_it_is_run_when_its_id_is_on_the_list_and_its_fields_stay(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(jobs.pid)
    redis.hset(job.key, mapping={'status': 'hibernating', 'hibernates_until': '2050'})
    SimpleWorker([queue], connection=redis).work(burst=True)
    assert job.get_status() is JobStatus.FINISHED
    assert redis.hget(job.key, 'hibernates_until') == b'2050'


def test_who_depends_on_it_waits_and_it_can_be_canceled_and_deleted(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(jobs.pid)
    redis.hset(job.key, 'status', 'hibernating')
    redis.delete(keys.queue('default'))
    dependent = queue.enqueue(jobs.pid, depends_on=job)
    assert dependent.get_status() is JobStatus.DEFERRED
    job.cancel(enqueue_dependents=True)
    assert dependent.get_status() is JobStatus.QUEUED
    job.delete()
    assert not Job.exists(job.id, redis)
