"""Told to stop: the running job ends, what has not begun goes back; told again, it ends at once."""

from __future__ import annotations

import re
import signal
import sys
import time

import psutil
import pytest
from redis import Redis

from rq import Queue
from rq.store import keys
from rq.suspension import suspend
from tests.support.processes import Process, Processes
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import Journal, WorkerMaker


def begun(journal: Journal, line: str) -> None:
    wait_for(lambda: line in journal.lines, message=f'{line!r} in {journal.lines}')


def group(process: Process) -> list[psutil.Process]:
    """All that belongs to a worker: its descendants, whatever group they are in."""
    return [psutil.Process(process.pid), *process.children()]


def none_left(processes: list[psutil.Process]) -> bool:
    return all(not process.is_running() or process.status() == psutil.STATUS_ZOMBIE for process in processes)


@pytest.mark.serial
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_the_running_job_ends_and_what_has_not_begun_goes_back_within_a_second(
    queue: Queue, worker: WorkerMaker, journal: Journal, number: int, redis: Redis
) -> None:
    running = queue.enqueue(jobs.sleep, 1.5)
    waiting = [queue.enqueue(jobs.say, place) for place in range(5)]
    process = worker()
    begun(journal, 'sleep 1.5')
    everybody = group(process)
    began = time.monotonic()
    process.send_signal(number)
    wait_for(lambda: queue.job_ids == [job.id for job in waiting], 1)
    assert redis.zcard(keys.wip('default')) == 1
    assert process.wait() == 0
    assert 0.8 < time.monotonic() - began < 2.5
    assert running.get_status() == 'finished' and running.return_value() == 'slept'
    assert {job.get_status() for job in waiting} == {'queued'}
    assert none_left(everybody)
    assert process.stdout.count('Warm shut down requested') == 1


@pytest.mark.serial
def test_a_second_signal_after_a_second_ends_the_running_job_too(
    queue: Queue, worker: WorkerMaker, journal: Journal
) -> None:
    running = queue.enqueue(jobs.c_loop_with_child)
    waiting = queue.enqueue(jobs.say, 'waiting')
    process = worker()
    wait_for(lambda: journal.lines)
    child = psutil.Process(int(journal.lines[0].split()[1]))
    everybody = [*group(process), child]
    process.terminate()
    time.sleep(1.05)
    began = time.monotonic()
    process.terminate()
    assert process.wait() == 0
    assert time.monotonic() - began < 2
    assert none_left(everybody)
    assert running.get_status() == 'failed' and waiting.get_status() == 'queued'
    assert 'signal 9, SIGKILL' in running.latest_result().exc_string
    assert 'Cold shut down' in process.stdout


@pytest.mark.serial
def test_two_signals_within_a_second_count_once(queue: Queue, worker: WorkerMaker, journal: Journal) -> None:
    running = queue.enqueue(jobs.sleep, 1)
    process = worker()
    begun(journal, 'sleep 1')
    process.send_signal(signal.SIGINT)
    wait_for(lambda: 'Warm shut down requested' in process.stdout)
    process.terminate()
    assert process.wait() == 0
    assert running.get_status() == 'finished'
    assert 'Cold' not in process.stdout


@pytest.mark.serial
def test_a_storm_of_signals_is_one(queue: Queue, worker: WorkerMaker, journal: Journal) -> None:
    running = queue.enqueue(jobs.sleep, 1)
    process = worker()
    begun(journal, 'sleep 1')
    end = time.monotonic() + 0.7
    while time.monotonic() < end:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGWINCH):
            process.send_signal(number)
    assert process.wait() == 0
    assert running.get_status() == 'finished'
    assert process.stdout.count('shut down') == 1


