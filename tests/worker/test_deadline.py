"""Deadlines: softly in the horse, hard by the supervisor."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from rq import Queue, SimpleWorker
from rq.timeouts import JobTimeoutException
from rq.worker.deadline import Deadline
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import Journal, WorkerMaker

QUICK = {'HARD_GRACE': 0.4}


@pytest.fixture
def deadline() -> Iterator[Deadline]:
    """One that is installed; seconds may be fractions here."""
    before = signal.getsignal(signal.SIGALRM)
    one = Deadline()
    one.install()
    yield one
    one.remove()
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def strikes(within: float = 2.0) -> float:
    """Seconds until the timeout is raised here."""
    began = time.monotonic()
    try:
        while time.monotonic() - began < within:
            time.sleep(0.001)
    except JobTimeoutException:
        return time.monotonic() - began
    raise AssertionError('no timeout')


def runs(seconds: float) -> None:
    """Spends time without a timeout."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.001)


def test_the_timeout_is_raised_in_the_function_and_names_itself(deadline: Deadline) -> None:
    deadline.open([0.05])  # type: ignore[list-item]
    deadline.set(0.05)  # type: ignore[arg-type]
    with pytest.raises(JobTimeoutException, match=r'Task exceeded maximum timeout value \(0.05 seconds\)'):
        runs(2)


def test_nothing_is_raised_once_the_job_has_ended(deadline: Deadline) -> None:
    deadline.open([0.03])  # type: ignore[list-item]
    deadline.set(0.03)  # type: ignore[arg-type]
    deadline.clear()
    runs(0.06)


def test_each_job_of_a_pack_has_its_own_time(deadline: Deadline) -> None:
    deadline.open([0.1, 0.1])  # type: ignore[list-item]
    deadline.set(0.1)  # type: ignore[arg-type]
    runs(0.06)
    deadline.clear()
    deadline.set(0.1)  # type: ignore[arg-type]
    assert strikes() >= 0.09


def test_a_job_with_a_longer_timeout_is_not_ended_by_that_of_another(deadline: Deadline) -> None:
    deadline.open([0.05, 0.15])  # type: ignore[list-item]
    deadline.set(0.05)  # type: ignore[arg-type]
    deadline.clear()
    deadline.set(0.15)  # type: ignore[arg-type]
    assert strikes() >= 0.14


def test_a_job_behind_one_that_was_late_has_its_deadline(deadline: Deadline) -> None:
    deadline.open([0.03, 0.05])  # type: ignore[list-item]
    deadline.set(0.03)  # type: ignore[arg-type]
    strikes()
    deadline.set(0.05)  # type: ignore[arg-type]
    assert strikes() < 1


@pytest.mark.parametrize('seconds', [0.0, 500.0])
def test_a_job_that_used_the_timer_for_itself_leaves_the_next_one_its_deadline(
    deadline: Deadline, seconds: float
) -> None:
    deadline.open([0.05, 0.05])  # type: ignore[list-item]
    deadline.set(0.05)  # type: ignore[arg-type]
    signal.setitimer(signal.ITIMER_REAL, seconds)
    deadline.clear()
    deadline.set(0.05)  # type: ignore[arg-type]
    assert strikes() < 1


def test_a_job_that_blocks_signals_leaves_the_next_pack_its_deadlines(deadline: Deadline) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    try:
        deadline.open([0.03])  # type: ignore[list-item]
        deadline.set(0.03)  # type: ignore[arg-type]
        assert strikes() < 1
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def test_no_limit_is_no_limit(deadline: Deadline) -> None:
    deadline.open([-1, -1])
    deadline.set(-1)
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_limit_of_a_thousand_years_can_be_set(deadline: Deadline) -> None:
    deadline.open([10**30])
    deadline.set(10**30)
    assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] < 10**9


