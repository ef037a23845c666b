"""What can be asked of a queue, and changed by hand."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from rq import Queue
from rq.exceptions import DeserializationError, InvalidJobOperation
from rq.job import Job
from tests.domain.work import give


@pytest.fixture
def four(queue: Queue) -> list[Job]:
    return [queue.enqueue(give, number, job_id=f'i{number}') for number in range(4)]


def test_a_queue_has_a_length_and_is_one_even_when_empty(queue: Queue) -> None:
    assert (queue.count, len(queue), queue.is_empty(), bool(queue)) == (0, 0, True, True)
    queue.enqueue(give)
    assert (queue.count, len(queue), queue.is_empty(), bool(queue)) == (1, 1, False, True)


@pytest.mark.parametrize(
    ('page', 'expected'),
    [  # as RQ 3.0.0 answers
        ((), '0123'),
        ((1, 2), '12'),
        ((1,), '123'),
        ((0, -1), '0123'),
        ((0, -2), '012'),
        ((-2, 1), '2'),
        ((-2, 2), '23'),
        ((0, 0), ''),
        ((2, 0), ''),
        ((0, 3), '012'),
        ((2, -1), '23'),
        ((9, 3), ''),
    ],
)
def test_pages_of_what_waits(queue: Queue, four: list[Job], page: tuple[int, ...], expected: str) -> None:
    assert queue.get_job_ids(*page) == [f'i{number}' for number in expected]
    assert queue.get_jobs(*page) == [four[int(number)] for number in expected]


def test_ids_whose_job_has_expired_count_but_are_no_jobs(
    redis: Redis, queue: Queue, four: list[Job], disorder: None
) -> None:
    redis.delete('rq:job:i1')
    assert queue.count == 4
    assert queue.job_ids == ['i0', 'i1', 'i2', 'i3']
    assert queue.jobs == [four[0], four[2], four[3]]
    queue.compact()
    assert queue.job_ids == ['i0', 'i2', 'i3']


def test_jobs_with_hashes_of_anybodys_are_listed_like_others(redis: Redis, queue: Queue, disorder: None) -> None:
    queue.enqueue(give, job_id='good')
    odd: dict[str, Any] = dict.fromkeys(
        ('created_at', 'enqueued_at', 'timeout', 'ttl', 'result_ttl', 'retries_left', 'retry_intervals', 'status'),
        'not what it should be',
    )
    redis.hset('rq:job:odd', mapping={**odd, 'data': b'\xff', 'meta': b'\xff', 'foreign': 'x', 'description': b'\xff'})
    redis.hset('rq:job:bare', mapping={'data': ''})
    redis.hset('rq:job:nothing', mapping={'foreign': 'x'})
    redis.rpush(queue.key, 'odd', 'bare', 'nothing')
    assert [job.id for job in queue.jobs] == ['good', 'odd', 'bare']
    job = Job.fetch('odd', connection=redis)
    assert job.description == '\\xff'
    for name in odd.keys() - {'status'}:
        with pytest.raises(DeserializationError, match=f"Job odd: field {name} is not a .*'not what it should be'"):
            getattr(job, name)
    with pytest.raises(InvalidJobOperation, match='not what it should be'):
        job.get_status()
    bare = Job.fetch('bare', connection=redis)
    assert (bare.created_at, bare.timeout, bare.origin, bare.meta) == (None, None, '', {})
    assert bare.get_status(refresh=False) == 'created'


def test_compact_leaves_an_empty_queue_as_it_is(queue: Queue, unchanged: Any) -> None:
    with unchanged():
        queue.compact()


def test_a_job_is_found_by_the_queue_it_came_from(redis: Redis, queue: Queue, four: list[Job]) -> None:
    assert queue.fetch_job('i1') == four[1]
    assert queue.fetch_job('nope') is None
    assert Queue('other', connection=redis).fetch_job('i1') is None


def test_a_place_in_the_queue(queue: Queue, four: list[Job]) -> None:
    assert queue.get_job_position('i2') == queue.get_job_position(four[2]) == four[2].get_position() == 2
    assert queue.get_job_position('nope') is None


def test_a_job_is_taken_off_the_list_by_hand(redis: Redis, queue: Queue, four: list[Job], disorder: None) -> None:
    assert (queue.remove('i1'), queue.remove(four[2]), queue.remove('nope')) == (1, 1, 0)
    assert queue.job_ids == ['i0', 'i3']
    assert Job.exists('i1', connection=redis)
    with redis.pipeline() as pipeline:
        queue.remove('i3', pipeline=pipeline)
        assert queue.count == 2
        pipeline.execute()
    assert queue.job_ids == ['i0']


def test_ids_are_pushed_and_popped_by_hand(queue: Queue, disorder: None) -> None:
    queue.push_job_id('a')
    queue.push_job_id('b')
    queue.push_job_id('c', at_front=True)
    assert [queue.pop_job_id() for _ in range(4)] == ['c', 'a', 'b', None]


def test_empty_deletes_what_waits_and_says_how_many(redis: Redis, queue: Queue) -> None:
    queue.enqueue_many([Queue.prepare_data(give)] * 1201)
    assert queue.empty() == 1201
    assert queue.count == 0
    assert redis.keys('rq:job:*') == []
    assert queue.empty() == 0


def test_a_deleted_queue_is_not_known_any_more(redis: Redis, queue: Queue, four: list[Job]) -> None:
    queue.delete()
    assert Queue.all(connection=redis) == []
    assert redis.keys('rq:job:*') == []


def test_a_queue_may_go_and_its_jobs_stay(redis: Redis, queue: Queue, four: list[Job], disorder: None) -> None:
    queue.delete(delete_jobs=False)
    assert Queue.all(connection=redis) == []
    assert Job.exists('i0', connection=redis)


def test_all_queues_by_name(redis: Redis) -> None:
    for name in ('low', 'high', 'default', 'with:colon', 'ůžasná'):
        Queue(name, connection=redis).enqueue(give)
    assert [one.name for one in Queue.all(connection=redis)] == ['default', 'high', 'low', 'with:colon', 'ůžasná']
    assert Queue.from_queue_key('rq:queue:low', connection=redis) == Queue('low', connection=redis)
    with pytest.raises(ValueError, match='Not a valid RQ queue key: foo'):
        Queue.from_queue_key('foo', connection=redis)


def test_queues_as_values(redis: Redis, queue: Queue) -> None:
    same, other = Queue('q', connection=redis, serializer='json'), Queue('a', connection=redis)
    assert queue == same
    assert len({queue, same, other}) == 2
    assert sorted([queue, other]) == [other, queue]
    assert (repr(queue), str(queue), queue.key) == ("Queue('q')", '<Queue q>', 'rq:queue:q')
    for compare in (lambda: queue == 'q', lambda: queue < 'q'):
        with pytest.raises(TypeError, match='Cannot compare queues to other objects'):
            compare()


def test_the_maintenance_lock_of_rqs_workers(redis: Redis, queue: Queue) -> None:
    assert queue.acquire_maintenance_lock()
    assert not queue.acquire_maintenance_lock()
    assert 890 < redis.ttl(queue.registry_cleaning_key) <= 899
    queue.release_maintenance_lock()
    assert queue.acquire_maintenance_lock()


# --- Queue('failed') of the article's chapter 14 --------------------------------------------------------------------


@pytest.fixture
def failures(redis: Redis) -> dict[str, Job]:
    """Failed jobs by name, of three queues; each is kept a little longer than the one before."""
    found = {}
    for place, (queue, name) in enumerate([('low', 'first'), ('high', 'second'), ('low', 'third')]):
        inline = Queue(queue, connection=redis, is_async=False)
        found[name] = inline.enqueue('builtins.int', name, job_id=name, failure_ttl=100 + place)
        redis.sadd('rq:queues', inline.key)
    Queue('default', connection=redis).enqueue(give)
    return found


def test_the_queue_called_failed_shows_the_failed_jobs_of_all_queues(redis: Redis, failures: dict[str, Job]) -> None:
    failed = Queue('failed', connection=redis)
    assert (failed.count, len(failed), failed.is_empty()) == (3, 3, False)
    assert failed.job_ids == ['first', 'second', 'third']
    assert failed.jobs == list(failures.values())
    assert failed.get_job_ids(1, 1) == ['second']
    assert failed.get_job_ids(0, 2) == ['first', 'second']
    assert failed.get_job_ids(-1) == ['third']
    job = failed.fetch_job('second')
    assert job is not None
    assert (job.origin, job.get_status()) == ('high', 'failed')
    assert job.enqueued_at and job.started_at and job.ended_at
    assert job.exc_info is not None and "invalid literal for int() with base 10: 'second'" in job.exc_info


def test_the_view_of_failed_jobs_is_for_reading(redis: Redis, failures: dict[str, Job], unchanged: Any) -> None:
    failed = Queue('failed', connection=redis)
    with unchanged():
        assert failed.empty() == 0
        assert failed.pop_job_id() is None
        failed.compact()
    assert failed.count == 3


def test_a_real_queue_of_that_name_is_a_queue_like_any_other(redis: Redis, failures: dict[str, Job]) -> None:
    failed = Queue('failed', connection=redis)
    job = failed.enqueue(give)
    assert failed.job_ids == [job.id]
    assert failed.get_job_position(job) == 0
    job.delete()
    assert failed.count == 3
