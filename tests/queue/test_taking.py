"""Queue's low-level names: lpop, lmove, dequeue_any; and the intermediate list."""

from __future__ import annotations

import time

import pytest
from redis import Redis

from rq import Queue, SimpleWorker
from rq.exceptions import DequeueTimeout
from rq.intermediate_queue import IntermediateQueue
from rq.job import JobStatus
from rq.maintenance import clean_intermediate_queue
from rq.store import keys
from tests.domain.work import give
from tests.support.invariants import violations


@pytest.fixture
def a(redis: Redis) -> Queue:
    return Queue('a', connection=redis)


@pytest.fixture
def b(redis: Redis) -> Queue:
    return Queue('b', connection=redis)


def test_lpop_takes_the_first_head(redis: Redis, a: Queue, b: Queue, disorder: None) -> None:
    one, two = b.enqueue(give), b.enqueue(give)
    assert Queue.lpop([a.key, b.key], None, connection=redis) == (b.key, one.id.encode())
    assert Queue.lpop([a.key, b.key], 1, connection=redis) == (b.key, two.id.encode())
    assert Queue.lpop([a.key, b.key], None, connection=redis) is None
    with pytest.raises(DequeueTimeout):
        Queue.lpop([a.key, b.key], 1, connection=redis)


def test_lmove_leaves_the_id_on_the_intermediate_list(redis: Redis, a: Queue, disorder: None) -> None:
    one, two = a.enqueue(give), a.enqueue(give)
    assert Queue.lmove(redis, a.key, None) == (a.key, one.id.encode())
    assert Queue.lmove(redis, a.key, 1) == (a.key, two.id.encode())
    assert a.intermediate_queue.get_job_ids() == [one.id, two.id]
    assert Queue.lmove(redis, a.key, None) is None
    with pytest.raises(DequeueTimeout):
        Queue.lmove(redis, a.key, 1)


def test_a_timeout_of_nothing_is_refused(redis: Redis, a: Queue) -> None:
    for call in (
        lambda: Queue.lpop([a.key], 0, connection=redis),
        lambda: Queue.lmove(redis, a.key, 0),
        lambda: Queue.dequeue_any([a], 0, connection=redis),
    ):
        with pytest.raises(ValueError, match='does not support indefinite timeouts'):
            call()


@pytest.mark.parametrize('timeout', [None, 1])
def test_dequeue_any_gives_the_next_job_and_its_queue(
    redis: Redis, a: Queue, b: Queue, timeout: int | None, disorder: None
) -> None:
    b.push_job_id('expired')
    job = b.enqueue(give)
    found = Queue.dequeue_any([a, b], timeout, connection=redis)
    assert found is not None and (found[0].id, found[1]) == (job.id, b)
    assert b.intermediate_queue.get_job_ids() == [job.id]


def test_dequeue_any_waits_so_long(redis: Redis, a: Queue, b: Queue) -> None:
    assert Queue.dequeue_any([a, b], None, connection=redis) is None
    for queues in ([a], [a, b]):
        began = time.monotonic()
        with pytest.raises(DequeueTimeout):
            Queue.dequeue_any(queues, 1, connection=redis)
        assert 0.9 < time.monotonic() - began < 4


def test_what_was_dequeued_is_run_by_a_workers_methods(redis: Redis, a: Queue) -> None:
    job = a.enqueue(give)
    found = Queue.dequeue_any([a], None, connection=redis)
    assert found is not None
    worker = SimpleWorker([a], connection=redis)
    worker.perform_job(*found)
    assert job.get_status() is JobStatus.FINISHED and a.intermediate_queue.get_job_ids() == []
    assert violations(redis) == []


def test_a_queue_is_iterated_as_in_rq(a: Queue) -> None:
    assert list(a) == [a] and a.log.name == 'rq.queue' and a.redis_server_version is None


# --- the intermediate list --------------------------------------------------------------------------------------------


def test_an_id_is_stamped_when_it_is_first_seen(redis: Redis, a: Queue, disorder: None) -> None:
    job = a.enqueue(give)
    Queue.lmove(redis, a.key, None)
    resting = IntermediateQueue(a.key, connection=redis)
    assert resting.key == IntermediateQueue.get_intermediate_queue_key(a.key) == 'rq:queue:a:intermediate'
    assert resting.get_first_seen_key('x') == 'rq:queue:a:intermediate:first_seen:x'
    assert resting.get_first_seen(job.id) is None and not resting.should_be_cleaned_up(job.id)
    assert resting.set_first_seen(job.id) and not resting.set_first_seen(job.id)
    assert resting.get_first_seen(job.id) is not None and not resting.should_be_cleaned_up(job.id)
    redis.set(resting.get_first_seen_key(job.id), time.time() - 61)
    assert resting.should_be_cleaned_up(job.id)
    redis.set(resting.get_first_seen_key(job.id), 'broken')
    assert resting.get_first_seen(job.id) is None
    resting.remove(job.id)
    assert resting.get_job_ids() == []


@pytest.mark.parametrize('old_name', [False, True])
def test_what_rested_there_for_a_minute_comes_back_to_its_queue(redis: Redis, a: Queue, old_name: bool) -> None:
    job = a.enqueue(give)
    Queue.lmove(redis, a.key, None)
    worker = SimpleWorker([a], connection=redis)
    redis.set(keys.first_seen('a', job.id), time.time() - 62)
    if old_name:
        with pytest.warns(DeprecationWarning, match=r'Use IntermediateQueue\.cleanup'):
            clean_intermediate_queue(worker, a)
    else:
        a.intermediate_queue.cleanup(worker, a)
    assert a.job_ids == [job.id] and a.intermediate_queue.get_job_ids() == []