def test_the_timer_stops_with_the_pack(deadline: Deadline) -> None:
    deadline.open([100])
    deadline.set(100)
    deadline.close()
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_timeout_that_strikes_after_the_function_returned_counts_as_success(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = queue.enqueue('builtins.len', 'abc')

    def clear(deadline: Deadline) -> None:
        monkeypatch.undo()
        raise JobTimeoutException('too late')

    monkeypatch.setattr(Deadline, 'clear', clear)
    SimpleWorker([queue]).work(burst=True)
    assert job.is_finished and job.return_value() == 3


# --- real processes


@pytest.mark.serial
def test_a_timeout_ends_what_sleeps_and_what_swallows_every_exception(
    queue: Queue, burst: WorkerMaker, journal: Journal
) -> None:
    sleeps = queue.enqueue(jobs.cleans_up, 60, job_timeout=1)
    swallows = queue.enqueue(jobs.swallow, 60, job_timeout=1)
    behind = queue.enqueue(jobs.say, 'good')
    began = time.monotonic()
    burst()
    assert time.monotonic() - began < 5
    for job in (sleeps, swallows):
        assert job.is_failed
        text = job.latest_result().exc_string
        assert text.endswith('rq.timeouts.JobTimeoutException: Task exceeded maximum timeout value (1 seconds)\n')
        assert '/tests/worker/jobs.py", line ' in text
    assert journal.lines == ['cleaned up', 'say good']
    assert behind.is_finished


@pytest.mark.serial
def test_what_cannot_be_reached_is_killed_with_its_children_some_seconds_later(
    queue: Queue, worker: WorkerMaker, journal: Journal
) -> None:
    job = queue.enqueue(jobs.c_loop_with_child, job_timeout=1)
    behind = queue.enqueue(jobs.say, 'good')
    process = worker('--burst', settings=QUICK)
    wait_for(lambda: journal.lines, 20)
    child = psutil.Process(int(journal.lines[0].split()[1]))
    began = time.monotonic()
    assert process.wait() == 0
    assert 1.2 < time.monotonic() - began < 4
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert job.is_failed and behind.is_finished
    told = job.latest_result().exc_string.strip()
    assert re.match(
        r'rq\.timeouts\.JobTimeoutException: Task exceeded maximum timeout value \(1 seconds\) '
        r'and did not end within \S+ seconds more; its process was killed',
        told,
    )
    assert 'c_loop' in told, 'and where it was'


@pytest.mark.serial
def test_what_a_job_had_started_does_not_outlive_its_timeout(
    queue: Queue, worker: WorkerMaker, journal: Journal
) -> None:
    job = queue.enqueue(jobs.sleeps_with_child, job_timeout=1)
    behind = queue.enqueue(jobs.say, 'good')
    worker()
    wait_for(lambda: journal.lines, 20)
    child = psutil.Process(int(journal.lines[0].split()[1]))
    wait_for(lambda: behind.is_finished)
    assert job.is_failed
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.serial
def test_a_pattern_without_end_and_a_job_that_catches_everything_are_killed(
    queue: Queue, burst: WorkerMaker, journal: Journal
) -> None:
    pattern = queue.enqueue(jobs.slow_pattern, job_timeout=1)
    stubborn = queue.enqueue(jobs.swallow_everything, job_timeout=1)
    behind = queue.enqueue(jobs.say, 'good')
    burst(settings=QUICK)
    assert pattern.is_failed and stubborn.is_failed and behind.is_finished
    assert journal.lines == ['swallowed JobTimeoutException', 'say good']


@pytest.mark.serial
def test_a_module_that_hangs_at_its_import_is_ended_by_the_timeout(
    queue: Queue, burst: WorkerMaker, tmp_path: Path
) -> None:
    (tmp_path / 'hanging.py').write_text('import time\ntime.sleep(60)\n')
    job = queue.enqueue('hanging.function', job_timeout=1)
    behind = queue.enqueue(jobs.say, 'good')
    burst(cwd=tmp_path)
    assert job.is_failed and behind.is_finished
    assert 'hanging.py", line 2, in <module>' in job.latest_result().exc_string


@pytest.mark.serial
def test_jobs_that_use_the_alarm_for_themselves_do_not_disturb_the_next_ones(
    queue: Queue, burst: WorkerMaker, journal: Journal
) -> None:
    for _ in range(10):
        queue.enqueue(jobs.say, 'short')
    queue.enqueue(jobs.alarm, 1)  # rings in a later job
    queue.enqueue(jobs.alarm, 1000)
    queue.enqueue(jobs.sleep, 1.2)
    late = queue.enqueue(jobs.sleep, 60, job_timeout=1)
    burst(settings={'HARD_GRACE': 30})
    assert journal.lines[-3:] == ['sleep 1.2', 'woke 1.2', 'sleep 60']
    assert late.is_failed
