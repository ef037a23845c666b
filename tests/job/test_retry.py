"""Retry: how often, and after how long."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import rq
from rq import Queue
from rq.job import Job, Retry
from rq.job.retry import matches
from tests.domain.work import give


def test_a_retry_has_rqs_three_attributes() -> None:
    retry = Retry(max=3, interval=[1, 2], enqueue_at_front=True)
    assert vars(retry) == {'max': 3, 'intervals': [1, 2], 'enqueue_at_front': True}
    assert vars(Retry(1)) == {'max': 1, 'intervals': [0], 'enqueue_at_front': False}
    assert Retry(2, iter((5, 6))).intervals == [5, 6]
    assert rq.Retry is Retry


def test_other_rqs_can_read_a_pickled_one() -> None:
    assert b'rq.job' in pickle.dumps(Retry(1), protocol=5)
    assert vars(pickle.loads(pickle.dumps(Retry(2, 7)))) == vars(Retry(2, 7))


def test_a_retry_shows_itself() -> None:
    assert repr(Retry(3)) == 'Retry(max=3, interval=0, enqueue_at_front=False)'
    assert repr(Retry(3, [1, 2])) == 'Retry(max=3, interval=[1, 2], enqueue_at_front=False)'


@pytest.mark.parametrize(
    ('count', 'intervals', 'wait'),
    [(0, [1, 2], 1), (1, [1, 2], 2), (5, [1, 2], 2), (0, 7, 7), (3, 7, 7), (0, [], 0), (0, None, 0)],
)
def test_the_wait_of_a_number(count: int, intervals: int | list[int] | None, wait: int) -> None:
    assert Retry.get_interval(count, intervals) == wait


# --- ours: growing waits, chance, exceptions ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('options', 'waits'),
    [
        ({'max': 6, 'backoff': 'exponential'}, [1, 2, 4, 8, 16, 32]),
        ({'max': 6, 'interval': 10, 'backoff': 'exponential', 'max_interval': 60}, [10, 20, 40, 60]),
        ({'max': 2, 'interval': 5, 'backoff': 'exponential'}, [5, 10]),
        ({'max': 1, 'interval': 7, 'backoff': 'exponential'}, [7]),
        ({'max': 3, 'interval': 9, 'backoff': 'exponential', 'max_interval': 5}, [5]),
        ({'max': 3, 'interval': [1, 100], 'max_interval': 50}, [1, 50]),
    ],
)
def test_waits_may_grow_up_to_a_limit_and_are_stored_as_rqs_intervals(options: Any, waits: list[int]) -> None:
    assert Retry(**options).intervals == waits


def test_waits_that_grow_end_at_an_hour_unless_told_otherwise() -> None:
    assert Retry(1000, backoff='exponential').intervals[-2:] == [2048, 3600]


def test_a_jitter_gives_every_job_waits_of_its_own_near_those_asked_for(queue: Queue) -> None:
    retry = Retry(max=5, interval=100, backoff='exponential', jitter=0.2)
    found = [queue.enqueue(give, retry=retry).retry_intervals for _ in range(20)]
    assert len({tuple(waits) for waits in found}) == 20
    for waits in found:
        meant = zip([100, 200, 400, 800, 1600], waits, strict=True)
        assert all(wait * 0.8 - 1 <= drawn <= wait * 1.2 + 1 for wait, drawn in meant)
    assert Retry(2, 10).draw() == [10]


@pytest.mark.parametrize(
    ('options', 'error'),
    [
        ({'backoff': 'linear'}, "backoff: 'exponential' or nothing, not 'linear'"),
        ({'backoff': 'exponential', 'interval': [1, 2]}, 'backoff: give one interval to begin with'),
        ({'jitter': 2}, 'jitter: a share of the wait, between 0 and 1, not 2'),
        ({'jitter': -0.1}, 'jitter: a share'),
        ({'jitter': 'x'}, 'jitter: a share'),
    ],
)
def test_what_makes_no_sense_is_refused(options: Any, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        Retry(3, **options)


@pytest.mark.parametrize('bad', [5, [5], [], int, '', [ValueError, None]])
def test_exceptions_are_given_as_classes_or_names(bad: Any) -> None:
    with pytest.raises(TypeError, match='retry_on: exception classes, or their dotted names'):
        Retry(3, retry_on=bad)


def test_exceptions_are_stored_by_name_and_matched_with_their_subclasses(queue: Queue) -> None:
    job = queue.enqueue(give, retry=Retry(3, retry_on=[OSError, 'my.Error'], give_up_on=FileNotFoundError))
    found = Job.fetch(job.id, connection=queue.connection)
    assert (found.retry_on, found.give_up_on) == (['OSError', 'my.Error'], ['FileNotFoundError'])
    assert found.retries_after(ConnectionResetError())
    assert not found.retries_after(FileNotFoundError())
    assert not found.retries_after(ValueError())
    assert matches(type('Error', (Exception,), {'__module__': 'my'})(), ['my.Error'])


def test_what_a_returned_retry_does_not_use_is_not_pickled() -> None:
    """Other RQs unpickle it by its three attributes."""
    assert vars(Retry(2, [1, 2])) == {'max': 2, 'intervals': [1, 2], 'enqueue_at_front': False}
