"""`rq dashboard`, `rq-dashboard`, and the dashboard beside workers: where they listen, what they say, how they end."""

from __future__ import annotations

import os
import re
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from redis import Redis

from rq import Queue
from rq.dashboard import serve
from tests.cli.conftest import Run
from tests.support.processes import Process, Processes
from tests.support.waiting import wait_for

SECRET = 'correct-horse-battery-staple'
OLD_COMMAND = 'from rq.cli import rq_dashboard; rq_dashboard()'


def address(process: Process) -> str:
    """The URL that it prints."""
    process.wait_for_output('Dashboard: ', 60)
    return re.findall(r'Dashboard: (\S+)', process.stdout)[-1]


def status(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end(processes: Processes, redis_url: str, number: int) -> None:
    process = processes.rq('dashboard', '--port', '0', url=redis_url)
    url = address(process)
    assert url.startswith('http://127.0.0.1:') and status(url) == 200
    process.send_signal(number)
    assert process.wait(10) == 0 and process.stderr == ''


LOOPBACK = ['127.0.0.1', 'localhost', '::1', '127.9.9.9']
OTHER = ['0.0.0.0', '', '*', '::', '[::]', '192.0.2.1', '10.0.0.1', '2001:db8::1']


@pytest.mark.parametrize('insecure', [False, True])
@pytest.mark.parametrize('mode', ['none', 'basic', 'token', 'forward'])
def test_where_it_may_listen_by_how_people_log_in(mode: str, insecure: bool) -> None:
    for host in LOOPBACK:
        assert serve.check_start(serve.Place(host), mode, insecure) == ''
    for host in OTHER:
        if mode == 'none' and not insecure:
            with pytest.raises(serve.Exposed, match='--insecure'):
                serve.check_start(serve.Place(host), mode, insecure)
            continue
        said = serve.check_start(serve.Place(host), mode, insecure)
        assert said.startswith({'none': 'INSECURE: everybody', 'forward': ''}.get(mode, 'Passwords and tokens cross'))


def test_where_it_listens_and_without_a_login_nowhere_else(processes: Processes, redis_url: str, run: Run) -> None:
    for host in ('0.0.0.0', '', '::', '192.0.2.1'):
        result = run('dashboard', '--host', host, '--port', '0')
        assert result.exit_code == 2 and '--insecure' in result.stderr and 'Dashboard:' not in result.output
    result = run('dashboard', '--host', 'nosuch.invalid')
    assert (result.exit_code, result.stderr[:30]) == (2, 'nosuch.invalid is no address: ')
    process = processes.rq('dashboard', '--host', '0.0.0.0', '--port', '0', '--insecure', url=redis_url)
    url = address(process)
    assert 'INSECURE: everybody' in process.stderr and status(url) == 200
    assert status(url, Host='evil.example') == 421 and status(url, Host='192.0.2.1') == 200


def test_a_secret_is_in_no_command_line_and_in_nothing_that_is_printed(processes: Processes, redis_url: str) -> None:
    process = processes.rq('dashboard', '--port', '0', url=redis_url, env={'RQ_DASHBOARD_PASSWORD': SECRET})
    url = address(process)
    assert (status(url), status(url, Authorization='Basic YWRtaW46' + 'eA==')) == (401, 401)
    assert SECRET not in ' '.join(psutil.Process(process.pid).cmdline())
    process.terminate()
    process.wait()
    assert SECRET not in process.output and 'Dashboard login refused' in process.stderr


def test_a_login_that_nobody_could_pass_is_said_at_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / 'users').write_text(f'ann:owner:{SECRET}\n')
    (tmp_path / 'short').write_text('x')
    for words, said in (
        (['--auth', 'basic'], 'There is no password'),
        (['--auth', 'token'], 'There is no token'),
        (['--users-file', str(tmp_path / 'users')], 'line 1: expected name:role:secret'),
        (['--token-file', str(tmp_path / 'short')], 'is shorter than 20 characters'),
        (['--password-file', str(tmp_path / 'none')], 'cannot be read: No such file'),
    ):
        result = run('dashboard', *words)
        assert result.exit_code == 2
        assert said in result.stderr and SECRET not in result.output and result.stderr.count('\n') == 1


def test_a_port_that_is_taken_is_said_in_a_line(processes: Processes, redis_url: str) -> None:
    with socket.create_server(('127.0.0.1', 0)) as other:
        process = processes.rq('dashboard', '--port', str(other.getsockname()[1]), url=redis_url)
        assert process.wait() == 1
    assert re.fullmatch(r'The dashboard cannot listen on 127\.0\.0\.1:\d+: Address already in use\n', process.stderr)


def test_without_its_extra_one_line_says_what_to_install(processes: Processes) -> None:
    program = "import sys; sys.modules['flask'] = None; from rq.cli import main; main()"
    process = processes.python('-c', program, 'dashboard')
    assert process.wait() == 1
    assert process.stderr == "The dashboard is not installed: pip install 'packhorse[dashboard]'\n"


