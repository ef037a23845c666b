"""Charts: valid SVG of any values and any names, which says in words what it shows."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from rq.dashboard import charts

NAMES = st.text(st.characters(exclude_categories=['Cs', 'Cc']), max_size=12) | st.just('<script>alert(1)</script>"\'&')
VALUES = st.none() | st.floats() | st.integers(-5, 10**15)


def parsed(chart: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(f'<div>{chart}</div>')


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(NAMES, st.lists(st.tuples(st.integers(0, 4 * 10**9), VALUES), max_size=8), max_size=4), NAMES)
def test_a_line_chart_is_valid_whatever_it_shows(
    series: dict[str, list[tuple[float, float | None]]], name: str
) -> None:
    tree = parsed(charts.line(series, label=name, marks=[(5, name)]))
    assert tree.find('.//script') is None
    drawn = [path.get('d', '') for path in tree.iter('path')]
    assert not [line for line in drawn if 'nan' in line or 'inf' in line]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(NAMES, st.floats() | st.integers(-5, 10**15)), max_size=8))
def test_bars_and_sparks_and_meters_are_valid_whatever_they_show(rows: list[tuple[str, float]]) -> None:
    for chart in (
        charts.bars(rows),
        charts.spark([value for _, value in rows], label='x<y'),
        charts.strip([(name, name) for name, _ in rows]),
        charts.histogram([name for name, _ in rows], [value for _, value in rows]),
        *(charts.meter(value, 10, name) for name, value in rows),
    ):
        assert parsed(chart).find('.//script') is None


def test_a_line_is_interrupted_where_nothing_is_known() -> None:
    tree = parsed(charts.line({'waiting': [(0, 1), (60, None), (120, 2), (180, 3)]}))
    [line] = tree.findall(".//path[@class='s0']")[1:]
    assert line.get('d', '').count('M') == 2


def test_a_chart_says_in_words_what_stands_at_each_instant() -> None:
    titles = [
        title.text for title in parsed(charts.line({'done': [(0, 1234.0), (60, 2)], 'failed': [(0, 5)]})).iter('title')
    ]
    assert titles == ['01 Jan 00:00 UTC: done 1,234, failed 5', '01 Jan 00:01 UTC: done 2']


def test_without_values_a_chart_says_so() -> None:
    for chart in (charts.line({}), charts.line({'a': [(0, None)]}), charts.bars([])):
        assert 'class="empty"' in chart


def test_the_axis_ends_at_a_round_number() -> None:
    tree = parsed(charts.line({'a': [(0, 0), (60, 470)]}))
    assert [text.text for text in tree.iter('text') if text.get('class') == 'left'] == ['0', '250', '500']


@pytest.mark.parametrize(
    ('part', 'whole', 'width'), [(1, 4, '25.0'), (9, 4, '100.0'), (-1, 4, '0.0'), (None, None, '0.0'), (1, 0, '0.0')]
)
def test_a_meter_is_filled_to_its_share(part: float | None, whole: float | None, width: str) -> None:
    [share] = [rect for rect in parsed(charts.meter(part, whole)).iter('rect') if rect.get('class') == 'share']
    assert share.get('width') == width


def test_a_strip_counts_its_cells_in_words() -> None:
    [drawing] = parsed(charts.strip([('finished', 'x'), ('failed', 'y'), ('finished', 'z')])).iter('svg')
    assert drawing.get('aria-label') == '2 finished, 1 failed'
