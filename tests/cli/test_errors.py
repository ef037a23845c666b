"""Bad input and bad servers: one clean line, a documented exit code, and never a traceback."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rq.server import EmbeddedServer
from tests.cli.conftest import Run
from tests.support.processes import Process, Processes

COMMANDS = [['info'], ['requeue', '--all'], ['empty', '--all'], ['suspend'], ['resume'], ['worker', '--burst']]
names = [command[0] for command in COMMANDS]


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port at which connections are refused: it is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        yield taken.getsockname()[1]


@pytest.fixture
def mute() -> Iterator[int]:
    """A port that accepts connections and never says anything."""
    with socket.socket() as listening:
        listening.bind(('127.0.0.1', 0))
        listening.listen(64)
        yield listening.getsockname()[1]


def one_line(process: Process, code: int = 1, timeout: float = 20.0) -> str:
    """The single line on standard error with which it ended."""
    assert process.wait(timeout) == code, process.report()
    assert process.stderr.count('\n') == 1, process.report()
    assert 'Traceback' not in process.output
    return process.stderr.rstrip('\n')


@pytest.mark.parametrize('command', COMMANDS, ids=names)
def test_a_server_that_is_not_there_is_said_in_the_articles_words(
    processes: Processes, deaf: int, command: list[str]
) -> None:
    process = processes.rq(*command, url=f'redis://localhost:{deaf}')
    assert one_line(process) == f'Error {errno.ECONNREFUSED} connecting to localhost:{deaf}. Connection refused.'
    assert process.stdout == ''


@pytest.mark.serial
def test_a_server_that_is_not_there_is_noticed_at_once(processes: Processes, deaf: int) -> None:
    # redis-py alone tries ten times, for four seconds.
    one_line(processes.rq('info', url=f'redis://localhost:{deaf}'), timeout=3)


@pytest.mark.parametrize('command', COMMANDS, ids=names)
def test_a_missing_and_a_wrong_password_are_two_different_lines(
    processes: Processes, other_server: Callable[..., EmbeddedServer], command: list[str]
) -> None:
    server = other_server(config={'requirepass': 'right'})
    without = processes.rq(*command, url=f'redis://localhost:{server.port}')
    wrong = processes.rq(*command, url=f'redis://:wrong@localhost:{server.port}')
    right = processes.rq(*command, url=server.url)
    assert one_line(without).startswith('The server asks for a password: put it in the URL')
    assert one_line(wrong).startswith('The server does not accept the name or the password')
    assert right.wait() == 0, right.report()


def test_a_server_that_says_nothing_is_given_up(processes: Processes, mute: int) -> None:
    line = one_line(processes.rq('info', url=f'redis://localhost:{mute}?socket_timeout=0.2&socket_connect_timeout=0.2'))
    assert line.startswith('The server does not answer')


def test_something_else_than_redis_is_said_to_be_so(processes: Processes) -> None:
    with socket.socket() as listening:
        listening.bind(('127.0.0.1', 0))
        listening.listen()
        process = processes.rq('info', url=f'redis://localhost:{listening.getsockname()[1]}')
        accepted, _ = listening.accept()
        with accepted:
            accepted.recv(1)
            accepted.sendall(b'HTTP/1.0 400 Bad Request\r\n\r\n')
            assert one_line(process).startswith('What answers there is no Redis')


def test_a_command_that_the_user_may_not_send_is_said(
    processes: Processes, other_server: Callable[..., EmbeddedServer]
) -> None:
    server = other_server(config={'user': ['limited', 'on', '>pw', '~*', '+ping', '+hello', '+client', '+select']})
    line = one_line(processes.rq('info', url=f'redis://limited:pw@localhost:{server.port}'))
    assert 'permission' in line


def test_a_database_that_does_not_exist_is_said(run: Run, redis_url: str) -> None:
    result = run('info', '-u', redis_url.removesuffix('/0') + '/99')
    assert result.exit_code == 1
    assert result.stderr == 'The server refuses: DB index is out of range\n'


@pytest.mark.parametrize(
    'url', ['localhost:6379', 'http://localhost', 'redis://h:port', 'redis://h:99999', 'redis://h?socket_timeout=x']
)
def test_a_url_that_is_none_is_said(run: Run, url: str) -> None:
    result = run('info', '-u', url)
    assert result.exit_code == 1
    assert result.stderr.startswith('The server is not named as it should be in --url: ')


@pytest.mark.parametrize(
    ('words', 'told'),
    [
        (['bogus'], "No such command 'bogus'"),
        (['info', '--bogus'], "No such option '--bogus'"),
        (['info', '-i', 'x'], "Invalid value for '-i'"),
        (['info', '-i', '-1'], "Invalid value for '-i'"),
        (['suspend', 'x'], 'unexpected extra argument'),
        (['worker', '-v', '-q'], '--verbose and --quiet exclude each other'),
        (['worker', '--logging_level', 'loud'], "'loud' is not one of DEBUG"),
        (['worker', '--max-jobs', '0'], "Invalid value for '--max-jobs'"),
        (['worker', '-ds', 'best'], "'best' is not one of"),
        (['worker', '-w', 'nosuch.Worker'], 'Invalid value for --worker-class: '),
        (['worker', '-w', 'rq.Queue'], 'Invalid worker class: rq.Queue'),
        (['worker', '-j', 'json.loads'], 'Invalid job class: json.loads'),
        (['worker', '--queue-class', 'rq.Job'], 'Invalid value for --queue-class: '),
        (['worker', '--connection-class', 'nosuch'], 'Invalid value for --connection-class: '),
        (['worker', '-S', 'nosuch.Serializer'], 'Invalid value for --serializer: '),
        (['worker', '--exception-handler', 'nosuch.handler'], 'Invalid value for --exception-handler: '),
        (['server', '--port', '0'], "Invalid value for '--port'"),
        (['up', '-n', '0'], "Invalid value for '-n'"),
    ],
    ids=lambda value: ' '.join(value) if isinstance(value, list) else '',
)
def test_a_wrong_command_line_is_said_and_ends_with_2(run: Run, words: list[str], told: str) -> None:
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert told in result.stderr
    assert result.stderr.splitlines()[-1].startswith('Error: ')


BROKEN = {
    'syntax': ('REDIS_URL = = 1\n', 'SyntaxError: invalid syntax (settings.py, line 1)'),
    'error': ('x = 1\ny = nosuch\n', "NameError: name 'nosuch' is not defined (line 2 of "),
    'import': ('import nosuchmodule\n', "No module named 'nosuchmodule'"),
    'exit': ('raise SystemExit(0)\n', 'SystemExit: 0 (line 1 of '),
    'port': ("REDIS_PORT = 'tcp://10.0.0.1:6379'\n", "REDIS_PORT is not a number: 'tcp://10.0.0.1:6379'"),
    'url': ("REDIS_URL = 'nowhere'\n", 'Redis URL must specify one of the following schemes'),
    'sentinel': ("SENTINEL = {'INSTANCES': []}\n", "KeyError: 'MASTER_NAME'"),
    'logging': ("DICT_CONFIG = {'version': 7}\n", 'DICT_CONFIG of the settings cannot be used: '),
}


@pytest.mark.parametrize('kind', BROKEN)
@pytest.mark.parametrize('form', ['settings', 'settings.py'])
def test_broken_settings_are_said_with_their_place(processes: Processes, tmp_path: Path, kind: str, form: str) -> None:
    text, told = BROKEN[kind]
    (tmp_path / 'settings.py').write_text(text)
    process = processes.rq('worker', '--burst', '-c', form, cwd=tmp_path)
    assert told in one_line(process)


@pytest.mark.parametrize('form', ['nosuch', 'nosuch.py', './no/such.py', 'no.such', '..'])
def test_settings_that_are_not_there_are_said(run: Run, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.delenv('RQ_REDIS_URL')
    result = run('info', '-c', form)
    assert result.exit_code == 1
    assert result.stderr.startswith(f'The settings {form!r} cannot be read: ')
    assert result.stderr.count('\n') == 1


def test_a_bug_is_one_line_too_and_its_traceback_can_be_had(
    run: Run, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise LookupError('two\nlines')

    monkeypatch.setattr('rq.store.admin.resume', broken)
    result = run('resume')
    assert (result.exit_code, result.stderr) == (1, 'LookupError: two (RQ_TRACEBACK=1 shows where)\n')
    monkeypatch.setenv('RQ_TRACEBACK', '1')
    assert isinstance(run('resume').exception, LookupError)


def test_ctrl_c_while_a_worker_starts_is_quiet(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / 'slow.py').write_text('import time\nprint("reading", flush=True)\ntime.sleep(30)\n')
    process = processes.rq('worker', '-c', 'slow', cwd=tmp_path)
    process.wait_for_output('reading')
    process.interrupt()
    assert process.wait() == 130
    assert process.stderr == ''
