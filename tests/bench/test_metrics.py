from __future__ import annotations

import pytest

from bench.metrics import METRICS, SHARED, Bound, Metric

RATE = Metric('rate', 'jobs', '/s', 'higher', promised=Bound(100, 'rq', 'RQ'))
COST = Metric('cost', 'bytes', 'B', 'lower', promised=Bound(0.5, 'rq', 'RQ'), aimed=Bound(4, 'floor.ping', 'PING'))


def test_a_rate_is_compared_by_the_medians_of_all_rounds() -> None:
    samples = {'rate': {'ours': [1.0, 1000.0, 900.0], 'rq': [10.0, 9.0, 500.0]}}
    assert RATE.ratio(samples) == pytest.approx(90)


def test_a_cost_is_better_by_as_many_times_as_it_is_smaller() -> None:
    assert COST.ratio({'cost': {'ours': [10.0], 'rq': [40.0]}}) == pytest.approx(4)


@pytest.mark.parametrize(('ours', 'slack', 'reached'), [(999.0, 1, False), (1000.0, 1, True), (200.0, 5, True)])
def test_a_rate_reaches_its_bound_from_below_and_slack_makes_it_easier(
    ours: float, slack: float, reached: bool
) -> None:
    samples = {'rate': {'ours': [ours], 'rq': [10.0]}}
    assert RATE.reached(RATE.promised, samples, slack) is reached


@pytest.mark.parametrize(('ours', 'slack', 'reached'), [(21.0, 1, False), (20.0, 1, True), (100.0, 5, True)])
def test_a_cost_reaches_its_bound_from_above_and_slack_makes_it_easier(
    ours: float, slack: float, reached: bool
) -> None:
    samples = {'cost': {'ours': [ours], 'rq': [40.0]}}
    assert COST.reached(COST.promised, samples, slack) is reached


def test_a_bound_may_refer_to_a_floor_measured_in_the_same_run() -> None:
    samples = {'cost': {'ours': [0.5], 'rq': [9.0]}, 'floor.ping': {SHARED: [0.1]}}
    assert COST.reached(COST.aimed, samples) is False


def test_nothing_is_said_about_what_was_not_measured() -> None:
    assert RATE.ratio({'rate': {'rq': [10.0]}}) is None
    assert RATE.reached(RATE.promised, {'rate': {'ours': [10.0]}}) is None
    assert RATE.reached(None, {'rate': {'ours': [10.0], 'rq': [1.0]}}) is None


def test_the_promises_of_the_first_landing_are_in_the_table() -> None:
    promised = {(m.key, m.rqs, m.promised.factor) for m in METRICS if m.promised}
    assert promised >= {
        ('worker.jobs_per_s', 'worker.jobs_per_s', 100),
        ('worker.jobs_per_s', 'simple.jobs_per_s', 30),
        ('worker.round_trips', 'worker.round_trips', 0.2),
        ('single.round_trips', 'single.round_trips', 1),
        ('bulk.per_s', 'bulk.per_s', 3),
    }
