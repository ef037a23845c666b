"""Two workers and one long job: no short job waits behind it while the other worker is free."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from redis import Redis

from rq import Queue
from rq.store import keys
from tests.faults import jobs
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger
from tests.support.waiting import wait_for

pytestmark = pytest.mark.serial

# What a busy machine of two cores may add to the 150 ms promised; the measured figures are printed.
SLACK = 0.15


def test_no_short_job_waits_behind_a_long_one_for_more_than_150_ms(
    redis: Redis, herd: Herd, ledger: Ledger, tmp_path: Path
) -> None:
    for number in range(2):
        herd.start(worker={'name': f'w{number}'}, level='ERROR')
    queue = Queue(connection=redis)
    warm = 2_000
    queue.enqueue_many([Queue.prepare_data(jobs.note, (number,)) for number in range(warm)])
    wait_for(lambda: len(ledger.begun()) == warm)
    waits: list[float] = []
    for number in range(12):
        after = warm + 61 * (number + 1)
        gate, first = tmp_path / f'open{number}', warm + 1000 * number
        many = [Queue.prepare_data(jobs.note, (first + place,)) for place in range(60)]
        many.insert(number * 5, Queue.prepare_data(jobs.until, (first + 999, str(gate))))
        pushed = time.monotonic_ns()
        queue.enqueue_many(many)
        wait_for(lambda after=after: len(ledger.begun()) == after, 5)  # type: ignore[misc]
        gate.touch()
        waits += [(entry.clock_ns - pushed) / 1e9 for entry in ledger.entries() if 0 <= entry.number - first < 999]
        wait_for(lambda after=after: redis.zcard(keys.finished('default')) == after)  # type: ignore[misc]
    waits.sort()
    print(f'behind a long job: p50 {waits[len(waits) // 2] * 1000:.1f} ms, max {waits[-1] * 1000:.0f} ms')
    assert waits[-1] < 0.15 + SLACK
    assert ledger.twice() == []
