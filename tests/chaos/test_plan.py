"""A seed is a plan."""

from __future__ import annotations

from itertools import pairwise

import pytest

from chaos.faults import DEEDS
from chaos.plan import CALM, FAULTS, STORM, build


def test_the_same_seed_is_the_same_plan_and_another_is_another() -> None:
    names = list(FAULTS)
    assert build(7, 60.0, names) == build(7, 60.0, names)
    assert build(7, 60.0, names) != build(8, 60.0, names)


@pytest.mark.parametrize('seed', range(5))
def test_a_storm_begins_after_a_calm_and_keeps_its_distances(seed: int) -> None:
    steps = build(seed, 60.0, STORM)
    assert {step.fault for step in steps} == set(STORM)
    assert steps[0].at > CALM and steps[-1].at < 60.0
    for name in STORM:
        times = [step.at for step in steps if step.fault == name]
        assert all(later - earlier >= FAULTS[name].apart for earlier, later in pairwise(times))


def test_a_run_of_90_seconds_has_forty_faults_of_nearly_all_kinds() -> None:
    steps = build(1, 45.0, list(FAULTS))
    assert len(steps) >= 30 and len({step.fault for step in steps}) >= 12


def test_every_fault_can_be_done() -> None:
    assert {name for name, kind in FAULTS.items() if kind.weight} == set(DEEDS)
