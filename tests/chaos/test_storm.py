"""Everything at once: processes killed and stopped, replies and requests lost, connections cut, silence. Briefly, and in a hurry."""

from __future__ import annotations

import os

import pytest

from chaos import report
from chaos.harness import Settings, run
from chaos.target import HURRIED

# The death of a supervisor that owes something for a dead horse leaves jobs that may have begun to the reaper, in 30 s:
# so horses and supervisors are not killed in the same run here; they are in `make chaos`.
HORSES = [
    'horse_killed',
    'horse_paused',
    'worker_paused',
    'reply_lost',
    'request_lost',
    'connections_cut',
    'black_hole',
    'races',
]
SUPERVISORS = [
    'worker_killed',
    'worker_terminated',
    'horse_paused',
    'reply_lost',
    'request_lost',
    'connections_cut',
    'one_silent',
]


@pytest.mark.parametrize(('names', 'often'), [(HORSES, 10.0), (SUPERVISORS, 4.0)], ids=['horses', 'supervisors'])
def test_whatever_happens_every_job_ends_and_none_runs_twice(names: list[str], often: float) -> None:
    seed = int(os.environ.get('CHAOS_SEED', '1'))
    done = run(
        Settings(HURRIED, seed, 6.0, names, rate=60.0, faults_a_second=often, patience=30.0, pace=0.5, burst=1500)
    )
    assert done.report.findings == [], report.run(done)
    assert done.report.numbers['finished'] > 1000
