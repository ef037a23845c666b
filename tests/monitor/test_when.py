"""When a cron job comes, in words and in times."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from rq.monitor.when import Patience, Schedule, words

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ('expression', 'told'),
    [
        ('0 3 * * *', 'At 03:00 every day'),
        ('@hourly', 'At the start of every hour'),
        ('* * * * *', 'Every minute'),
        ('*/5 * * * * 30', 'Every fifth minute of every hour, at second 30'),
        ('nonsense', ''),
        ('<script>', ''),
    ],
)
def test_an_expression_is_told_in_words(expression: str, told: str) -> None:
    assert words(expression) == told


def test_the_next_times_are_those_of_its_zone() -> None:
    found = Schedule('0 3 * * *', 'Europe/Prague').next(NOW, 5, Patience())
    assert found[0].isoformat() == '2026-11-25T02:00:00+00:00' and len(found) == 5
    again = Schedule('0 3 * * *', 'Europe/Prague')
    again.next(NOW, 5, Patience())
    assert again.next(NOW + timedelta(days=2), 5, Patience())[0] == found[2]


def test_past_times_are_worked_out_a_little_at_a_time() -> None:
    schedule = Schedule('* * * * *', 'UTC')
    assert schedule.between(NOW, NOW + timedelta(minutes=90), 100, Patience(0)) is None
    found = None
    began = time.monotonic()
    while found is None and time.monotonic() - began < 10:
        found = schedule.between(NOW, NOW + timedelta(minutes=90), 100, Patience(0.01))
    assert found is not None and len(found) == 90 and found[0] == NOW + timedelta(minutes=1)
    assert schedule.between(NOW, NOW + timedelta(minutes=90), 50, Patience()) is None
    assert schedule.between(NOW, NOW + timedelta(days=90), 100, Patience(5)) is None


def test_what_never_comes_or_cannot_be_read_is_an_error_of_value() -> None:
    with pytest.raises(ValueError, match='cannot be read'):
        Schedule('61 * * * *', None)
