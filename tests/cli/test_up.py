"""`rq up`: a server and workers from one command, which end together and keep the jobs."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from redis import Redis

from rq import Queue
from rq.server import EmbeddedServer
from rq.store import admin
from tests.support.processes import Process, Processes
from tests.support.waiting import wait_for

TASKS = """
import time

def ok(number=0):
    return number

def long():
    print('long begins', flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / 'tasks.py').write_text(TASKS)
    return tmp_path


class Up:
    """A running `rq up` with a server of its own on a free port."""

    def __init__(self, processes: Processes, port: int, folder: Path) -> None:
        self.processes, self.port, self.folder = processes, port, folder
        self.url = f'redis://localhost:{port}'

    def start(self, *words: str, workers: int = 1, url: str | None = None) -> Process:
        process = self.processes.rq('up', *words, '-n', str(workers), url=url or self.url, cwd=self.folder)
        self.processes.wait_for(lambda: process.stdout.count('Listening on') >= workers, 20)
        return process

    def end(self, process: Process, number: int = signal.SIGINT, code: int = 0) -> None:
        """Ends it, and with it everything."""
        os.killpg(process.pid, number)
        assert process.wait() == code, process.report()
        gone(self.processes)


@pytest.fixture
def up(processes: Processes, free_port: int, folder: Path) -> Up:
    return Up(processes, free_port, folder)


def gone(processes: Processes) -> None:
    wait_for(lambda: not processes.left(), 5, lambda: f'still there: {processes.left()}\n{processes.report()}')


def workers_of(process: Process) -> list[psutil.Process]:
    """The workers themselves, without the server and without their horses."""
    return [child for child in psutil.Process(process.pid).children() if 'worker' in child.cmdline()]


def test_server_and_workers_start_and_do_jobs_and_end_together(up: Up) -> None:
    process = up.start('high', 'low', workers=2)
    assert 'No server answered, so one was started; its data is in ' in process.stdout
    assert process.stdout.count('*** Listening on high, low...') == 2
    with Redis(port=up.port) as redis:
        jobs = [Queue('low', connection=redis).enqueue('tasks.ok', number) for number in range(20)]
        wait_for(lambda: all(job.get_status() == 'finished' for job in jobs))
    up.end(process)
    assert process.stderr == ''
    with socket.socket() as probe:
        assert probe.connect_ex(('127.0.0.1', up.port)) == errno.ECONNREFUSED


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGHUP])
def test_other_ending_signals_are_the_same(up: Up, number: int) -> None:
    up.end(up.start(), number)


def test_jobs_survive_a_restart(up: Up) -> None:
    process = up.start('other')
    with Redis(port=up.port) as redis:
        job = Queue(connection=redis).enqueue('tasks.ok', 7)
    up.end(process)
    process = up.start('default')
    with Redis(port=up.port) as redis:
        again = Queue(connection=redis).fetch_job(job.id)
        assert again is not None
        wait_for(lambda: again.get_status() == 'finished')
    up.end(process)


def test_a_worker_that_is_killed_is_replaced(up: Up) -> None:
    process = up.start(workers=2)
    killed, other = workers_of(process)
    killed.kill()
    up.processes.wait_for(lambda: process.stdout.count('Listening on') == 3)
    assert f'Worker {killed.pid} has ended unexpectedly (signal SIGKILL)' in process.stderr
    alive = {worker.pid for worker in workers_of(process)}
    assert len(alive) == 2 and other.pid in alive
    with Redis(port=up.port) as redis:
        job = Queue(connection=redis).enqueue('tasks.ok')
        wait_for(lambda: job.get_status() == 'finished')
    up.end(process)


def test_when_the_server_dies_everything_ends_and_says_why(up: Up) -> None:
    process = up.start()
    [server] = [child for child in process.children() if not {'worker', 'dashboard'} & {*child.cmdline()}]
    server.kill()
    assert process.wait(15) == 1
    assert 'The server has ended by itself (code -9)\n' in process.stderr
    assert 'Traceback' not in process.output
    gone(up.processes)


def test_a_server_that_answers_is_used_and_left(
    processes: Processes, redis: Redis, redis_url: str, folder: Path
) -> None:
    process = processes.rq('up', url=redis_url, cwd=folder)
    process.wait_for_output('Listening on')
    assert process.stdout.startswith('A server answers already; it is used, and goes on when this ends\n')
    job = Queue(connection=redis).enqueue('tasks.ok')
    wait_for(lambda: job.get_status() == 'finished')
    process.interrupt()
    assert process.wait() == 0
    gone(processes)
    assert redis.ping()
    assert not (folder / 'rq-data').exists()


