"""Fault 16: what a job has started and that left its process group (setsid) is gone when the job was killed or died."""

from __future__ import annotations

import sys

import psutil
import pytest
from redis import Redis

from rq import Queue
from rq.command import send_kill_horse_command, send_stop_job_command
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import Journal, WorkerMaker

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='they are found by /proc')
CLASSIC = 'tests.worker.kinds.Classic'


def strays(journal: Journal) -> list[psutil.Process]:
    """The processes of the last job that wrote three down."""
    lines = [line for line in journal.lines if line.startswith('stray')]
    return [psutil.Process(int(line.split()[1])) for line in lines[-3:] if psutil.pid_exists(int(line.split()[1]))]


def living(journal: Journal) -> list[psutil.Process]:
    return [one for one in strays(journal) if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize('kind', ['rq.Worker', CLASSIC])
@pytest.mark.parametrize('then', ['is killed', 'loops in C'])
def test_row_16_what_left_its_process_group_goes_with_its_job_and_the_next_one_runs(
    queue: Queue, burst: WorkerMaker, journal: Journal, kind: str, then: str
) -> None:
    bad = queue.enqueue(jobs.leaves_strays, then, job_timeout=1)
    after = queue.enqueue(jobs.say)
    process = burst('-w', kind, settings={'HARD_GRACE': 0.3})
    assert (bad.get_status(), after.get_status()) == ('failed', 'finished'), process.report()
    assert len([line for line in journal.lines if line.startswith('stray')]) == 3
    wait_for(lambda: not living(journal))
    assert f'Job {bad.id} had left ' in process.output


def test_row_16_also_when_its_own_timeout_ends_it(queue: Queue, burst: WorkerMaker, journal: Journal) -> None:
    bad = queue.enqueue(jobs.leaves_strays, 'sleeps', job_timeout=1)
    burst()
    assert bad.get_status() == 'failed'
    wait_for(lambda: not living(journal))


@pytest.mark.parametrize('kind', ['rq.Worker', CLASSIC])
@pytest.mark.parametrize('command', ['kill', 'stop'])
def test_row_16_also_when_somebody_kills_or_stops_it(
    redis: Redis, queue: Queue, worker: WorkerMaker, journal: Journal, kind: str, command: str
) -> None:
    job = queue.enqueue(jobs.leaves_strays, 'sleeps')
    worker('--name', 'w1', '-w', kind)
    wait_for(lambda: len(living(journal)) == 3 and job.get_executions())
    if command == 'kill':
        send_kill_horse_command(redis, 'w1')
    else:
        send_stop_job_command(redis, job.id)
    wait_for(lambda: job.get_status() in ('failed', 'stopped'))
    wait_for(lambda: not living(journal))


def test_what_a_job_started_that_ended_well_stays_also_when_the_next_one_dies(
    queue: Queue, burst: WorkerMaker, journal: Journal
) -> None:
    """As with RQ: it may have been meant to."""
    started = queue.enqueue(jobs.leaves_strays, 'returns')
    queue.enqueue(jobs.sleep, 0.1)
    queue.enqueue(jobs.die, 9)
    burst()
    assert started.get_status() == 'finished'
    found = strays(journal)
    try:
        assert len(found) == 3
        assert len(living(journal)) == 3
    finally:
        for one in found:
            one.kill()
