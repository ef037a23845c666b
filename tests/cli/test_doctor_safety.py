"""`rq doctor` on signing, functions that wait, rights, clock and memory."""

from __future__ import annotations

import json
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from rq import Queue, signing
from rq.cli import safety
from rq.cli.patient import Finding, Patient
from rq.inert import function_name
from rq.job import Job
from rq.server import EmbeddedServer
from rq.store import keys
from tests.cli.conftest import Run
from tests.security.jobs import Mailer, Planted, add

SECRET = 'a1b2' * 16


@pytest.fixture(autouse=True)
def unsigned() -> Iterator[None]:
    signing.configure(None)
    yield
    signing.configure(None)


def findings(redis: Redis, check: Callable[[Patient], Iterator[Finding]]) -> list[tuple[str, str]]:
    return [(finding.level, finding.text) for finding in check(Patient(redis))]


# --- signing


def test_where_nothing_is_signed_it_says_what_that_means(redis: Redis) -> None:
    [(level, text)] = findings(redis, safety._signing)
    assert level == 'ok' and text.startswith('signing is off: who can write to the server can run code')


def test_the_mode_and_the_keys_are_told_and_no_secret(redis: Redis) -> None:
    signing.configure([('new', SECRET), ('old', SECRET[::-1])], 'require', {'q': 'warn'})
    Queue('q', connection=redis).enqueue(add, 1)
    [(level, text)] = findings(redis, safety._signing)
    assert (level, text) == ('ok', 'signing: require, q: warn; new signs, accepted: new, old')


@pytest.mark.parametrize(
    ('mode', 'level', 'end'),
    [('require', 'fault', 'they will fail'), ('warn', 'warning', 'they would fail where signing is required')],
)
def test_jobs_that_wait_unsigned_are_found(redis: Redis, mode: str, level: str, end: str) -> None:
    queue = Queue('q', connection=redis)
    for _ in range(2):
        queue.enqueue(add, 1)
    signing.configure([('k1', SECRET)], mode)
    queue.enqueue(add, 1)
    told = f'2 of 3 jobs that wait are not signed as they should be (queue q): {end}'
    assert findings(redis, safety._signing) == [(level, told)]


