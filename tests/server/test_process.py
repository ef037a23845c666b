from __future__ import annotations

import os
import signal
import socket
import stat
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from rq.exceptions import RQError, ServerStartError
from rq.server import EmbeddedServer
from rq.server import process as process_module
from tests.support.waiting import wait_for


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def set_and_get(server: EmbeddedServer) -> bytes:
    with Redis.from_url(server.url) as client:
        client.set('key', 'value')
        return client.get('key')


def get(server: EmbeddedServer, key: str = 'key') -> bytes | None:
    with Redis.from_url(server.url) as client:
        return client.get(key)


def test_a_started_server_answers_at_its_url_and_a_stopped_one_is_gone():
    server = EmbeddedServer()
    assert server.start() is server
    pid = server.pid
    assert server.running
    assert server.url == f'redis://127.0.0.1:{server.port}/0'
    assert set_and_get(server) == b'value'
    server.stop()
    assert gone(pid)
    assert not server.running
    with pytest.raises(ServerStartError, match='not running'):
        server.pid  # noqa: B018


def test_the_context_manager_stops_the_server_also_after_an_error():
    def fail(server: EmbeddedServer) -> None:
        pids.append(server.pid)
        raise ZeroDivisionError

    pids: list[int] = []
    with pytest.raises(ZeroDivisionError), EmbeddedServer() as server:
        fail(server)
    assert gone(pids[0])


def test_starting_twice_and_stopping_twice_do_no_harm(other_server):
    server = other_server()
    pid = server.pid
    assert server.start().pid == pid
    server.stop()
    server.stop()
    EmbeddedServer().stop()


def test_it_writes_nothing_into_the_current_folder_and_leaves_no_temporary_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    temporary = tmp_path / 'tmp'
    temporary.mkdir()
    monkeypatch.setattr('tempfile.tempdir', str(temporary))
    with EmbeddedServer() as server:
        set_and_get(server)
        with Redis.from_url(server.url) as client:
            client.save()
        assert len(list(temporary.iterdir())) == 1
    assert list(tmp_path.iterdir()) == [temporary]
    assert list(temporary.iterdir()) == []


def test_without_a_data_folder_a_restart_begins_empty_at_the_same_url(other_server):
    server = other_server()
    url = server.url
    set_and_get(server)
    server.stop()
    assert server.start().url == url
    assert get(server) is None


def test_data_survives_a_restart_with_a_data_folder(tmp_path, other_server):
    folder = tmp_path / 'deep' / 'data'
    server = other_server(data_dir=folder)
    set_and_get(server)
    server.stop()
    assert get(server.start()) == b'value'
    server.stop()
    assert get(other_server(data_dir=folder)) == b'value'
    assert (folder / 'appendonlydir').is_dir()


def test_data_survives_the_death_of_the_server(tmp_path, other_server):
    server = other_server(data_dir=tmp_path / 'data')
    set_and_get(server)
    server.kill()
    assert not server.running
    assert get(server.start()) == b'value'


def test_the_data_folder_is_readable_by_its_owner_alone(tmp_path, other_server):
    other_server(data_dir=tmp_path / 'data')
    assert stat.S_IMODE((tmp_path / 'data').stat().st_mode) == 0o700


def test_two_servers_cannot_share_a_data_folder(tmp_path, other_server):
    first = other_server(data_dir=tmp_path)
    with pytest.raises(ServerStartError, match='Another server uses the data folder'):
        other_server(data_dir=tmp_path)
    assert set_and_get(first) == b'value'


def test_a_data_folder_that_cannot_be_made_is_a_clear_error(tmp_path, other_server):
    (tmp_path / 'file').write_text('')
    with pytest.raises(ServerStartError, match='data folder cannot be used'):
        other_server(data_dir=tmp_path / 'file')


