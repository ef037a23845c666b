"""Callback and Repeat: what they take, and what they refuse."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from redis import Redis

from rq import Callback, Queue, Repeat
from rq.exceptions import TimeoutFormatError
from rq.job import Job
from tests.domain.work import give


def test_a_callback_has_a_name_that_a_worker_can_import_and_a_timeout() -> None:
    assert (Callback(give).name, Callback(give).timeout) == ('tests.domain.work.give', 60)
    assert (Callback('a.b', timeout='2m').name, Callback('a.b', timeout='2m').timeout) == ('a.b', 120)


@pytest.mark.parametrize('bad', [5, None, b'a.b'])
def test_what_is_no_function_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match='must be a string or function'):
        Callback(bad)
    with pytest.raises(TimeoutFormatError):
        Callback('a.b', timeout='soon')


def test_a_function_that_no_worker_finds_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match='A worker could not import this callback'):
        _ = Callback(lambda: 1).name


def test_a_bare_function_is_taken_with_a_warning(redis: Redis) -> None:
    queue = Queue('q', connection=redis)
    with pytest.warns(DeprecationWarning, match='Passing a string or function for `on_success` is deprecated') as found:
        job = queue.enqueue(give, on_success=give)
    assert Job.fetch(job.id, connection=redis).success_callback is give
    assert len(found) == 1


def test_a_job_knows_its_callbacks(redis: Redis) -> None:
    job = Queue('q', connection=redis).enqueue(give, on_failure=Callback(give, timeout=5), on_stopped=Callback('a.b'))
    found = Job.fetch(job.id, connection=redis)
    assert (found.failure_callback, found.failure_callback_timeout) == (give, 5)
    assert (found.success_callback, found.success_callback_timeout) == (None, 60)
    with pytest.raises(ValueError, match=r'a\.b'):
        _ = found.stopped_callback


@pytest.mark.parametrize(
    'bad', [{'times': 0}, {'times': -1}, {'times': 1, 'interval': -1}, {'times': 2, 'interval': [1, -2]}]
)
def test_a_repeat_that_makes_no_sense_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match=r'greater than 0|negative numbers'):
        Repeat(**bad)


@pytest.mark.parametrize('bad', [{'times': 'x'}, {'times': 1, 'interval': 'a'}, {'times': 1, 'interval': [1.5]}])
def test_a_repeat_takes_whole_numbers(bad: Any) -> None:
    with pytest.raises(TypeError, match='a whole number is needed'):
        Repeat(**bad)


def test_the_last_interval_of_a_repeat_repeats() -> None:
    repeat = Repeat(5, [1, 2, 3])
    assert [Repeat.get_interval(count, repeat.intervals) for count in range(5)] == [1, 2, 3, 3, 3]
    assert repr(pickle.loads(pickle.dumps(Repeat(2)))) == 'Repeat(times=2, interval=0)'


def test_a_repeat_may_be_scheduled_by_hand(redis: Redis) -> None:
    queue = Queue('q', connection=redis)
    job = queue.enqueue(give, repeat=Repeat(3, [4, 5]))
    assert Repeat.schedule(job, queue) is not None
    assert (job.repeats_left, job.repeat_intervals) == (2, [5])
    assert queue.scheduled_job_registry.get_job_ids() == [job.id]
    assert Repeat.schedule(queue.enqueue(give), queue) is None
