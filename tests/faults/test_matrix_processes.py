"""The fault matrix (docs/guarantees.md), rows about processes: stopped for longer than a lease, poisonous, cloned, in another hour."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis

from rq import Queue
from rq.job import Job
from rq.store import keys
from tests.faults import jobs
from tests.faults.batch import all_are, statuses
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger
from tests.faults.mixture import PAUSE, SCALED
from tests.support.waiting import wait_for

Measure = Callable[[str, str], None]


def results(redis: Redis, job: Job) -> int:
    return int(redis.xlen(keys.results(job.id)))


@pytest.mark.parametrize('other', [True, False], ids=['beside another', 'alone'])
def test_row_05_I4_of_a_worker_stopped_for_longer_than_its_lease_no_late_outcome_is_taken(
    redis: Redis, herd: Herd, ledger: Ledger, tmp_path: Path, measured: Measure, other: bool
) -> None:
    stopped = herd.start(worker={'name': 'stopped'}, settings=SCALED)
    stopped.horse()
    job = Queue(connection=redis).enqueue(jobs.until, 0, str(tmp_path / 'open'))
    wait_for(lambda: redis.hexists(keys.job(job.id), 'announced'))
    if other:
        herd.start(worker={'name': 'other'}, settings=SCALED)
    stopped.signal(signal.SIGSTOP)
    if other:
        wait_for(lambda: job.get_status() == 'failed', 10, herd.process.report)
    else:
        time.sleep(PAUSE)
    (tmp_path / 'open').touch()
    wait_for(lambda: ledger.entries('e'))
    if other:
        wait_for(lambda: 'came too late' in herd.process.output, 10, herd.process.report)
    stopped.signal(signal.SIGCONT)
    wait_for(lambda: job.get_status() == ('failed' if other else 'finished'), 10, herd.process.report)
    assert results(redis, job) == 1
    assert ledger.begun() == [0]
    next_one = [Queue(connection=redis).enqueue(jobs.note, number) for number in range(1, 20)]
    wait_for(lambda: all_are(redis, next_one))
    assert stopped.status is None
    measured('5', 'stale outcomes accepted: 0')


def test_row_06_I18_a_horse_that_is_stopped_past_its_timeout_is_killed(
    redis: Redis, herd: Herd, ledger: Ledger, measured: Measure
) -> None:
    member = herd.start(settings={'HARD_GRACE': 0.5, 'WATCH_EVERY': 0.01})
    queue = Queue(connection=redis)
    job = queue.enqueue(jobs.note, 0, 30, job_timeout=1)
    wait_for(lambda: ledger.begun() == [0])
    began = time.monotonic()
    os.kill(member.horse(), signal.SIGSTOP)
    wait_for(lambda: job.get_status() == 'failed', 10, herd.process.report)
    seconds = time.monotonic() - began
    assert 'exceeded maximum timeout value (1 seconds)' in str(job.latest_result().exc_string)  # type: ignore[union-attr]
    good = queue.enqueue(jobs.note, 1)
    wait_for(lambda: all_are(redis, [good]))
    assert 1.0 < seconds < 4.0
    measured('6', f'killed {seconds - 1.0:.2f} s after the timeout (grace 0.5 s)')


def test_row_16_I17_what_a_job_forks_without_end_harms_no_other_job_and_is_gone_with_its_timeout(
    redis: Redis, herd: Herd, ledger: Ledger, measured: Measure
) -> None:
    member = herd.start(settings={'HARD_GRACE': 0.5})
    queue = Queue(connection=redis)
    bomb = queue.enqueue(jobs.fork_again_and_again, 0, job_timeout=1)
    good = [queue.enqueue(jobs.note, number) for number in range(1, 20)]
    wait_for(lambda: all_are(redis, good), 20, herd.process.report)
    assert bomb.get_status(refresh=True) == 'failed'
    left = [child for child in psutil.Process(member.pid).children(recursive=True) if child.pid != member.horse()]
    assert left == []
    begun = {entry.pid for entry in ledger.entries('f')}
    assert len(begun) > 10
    wait_for(lambda: not [pid for pid in begun if _lives(pid)], 5)
    measured('16', f'{len(begun)} processes forked, 0 left')


def _lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_row_18_I11_jobs_that_end_their_process_or_their_worker_hold_up_no_other(
    redis: Redis, herd: Herd, ledger: Ledger, measured: Measure
) -> None:
    settings = {**SCALED, 'supervisor.FRUITLESS_WAIT': 0.01}
    members = [herd.start(worker={'name': f'w{number}'}, settings=settings) for number in range(2)]
    queue = Queue(connection=redis)
    poison = [queue.enqueue(function, number) for number, function in enumerate(jobs.POISON)]
    good = [queue.enqueue(jobs.note, number) for number in range(100, 160)]
    began = time.monotonic()
    wait_for(lambda: all_are(redis, good), 20, herd.process.report)
    seconds = time.monotonic() - began
    wait_for(lambda: all(statuses(redis)[job.id] == 'failed' for job in poison[:-1]), 20, herd.process.report)
    for job, words in zip(poison, ('exit code 7', 'SIGSEGV', 'SIGABRT'), strict=False):
        assert words in str(job.latest_result().exc_string)  # type: ignore[union-attr]
    assert len([member for member in members if member.status is None]) >= 1
    assert all(ledger.counts()[number] == 1 for number in range(100, 160))
    measured('18', f'60 others done after {seconds:.1f} s')
    # The one that kills its worker is found by the other, which may run it, too: its horse alone knew of it.
    wait_for(lambda: statuses(redis)[poison[-1].id] == 'failed' or not _alive(members), 20, herd.process.report)


def _alive(members: list[Any]) -> list[Any]:
    return [member for member in members if member.status is None]


@pytest.mark.parametrize('hours', [1, -1])
def test_row_19_I10_a_worker_whose_clock_jumps_takes_no_job_from_the_living_and_loses_none(
    redis: Redis, herd: Herd, ledger: Ledger, tmp_path: Path, measured: Measure, hours: int
) -> None:
    """Its wall clock, in all that it asks Python for; leases are by Redis time alone."""
    herd.start(worker={'name': 'true'}, settings=SCALED)
    queue = Queue(connection=redis)
    long = [queue.enqueue(jobs.until, number, str(tmp_path / 'open')) for number in range(2)]
    clock = tmp_path / 'clock'
    herd.start(worker={'name': 'false'}, settings=SCALED, clock=[str(clock), hours * 3600])
    wait_for(lambda: sorted(ledger.begun()) == [0, 1])
    clock.touch()
    time.sleep(PAUSE)  # more than two leases, in which somebody might be taken for dead
    clock.unlink()
    time.sleep(0.3)
    clock.touch()
    (tmp_path / 'open').touch()
    wait_for(lambda: all_are(redis, long), 10, herd.process.report)
    short = [queue.enqueue(jobs.note, number) for number in range(2, 60)]
    due = queue.enqueue_at(_soon(redis), jobs.note, 60)
    wait_for(lambda: all_are(redis, [*short, due]), 10, herd.process.report)
    assert sorted(ledger.begun()) == list(range(61))
    assert re.findall('dead worker|too late|another worker has taken', herd.process.output) == []
    measured('19', 'false reaps: 0')


def _soon(redis: Redis) -> Any:
    from datetime import UTC, datetime

    seconds, _ = redis.time()
    return datetime.fromtimestamp(seconds + 1, UTC)