def test_below_a_prefix_all_links_are(processes: Processes, redis_url: str) -> None:
    url = address(processes.rq('dashboard', '--port', '0', '--prefix', '/tools/rq', url=redis_url))
    assert url.endswith('/tools/rq/')
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    links = re.findall(r'(?:href|src|action)="(/[^"]*)"', text)
    assert links and all(link.startswith('/tools/rq/') for link in links)


def test_rq_dashboard_takes_the_options_of_rq_dashboard_0_9(
    processes: Processes, redis_url: str, tmp_path: Path
) -> None:
    words = ['--bind', '127.0.0.1', '-p', '0', '--url-prefix', '/rq', '-u', redis_url, '--extra-path', str(tmp_path)]
    words += [
        '--username',
        'ann',
        '--password',
        SECRET,
        '--interval',
        '2500',
        '--disable-delete',
        '--debug',
        '-v',
        '-j',
    ]
    process = processes.python('-P', '-c', OLD_COMMAND, *words, '--show-full-args')
    url = address(process)
    assert url.endswith('/rq/') and 'A password on the command line is seen by every user' in process.stderr
    login = 'Basic YW5uOmNvcnJlY3QtaG9yc2UtYmF0dGVyeS1zdGFwbGU='
    assert (status(url), status(url, Authorization=login)) == (401, 200)


def test_rq_dashboard_reads_its_settings_from_the_environment(
    processes: Processes, redis_url: str, tmp_path: Path
) -> None:
    (tmp_path / 'settings.cfg').write_text(
        f'RQ_DASHBOARD_REDIS_URL = {redis_url!r}\nRQ_DASHBOARD_PASSWORD = "{SECRET}"'
    )
    env = {'RQ_DASHBOARD_SETTINGS': str(tmp_path / 'settings.cfg'), 'RQ_DASHBOARD_USERNAME': 'ann'}
    url = address(processes.python('-P', '-c', OLD_COMMAND, env={**env, 'RQ_DASHBOARD_PORT': '0'}))
    assert status(url, Authorization='Basic YW5uOmNvcnJlY3QtaG9yc2UtYmF0dGVyeS1zdGFwbGU=') == 200


def dashboard_of(process: Process) -> psutil.Process:
    [found] = [child for child in process.children() if 'dashboard' in child.cmdline()]
    return found


@pytest.fixture
def worker(processes: Processes, redis_url: str) -> Process:
    """A worker with a dashboard."""
    process = processes.rq('worker', '--with-dashboard', url=redis_url, env={'RQ_DASHBOARD_PORT': '0'})
    process.wait_for_output('Listening on', 60)
    return process


def test_a_dashboard_beside_a_worker_ends_with_it(worker: Process, processes: Processes) -> None:
    assert status(address(worker)) == 200
    os.killpg(worker.pid, signal.SIGINT)
    assert worker.wait() == 0
    assert processes.left() == []


def test_a_dashboard_beside_a_worker_that_is_killed_ends_by_itself(worker: Process, processes: Processes) -> None:
    address(worker)
    worker.kill()
    wait_for(lambda: processes.left() == [], 10, processes.report)


def test_a_worker_goes_on_when_its_dashboard_dies(worker: Process, redis: Redis) -> None:
    address(worker)
    dashboard_of(worker).kill()
    job = Queue(connection=redis).enqueue('math.sqrt', 4)
    wait_for(lambda: job.get_status() == 'finished')
    worker.terminate()
    assert worker.wait() == 0


def test_a_worker_goes_on_when_the_port_of_its_dashboard_is_taken(
    processes: Processes, redis: Redis, redis_url: str
) -> None:
    job = Queue(connection=redis).enqueue('math.sqrt', 4)
    with socket.create_server(('127.0.0.1', 0)) as other:
        port = str(other.getsockname()[1])
        process = processes.rq('worker', '--with-dashboard', url=redis_url, env={'RQ_DASHBOARD_PORT': port})
        process.wait_for_output('The dashboard cannot listen on', 60)
        wait_for(lambda: job.get_status() == 'finished')
        assert process.running


def test_rq_up_prints_the_address_of_its_dashboard_and_ends_it(
    processes: Processes, redis_url: str, wait_gone: Callable[[], None]
) -> None:
    with socket.create_server(('127.0.0.1', 0)) as other:
        port = str(other.getsockname()[1])
        process = processes.rq('up', url=redis_url, env={'RQ_DASHBOARD_PORT': port})
        url = address(process)
        assert f':{port}/' not in url and status(url) == 200
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait() == 0 and process.stderr == ''
    wait_gone()


def test_rq_up_without_a_dashboard(processes: Processes, redis_url: str) -> None:
    process = processes.rq('up', '--no-dashboard', url=redis_url)
    process.wait_for_output('Listening on', 60)
    assert 'Dashboard' not in process.output


@pytest.fixture
def wait_gone(processes: Processes) -> Callable[[], None]:
    return lambda: wait_for(lambda: processes.left() == [], 5, processes.report) and None
