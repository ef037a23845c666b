"""Queues with is_async=False: the job runs as it is enqueued, in the caller's process."""

from __future__ import annotations

import signal
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from rq import Queue, Retry
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job, JobStatus
from rq.results import Result
from rq.timeouts import JobTimeoutException
from tests.domain import work


@pytest.fixture
def inline(redis: Redis) -> Queue:
    return Queue('s', connection=redis, is_async=False)


def test_a_job_has_run_when_enqueue_answers(redis: Redis, inline: Queue) -> None:
    job = inline.enqueue(work.add, 1, b=2)
    assert not inline.is_async
    assert job.get_status(refresh=False) is job.get_status() is JobStatus.FINISHED
    assert job.return_value() == job.result == 3
    assert job.worker_name == 'sync'
    assert inline.count == 0
    assert inline.finished_job_registry.get_job_ids() == [job.id]
    assert 495 < redis.ttl(job.key) <= 500
    assert 495 < redis.ttl(f'rq:results:{job.id}') <= 500
    found = Job.fetch(job.id, connection=redis)
    assert found.is_finished
    assert found.enqueued_at and found.started_at and found.ended_at
    assert found.enqueued_at <= found.ended_at
    assert found.started_at <= found.ended_at


def test_what_a_job_raises_is_stored_and_not_raised(redis: Redis, inline: Queue) -> None:
    job = inline.enqueue(work.fail, 'no luck')
    assert job.get_status(refresh=False) is job.get_status() is JobStatus.FAILED
    assert job.return_value() is None
    assert job.exc_info is not None and job.exc_info.rstrip().endswith('ValueError: no luck')
    assert 'in fail' in job.exc_info
    assert job.started_at and job.ended_at
    assert inline.failed_job_registry.get_job_ids() == [job.id]
    result = job.latest_result()
    assert result is not None and result.type is Result.Type.FAILED
    assert 31535990 < redis.ttl(job.key) <= 31536000


def test_system_exit_is_a_failure_like_others(inline: Queue) -> None:
    job = inline.enqueue(work.leave)
    assert job.is_failed
    assert job.exc_info is not None and 'SystemExit: 3' in job.exc_info


def test_ctrl_c_is_stored_and_reaches_the_caller(redis: Redis, inline: Queue) -> None:
    with pytest.raises(KeyboardInterrupt):
        inline.enqueue(work.interrupt, job_id='stopped')
    assert Job.fetch('stopped', connection=redis).is_failed


@pytest.mark.parametrize(
    ('ttl', 'left'), [(0, None), (50, 50), (-1, -1)], ids=['not at all', 'fifty seconds', 'for ever']
)
def test_a_result_is_kept_for_its_ttl(redis: Redis, inline: Queue, ttl: int, left: int | None) -> None:
    job = inline.enqueue(work.give, 7, result_ttl=ttl)
    assert job.get_status(refresh=False) is JobStatus.FINISHED
    assert job.ended_at is not None
    if left is None:
        with pytest.raises(NoSuchJobError):
            job.refresh()
        assert job.return_value() is None
        assert inline.finished_job_registry.count == 0
        assert redis.keys(f'*{job.id}*') == [f'rq:gone:{job.id}'.encode()]
    else:
        assert abs(redis.ttl(job.key) - left) < 5
        assert abs(redis.ttl(f'rq:results:{job.id}') - left) < 5
        assert job.return_value() == 7
        assert inline.finished_job_registry.get_job_ids() == [job.id]


@pytest.mark.parametrize(('ttl', 'left'), [(0, None), (50, 50), (-1, -1)])
def test_a_failure_is_kept_for_its_ttl(redis: Redis, inline: Queue, ttl: int, left: int | None) -> None:
    job = inline.enqueue(work.fail, failure_ttl=ttl)
    assert job.get_status(refresh=False) is JobStatus.FAILED
    if left is None:
        assert not Job.exists(job.id, connection=redis)
        assert inline.failed_job_registry.count == 0
    else:
        assert abs(redis.ttl(job.key) - left) < 5
        assert abs(redis.ttl(f'rq:results:{job.id}') - left) < 5
        assert inline.failed_job_registry.get_job_ids() == [job.id]


