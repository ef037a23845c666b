"""Values that anybody may have written are read without ever raising."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rq.monitor.lenient import age, clamped, moment, real, whole, written
from rq.monitor.progress import progress

NONSENSE = ('', 'x', 'nan', 'inf', '-inf', '1e400', '9' * 1_000_000, b'\xff', None)


@pytest.mark.parametrize('given', NONSENSE, ids=range(len(NONSENSE)))
def test_what_is_no_number_is_none(given: str | bytes | None) -> None:
    assert (real(given), moment(given), whole(given, 7)) == (None, None, 7)
    assert (written(given), age(given, 0)) == (None, None)


def test_numbers_and_moments_are_read() -> None:
    assert (real('1.5'), real(b'2'), real(3), whole('12')) == (1.5, 2.0, 3.0, 12)
    assert moment('86400') == moment(86400.0) == datetime(1970, 1, 2, tzinfo=UTC)


def test_a_moment_that_no_calendar_has_is_none_or_the_nearest() -> None:
    assert moment(1e17) is None and moment(10**400) is None
    assert clamped(1e300).year == 9999 and clamped(float('nan')).year == 1970


def test_a_moment_as_rq_writes_it_is_utc_with_its_zone_or_without() -> None:
    for given in ('1970-01-02T00:00:00.000000Z', b'1970-01-02T00:00:00Z', '1970-01-02T01:00:00+01:00', '1970-01-02'):
        assert written(given) == datetime(1970, 1, 2, tzinfo=UTC)
        assert (age(given, 86_401), age(given, 0)) == (1.0, 0.0)


@pytest.mark.parametrize(
    ('told', 'share'),
    [('0.25', 0.25), ('40', 0.4), ('1', 1.0), ('101', None), ('-1', None), ('nan', None), ('half', None)],
)
def test_progress_is_a_share_or_a_percentage(told: str, share: float | None) -> None:
    assert progress({'progress': told}) == share
    assert progress({}) is None
