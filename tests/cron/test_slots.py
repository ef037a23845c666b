"""Which slots are due: pure functions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rq.cron.slots import CATCH_UP, Due, due_intervals, due_times, jitter_of, micros, moment
from rq.cron.times import Times
from rq.store.cron import State

SECOND = 1_000_000
MINUTE = 60 * SECOND
NOON = micros(datetime(2026, 11, 24, 12, tzinfo=UTC))
MINUTELY = Times('* * * * *', UTC)
PLAIN = ('name', 0)


def times(cursor: int, now: int, every_one: bool = False, jitter: float = 0) -> Due:
    return due_times(MINUTELY, cursor, now, every_one, ('name', jitter))


def test_nothing_is_due_before_its_time() -> None:
    assert times(NOON, NOON - 1) == Due([], NOON)
    assert times(NOON, NOON) == Due([(NOON, NOON)], NOON + MINUTE)


def test_of_several_missed_the_newest_is_enqueued_or_every_one() -> None:
    late = NOON + 2 * MINUTE + SECOND
    assert times(NOON, late) == Due([(NOON + 2 * MINUTE,) * 2], NOON + 3 * MINUTE)
    every = [(NOON + number * MINUTE,) * 2 for number in range(3)]
    assert times(NOON, late, every_one=True) == Due(every, NOON + 3 * MINUTE)


def test_no_more_than_a_thousand_are_caught_up_the_newest() -> None:
    due = times(NOON, NOON + 5000 * MINUTE, every_one=True)
    assert (len(due.slots), due.left_out) == (CATCH_UP, True)
    assert due.slots[-1][0] == NOON + 5000 * MINUTE
    assert not times(NOON, NOON + (CATCH_UP - 1) * MINUTE, every_one=True).left_out


def test_jitter_puts_a_slot_off_by_the_same_everywhere_and_less_than_asked() -> None:
    delays = [jitter_of('name', NOON + number * MINUTE, 30) for number in range(200)]
    assert all(0 <= delay < 30 * SECOND for delay in delays)
    assert max(delays) - min(delays) > 25 * SECOND
    assert delays == [jitter_of('name', NOON + number * MINUTE, 30) for number in range(200)]
    assert jitter_of('other', NOON, 30) != delays[0]


@pytest.mark.parametrize('every_one', [False, True])
def test_a_slot_that_is_put_off_waits_and_is_the_next(every_one: bool) -> None:
    due_at = NOON + jitter_of('name', NOON, 59)
    assert times(NOON, due_at - 1, every_one, 59) == Due([], NOON)
    assert times(NOON, due_at, every_one, 59) == Due([(NOON, due_at)], NOON + MINUTE)
    before = (NOON - MINUTE, NOON - MINUTE + jitter_of('name', NOON - MINUTE, 59))
    assert times(NOON - MINUTE, due_at - 1, every_one, 59) == Due([before], NOON)


def every(state: State, now: int, every_one: bool = False, jitter: float = 0) -> Due:
    return due_intervals(10 * SECOND, state, now, every_one, ('name', jitter))


def test_an_interval_that_never_ran_is_due_at_once() -> None:
    assert every(State(), NOON) == Due([(NOON, NOON)], NOON + 10 * SECOND)


def test_an_interval_keeps_its_beat_and_starts_anew_when_it_is_late() -> None:
    last = State(NOON)
    assert every(last, NOON + 10 * SECOND - 1) == Due([], NOON + 10 * SECOND)
    beat = NOON + 10 * SECOND
    assert every(last, beat + SECOND) == Due([(beat, beat)], beat + 10 * SECOND)
    late = beat + 2 * SECOND
    assert every(last, late) == Due([(late, late)], late + 10 * SECOND)


def test_every_interval_that_was_missed_is_made_up_for_if_that_is_asked() -> None:
    due = every(State(NOON), NOON + 35 * SECOND, every_one=True)
    assert [slot - NOON for slot, _ in due.slots] == [10 * SECOND, 20 * SECOND, 30 * SECOND]
    assert due.next == NOON + 40 * SECOND
    long = every(State(NOON), NOON + 10 * SECOND * 5000, every_one=True)
    assert (len(long.slots), long.left_out) == (CATCH_UP, True)
    assert long.slots[-1][0] == NOON + 10 * SECOND * 5000


@pytest.mark.parametrize('every_one', [False, True])
def test_an_interval_that_was_paused_goes_on_from_now(every_one: bool) -> None:
    now = NOON + 100 * SECOND
    assert every(State(NOON, since=now - 1), now, every_one).slots == [(now, now)]


def test_an_interval_is_put_off_by_its_jitter() -> None:
    beat = NOON + 10 * SECOND
    due_at = beat + jitter_of('name', beat, 9)
    assert every(State(NOON), due_at - 1, jitter=9).slots == []
    assert every(State(NOON), due_at, jitter=9).slots in ([(beat, due_at)], [(due_at, due_at)])


def test_moments_and_microseconds_are_each_others_reverse() -> None:
    assert moment(NOON + 123_456) == datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=UTC)
    assert micros(moment(NOON + 1)) == NOON + 1
