"""Which server a command talks to: option, RQ_REDIS_URL, settings, REDIS_URL and its sisters, localhost."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis, SSLConnection
from redis.sentinel import SentinelConnectionPool

from rq import Queue
from rq.cli.helpers import CliConfig, get_redis_from_config, read_config_file
from rq.server import EmbeddedServer, find_server
from tests.cli.conftest import Run
from tests.support.processes import Processes
from tests.support.waiting import wait_for


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ('RQ_REDIS_URL', 'REDIS_URL', 'REDIS_HOST', 'REDIS_PORT', 'REDIS_DB', 'REDIS_PASSWORD', 'REDIS_SSL'):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, 'path', [*sys.path])


def told(client: Redis) -> dict[str, Any]:
    return dict(client.connection_pool.connection_kwargs)


def settings(folder: Path, text: str) -> str:
    path = folder / 'settings_of_test.py'
    path.write_text(text)
    return str(path)


def test_without_anything_it_is_localhost() -> None:
    found = told(CliConfig().connection)
    assert (found['host'], found['port'], found['db']) == ('localhost', 6379, 0)


def test_the_environment_is_asked_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('REDIS_HOST', 'host-of-environment')
    monkeypatch.setenv('REDIS_PORT', '7')
    assert told(CliConfig().connection)['host'] == 'host-of-environment'
    monkeypatch.setenv('REDIS_URL', 'redis://url-of-environment:8/2')
    assert told(CliConfig().connection)['host'] == 'url-of-environment'
    config = settings(tmp_path, "REDIS_HOST = 'host-of-settings'")
    found = told(CliConfig(config=config).connection)
    assert (found['host'], found['port']) == ('host-of-settings', 6379), 'one source alone: nothing is mixed'
    assert told(CliConfig(url='redis://option', config=config).connection)['host'] == 'option'


def test_settings_that_name_no_server_leave_it_to_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('REDIS_URL', 'redis://url-of-environment')
    config = settings(tmp_path, "QUEUES = ['low']")
    assert told(CliConfig(config=config).connection)['host'] == 'url-of-environment'


def test_the_variable_of_rq_is_the_option(run: Run, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('REDIS_URL', 'redis://nowhere.invalid')
    monkeypatch.setenv('RQ_REDIS_URL', redis_url)
    assert run('info').exit_code == 0
    monkeypatch.setenv('RQ_REDIS_URL', 'redis://nowhere.invalid')
    assert run('info', '-u', redis_url).exit_code == 0
    monkeypatch.delenv('RQ_REDIS_URL')
    monkeypatch.setenv('REDIS_URL', redis_url)
    assert run('info').exit_code == 0


def test_settings_are_a_module_or_a_file(run: Run, redis_url: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv('RQ_REDIS_URL', raising=False)
    (tmp_path / 'package_of_test').mkdir()
    (tmp_path / 'package_of_test' / 'conf.py').write_text(f'REDIS_URL = {redis_url!r}')
    monkeypatch.chdir(tmp_path)
    for form in ('package_of_test.conf', 'package_of_test/conf.py', str(tmp_path / 'package_of_test' / 'conf.py')):
        assert run('info', '-c', form).exit_code == 0, form
    monkeypatch.chdir('/')
    monkeypatch.setenv('RQ_CONFIG', 'package_of_test.conf')
    assert run('info', '-P', str(tmp_path)).exit_code == 0


def test_only_names_in_capitals_are_settings(tmp_path: Path) -> None:
    assert read_config_file(settings(tmp_path, 'A = 1\nb = 2\nimport os\n_C1 = 3\n')) == {'A': 1, '_C1': 3}


def test_paths_are_appended_once_and_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    CliConfig(path=['.', 'sub', '.'])
    CliConfig(path=['.'])
    assert sys.path[-2:] == [str(tmp_path), str(tmp_path / 'sub')]
    assert sys.path.count(str(tmp_path)) == 1


def test_parts_of_an_address_and_tls() -> None:
    found = get_redis_from_config(
        {'REDIS_HOST': 'h', 'REDIS_PORT': '7', 'REDIS_DB': '3', 'REDIS_PASSWORD': 'p', 'REDIS_SSL': 'true',
         'REDIS_SSL_CA_CERTS': '/ca.pem', 'REDIS_SSL_CERT_REQS': 'none', 'REDIS_SSL_KEYFILE': '/key'}
    )  # fmt: skip
    given = told(found)
    assert (given['host'], given['port'], given['db'], given['password']) == ('h', 7, 3, 'p')
    assert found.connection_pool.connection_class is SSLConnection
    assert (given['ssl_ca_certs'], given['ssl_cert_reqs'], given['ssl_keyfile']) == ('/ca.pem', 'none', '/key')


@pytest.mark.parametrize(('text', 'tls'), [('false', False), ('0', False), ('', False), ('1', True), (True, True)])
def test_tls_by_a_variable_is_read_as_a_person_means_it(text: Any, tls: bool) -> None:
    pool = get_redis_from_config({'REDIS_HOST': 'h', 'REDIS_SSL': text}).connection_pool
    assert (pool.connection_class is SSLConnection) is tls


class OwnRedis(Redis):
    """A client class of somebody's own."""


