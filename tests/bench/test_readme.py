"""The README shows the figures of the run whose page is in docs, and no others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.readme import README, put, section
from bench.report import Setting

LAST = Path(__file__).resolve().parents[2] / 'docs' / 'benchmarks.json'


def last_run() -> tuple[Setting, dict[str, dict[str, list[float]]]]:
    raw = json.loads(LAST.read_text())
    return Setting(**raw['setting']), raw['samples']


def test_the_readme_has_the_table_of_the_last_full_run() -> None:
    assert README.read_text() == put(README.read_text(), *last_run())


def test_the_table_has_a_row_for_each_figure_that_was_measured_on_both_sides() -> None:
    setting, samples = last_run()
    assert section(setting, samples).count('\n| `') >= 5
    del samples['bulk.per_s']['rq']
    assert 'enqueue_many' not in section(setting, samples)


def test_a_readme_without_the_place_is_refused() -> None:
    with pytest.raises(ValueError, match='has no'):
        put('# Packhorse\n', *last_run())
