"""HerokuWorker: SIGTERM to the dyno; the job is told that the end is near."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
from redis import Redis

from rq import Queue, Retry
from rq.job import JobStatus
from rq.registry import ScheduledJobRegistry
from rq.worker import HerokuWorker
from tests.support.processes import Process
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import Journal, WorkerMaker

KINDS = 'tests.worker.kinds.'


def stop_dyno(process: Process) -> None:
    """SIGTERM to every process, as Heroku does."""
    every = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
    for pid in every:
        os.kill(pid, signal.SIGTERM)


@pytest.mark.parametrize(('kind', 'signal_name'), [('HerokuAtOnce', 'SIGRTMIN'), ('HerokuSoon', 'SIGALRM')])
def test_the_job_gets_the_exception_and_may_clean_up(
    queue: Queue, worker: WorkerMaker, journal: Journal, kind: str, signal_name: str
) -> None:
    job = queue.enqueue(jobs.told_of_the_end)
    process = worker('-w', KINDS + kind)
    wait_for(lambda: 'waits' in journal.lines)
    stop_dyno(process)
    assert process.wait(10) == 0
    assert (
        journal.lines[-1]
        == f"end shut down imminent (signal: {signal_name}) ['f_code', 'f_lasti', 'f_lineno', 'f_locals', 'f_trace']"
    )
    assert job.get_status() is JobStatus.FAILED
    assert 'ShutDownImminentException' in (job.latest_result().exc_string or '')  # type: ignore[union-attr]


def test_a_job_with_retries_is_tried_again(queue: Queue, worker: WorkerMaker, journal: Journal) -> None:
    job = queue.enqueue(jobs.told_of_the_end, retry=Retry(max=1, interval=60))
    process = worker('-w', KINDS + 'HerokuAtOnce')
    wait_for(lambda: 'waits' in journal.lines)
    stop_dyno(process)
    process.wait(10)
    assert job in ScheduledJobRegistry(queue=queue)


def test_a_job_that_ends_in_time_has_finished(queue: Queue, worker: WorkerMaker, journal: Journal) -> None:
    job, after = queue.enqueue(jobs.sleep, 1), queue.enqueue(jobs.say)
    process = worker('-w', 'rq.worker.HerokuWorker')
    wait_for(lambda: 'sleep 1' in journal.lines)
    stop_dyno(process)
    assert process.wait(10) == 0
    assert (job.get_status(), after.get_status()) == (JobStatus.FINISHED, JobStatus.QUEUED)


def test_an_idle_worker_ends_at_once(worker: WorkerMaker) -> None:
    process = worker('-w', 'rq.worker.HerokuWorker')
    process.wait_for_output('Listening')
    stop_dyno(process)
    assert process.wait(5) == 0


def test_the_delay_is_rqs(redis: Redis) -> None:
    assert HerokuWorker('default', connection=redis).imminent_shutdown_delay == 6
