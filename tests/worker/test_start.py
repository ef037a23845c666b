"""How horses start and end: deaths of every kind, modules that are imported before, processes that stay single."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from rq import Queue
from rq.job import Job
from rq.worker.start import Death, ForkStart, NurseryStart
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import Journal, WorkerMaker


def text_of(job: Job) -> str:
    """The first line of why it failed."""
    assert job.is_failed, job.get_status()
    return job.latest_result().exc_string.strip().splitlines()[0]  # type: ignore[union-attr, no-any-return]


@pytest.mark.parametrize('options', [(), ('--fork-per-job',), ('--preload', 'tests.worker.jobs')], ids=' '.join)
def test_the_death_of_a_horse_fails_its_job_with_the_evidence_and_harms_no_other(
    queue: Queue, burst: WorkerMaker, journal: Journal, options: tuple[str, ...]
) -> None:
    deaths = [
        (jobs.die, (signal.SIGKILL,), 'waitpid returned 9 (signal 9, SIGKILL)'),
        (jobs.segfault, (), '(signal 11, SIGSEGV)'),
        (jobs.leave, (0,), 'waitpid returned 0 (exit code 0)'),
        (jobs.leave, (3,), 'waitpid returned 768 (exit code 3)'),
    ]
    found, others = [], []
    for number, (function, arguments, _) in enumerate(deaths):
        others += [queue.enqueue(jobs.say, f'{number}.{place}') for place in range(5)]
        found.append(queue.enqueue(function, *arguments))
    others += [queue.enqueue(jobs.say, 'last')]
    process = burst(*options)
    for job, text in zip(found, [text for _, _, text in deaths], strict=True):
        assert re.fullmatch(
            rf'Work-horse terminated unexpectedly; .*{re.escape(text)}; peak memory [1-9]\d* MB', text_of(job)
        )
        [line] = [line for line in process.stderr.splitlines() if job.id in line]
        assert text in line and 'peak memory' in line
    assert all(job.is_finished for job in others)
    said = [line for line in journal.lines if line.startswith('say')]
    assert said == [*(f'say {number}.{place}' for number in range(4) for place in range(5)), 'say last']
    assert journal.lines.count('dies') == 4


@pytest.mark.serial
def test_a_death_is_reported_within_a_second_and_with_the_peak_memory(
    queue: Queue, worker: WorkerMaker, journal: Journal
) -> None:
    process = worker()
    process.wait_for_output('Listening')
    job = queue.enqueue(jobs.fat, 120)
    began = time.monotonic()
    wait_for(lambda: job.get_status() == 'failed')
    assert time.monotonic() - began < 1
    peak = re.search(r'peak memory (\d+) MB', text_of(job))
    assert peak and 120 <= int(peak[1]) < 250
    after = queue.enqueue(jobs.say, 'on')
    wait_for(lambda: after.get_status() == 'finished')


def test_a_job_over_its_memory_limit_fails_as_any_other(queue: Queue, burst: WorkerMaker) -> None:
    job = queue.enqueue(jobs.too_much_memory)
    behind = queue.enqueue(jobs.say, 'good')
    burst('--max-jobs-per-horse', '1')
    told = job.latest_result()
    assert told is not None and 'MemoryError' in str(told.exc_string).strip().splitlines()[-1]
    assert behind.is_finished


def test_a_worker_whose_standard_streams_are_closed_works(queue: Queue, burst: WorkerMaker) -> None:
    before = [queue.enqueue(print, 'nobody reads this') for _ in range(3)]
    dies = queue.enqueue(jobs.die, signal.SIGKILL)
    after = [queue.enqueue(jobs.say, number) for number in range(3)]
    burst(shell='>&- 2>&-')
    assert all(job.is_finished for job in before + after) and dies.is_failed


def test_each_job_has_a_process_of_its_own_where_asked_for(queue: Queue, burst: WorkerMaker) -> None:
    enqueued = [queue.enqueue(jobs.pid) for _ in range(4)]
    burst('--fork-per-job')
    assert len({job.return_value() for job in enqueued}) == 4


def test_a_horse_runs_so_many_jobs_and_the_next_one_goes_on_where_it_ended(queue: Queue, burst: WorkerMaker) -> None:
    enqueued = [queue.enqueue(jobs.pid) for _ in range(25)]
    burst('--max-jobs-per-horse', '10')
    pids = [job.return_value() for job in enqueued]
    runs = [pids[0:10], pids[10:20], pids[20:]]
    assert [len(set(run)) for run in runs] == [1, 1, 1]
    assert len(set(pids)) == 3


def test_a_warm_horse_runs_all_the_jobs(queue: Queue, burst: WorkerMaker) -> None:
    enqueued = [queue.enqueue(jobs.pid) for _ in range(200)]
    burst()
    assert len({job.return_value() for job in enqueued}) == 1


@pytest.mark.parametrize('worker_class', ['rq.worker.Worker', 'rq.worker.SimpleWorker'])
def test_a_job_may_fork_and_its_children_are_no_workers(
    queue: Queue, burst: WorkerMaker, journal: Journal, worker_class: str
) -> None:
    works = queue.enqueue(jobs.pool)
    ends = queue.enqueue(jobs.ended_child)
    comes_back = queue.enqueue(jobs.forked_child, False)
    fails = queue.enqueue(jobs.forked_child, True)
    last = queue.enqueue(jobs.say, 'last')
    process = burst('--worker-class', worker_class)
    assert works.return_value() == [3, 2, 1]
    assert ends.return_value() == -signal.SIGTERM
    assert comes_back.is_finished and fails.is_failed and last.is_finished
    assert journal.lines == ['say last']
    lines = process.stdout.splitlines()
    assert [lines.count(word) for word in ('once', 'child', 'parent')] == [2, 2, 2]
    for job in (comes_back, fails):
        assert len([line for line in lines if job.id in line and 'forked_child' in line]) == 1
    assert process.stdout.count('Job OK') == 4 and process.stderr.count('ValueError: both') == 1


# --- preload


def test_modules_that_are_preloaded_are_imported_once_for_all_horses(
    queue: Queue, burst: WorkerMaker, journal: Journal, tmp_path: Path
) -> None:
    (tmp_path / 'heavy.py').write_text(
        'import os\nfrom tests.worker.jobs import note\nnote("imported")\nHERE = os.getpid()\n'
        'def where():\n    return HERE, os.getpid()\n'
    )
    enqueued = [queue.enqueue('heavy.where') for _ in range(4)]
    burst('--preload', 'heavy', '--fork-per-job', cwd=tmp_path)
    places = [job.return_value() for job in enqueued]
    assert journal.lines == ['imported']
    assert len({home for home, _ in places}) == 1 and len({pid for _, pid in places}) == 4


@pytest.mark.parametrize(
    ('code', 'said'),
    [
        (None, "ModuleNotFoundError: No module named 'heavy'"),
        ('def f(:\n', 'SyntaxError: '),
        ('raise RuntimeError("not\\ntoday")\n', 'RuntimeError: not today'),
        ('import sys; sys.exit(0)\n', 'SystemExit: 0'),
        ('import os; os._exit(5)\n', '(exit code 5)'),
        ('import os; os.kill(os.getpid(), 9)\n', '(signal 9, SIGKILL)'),
    ],
    ids=['missing', 'syntax', 'raises', 'exits', 'ends', 'dies'],
)
def test_a_module_that_cannot_be_preloaded_is_one_clear_line_and_exit_code_1(
    worker: WorkerMaker, tmp_path: Path, code: str | None, said: str
) -> None:
    if code is not None:
        (tmp_path / 'heavy.py').write_text(code)
    process = worker('--preload', 'heavy', cwd=tmp_path)
    assert process.wait() == 1
    [line] = process.stderr.splitlines()
    assert '--preload' in line and 'heavy' in line and said in line


@pytest.mark.serial
def test_a_worker_whose_preloading_hangs_can_be_stopped(queue: Queue, worker: WorkerMaker, tmp_path: Path) -> None:
    (tmp_path / 'heavy.py').write_text(
        'import signal, time\nfrom tests.worker.jobs import note\n'
        'signal.signal(signal.SIGTERM, signal.SIG_IGN)\nnote("begun")\ntime.sleep(600)\n'
    )
    process = worker('--preload', 'heavy', cwd=tmp_path)
    wait_for(lambda: (tmp_path / 'journal').exists())
    began = time.monotonic()
    process.terminate()
    assert process.wait() == 0
    assert time.monotonic() - began < 1


@pytest.mark.serial
def test_a_nursery_that_dies_is_replaced_and_its_horse_ends_first(
    queue: Queue, worker: WorkerMaker, journal: Journal, tmp_path: Path
) -> None:
    (tmp_path / 'heavy.py').write_text('from tests.worker.jobs import note\nnote("imported")\n')
    process = worker('--preload', 'heavy', cwd=tmp_path)
    wait_for(lambda: len(process.children()) == 2)
    nursery = psutil.Process(process.pid).children()[0]
    running = queue.enqueue(jobs.sleep, 0.5)
    wait_for(lambda: 'sleep 0.5' in journal.lines)
    nursery.kill()
    wait_for(lambda: running.get_status() == 'finished')
    after = queue.enqueue(jobs.say, 'after')
    wait_for(lambda: after.get_status() == 'finished')
    assert journal.lines == ['imported', 'sleep 0.5', 'woke 0.5', 'imported', 'say after']
    process.terminate()
    assert process.wait() == 0


# --- the parts


def end_of(starter: ForkStart | NurseryStart, pid: int) -> Death:
    found = wait_for(lambda: starter.reap(pid))
    assert found is not None
    return found


def test_a_fork_ends_in_the_fork_whatever_its_streams_have_become(capfd: pytest.CaptureFixture[str]) -> None:
    def spoil() -> int:
        sys.stdout = sys.stderr = None  # type: ignore[assignment]
        raise RuntimeError('in the fork')

    starter = ForkStart(spoil)
    assert end_of(starter, starter.start()).status == 256
    starter.body = lambda: 0
    assert end_of(starter, starter.start()).clean


def test_an_exit_status_that_another_took_is_said_to_be_lost() -> None:
    starter = ForkStart(lambda: 0)
    pid = starter.start()
    os.waitpid(pid, 0)
    death = starter.reap(pid)
    assert death is not None and death.clean and 'nobody knows how' in death.text()


@pytest.mark.parametrize(
    ('status', 'text'),
    [(9, '9 (signal 9, SIGKILL)'), (768, '768 (exit code 3)'), (0, '0 (exit code 0)'), (62, '62 (signal 62)')],
)
def test_a_death_is_told_in_the_words_of_rq(status: int, text: str) -> None:
    told = Death(1, status, 20480).text()
    assert told == f'Work-horse terminated unexpectedly; waitpid returned {text}; peak memory 20 MB'
