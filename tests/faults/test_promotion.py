"""Scheduled jobs start on time and once, whoever promotes them (I13)."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from redis import Redis

from rq import Queue, Retry
from rq.store import keys
from tests.faults import jobs
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger
from tests.support.waiting import wait_for

pytestmark = pytest.mark.serial


def test_scheduled_jobs_start_once_never_early_and_at_most_a_second_late(
    redis: Redis, herd: Herd, ledger: Ledger
) -> None:
    """I13: counted from the time that was asked for."""
    queue = Queue(connection=redis)
    clock, wall = time.monotonic_ns(), time.time()
    due: dict[int, float] = {}
    for number in range(60):
        job = queue.enqueue_in(timedelta(seconds=0.5 + number * 0.05), jobs.note, number)
        due[number] = float(redis.zscore(keys.scheduled('default'), job.id))  # type: ignore[arg-type]
        assert due[number] >= wall + 0.5 + number * 0.05
        assert due[number] - time.time() <= 0.5 + number * 0.05 + 0.002
    for number in range(2):
        herd.start(worker={'name': f'w{number}'}, level='ERROR')
    wait_for(lambda: len(ledger.begun()) >= 60, 15)
    late = [wall + (entry.clock_ns - clock) / 1e9 - due[entry.number] for entry in ledger.entries()]
    print(f'scheduled jobs begin {min(late) * 1000:.0f} to {max(late) * 1000:.0f} ms after their time')
    assert min(late) >= 0
    assert max(late) < 1.0
    wait_for(lambda: redis.zcard(keys.finished('default')) == 60)
    assert ledger.twice() == []


def test_a_retry_waits_its_interval(redis: Redis, herd: Herd, ledger: Ledger) -> None:
    herd.start(level='CRITICAL')
    job = Queue(connection=redis).enqueue(jobs.fails, 0, retry=Retry(max=2, interval=[1, 1]))
    wait_for(lambda: job.get_status() == 'failed', 15)
    first, second, third = (entry.clock_ns / 1e9 for entry in ledger.entries())
    assert 1.0 <= second - first < 3.3
    assert 1.0 <= third - second < 3.3
