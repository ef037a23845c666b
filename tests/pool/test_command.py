"""`rq worker-pool`: signals, deaths, and what is left of it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from redis import Redis

from rq import Queue
from rq.store import admin
from rq.worker import Worker
from tests.cli.conftest import Run, run
from tests.support.processes import Process, Processes
from tests.support.waiting import wait_for

__all__ = ['run']

Start = Callable[..., Process]


@pytest.fixture
def start(processes: Processes, redis_url: str) -> Start:
    """`start('low', workers=2)`: a pool whose workers listen."""

    def start_pool(*words: str, workers: int = 1) -> Process:
        process = processes.rq('worker-pool', *words, '-n', str(workers), url=redis_url)
        processes.wait_for(lambda: process.stdout.count('Listening on') >= workers, 20)
        return process

    return start_pool


def workers_of(process: Process) -> list[psutil.Process]:
    return psutil.Process(process.pid).children()


def gone(processes: Processes) -> None:
    wait_for(lambda: not processes.left(), 8, lambda: f'still there: {processes.left()}\n{processes.report()}')


def begin_long_job(redis: Redis, folder: Path, seconds: float = 60) -> str:
    job = Queue(connection=redis).enqueue('tests.pool.work.long', str(folder), seconds)
    wait_for((folder / 'began').exists)
    return job.id


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_of_it(start: Start, processes: Processes, redis: Redis, number: int) -> None:
    process = start('high', 'low', workers=2)
    assert process.stdout.count('*** Listening on high, low...') == 2
    os.killpg(process.pid, number)  # Ctrl-C: the whole group; the workers have groups of their own
    assert process.wait() == 0
    gone(processes)
    assert process.stderr == ''
    assert process.stdout.count('shutting down') == 1 and 'All workers stopped' in process.stdout
    assert Worker.all(connection=redis) == []


def test_the_job_in_hand_is_finished_first(start: Start, processes: Processes, redis: Redis, tmp_path: Path) -> None:
    process = start()
    job_id = begin_long_job(redis, tmp_path, 0.7)
    process.terminate()
    assert process.wait() == 0
    assert (tmp_path / 'done').exists()
    assert Queue(connection=redis).finished_job_registry.get_job_ids() == [job_id]


def test_a_second_signal_ends_the_jobs_as_well(
    start: Start, processes: Processes, redis: Redis, tmp_path: Path
) -> None:
    process = start()
    job_id = begin_long_job(redis, tmp_path)
    process.interrupt()
    process.wait_for_output('shutting down')
    process.interrupt()
    assert process.wait(15) == 0, process.report()
    gone(processes)
    assert Queue(connection=redis).failed_job_registry.get_job_ids() == [job_id]


@pytest.mark.skipif(sys.platform != 'linux', reason='the kernel of Linux tells a child of the death of its parent')
def test_killed_outright_its_workers_finish_their_jobs_and_end(
    start: Start, processes: Processes, redis: Redis, tmp_path: Path
) -> None:
    process = start(workers=2)
    job_id = begin_long_job(redis, tmp_path, 0.7)
    process.kill()
    gone(processes)
    assert Queue(connection=redis).finished_job_registry.get_job_ids() == [job_id]
    assert Worker.all(connection=redis) == []


def test_a_worker_that_is_killed_is_replaced_and_said(start: Start, redis: Redis) -> None:
    process = start(workers=2)
    killed, other = workers_of(process)
    killed.kill()
    wait_for(lambda: process.stdout.count('Listening on') == 3)
    assert f'with pid {killed.pid} is dead (signal SIGKILL)' in process.stdout
    assert other.pid in {worker.pid for worker in workers_of(process)} and len(workers_of(process)) == 2
    job = Queue(connection=redis).enqueue('operator.add', 1, 2)
    wait_for(lambda: job.return_value(refresh=True) == 3)


def test_due_jobs_are_queued(start: Start, redis: Redis, run: Run) -> None:
    start()
    result = run('enqueue', '--schedule-in', '1s', 'operator.add', ':1', ':2')
    job = Queue(connection=redis).fetch_job(result.stdout.split("'")[-2])
    assert job is not None
    wait_for(lambda: job.return_value(refresh=True) == 3)


def test_a_burst_ends_by_itself_and_the_settings_name_the_queues(
    processes: Processes, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    (tmp_path / 'conf.py').write_text("QUEUES = ['from-settings']\n")
    job = Queue('from-settings', connection=redis).enqueue('operator.add', 1, 2)
    words = ['-c', 'conf', '-b', '-n', '2', '--log-format', 'mine: %(message)s']
    process = processes.rq('worker-pool', *words, url=redis_url, cwd=tmp_path)
    assert process.wait() == 0
    assert job.return_value() == 3
    lines = process.stdout.splitlines()
    assert lines[0].startswith('mine: Starting worker pool') and all(line.startswith('mine: ') for line in lines)


def test_workers_that_cannot_work_say_so_in_a_line(processes: Processes, redis_url: str) -> None:
    process = processes.rq('worker-pool', '-b', '-w', 'tests.pool.work.Unable', url=redis_url)
    assert process.wait() == 0
    assert 'cannot go on: RuntimeError: no licence\n' in process.stderr and process.stderr.count('\n') == 1


def test_while_suspended_it_does_not_start(run: Run, redis: Redis) -> None:
    admin.suspend(redis)
    result = run('worker-pool', '-b')
    assert (result.exit_code, result.stderr) == (
        1,
        'RQ is currently suspended, to resume job execution run "rq resume"\n',
    )


@pytest.mark.parametrize(
    'words', ['-n 0', '-l LOUD', '-v -q', '-w nosuch.Worker', '--exception-handler nosuch.f', '-w rq.Queue']
)
def test_options_that_cannot_be_used_end_it_with_2(run: Run, redis: Redis, words: str) -> None:
    result = run('worker-pool', *words.split())
    assert result.exit_code == 2, result.output
    assert 'Traceback' not in result.output


def test_without_a_server_it_ends_with_1(run: Run) -> None:
    result = run('worker-pool', '-u', 'redis://localhost:1')  # a privileged port, on which no test has a server
    assert result.exit_code == 1
    assert result.stderr.startswith('Error 111 connecting to ')


@pytest.mark.serial
def test_i17_grace_and_policies_reach_the_workers(
    start: Start, processes: Processes, redis: Redis, tmp_path: Path
) -> None:
    process = start('--grace', '2', '--on-lost', 'requeue', '--max-deaths', '7', workers=2)
    job_id = begin_long_job(redis, tmp_path)
    terms = [redis.hmget(worker.key, 'on_lost', 'max_deaths') for worker in Worker.all(redis)]
    assert terms == [[b'requeue', b'7']] * 2
    process.terminate()
    assert process.wait(8) == 0
    assert Queue(connection=redis).job_ids == [job_id]
    gone(processes)
