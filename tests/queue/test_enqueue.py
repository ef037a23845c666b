"""Queue.enqueue and its kin: what is stored, where, in which order."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from rq import Queue, Retry
from rq.exceptions import DuplicateJobError
from rq.job import Job, JobStatus
from rq.queue import EnqueueArgs
from tests.domain.work import Calculator, Unprintable, add, fail, give


def test_a_job_waits_on_its_queue_and_is_found_again(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(add, 1, b=2)
    found = Job.fetch(job.id, connection=redis)
    assert queue.job_ids == [job.id]
    assert (found.func, found.args, found.kwargs) == (add, (1,), {'b': 2})
    assert found.get_status() is JobStatus.QUEUED
    assert found.is_queued
    assert found.origin == 'q'
    assert found.timeout == 180
    assert found.created_at == job.created_at
    assert found.enqueued_at == job.enqueued_at
    assert found.description == 'tests.domain.work.add(1, b=2)'
    assert redis.smembers('rq:queues') == {b'rq:queue:q'}


def test_what_has_no_value_is_not_stored(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give)
    assert redis.hgetall(job.key).keys() == {
        b'created_at', b'enqueued_at', b'origin', b'description', b'timeout', b'status', b'data',
    }  # fmt: skip


def test_jobs_wait_in_the_order_in_which_they_came(queue: Queue) -> None:
    jobs = [queue.enqueue(give, number) for number in range(10)]
    assert queue.job_ids == [job.id for job in jobs]
    assert [job.args for job in queue.jobs] == [(number,) for number in range(10)]


def test_at_front_goes_before_all_that_wait(queue: Queue) -> None:
    first, second = queue.enqueue(give), queue.enqueue(give, at_front=True)
    assert queue.job_ids == [second.id, first.id]


def test_the_options_are_stored_with_the_job(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(
        give,
        5,
        job_timeout='2m',
        result_ttl='1h',
        failure_ttl='1d',
        ttl=300,
        description='a text',
        job_id='my-id_1',
        meta={'key': [1, 2]},
        retry=Retry(max=3, interval=[1, 2], enqueue_at_front=True),
    )
    found = Job.fetch('my-id_1', connection=redis)
    assert found == job
    assert (found.timeout, found.result_ttl, found.failure_ttl, found.ttl) == (120, 3600, 86400, 300)
    assert found.description == 'a text'
    assert found.meta == {'key': [1, 2]}
    assert (found.retries_left, found.retry_intervals, found.enqueue_at_front_on_retry) == (3, [1, 2], True)
    assert found.should_retry
    assert found.args == (5,)
    assert found.kwargs == {}


def test_a_job_with_a_ttl_expires_while_it_waits(redis: Redis, queue: Queue) -> None:
    kept, passing = queue.enqueue(give), queue.enqueue(give, ttl='5m')
    assert redis.ttl(kept.key) == -1
    assert 295 < redis.ttl(passing.key) <= 300


def test_a_queue_has_a_timeout_for_jobs_that_have_none(redis: Redis) -> None:
    queue = Queue('q', connection=redis, default_timeout='5m')
    assert queue.enqueue(give).timeout == 300
    assert queue.enqueue(give, job_timeout=-1).timeout == -1
    assert queue.enqueue_call(give, timeout=7).timeout == 7


def test_a_function_may_have_arguments_of_an_options_name(queue: Queue) -> None:
    job = queue.enqueue(give, args=(1,), kwargs={'description': 'for the function', 'timeout': 5}, description='mine')
    assert (job.args, job.kwargs, job.description) == ((1,), {'description': 'for the function', 'timeout': 5}, 'mine')
    assert queue.enqueue(give, timeout=5).kwargs == {'timeout': 5}


@pytest.mark.parametrize(
    ('func', 'name', 'instance', 'result'),
    [
        (add, 'tests.domain.work.add', None, 2),
        ('tests.domain.work.add', 'tests.domain.work.add', None, 2),
        (Calculator(5).plus, 'plus', Calculator(5), 6),
        (Calculator(5), '__call__', Calculator(5), 5),
        (Calculator.twice, 'tests.domain.work.Calculator.twice', None, 2),
        (abs, 'builtins.abs', None, 1),
        ('abs', 'abs', None, 1),
    ],
)
def test_every_kind_of_function_is_found_again(
    redis: Redis, queue: Queue, func: Any, name: str, instance: Any, result: int
) -> None:
    found = Job.fetch(queue.enqueue(func, 1).id, connection=redis)
    assert (found.func_name, found.instance) == (name, instance)
    assert found.perform() == result


def test_a_class_method_is_found_again(redis: Redis, queue: Queue) -> None:
    assert Job.fetch(queue.enqueue(Calculator.name).id, connection=redis).perform() == 'Calculator'


def test_an_argument_that_cannot_be_printed_is_enqueued(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(give, Unprintable())
    assert job.description == 'tests.domain.work.give(<unprintable Unprintable>)'
    assert isinstance(Job.fetch(job.id, connection=redis).args[0], Unprintable)


@pytest.mark.parametrize('text', ['ůžasné', 'half a pair \ud800', 'nul \0', 'line\nbreak', 'x' * 100_000])
def test_any_text_can_be_a_description_or_an_argument(redis: Redis, queue: Queue, text: str) -> None:
    job = queue.enqueue(give, text, description=text)
    found = Job.fetch(job.id, connection=redis)
    assert found.args == (text,)
    assert found.description == text.encode('utf-8', 'backslashreplace').decode()


def test_a_pipeline_takes_the_job_along_with_the_callers_own_commands(redis: Redis, queue: Queue) -> None:
    with redis.pipeline() as pipeline:
        job = queue.enqueue(give, pipeline=pipeline)
        pipeline.set('mine', 1)
        assert queue.count == 0
        pipeline.execute()
    assert queue.job_ids == [job.id]
    assert redis.delete('mine') == 1


def test_a_job_can_be_made_first_and_enqueued_later(redis: Redis, queue: Queue) -> None:
    job = Job.create(add, (1, 2), connection=redis)
    assert job.get_status(refresh=False) is JobStatus.CREATED
    assert queue.enqueue_job(job) is job
    assert (job.origin, job.timeout) == ('q', 180)
    assert Job.fetch(job.id, connection=redis).get_status() is JobStatus.QUEUED


def test_a_job_goes_to_the_queue_that_it_is_given_to(redis: Redis, queue: Queue) -> None:
    job = queue.create_job(give, description='text')
    other = Queue('other', connection=redis)
    other.enqueue_job(job, at_front=True)
    assert (queue.count, other.job_ids, Job.fetch(job.id, connection=redis).origin) == (0, [job.id], 'other')


# --- ids that are used again ------------------------------------------------------------------------------------------


def test_an_id_that_waits_already_waits_once_with_its_newest_call(redis: Redis, queue: Queue) -> None:
    queue.enqueue(give, 1, job_id='same')
    queue.enqueue(give, 2, job_id='same')
    assert queue.job_ids == ['same']
    assert Job.fetch('same', connection=redis).args == (2,)


def test_unique_refuses_an_id_that_is_in_use(redis: Redis, queue: Queue, unchanged: Any) -> None:
    queue.enqueue(give, 1, job_id='same', unique=True)
    with unchanged(), pytest.raises(DuplicateJobError, match="'same' already exists"):
        queue.enqueue(give, 2, job_id='same', unique=True)
    assert Job.fetch('same', connection=redis).args == (1,)


def test_unique_needs_an_id(queue: Queue, unchanged: Any) -> None:
    with unchanged(), pytest.raises(ValueError, match='requires an explicit job_id'):
        queue.enqueue(give, unique=True)


def test_a_canceled_job_is_enqueued_again_as_a_new_one(queue: Queue) -> None:
    queue.enqueue(give, 1, job_id='same').cancel()
    job = queue.enqueue(give, 2, job_id='same')
    assert queue.job_ids == ['same']
    assert job.is_queued


# --- the calls that subclasses override ---------------------------------------------------------------------------------


def test_enqueue_goes_through_the_methods_that_others_override(redis: Redis) -> None:
    seen = []

    class Watched(Queue):
        def enqueue_call(self, *args: Any, **kwargs: Any) -> Any:
            seen.append('enqueue_call')
            assert args == ()  # django-rq's override takes everything by keyword
            return super().enqueue_call(*args, **kwargs)

        def enqueue_job(self, job: Job, **kwargs: Any) -> Job:  # type: ignore[override]  # Sentry's replacement
            seen.append('enqueue_job')
            return super().enqueue_job(job, **kwargs)

        def _enqueue_job(self, job: Job, **kwargs: Any) -> Job:  # type: ignore[override]
            seen.append('_enqueue_job')
            return super()._enqueue_job(job, **kwargs)

    job = Watched('q', connection=redis).enqueue(add, 1, at_front=True)
    assert seen == ['enqueue_call', 'enqueue_job', '_enqueue_job']
    assert job.args == (1,)


@pytest.mark.parametrize('is_async', [True, False])
def test_the_private_way_asks_for_no_dependencies_as_rqs(redis: Redis, is_async: bool) -> None:
    """django-rq's button `Enqueue` goes it."""
    first = Queue('q', connection=redis).enqueue(add, 1)
    queue = Queue('q', connection=redis, is_async=is_async)
    job = queue.enqueue(add, 2, depends_on=first)
    queue.enqueue_job(Job.fetch(job.id, connection=redis))
    assert job.is_deferred
    queue._enqueue_job(Job.fetch(job.id, connection=redis))
    assert (queue.deferred_job_registry.count, job.get_status()) == (0, 'queued' if is_async else 'finished')
    assert queue.job_ids == [first.id, job.id][: 1 + is_async]


def test_an_enqueue_call_that_answers_nothing_is_no_error(redis: Redis) -> None:
    class Silent(Queue):
        def enqueue_call(self, *args: Any, **kwargs: Any) -> Any:
            return None

    assert Silent('q', connection=redis).enqueue(add, 1) is None


def test_a_call_is_taken_apart_in_rqs_order() -> None:
    call = Queue.parse_args(fail, 'text', n=1, job_timeout=5, at_front=True)
    assert isinstance(call, EnqueueArgs)
    assert (call.func, call.args, call.kwargs, call.timeout, call.at_front) == (fail, ('text',), {'n': 1}, 5, True)
    assert call[:4] == (fail, 5, None, None)


def test_a_queues_job_class_makes_and_finds_its_jobs(redis: Redis) -> None:
    class Special(Job):
        pass

    queue = Queue('q', connection=redis, job_class=Special)
    job = queue.enqueue(give)
    assert type(job) is Special
    assert type(queue.fetch_job(job.id)) is Special
    assert [type(one) for one in queue.jobs] == [Special]
    by_path = Queue('q', connection=redis, job_class='rq.job.Job')
    assert by_path.job_class is Job