def test_the_client_may_be_of_a_class_of_ones_own() -> None:
    for url in ('redis://h', None):
        config = CliConfig(url=url, connection_class=f'{__name__}.OwnRedis')
        assert type(config.connection) is OwnRedis
        assert type(config.quick_connection) is OwnRedis


def test_a_quick_connection_does_not_try_again() -> None:
    quick = CliConfig(url='redis://h').quick_connection
    assert told(quick)['retry'].get_retries() == 0
    assert told(quick)['socket_timeout'] == 5
    assert told(CliConfig(url='redis://h?socket_timeout=1').quick_connection)['socket_timeout'] == 1


def test_sentinel_settings_are_handed_on() -> None:
    found = get_redis_from_config(
        {
            'SENTINEL': {
                'INSTANCES': [('a', 1), ('b', 2)],
                'MASTER_NAME': 'm',
                'DB': 2,
                'USERNAME': 'u',
                'PASSWORD': 'p',
                'SOCKET_TIMEOUT': 3,
                'CONNECTION_KWARGS': {'health_check_interval': 9},
                'SENTINEL_KWARGS': {'password': 'of-sentinel'},
            }
        }
    )
    pool = found.connection_pool
    assert isinstance(pool, SentinelConnectionPool)
    given = told(found)
    assert (given['db'], given['username'], given['password']) == (2, 'u', 'p')
    assert (given['socket_timeout'], given['health_check_interval']) == (3, 9)
    assert pool.service_name == 'm'
    sentinels = [told(sentinel) for sentinel in pool.sentinel_manager.sentinels]
    assert [(one['host'], one['port'], one['password']) for one in sentinels] == [
        ('a', 1, 'of-sentinel'),
        ('b', 2, 'of-sentinel'),
    ]


def test_a_real_sentinel_leads_to_its_master(
    processes: Processes, other_server: Callable[..., EmbeddedServer], tmp_path: Path, free_port: int
) -> None:
    master = other_server()
    file = tmp_path / 'sentinel.conf'
    file.write_text(f'port {free_port}\nbind 127.0.0.1\nsentinel monitor mine 127.0.0.1 {master.port} 1\n')
    processes.start(find_server(), file, '--sentinel', name='sentinel')
    with Redis(port=free_port) as client:
        wait_for(lambda: answers(client))
    text = f"SENTINEL = {{'INSTANCES': [('127.0.0.1', {free_port})], 'MASTER_NAME': 'mine'}}\n"
    (tmp_path / 'conf.py').write_text(text)
    info = processes.rq('info', '-c', 'conf', cwd=tmp_path)
    assert info.wait() == 0, info.report()
    with Redis(port=master.port) as client:
        job = Queue(connection=client).enqueue('operator.add', 1, 2)
        pool = processes.rq('worker-pool', '-b', '-n', '2', '-c', 'conf', cwd=tmp_path)
        assert pool.wait() == 0, pool.report()
        assert job.return_value() == 3
    (tmp_path / 'conf.py').write_text(text.replace('mine', 'other'))
    unknown = processes.rq('info', '-c', 'conf', cwd=tmp_path)
    assert unknown.wait() == 1
    assert unknown.stderr.startswith("No master found for 'other'") and unknown.stderr.count('\n') == 1


def answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except Exception:
        return False


def test_classes_are_also_taken_from_the_environment(run: Run, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ('WORKER', 'JOB', 'QUEUE', 'CONNECTION'):
        monkeypatch.setenv(f'RQ_{kind}_CLASS', 'nosuch.Class')
        result = run('worker', '--burst')
        assert result.exit_code == 2 and f'--{kind.lower()}-class' in result.stderr
        monkeypatch.setenv(
            f'RQ_{kind}_CLASS', {'JOB': 'rq.job.Job', 'CONNECTION': 'redis.Redis'}.get(kind, f'rq.{kind.title()}')
        )
    assert run('worker', '--burst').exit_code == 0


def test_another_prefix_is_that_of_every_key_of_every_command(
    processes: Processes, redis: Redis, redis_url: str
) -> None:
    def rq(*words: str, code: int = 0) -> str:
        process = processes.rq(*words, url=redis_url, env={'RQ_KEY_PREFIX': 'my-rq'})
        assert process.wait() == code, process.report()
        return process.stdout

    rq('enqueue', 'operator.add', ':1', ':2', '--job-id', 'good')
    rq('enqueue', 'operator.truediv', ':1', ':0', '--job-id', 'bad')
    rq('enqueue', 'operator.add', '--schedule-in', '1h')
    rq('worker-pool', '--burst')
    assert 'queue default 0, 0 executing, 1 finished, 1 failed' in rq('info', '-r')
    rq('requeue', 'bad')
    rq('suspend')
    assert '1 jobs wait in queue default' in rq('doctor', code=1)
    assert redis.keys('my-rq:suspended')
    rq('resume')
    assert '1 jobs removed from default queue' in rq('empty', 'default')
    assert [key for key in redis.scan_iter() if not key.startswith(b'my-rq:')] == []
