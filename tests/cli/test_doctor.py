"""`rq doctor`: one line a check, and what makes each of them a warning or a fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from rq.cli import doctor as module
from rq.cli.doctor import CHECKS, Finding, Patient, examine
from rq.server import EmbeddedServer
from rq.store import admin, keys
from rq.store.server import ServerFacts
from tests.cli.conftest import AddJobs, Run


def found(patient: Patient) -> dict[str, Finding]:
    return dict(examine(patient))


def of_server(**facts: Any) -> dict[str, Finding]:
    """The findings about a server that says this of itself."""
    told: dict[str, Any] = {
        'kind': 'Redis', 'version': (7, 4, 1), 'maxmemory': 0, 'policy': 'noeviction', 'aof': True, 'snapshots': True,
        'round_trip': 0.001,
    }  # fmt: skip
    patient = Patient(Redis())
    patient.__dict__['server'] = ServerFacts(**{**told, **facts})
    return {
        name: finding for name, check, _ in CHECKS if name in ('server', 'eviction', 'persistence') for finding in check(patient)
    }  # fmt: skip


def test_a_healthy_installation_has_a_line_for_each_check_and_ends_with_0(
    run: Run, other_server: Callable[..., EmbeddedServer], add_jobs: AddJobs, redis: Redis, tmp_path: Path
) -> None:
    server = other_server(config={'appendonly': 'yes'}, data_dir=tmp_path)
    result = run('doctor', '-u', server.url)
    assert result.exit_code == 0, result.output
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [['ok', name] for name, _, _ in CHECKS]


def test_jobs_that_wait_where_nobody_listens_are_a_fault(
    run: Run, add_jobs: AddJobs, add_worker: Callable[..., None]
) -> None:
    add_jobs('low', 3)
    add_jobs('high', 1)
    add_jobs('dead', 2, failed=True)
    add_worker('w1', ['high'])
    result = run('doctor')
    assert result.exit_code == 1
    assert '3 jobs wait in queue low, and no worker listens on it: `rq worker low`' in result.stdout
    assert 'queue high' not in result.stdout and 'queue dead' not in result.stdout
    add_worker('w2', ['low'])
    assert run('doctor').exit_code == 0


def test_of_many_such_queues_some_are_named(run: Run, add_jobs: AddJobs) -> None:
    for number in range(8):
        add_jobs(f'q{number}')
    assert 'the same is so of 3 more queues' in run('doctor').stdout


def test_a_dead_worker_is_told_and_listens_on_nothing(
    run: Run, redis: Redis, add_jobs: AddJobs, add_worker: Callable[..., None]
) -> None:
    add_jobs('low')
    add_worker('w1', ['low'], incarnation='a' * 16)
    redis.set(keys.lease('w1'), 'a' * 16)
    add_worker('rqs', ['other'])  # one of another RQ has no lease
    told = run('doctor')
    assert told.exit_code == 0 and '2 are alive' in told.stdout
    redis.delete(keys.lease('w1'))
    told = run('doctor')
    assert told.exit_code == 1
    assert 'warning workers      w1 (host.42) is dead' in told.stdout and '1 is alive' in told.stdout
    assert 'no worker listens on it: `rq worker low`' in told.stdout


def test_suspended_workers_are_a_warning(run: Run, redis: Redis) -> None:
    admin.suspend(redis)
    result = run('doctor')
    assert 'warning suspended    workers are suspended' in result.stdout
    assert result.exit_code == 0


def test_a_server_that_does_not_answer_is_one_fault(run: Run) -> None:
    result = run('doctor', '-u', 'redis://localhost:1')
    assert result.exit_code == 1
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [['ok', 'files'], ['fault', 'server']]
    assert 'Connection refused' in result.stdout


def test_json_is_one_line_with_everything(run: Run, redis: Redis) -> None:
    told = json.loads(run('doctor', '--json').stdout)
    assert [each['check'] for each in told] == [name for name, _, _ in CHECKS]
    assert all(each.keys() == {'check', 'level', 'text'} for each in told)


@pytest.mark.parametrize(
    ('facts', 'check', 'level', 'text'),
    [
        ({'version': (6, 0, 16)}, 'server', 'fault', 'Redis 6.0.16 is too old: Redis 6.2 or Valkey 7.2 is needed'),
        ({'version': (6, 2)}, 'server', 'ok', 'Redis 6.2 answers'),
        ({'kind': 'Valkey', 'version': (7, 2, 0)}, 'server', 'ok', 'Valkey 7.2.0 answers'),
        ({'round_trip': 0.08}, 'server', 'warning', 'Redis 7.4.1 takes 80 ms to answer: is it far away?'),
        ({'policy': 'allkeys-lru', 'maxmemory': 1}, 'eviction', 'fault', 'when it is full it forgets jobs'),
        ({'policy': 'volatile-lru', 'maxmemory': 1}, 'eviction', 'fault', 'when it is full it forgets jobs with a ttl'),
        ({'policy': 'allkeys-lru'}, 'eviction', 'warning', 'as soon as maxmemory is set it forgets jobs'),
        ({'aof': False}, 'persistence', 'warning', 'it keeps snapshots only'),
        ({'aof': False, 'snapshots': False}, 'persistence', 'warning', 'nothing is kept over its restart'),
        ({'aof': False, 'snapshots': None}, 'persistence', 'warning', 'does not tell'),
    ],
)
def test_what_a_server_says_of_itself_is_judged(facts: dict[str, Any], check: str, level: str, text: str) -> None:
    finding = of_server(**facts)[check]
    assert finding.level == level and text in finding.text


def test_a_server_that_does_not_let_one_look_at_its_settings_is_judged_by_the_rest(
    other_server: Callable[..., EmbeddedServer],
) -> None:
    server = other_server()
    with Redis.from_url(server.url) as client:
        client.execute_command('ACL', 'SETUSER', 'default', '-config')
        finding = found(Patient(client))['persistence']
    assert (finding.level, 'does not tell' in finding.text) == ('warning', True)


def test_another_distribution_that_owns_our_files_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    folder = tmp_path / 'rq-3.0.0.dist-info'
    folder.mkdir()
    (folder / 'METADATA').write_text('Metadata-Version: 2.1\nName: rq\nVersion: 3.0.0\n')
    (folder / 'RECORD').write_text('rq/__init__.py,,\n')
    monkeypatch.syspath_prepend(tmp_path)
    finding = found(Patient(redis))['files']
    assert finding.level == 'fault'
    assert finding.text.startswith('rq 3.0.0 owns the files of `rq` as well; do: pip uninstall -y rq packhorse && ')
    assert module.__doc__ is not None
