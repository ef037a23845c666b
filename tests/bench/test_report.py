from __future__ import annotations

from xml.etree import ElementTree

import pytest

from bench.chart import chart
from bench.metrics import METRICS, SHARED
from bench.report import Setting, number, page, table

SETTING = Setting(
    '2026-01-01 00:00 UTC', 'make bench', 'a machine', 2, 0.5, 'Valkey 9', 5, 'abc', {'RQ': {'rq': '3.0.0'}}
)
SAMPLES = {metric.key: {'ours': [5.0, 6.0, 7.0], 'rq': [2.0, 3.0, 4.0]} for metric in METRICS}


@pytest.mark.parametrize(
    ('value', 'text'),
    [(0.0312, '0.031'), (1.0, '1'), (9.49, '9.49'), (14.08, '14.1'), (56_123.4, '56,123'), (0, '0'), (100, '100')],
)
def test_a_number_is_shown_with_three_digits_that_matter(value: float, text: str) -> None:
    assert number(value) == text


def test_the_table_has_a_row_per_metric_and_every_row_all_cells() -> None:
    rows = table(SAMPLES).splitlines()
    assert len(rows) == len(METRICS) + 2
    assert {row.count(' | ') for row in rows if not row.startswith('|---')} == {8}


def test_a_row_shows_median_lowest_and_highest_of_both_sides() -> None:
    row = table({'bulk.per_s': {'ours': [90_000.0, 70_000.0, 80_000.0], 'rq': [8000.0] * 3}})
    assert '80,000/s (70,000 to 90,000) | 8,000/s | **10** | ≥ 3 × RQ = 24,000 | yes | ≥ 60,000 | yes' in row


def test_a_row_says_which_step_measures_it_and_one_whose_step_was_not_run_is_left_out() -> None:
    text = table({'two.jobs_per_s': {'ours': [9.0], 'rq': [1.0]}, 'loops.two_per_s': {SHARED: [10.0]}})
    assert len(text.splitlines()) == 3
    assert text.endswith('| ≥ 0.8 × two bare loops = 8 | yes | `two` |')


def test_a_row_of_ours_alone_does_not_miss_rqs() -> None:
    (row,) = (row for row in table({'promotion.per_s': {'ours': [30_000.0]}}).splitlines() if 'due jobs' in row)
    assert row == '| due jobs queued by an idle worker | 30,000/s |  |  |  |  | ≥ 20,000 | yes | `promotion` |'


def test_an_unkept_promise_is_kept_in_the_page_and_named() -> None:
    text = page(SETTING, SAMPLES | {'bulk.per_s': {'ours': [5.0], 'rq': [8.0]}}, 'chart.svg')
    assert '5/s | 8/s | **0.625** | ≥ 3 × RQ = 24 | **no**' in text
    assert 'not reached in this run: ' in text
    assert '`enqueue_many`' in text.split('not reached in this run: ')[1].splitlines()[0]


def test_the_page_names_machine_versions_command_and_floors() -> None:
    text = page(SETTING, SAMPLES | {'floor.ping_ms': {SHARED: [0.1, 0.2]}}, 'chart.svg')
    for part in ('a machine, 2 cores', 'Valkey 9', 'rq 3.0.0', '`make bench`', '5 rounds', 'PING', 'chart.svg'):
        assert part in text


def test_the_chart_is_an_svg_with_a_bar_per_measured_metric_for_light_and_dark() -> None:
    text = chart(SAMPLES)
    bars = [element for element in ElementTree.fromstring(text).iter() if element.tag.endswith('rect')]
    assert len(bars) == len(METRICS)
    assert 'prefers-color-scheme: dark' in text
    assert all(float(bar.attrib['width']) > 0 and float(bar.attrib['x']) >= 0 for bar in bars)


def test_a_bar_that_is_worse_than_rq_points_the_other_way() -> None:
    text = chart({'bulk.per_s': {'ours': [1.0], 'rq': [10.0]}, 'single.per_s': {'ours': [100.0], 'rq': [1.0]}})
    better, worse = [e for e in ElementTree.fromstring(text).iter() if e.tag.endswith('rect')]
    assert (better.attrib['class'], worse.attrib['class']) == ('better', 'worse')
    assert float(worse.attrib['x']) + float(worse.attrib['width']) == pytest.approx(float(better.attrib['x']), abs=0.2)
