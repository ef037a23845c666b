"""Queue.enqueue_many: the jobs of many calls, in order, all or none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from rq import Queue, Retry
from rq.exceptions import InvalidFunction, TimeoutFormatError
from rq.job import Job
from tests.domain.work import add, give


def test_jobs_come_in_their_order_and_at_front_ones_before(redis: Redis, queue: Queue) -> None:
    before = queue.enqueue(give)
    jobs = queue.enqueue_many(
        [Queue.prepare_data(give, (number,), at_front=number == 3, job_id=f'j{number}') for number in range(5)]
    )
    assert [job.id for job in jobs] == ['j0', 'j1', 'j2', 'j3', 'j4']
    assert queue.job_ids == ['j3', before.id, 'j0', 'j1', 'j2', 'j4']
    assert [job.args for job in Job.fetch_many(['j0', 'j4'], connection=redis) if job] == [(0,), (4,)]


def test_options_are_stored_as_by_enqueue(redis: Redis, queue: Queue) -> None:
    options: dict[str, Any] = {
        'result_ttl': '1m', 'ttl': 300, 'failure_ttl': 7, 'description': 'text', 'meta': {'a': 1}, 'retry': Retry(2),
    }  # fmt: skip
    many = queue.enqueue_many([Queue.prepare_data(add, (1,), {'b': 2}, timeout='5m', **options)])[0]
    one = queue.enqueue(add, 1, b=2, job_timeout='5m', **options)
    stored = [redis.hgetall(job.key) for job in (many, one)]
    for raw in stored:
        del raw[b'created_at'], raw[b'enqueued_at']
    assert stored[0] == stored[1]
    assert redis.ttl(many.key) > 290


def test_an_iterator_is_gone_through_once(queue: Queue) -> None:
    def calls() -> Iterator[Any]:
        for number in range(3):
            yield Queue.prepare_data(give, (number,))

    assert [job.args for job in queue.enqueue_many(calls())] == [(0,), (1,), (2,)]
    assert queue.count == 3


def test_of_nothing_comes_nothing(queue: Queue, unchanged: Any) -> None:
    with unchanged():
        assert queue.enqueue_many([]) == []


@pytest.mark.parametrize(
    ('bad', 'error'),
    [
        (Queue.prepare_data(lambda: None), InvalidFunction),
        (Queue.prepare_data(give, timeout='soon'), TimeoutFormatError),
        (Queue.prepare_data(give, job_id='a b'), ValueError),
        (Queue.prepare_data(give, (lambda: None,)), Exception),
    ],
)
def test_one_bad_call_and_none_is_enqueued(queue: Queue, unchanged: Any, bad: Any, error: type[Exception]) -> None:
    good = [Queue.prepare_data(give, (number,)) for number in range(150)]
    with unchanged(), pytest.raises(error):
        queue.enqueue_many([*good, bad])


def test_a_pipeline_takes_them_along(redis: Redis, queue: Queue) -> None:
    with redis.pipeline() as pipeline:
        jobs = queue.enqueue_many([Queue.prepare_data(give)] * 150, pipeline=pipeline)
        assert queue.count == 0
        pipeline.execute()
    assert queue.job_ids == [job.id for job in jobs]
