"""How many jobs a pack may have."""

from __future__ import annotations

import pytest

from rq.worker.pace import Pace
from rq.worker.settings import PACK_MOST, PACK_WORK


def learnt(*seconds: float) -> Pace:
    pace = Pace()
    for each in seconds:
        pace.learn(each * pace.limit, pace.limit)
    return pace


def test_the_first_jobs_of_a_queue_are_claimed_one_by_one() -> None:
    assert Pace().limit == 1
    assert Pace().mean == 0


def test_a_pack_grows_at_most_fourfold_and_ends_at_64() -> None:
    assert [learnt(*[1e-5] * times).limit for times in range(6)] == [1, 4, 16, PACK_MOST, PACK_MOST, PACK_MOST]


def test_a_pack_holds_about_ten_milliseconds_of_work() -> None:
    assert learnt(*[0.001] * 20).limit == PACK_WORK / 0.001 == 10


def test_long_jobs_are_claimed_one_by_one_at_once() -> None:
    pace = learnt(*[1e-5] * 10)
    assert pace.limit == PACK_MOST
    pace.learn(1.0, 1)
    assert pace.limit == 1


def test_short_jobs_behind_a_long_one_are_learnt_again_within_a_hundred() -> None:
    pace = learnt(1.0)
    jobs = 0
    while pace.limit < PACK_MOST:
        jobs += pace.limit
        pace.learn(1e-5 * pace.limit, pace.limit)
    assert jobs < 250


@pytest.mark.parametrize('seconds', [0.0, 1e-9, 1e9])
def test_any_duration_can_be_learnt(seconds: float) -> None:
    assert 1 <= learnt(seconds, seconds).limit <= PACK_MOST


def test_no_jobs_teach_nothing() -> None:
    pace = learnt(0.001)
    before = pace.mean, pace.limit
    pace.learn(5.0, 0)
    assert (pace.mean, pace.limit) == before
