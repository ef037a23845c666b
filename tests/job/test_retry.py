"""Retry: how often, and after how long."""

from __future__ import annotations

import pickle

import pytest

import rq
from rq.job import Retry


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