def test_a_password_in_the_url_becomes_that_of_the_server_and_shows_in_no_command_line(up: Up) -> None:
    process = up.start(url=f'redis://:geheim@localhost:{up.port}')
    with Redis(port=up.port, password='geheim') as redis:
        assert redis.ping()
    lines = [' '.join(child.cmdline()) for child in [psutil.Process(process.pid), *process.children()]]
    assert len(lines) >= 3 and 'geheim' not in '\n'.join(lines)
    up.end(process)


def test_a_socket_in_the_url_becomes_that_of_the_server(processes: Processes, folder: Path, short_path: Path) -> None:
    path = short_path / 's'
    process = processes.rq('up', url=f'unix://{path}', cwd=folder)
    process.wait_for_output('Listening on')
    with Redis(unix_socket_path=str(path)) as redis:
        assert redis.ping()
    process.interrupt()
    assert process.wait() == 0
    gone(processes)


def test_a_server_on_another_machine_is_not_started(processes: Processes, free_port: int, folder: Path) -> None:
    process = processes.rq('up', url=f'redis://127.0.0.2:{free_port}', cwd=folder)
    assert process.wait() == 1
    assert process.stderr == f'Error 111 connecting to 127.0.0.2:{free_port}. Connection refused.\n'
    assert not (folder / 'rq-data').exists()


def test_a_wrong_password_is_said(
    processes: Processes, other_server: Callable[..., EmbeddedServer], folder: Path
) -> None:
    server = other_server(config={'requirepass': 'right'})
    process = processes.rq('up', url=f'redis://:wrong@localhost:{server.port}', cwd=folder)
    assert process.wait() == 1
    assert process.stderr.startswith('The server does not accept the name or the password')


def test_common_options_are_those_of_its_workers(up: Up) -> None:
    (up.folder / 'conf.py').write_text("QUEUES = ['from-settings']\n")
    process = up.start('-c', 'conf', '-S', 'json', '-P', '.', '-P', '/tmp')
    assert '*** Listening on from-settings...' in process.stdout
    [worker] = workers_of(process)
    words = worker.cmdline()[worker.cmdline().index('worker') :]
    assert words == ['worker', '--config', 'conf', '--path', '.', '--path', '/tmp', '--serializer', 'json', '--']
    up.end(process)


def test_options_that_no_worker_can_use_end_it_with_2(up: Up) -> None:
    process = up.processes.rq('up', '-w', 'nosuch.Worker', url=up.url, cwd=up.folder)
    assert process.wait() == 2
    assert 'Invalid value for --worker-class' in process.stderr
    assert process.stderr.endswith('The workers cannot be started with these options\n')
    gone(up.processes)


def test_a_suspension_of_yesterday_does_not_end_it(up: Up) -> None:
    process = up.start()
    with Redis(port=up.port) as redis:
        admin.suspend(redis)
    up.end(process)
    process = up.processes.rq('up', url=up.url, cwd=up.folder)
    process.wait_for_output('RQ is currently suspended; the workers start after `rq resume`')
    resumed = up.processes.rq('resume', url=up.url)
    assert resumed.wait() == 0
    process.wait_for_output('Listening on')
    up.end(process)


def test_a_running_job_is_waited_for_until_ctrl_c_is_pressed_again(up: Up) -> None:
    process = up.start()
    with Redis(port=up.port) as redis:
        Queue(connection=redis).enqueue('tasks.long')
    process.wait_for_output('long begins')
    process.interrupt()
    process.wait_for_output('Stopping: the workers finish what they run; Ctrl-C again ends them now')
    assert process.running and len(workers_of(process)) == 1
    process.interrupt()
    assert process.wait(15) == 0, process.report()
    assert 'Traceback' not in process.output
    gone(up.processes)


@pytest.mark.skipif(sys.platform != 'linux', reason='the kernel of Linux ends a child with its parent')
def test_killed_outright_it_leaves_nothing(up: Up) -> None:
    process = up.start(workers=2)
    up.processes.wait_for(lambda: len(process.children()) == 6)  # the server, two workers, a horse each, the dashboard
    process.kill()
    gone(up.processes)


def test_workers_that_all_end_as_told_end_it(up: Up) -> None:
    process = up.start()
    [worker] = workers_of(process)
    wait_for(worker.children)  # by then it listens to signals
    worker.terminate()
    assert process.wait(15) == 0, process.report()
    assert 'has ended as it was told' in process.stdout
    gone(up.processes)