def test_a_port_in_use_is_a_clear_error_and_leaves_nothing_running(other_server):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        server = EmbeddedServer(port)
        with pytest.raises(ServerStartError, match=rf'port {port} of 127\.0\.0\.1: the address is in use') as caught:
            server.start()
    assert isinstance(caught.value, RQError)
    assert not server.running
    assert set_and_get(server.start()) == b'value'  # and it starts once the port is free
    server.stop()


def test_a_stranger_on_the_port_is_not_taken_for_our_server(redis_server):
    with pytest.raises(ServerStartError, match='in use'):
        EmbeddedServer(redis_server.port).start()


def test_a_free_port_that_is_taken_in_between_is_chosen_anew(monkeypatch, redis_server):
    choose, offered = process_module._free_port, [redis_server.port, redis_server.port]
    monkeypatch.setattr(process_module, '_free_port', lambda host: offered.pop() if offered else choose(host))
    with EmbeddedServer() as server:
        assert server.port != redis_server.port
        assert set_and_get(server) == b'value'
    assert offered == []


@pytest.mark.parametrize('port', [-1, 65536])
def test_a_number_that_is_no_port_is_refused(port: int):
    with pytest.raises(ValueError, match='Not a port'):
        EmbeddedServer(port)


def test_it_listens_on_a_unix_socket_alone(short_path, other_server):
    server = other_server(unix_socket=short_path / 'a b?.sock')
    assert server.port == 0
    assert set_and_get(server) == b'value'
    assert [c for c in psutil.Process(server.pid).net_connections('tcp') if c.status == psutil.CONN_LISTEN] == []
    server.stop()
    assert list(short_path.iterdir()) == []


def test_a_socket_on_which_another_server_listens_is_not_taken_away(short_path, other_server):
    first = other_server(unix_socket=short_path / 's')
    with pytest.raises(ServerStartError, match='Another server listens'):
        other_server(unix_socket=short_path / 's')
    assert set_and_get(first) == b'value'


def test_the_socket_of_a_killed_server_is_no_obstacle(short_path, other_server):
    other_server(unix_socket=short_path / 's').kill()
    assert set_and_get(other_server(unix_socket=short_path / 's')) == b'value'


def test_too_long_a_path_for_a_socket_is_a_clear_error(short_path):
    with pytest.raises(ServerStartError, match='at most'):
        EmbeddedServer(unix_socket=short_path / ('x' * 100)).start()


