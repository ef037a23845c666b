"""Signed jobs beside released RQs: they run and read ours; what they write is what `warn` lets through and `require` refuses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from rq import Queue, SimpleWorker, signing
from rq.exceptions import SignatureError
from rq.job import Job, JobStatus
from tests.compat.fleet import Peer

SECRET = 'a1b2' * 16


@pytest.fixture(autouse=True)
def signed() -> Iterator[None]:
    signing.configure([('k1', SECRET)], 'require')
    yield
    signing.configure(None)


def work(redis: Redis) -> None:
    SimpleWorker(['q'], connection=redis).work(burst=True, logging_level='CRITICAL')


def test_they_run_and_read_signed_jobs(redis: Redis, peer: Peer) -> None:
    queue = Queue('q', connection=redis)
    ours = queue.enqueue('compat_jobs.add', 1, 2, meta={'a': 1}, job_id='ours')
    work(redis)
    look = "(lambda job: [job.return_value(), list(job.args), job.meta])(Job.fetch('ours', connection=redis))"
    assert peer(look) == [3, [1, 2], {'a': 1}]
    theirs = queue.enqueue('compat_jobs.add', 3, 4, job_id='run-by-them')
    peer.run("SimpleWorker(['q'], connection=redis).work(burst=True)")
    assert ours.return_value() == 3
    assert theirs.get_status() is JobStatus.FINISHED
    with pytest.raises(SignatureError, match='is not signed'):
        theirs.return_value()
    signing.configure([('k1', SECRET)], 'warn')
    assert theirs.return_value() == 7


def test_their_jobs_run_where_signing_is_not_required(redis: Redis, peer: Peer) -> None:
    enqueue = "Queue('q', connection=redis).enqueue('compat_jobs.add', 1, 2, job_id='{}')"
    peer.run(enqueue.format('one'))
    work(redis)
    assert 'SignatureError' in (Job.fetch('one', connection=redis).exc_info or '')
    signing.configure([('k1', SECRET)], 'warn')
    peer.run(enqueue.format('two'))
    work(redis)
    assert Job.fetch('two', connection=redis).return_value() == 3


def test_a_signed_job_that_they_save_is_unsigned_from_then_on(redis: Redis, peer: Peer) -> None:
    job = Queue('q', connection=redis).enqueue('compat_jobs.add', 'x' * 3000, 'y', job_id='saved')
    peer.run("j = Job.fetch('saved', connection=redis); j.description = 'theirs'; j.save()")
    work(redis)
    assert job.get_status() is JobStatus.FAILED and 'SignatureError' in (job.exc_info or '')
