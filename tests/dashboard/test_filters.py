"""How values look to a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rq.dashboard import filters
from rq.dashboard.plain import as_json


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (None, '–'),
        (0, '0'),
        (1234567, '1,234,567'),
        (0.5, '0.5'),
        (0.081, '0.081'),
        (12.34, '12.3'),
        (1234.5, '1,234'),
        (float('inf'), 'inf'),
    ],
)
def test_a_number(value: float | None, text: str) -> None:
    assert filters.number(value) == text


@pytest.mark.parametrize(
    ('value', 'text'),
    [(None, '–'), (0, '0.0 ms'), (0.0012, '1.2 ms'), (0.05, '50 ms'), (0.5, '0.5 s'), (59.6, '60 s'), (184, '3 m 4 s'), (180, '3 m'), (3600 * 53, '2 d 5 h'), (-5, '-5.0 s'), (10**12, '11,574,074 d 1 h')],
)  # fmt: skip
def test_a_duration(value: float | None, text: str) -> None:
    assert filters.seconds(value) == text


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (None, '–'),
        (0, '0 B'),
        (999, '999 B'),
        (1200, '1.2 KB'),
        (123456, '123 KB'),
        (1.5e9, '1.5 GB'),
        (10**16, '10,000.0 TB'),
    ],
)
def test_a_size(value: float | None, text: str) -> None:
    assert filters.size(value) == text


@pytest.mark.parametrize(
    ('value', 'text'), [(None, '–'), (0, '0/min'), (0.07, '4.2/min'), (1, '1/s'), (12.34, '12.3/s')]
)
def test_a_rate(value: float | None, text: str) -> None:
    assert filters.rate(value) == text


@pytest.mark.parametrize(
    ('passed', 'text'), [(0, 'now'), (5, '5 s ago'), (190, '3 m ago'), (-130, 'in 2 m'), (86400 * 3, '3 d ago')]
)
def test_a_time_that_passed_or_is_to_come(passed: float, text: str) -> None:
    told = filters.ago(datetime.now(UTC) - timedelta(seconds=passed, milliseconds=200))
    assert told.striptags() == text and told.startswith('<time datetime="2')


@settings(max_examples=30, deadline=None)
@given(st.none() | st.floats() | st.integers() | st.datetimes() | st.datetimes(timezones=st.just(UTC)))
def test_any_time_is_shown_somehow(value: Any) -> None:
    assert filters.ago(value)


def test_a_long_text_is_cut_in_its_middle_and_whole_in_its_title() -> None:
    assert filters.short('shop.mail.send', 80) == 'shop.mail.send'
    cut = filters.short('<b>' + 'x' * 100 + '</b>', 20)
    assert '>&lt;b&gt;xxxxxxxxx…xx' in cut
    assert '<b>' not in cut


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=200), st.integers(2, 90))
def test_any_text_is_cut_to_its_length(text: str, most: int) -> None:
    assert len(filters.short(text, most).unescape()) <= most or '<span' in filters.short(text, most)


@settings(max_examples=30, deadline=None)
@given(
    st.recursive(
        st.none() | st.floats() | st.text() | st.binary() | st.datetimes(),
        lambda inner: st.lists(inner) | st.dictionaries(st.binary() | st.text(), inner),
    )
)
def test_any_value_becomes_json(value: Any) -> None:
    assert as_json(value).isascii()