def test_keys_that_cannot_be_used_are_a_fault(redis: Redis, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('RQ_SIGNING_KEY_FILE', '/no/such/file')
    monkeypatch.setattr(signing, 'active', signing._Unread())
    result = run('doctor')
    assert result.exit_code == 1
    assert 'jobs cannot be signed: The keys of RQ_SIGNING_KEY_FILE cannot be read' in result.stdout


def test_a_file_of_keys_that_all_can_read_is_a_warning(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / 'keys'
    path.write_text(f'k1:{SECRET}')
    monkeypatch.setenv('RQ_SIGNING_KEY_FILE', str(path))
    monkeypatch.setattr(signing, 'active', signing._Unread())
    for mode, levels in ((0o644, ['warning', 'ok']), (0o640, ['ok'])):
        path.chmod(mode)
        assert [level for level, _ in findings(redis, safety._signing)] == levels


# --- functions


def test_functions_that_cannot_be_imported_are_found(redis: Redis, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / 'loud.py').write_text('print("[loud]")\ndef f(): pass\n')
    (tmp_path / 'broken.py').write_text('raise RuntimeError("no\\nsettings")\n')
    (tmp_path / 'deadly.py').write_text('import os; os._exit(3)\n')
    monkeypatch.setattr(sys, 'path', [str(tmp_path), *sys.path])
    queue = Queue('q', connection=redis)
    queue.enqueue('loud.f')
    assert findings(redis, safety._functions) == [('ok', '1 functions of jobs that wait can be imported')]
    queue.enqueue('broken.f')
    queue.enqueue('no_such_module.f')
    assert findings(redis, safety._functions) == [
        ('warning', 'broken.f waits and cannot be imported here (RuntimeError: no settings)'),
        (
            'warning',
            (
                'no_such_module.f waits and cannot be imported here '
                "(ValueError: Invalid attribute name: no_such_module.f (No module named 'no_such_module'))"
            ),
        ),
    ]
    queue.empty()
    queue.enqueue('deadly.f')
    told = 'deadly.f waits and cannot be imported here (the process that imported it ended)'
    assert findings(redis, safety._functions) == [('warning', told)]


def test_an_import_that_hangs_is_found(redis: Redis, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / 'hangs.py').write_text('import time; time.sleep(60)\n')
    monkeypatch.setattr(sys, 'path', [str(tmp_path), *sys.path])
    monkeypatch.setattr(safety, 'PATIENCE', 2)
    Queue('q', connection=redis).enqueue('hangs.f')
    [(level, text)] = findings(redis, safety._functions)
    assert level == 'warning' and 'it took longer than 2 s' in text


def test_functions_that_the_allow_list_refuses_are_found_and_not_imported(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('RQ_ALLOW', 'tests.security.jobs.*')
    queue = Queue('q', connection=redis)
    queue.enqueue(add, 1)
    queue.enqueue('os.getcwd')
    assert findings(redis, safety._functions) == [
        ('warning', 'os.getcwd is not on the allow-list of this environment'),
    ]


def test_a_name_is_read_without_loading_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('RQ_TEST_MARK', str(tmp_path / 'mark'))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert function_name(pickle.dumps(('a.b', None, (Planted(),), {}), protocol)) == 'a.b'
        assert function_name(pickle.dumps(('send', Mailer(), (), {}), protocol)) is None
        assert function_name(pickle.dumps(('send', Planted(), (), {}), protocol)) is None
        assert function_name(pickle.dumps(Planted(), protocol)) is None
    assert function_name(b'["a.b", null, [], {}]') == 'a.b'
    for other in (b'["a", "b", [], {}]', b'[1]', b'[', b'', b'garbage', b'\x80', b'\x80\x05N.', b'{}'):
        assert function_name(other) is None
    assert not (tmp_path / 'mark').exists()


def test_jobs_of_every_size_and_kind_are_looked_at_or_left_out(redis: Redis) -> None:
    queue = Queue('q', connection=redis)
    queue.enqueue(add, 'x' * 100_000)  # stored compressed
    queue.enqueue(add, bytes(range(256)) * 10_000)
    redis.hset(keys.job('odd'), mapping={'data': b'\x80', 'origin': 'q', 'status': 'queued'})
    redis.set(keys.job('wrong'), 'no hash')
    redis.rpush(keys.queue('q'), 'odd', 'wrong', 'gone')
    assert findings(redis, safety._functions) == [('ok', '1 functions of jobs that wait can be imported')]
    redis.delete(keys.job('wrong'))
    assert Job


# --- the server


@pytest.mark.parametrize(
    ('rules', 'level', 'text'),
    [
        ('~* &* +@all', 'ok', 'user narrow may do everything (docs/security.md has users for each role)'),
        ('~rq:* &rq:* +@all -flushall -@admin', 'ok', 'user narrow, who may not ask for its own rights'),
        ('~rq:* &rq:* -@all +@read +@write +@scripting +@pubsub +@connection +@blocking +acl', 'ok',
         'user narrow may do what a worker does, and not everything'),
        ('~rq:job:* -@all +@read +@write +@connection +acl', 'fault',
         'user narrow may not run scripts, write queues, keep leases, wait for jobs, hear commands'),
        ('resetchannels ~rq:* +@all', 'fault', 'user narrow may not hear commands: docs/security.md has its rights'),
    ],
)  # fmt: skip
def test_the_rights_of_the_user_are_told(redis: Redis, redis_url: str, rules: str, level: str, text: str) -> None:
    redis.execute_command('ACL', 'SETUSER', 'narrow', 'reset', 'on', '>secret', *rules.split())
    with Redis.from_url(redis_url, username='narrow', password='secret') as client:
        [found] = findings(client, safety._rights)
    redis.execute_command('ACL', 'DELUSER', 'narrow')
    assert found[0] == level and found[1].startswith(text)


def test_a_server_that_is_open_to_others_is_a_warning(redis: Redis) -> None:
    patient = Patient(redis)
    assert [finding.level for finding in safety._rights(patient)] == ['ok']  # on this machine
    redis.connection_pool.connection_kwargs['host'] = 'redis.internal'
    [finding] = safety._rights(patient)
    assert (finding.level, finding.text[:35]) == ('warning', 'the server asks for no password: wh')


def test_a_clock_that_differs_is_a_warning(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(redis, safety._clock) == [('ok', "the server's clock is this machine's")]
    now = time.time
    monkeypatch.setattr(time, 'time', lambda: now() + 3600)
    [(level, text)] = findings(redis, safety._clock)
    assert level == 'warning' and 'behind this machine' in text and text.startswith("the server's clock is 36")


def test_a_server_that_is_nearly_full_is_a_warning(other_server: Callable[..., EmbeddedServer]) -> None:
    server = other_server()
    with Redis.from_url(server.url) as client:
        used = int(client.info('memory')['used_memory'])
        assert findings(client, safety._memory)[0][0] == 'ok'
        for share, level in ((3, 'ok'), (1.05, 'warning')):
            client.config_set('maxmemory', int(used * share))
            assert findings(client, safety._memory)[0][0] == level


def test_the_whole_report_has_them(run: Run) -> None:
    told = json.loads(run('doctor', '--json').stdout)
    assert [each['check'] for each in told][-5:] == ['memory', 'clock', 'rights', 'signing', 'functions']
