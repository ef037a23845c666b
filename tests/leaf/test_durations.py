"""durations.py: histograms and what they tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rq.durations import ERROR, edges, index, merged, quantile


@given(st.integers(0, 10**13))
def test_a_duration_lies_between_the_edges_of_its_place(us: int) -> None:
    low, high = edges(index(us))
    assert low - 1e-9 <= us / 1e6 < high + 1e-9


def test_places_follow_each_other_without_a_gap() -> None:
    assert sorted({index(us) for us in range(100_000)}) == list(range(index(99_999) + 1))
    assert all(edges(place)[1] == edges(place + 1)[0] for place in range(160))


@given(st.lists(st.integers(4, 10**12), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_at_most_an_eighth_off(times: list[int], part: float) -> None:
    histogram = merged([{index(us): 1} for us in times])
    true = sorted(times)[max(0, -(-int(part * 100) * len(times) // 100) - 1)] / 1e6
    found = quantile(histogram, part)
    assert found == pytest.approx(true, rel=ERROR + 1e-9)


def test_nothing_has_no_percentile() -> None:
    assert quantile({}, 0.5) is None and merged([]) == {}