@pytest.mark.serial
@pytest.mark.parametrize('state', ['idle', 'suspended'])
def test_a_worker_with_nothing_to_do_ends_at_once(redis: Redis, queue: Queue, worker: WorkerMaker, state: str) -> None:
    process = worker()
    process.wait_for_output('Listening')
    first = queue.enqueue(jobs.say, 1)
    wait_for(lambda: first.get_status() == 'finished')
    if state == 'suspended':
        suspend(redis)
        queue.enqueue(jobs.say, 2)
    everybody = group(process)
    began = time.monotonic()
    process.terminate()
    assert process.wait() == 0
    assert time.monotonic() - began < 0.8
    assert none_left(everybody)
    assert queue.count == (state == 'suspended')


@pytest.mark.serial
def test_a_worker_that_is_told_to_stop_as_it_starts_ends(queue: Queue, worker: WorkerMaker) -> None:
    for _ in range(3):
        process = worker()
        process.wait_for_output('started with PID')
        process.terminate()
        assert process.wait(5) == 0


@pytest.mark.serial
def test_control_c_in_a_terminal_lets_the_job_end_and_leaves_no_process(
    queue: Queue, processes: Processes, redis_url: str, journal: Journal
) -> None:
    """Ctrl-C goes to the whole foreground group of the terminal."""
    running = queue.enqueue(jobs.sleep, 0.7)
    program = (
        'import os, pty, sys, time\n'
        'pid, terminal = pty.fork()\n'
        'if pid == 0: os.execv(sys.argv[1], sys.argv[1:])\n'
        'journal = os.environ["PACKHORSE_TEST_JOURNAL"]\n'
        'while not os.path.exists(journal): time.sleep(0.01)\n'
        'os.write(terminal, b"\\x03")\n'
        'try:\n'
        '    while part := os.read(terminal, 4096): os.write(1, part)\n'
        'except OSError: pass\n'
        'raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n'
    )
    command = [sys.executable, '-P', '-m', 'rq.cli', 'worker']
    env = {'RQ_REDIS_URL': redis_url, jobs.JOURNAL: str(journal.path)}
    process = processes.python('-c', program, *command, env=env)
    assert process.wait() == 0
    assert running.get_status() == 'finished'
    assert 'Warm shut down requested' in process.stdout and 'Traceback' not in process.stdout
    assert journal.lines == ['sleep 0.7', 'woke 0.7']
    wait_for(lambda: not processes.left(), 2)


@pytest.mark.serial
def test_a_signal_to_the_horse_alone_stops_nobody(queue: Queue, worker: WorkerMaker, journal: Journal) -> None:
    """As systemd does, which signals every process of a service; and people, who take the wrong pid."""
    running = queue.enqueue(jobs.sleep, 0.5)
    waiting = [queue.enqueue(jobs.say, place) for place in range(5)]
    process = worker()
    begun(journal, 'sleep 0.5')
    [horse] = process.children()
    horse.send_signal(signal.SIGTERM)
    horse.send_signal(signal.SIGINT)
    wait_for(lambda: waiting[-1].get_status() == 'finished')
    assert running.get_status() == 'finished'
    assert journal.lines == ['sleep 0.5', 'woke 0.5', *(f'say {place}' for place in range(5))]
    assert process.running


@pytest.mark.serial
def test_an_interrupted_worker_leaves_no_trace_of_itself(redis: Redis, queue: Queue, worker: WorkerMaker) -> None:
    process = worker('--name', 'me', '--pid', 'pidfile')
    process.wait_for_output('Listening')
    wait_for(lambda: redis.hget(keys.worker('me'), 'state') == b'idle')
    process.terminate()
    assert process.wait() == 0
    assert redis.smembers(keys.workers()) == redis.smembers(keys.workers_of('default')) == set()
    assert redis.hget(keys.worker('me'), 'death') and 0 < redis.ttl(keys.worker('me')) <= 60
    assert not (process.stdout_path.parents[1] / 'pidfile').exists()
    assert re.search(r"Worker 'rq:worker:me' done, quitting$", process.stdout)
