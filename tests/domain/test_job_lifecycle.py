"""rq.job_lifecycle and rq.worker_registration's two writers."""

from __future__ import annotations

import sys
from typing import Any

from redis import Redis

from rq import Queue, SimpleWorker
from rq.job import JobStatus
from rq.job_lifecycle import call_exception_handlers, format_exc_info, record_job_failure
from rq.store import keys
from rq.worker_registration import get_keys, register, unregister
from tests.domain.work import give


def test_handlers_are_asked_in_turn_until_one_says_no(queue: Queue) -> None:
    asked: list[Any] = []

    def handler(name: str, answer: Any) -> Any:
        return lambda *told: asked.append((name, len(told))) or answer

    call_exception_handlers(
        [handler('a', None), handler('b', True), handler('c', False), handler('d', None)], queue.enqueue(give), 1, 2, 3
    )
    assert asked == [('a', 4), ('b', 4), ('c', 4)]


def test_a_traceback_is_told_as_python_tells_it() -> None:
    try:
        raise ValueError('no')
    except ValueError:
        text = format_exc_info(sys.exc_info())
    assert text.startswith('Traceback (most recent call last):') and text.endswith('ValueError: no\n')


def test_a_failure_is_written_into_a_pipeline(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give)
    redis.delete(queue.key)
    with redis.pipeline() as pipeline:
        record_job_failure(job, 'why', pipeline)
        assert queue.failed_job_registry.count == 0
        pipeline.execute()
    assert job.get_status() is JobStatus.FAILED and job in queue.failed_job_registry
    result = job.latest_result()
    assert result is not None and result.exc_string == 'why' and result.type.name == 'FAILED'
    assert redis.ttl(keys.results(job.id)) > 0 and redis.ttl(job.key) > 0


def test_a_worker_is_put_into_the_sets_and_out(redis: Redis, queue: Queue) -> None:
    worker = SimpleWorker([queue], connection=redis, name='w')
    register(worker)
    assert get_keys(queue) == get_keys(connection=redis) == {worker.key}
    unregister(worker)
    assert get_keys(queue) == set()
    with redis.pipeline() as pipeline:
        register(worker, pipeline)
        pipeline.execute()
        unregister(worker, pipeline)
        assert get_keys(queue) == {worker.key}
        pipeline.execute()
    assert get_keys(connection=redis) == set()