@pytest.mark.skipif(not socket.has_ipv6, reason='no IPv6')
def test_it_listens_on_ipv6(other_server):
    try:
        socket.create_server(('::1', 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip('no IPv6 loopback')
    server = other_server(host='::1')
    assert server.url == f'redis://[::1]:{server.port}/0'
    assert set_and_get(server) == b'value'


def test_with_a_password_only_the_url_gets_in(other_server):
    server = other_server(config={'requirepass': 's3:cr/t @'})
    assert set_and_get(server) == b'value'
    with Redis(port=server.port, retry=None) as client, pytest.raises(AuthenticationError):
        client.ping()
    assert 's3' not in ' '.join(psutil.Process(server.pid).cmdline())


def test_the_url_of_a_server_that_has_no_port_yet_is_an_error():
    with pytest.raises(ServerStartError, match='no URL yet'):
        EmbeddedServer().url  # noqa: B018
    assert EmbeddedServer(6379).url == 'redis://127.0.0.1:6379/0'
    assert EmbeddedServer(6379, host='0.0.0.0').url == 'redis://127.0.0.1:6379/0'


def test_a_wrong_setting_shows_what_the_server_said_about_it():
    server = EmbeddedServer(config={'no-such-setting': 'x'})
    with pytest.raises(ServerStartError, match=r'ended with code 1.*\n(.*\n)*.*no-such-setting'):
        server.start()
    assert not server.running


def test_a_server_that_never_answers_is_killed_after_the_timeout(monkeypatch, tmp_path):
    deaf = tmp_path / 'valkey-server'
    deaf.write_text(f'#!{sys.executable}\nimport os, time\nprint(os.getpid(), "deaf", flush=True)\ntime.sleep(60)\n')
    deaf.chmod(0o755)
    monkeypatch.setattr(process_module, 'find_server', lambda: deaf)
    with pytest.raises(ServerStartError, match='does not answer') as caught:
        EmbeddedServer().start(timeout=0.5)
    pid = int(str(caught.value).splitlines()[-1].removesuffix(' deaf'))
    assert gone(pid)


def test_waiting_returns_the_exit_code_when_the_server_ends_by_itself(other_server):
    server = other_server()
    assert server.wait(timeout=0.01) is None
    os.kill(server.pid, signal.SIGKILL)
    assert server.wait(timeout=5) == -signal.SIGKILL
    assert EmbeddedServer().wait() is None


def test_a_starter_that_blocks_signals_has_a_server_that_can_be_stopped():
    old = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        with EmbeddedServer() as server:
            started = time.monotonic()
        assert time.monotonic() - started < 5  # the polite way: by force it would take ten
        assert not server.running
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, old)


def test_a_fork_that_ends_does_not_stop_its_parents_server(other_server):
    server = other_server()
    pid = os.fork()
    if not pid:
        server.stop()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert set_and_get(server) == b'value'


STARTER = """
import sys, time
from rq.server import EmbeddedServer
server = EmbeddedServer().start()
print(server.pid, flush=True)
if sys.argv[1] == 'exit':
    sys.exit()
if sys.argv[1] == 'raise':
    raise RuntimeError
time.sleep(60)
"""


def start_starter(processes, how: str) -> tuple:
    starter = processes.python('-c', STARTER, how, env={'TMPDIR': str(processes.folder)})
    processes.wait_for(lambda: starter.stdout.endswith('\n'), message='the pid of the server')
    return starter, int(starter.stdout)


@pytest.mark.parametrize('how', ['exit', 'raise'])
def test_a_program_that_forgets_its_server_leaves_none_running(processes, how: str):
    starter, pid = start_starter(processes, how)
    starter.wait()
    assert gone(pid)


@pytest.mark.skipif(sys.platform != 'linux', reason='needs PR_SET_PDEATHSIG')
def test_a_killed_program_leaves_no_server_running(processes):
    starter, pid = start_starter(processes, 'sleep')
    starter.kill()
    processes.wait_for(lambda: gone(pid), 5, 'the end of the server')


@pytest.mark.skipif(sys.platform != 'linux', reason='needs PR_SET_PDEATHSIG')
def test_only_a_server_that_does_not_die_with_its_parent_outlives_the_thread_that_started_it():
    servers = [EmbeddedServer(die_with_parent=True), EmbeddedServer(die_with_parent=False)]
    threads = [threading.Thread(target=server.start) for server in servers]
    for thread in threads:
        thread.start()
        thread.join()
    try:
        wait_for(lambda: not servers[0].running, 5, 'the end of the server whose thread is gone')
        assert set_and_get(servers[1]) == b'value'
    finally:
        for server in servers:
            server.stop()


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(processes):
    starter, pid = start_starter(processes, 'sleep')
    assert os.getpgid(pid) != os.getpgid(starter.pid)


@pytest.mark.serial
def test_a_server_starts_in_a_fraction_of_a_second():
    durations = []
    for _ in range(5):
        started = time.monotonic()
        with EmbeddedServer():
            durations.append(time.monotonic() - started)
    assert min(durations) < 0.5, durations


def test_the_settings_of_the_caller_win(other_server, tmp_path: Path):
    server = other_server(data_dir=tmp_path, config={'appendfsync': 'always', 'maxmemory': '64mb'})
    with Redis.from_url(server.url) as client:
        assert client.config_get('appendfsync') == {'appendfsync': 'always'}
        assert client.config_get('maxmemory') == {'maxmemory': str(64 << 20)}
        assert client.config_get('save') == {'save': ''}