def test_a_result_that_cannot_be_pickled_is_no_failure(inline: Queue) -> None:
    job = inline.enqueue(work.unpicklable)
    assert job.is_finished
    assert job.return_value() == 'Unserializable return value'


def test_a_job_knows_itself_and_may_change_its_meta(redis: Redis, inline: Queue) -> None:
    assert (job := inline.enqueue(work.who)).return_value() == job.id
    job = inline.enqueue(work.progress, meta={'first': 1})
    assert job.meta == Job.fetch(job.id, connection=redis).meta == {'first': 1, 'half': True}


def test_a_coroutine_function_runs_to_its_end(inline: Queue) -> None:
    assert inline.enqueue(work.later, 21).return_value() == 42


def test_a_job_that_cancels_itself_stays_canceled(inline: Queue) -> None:
    job = inline.enqueue(work.cancel_me)
    assert job.is_canceled
    assert job.return_value() is None
    assert inline.canceled_job_registry.get_job_ids() == [job.id]


def test_a_failed_job_is_not_retried_where_no_worker_may_ever_come(inline: Queue) -> None:
    job = inline.enqueue(work.fail, retry=Retry(max=3))
    assert job.is_failed
    assert inline.count == 0


def test_the_time_limit_holds_and_cannot_be_swallowed(inline: Queue) -> None:
    began = time.monotonic()
    job = inline.enqueue(work.spin, job_timeout=1)
    assert time.monotonic() - began < 5
    assert job.is_failed
    assert job.exc_info is not None and JobTimeoutException.__name__ in job.exc_info
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_in_a_thread_of_a_web_server_it_runs_under_its_time_limit_too(inline: Queue) -> None:
    jobs: list[Job] = []

    def serve() -> None:
        jobs.append(inline.enqueue(work.add, 1))
        jobs.append(inline.enqueue(work.spin, job_timeout=1))

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join(20)
    assert [job.get_status() for job in jobs] == ['finished', 'failed']


def test_a_function_that_is_not_there_is_a_failure_with_the_reason(inline: Queue) -> None:
    job = inline.enqueue('tests.domain.work.nothing_of_the_kind')
    assert job.is_failed
    assert job.exc_info is not None and 'nothing_of_the_kind' in job.exc_info


def test_unique_and_ids_that_are_used_again(inline: Queue) -> None:
    inline.enqueue(work.give, 1, job_id='same')
    assert inline.enqueue(work.give, 2, job_id='same').return_value() == 2
    with pytest.raises(DuplicateJobError):
        inline.enqueue(work.give, 3, job_id='same', unique=True)


def test_many_run_one_after_the_other(inline: Queue) -> None:
    jobs = inline.enqueue_many([Queue.prepare_data(work.give, (number,)) for number in range(3)])
    assert [job.return_value() for job in jobs] == [0, 1, 2]
    assert all(job.is_finished for job in jobs)


def test_a_job_for_later_is_scheduled_as_on_any_queue(inline: Queue) -> None:
    job = inline.enqueue_in(timedelta(hours=1), work.give)
    assert job.is_scheduled
    assert inline.scheduled_job_registry.get_job_ids() == [job.id]


def test_a_job_can_be_run_here_by_hand(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(work.give, 5)
    assert queue.pop_job_id() == job.id
    assert queue.run_job(job).return_value() == 5
    job = Job.create(work.give, (6,), connection=redis, origin='q')
    job.save()
    assert queue.run_sync(job).return_value() == 6


def test_a_custom_time_limit_is_used(redis: Redis) -> None:
    seen: list[Any] = []

    class Watched:
        def __init__(self, timeout: Any, exception: Any, **kwargs: Any) -> None:
            seen.append((timeout, exception, kwargs['job_id']))

        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    queue = Queue('s', connection=redis, is_async=False, death_penalty_class=Watched)  # type: ignore[arg-type]
    job = queue.enqueue(work.give, job_timeout=9)
    assert seen == [(9, JobTimeoutException, job.id)]


def test_the_queue_of_an_inline_job_is_known(redis: Redis, inline: Queue) -> None:
    inline.enqueue(work.fail)
    assert Queue.all(connection=redis) == [inline]
    assert Queue('failed', connection=redis).count == 1
