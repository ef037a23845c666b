"""`rq cron`: its errors in one line, and what it does besides running."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from redis import Redis

from rq import cron
from rq.cron import CronScheduler
from tests.cli.conftest import Run
from tests.support.processes import Processes

FILE = """
from os import getcwd, getpid
from rq import cron
cron.register(getcwd, 'default', interval=300)
cron.register(getpid, 'reports', cron='30 2 * * *', name='nightly', tz='Europe/Prague')
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / 'crons.py'
    path.write_text(FILE)
    return str(path)


@pytest.fixture
def running(redis: Redis, file: str) -> CronScheduler:
    """A scheduler that readers see."""
    scheduler = CronScheduler(redis, logging_level='CRITICAL')
    scheduler.load_config_from_file(file)
    scheduler.register_birth()
    return scheduler


def lines(result: Result) -> list[list[str]]:
    return [line.split() for line in result.stdout.splitlines()]


def test_without_a_file_there_is_nothing_to_run(run: Run) -> None:
    result = run('cron')
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, "Error: Missing argument 'CONFIG_PATH'.")


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('1/0', 'division by zero (line 1 of '),
        ('import sys; sys.exit(3)', 'it ends the process (exit code 3) (line 1 of '),
        ('import nothing_of_this_name', "No module named 'nothing_of_this_name'"),
        (None, 'Configuration file not found at '),
    ],
)
def test_a_file_that_is_wrong_is_one_line_and_exit_code_1(
    run: Run, tmp_path: Path, text: str | None, words: str
) -> None:
    path = tmp_path / 'wrong.py'
    if text is not None:
        path.write_text(text)
    result = run('cron', str(path), '-l', 'error')
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1 and words in result.stderr


def test_the_cron_jobs_of_a_file_are_listed(run: Run, file: str) -> None:
    result = run('cron', file, '--list')
    assert result.exit_code == 0
    rows = lines(result)
    assert rows[0] == ['NAME', 'QUEUE', 'WHEN', 'NEXT']
    assert rows[1][:8] == ['nightly', 'reports', '30', '2', '*', '*', '*', 'Europe/Prague']
    assert rows[2][1:] == ['default', 'every', '300', 's', '-']


def test_without_a_file_those_of_the_running_schedulers_are(run: Run, running: CronScheduler) -> None:
    running.enqueue_jobs()
    running.heartbeat()
    rows = lines(run('cron', '--list'))
    assert [row[0] for row in rows[1:]] == [job.name for job in sorted(running.get_jobs(), key=lambda job: job.name)]
    assert '-' not in rows[2]
    running.register_death()
    assert len(lines(run('cron', '--list'))) == 1


@pytest.mark.parametrize('by_file', [False, True])
def test_cron_jobs_are_paused_resumed_and_run(
    redis: Redis, run: Run, running: CronScheduler, file: str, by_file: bool
) -> None:
    path = [file] if by_file else []
    assert run('cron', *path, '--pause', 'nightly').stdout == 'Paused nightly\n'
    assert run('cron', *path, '--pause', 'nightly').stdout == 'nightly is paused already\n'
    assert lines(run('cron', *path, '--list'))[1][-1] == 'paused'
    assert cron.get_paused(['nightly'], redis) == ['nightly']
    running.enqueue_jobs()
    result = run('cron', *path, '--run-now', 'nightly')
    assert result.stdout == 'Asked for a run of nightly\n'
    assert [job.name for job in running.enqueue_jobs()] == ['nightly']
    assert run('cron', *path, '--resume', 'nightly').stdout == 'Resumed nightly\n'
    assert run('cron', *path, '--resume', 'nightly').stdout == 'nightly is not paused\n'


def test_a_name_that_nobody_knows_is_said_and_the_others_are_done(
    redis: Redis, run: Run, running: CronScheduler
) -> None:
    result = run('cron', '--pause', 'nix', '--pause', 'nightly')
    assert (result.exit_code, result.stdout) == (3, 'Paused nightly\n')
    assert result.stderr.startswith("There is no cron job 'nix' in a running scheduler")
    assert cron.get_paused(['nix', 'nightly'], redis) == ['nightly']


def test_a_file_without_cron_jobs_runs_and_says_so(processes: Processes, redis_url: str, tmp_path: Path) -> None:
    (tmp_path / 'empty.py').write_text(
        "from rq import cron\nfrom os import getcwd\ncron.register(getcwd, 'q', cron='x')"
    )
    process = processes.rq('cron', 'empty.py', url=redis_url)
    output = process.wait_for_output('registering birth')
    assert 'empty.py registers no cron job' in output
    assert "Left out of empty.py: getcwd: cron='x': 1 fields" in process.stderr
    process.terminate()
    assert process.wait() == 0


def test_the_serializer_and_the_queue_class_are_those_of_the_options(
    redis: Redis, processes: Processes, redis_url: str, file: str, tmp_path: Path
) -> None:
    (tmp_path / 'custom.py').write_text(
        'from rq import Queue\nclass Loud(Queue):\n    def enqueue_job(self, job, **options):\n'
        '        job.meta["loud"] = True\n        return super().enqueue_job(job, **options)\n'
    )
    arguments = ('cron', file, '-S', 'json', '--queue-class', 'custom.Loud', '-l', 'warning')
    process = processes.rq(*arguments, url=redis_url, cwd=tmp_path)
    from rq import Queue

    queue = Queue(connection=redis, serializer='json')
    processes.wait_for(lambda: queue.count == 1)
    (job,) = queue.jobs
    assert (job.func_name, job.meta) == ('posix.getcwd', {'loud': True})
    process.terminate()
    assert process.wait() == 0
    assert process.output == ''
