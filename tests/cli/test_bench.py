"""`rq bench`: figures for a user, and not a trace of it in the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from rq.cli.bench import lines
from rq.server import EmbeddedServer
from rq.store import keys, trial
from tests.cli.conftest import AddJobs, Run
from tests.support.keyspace import difference, snapshot
from tests.support.processes import Processes

FIGURES: dict[str, Any] = {
    'server': 'Valkey 9.1.2', 'aof': False, 'cores': 2, 'load': 0.5, 'workers': 1, 'round_trip_ms': 0.1,
    'round_trip_p99_ms': 0.25, 'enqueue_per_s': 5000, 'enqueue_many_per_s': 50_000, 'jobs_per_s': 20_000.0,
    'job_ms': 0.5, 'job_p99_ms': 12.0,
}  # fmt: skip


def test_it_measures_and_leaves_nothing_and_touches_no_queue_of_the_user(
    run: Run, redis: Redis, add_jobs: AddJobs
) -> None:
    add_jobs('default', 3)
    add_jobs('bench', 2)
    redis.set('rq:bench:job:left', 'by one that was killed')
    redis.set('rq:benches', 'not ours')
    before = snapshot(redis)
    result = run('bench', '--seconds', '1', '--workers', '2', '--json')
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found.keys() == FIGURES.keys()
    assert all(found[name] > 0 for name in found if name.endswith(('_ms', '_per_s')))
    assert found['round_trip_ms'] <= found['round_trip_p99_ms']
    assert found['workers'] == 2
    assert difference(before, snapshot(redis)).keys() == {b'rq:bench:job:left'}


def test_what_it_prints() -> None:
    assert list(lines(FIGURES))[2:] == [
        'enqueue      |███ 5,000/s',
        'enqueue_many |██████████████████████████████ 50,000/s',
        'jobs run     |████████████ 20,000/s',
        '',
        'round trip: 0.10 ms, one in a hundred 0.25 ms or more',
        'enqueue to result, by an idle worker: 0.50 ms, one in a hundred 12 ms or more',
        '',
        'Run by one worker; a job that does nothing costs one 0.05 ms.',
    ]
    told = '\n'.join(lines(FIGURES | {'round_trip_ms': 5, 'load': 3.0, 'workers': 4, 'aof': None}))
    assert told.startswith('Valkey 9.1.2; 2 cores here')
    assert 'Run by 4 workers; a job that does nothing costs one 0.20 ms.' in told
    assert 'The server is 5.00 ms away' in told
    assert 'This machine is busy (load 3)' in told


def test_a_server_without_room_is_left_alone(run: Run, other_server: Callable[..., EmbeddedServer]) -> None:
    server = other_server(config={'maxmemory': '20mb'})
    result = run('bench', '-u', server.url)
    assert result.exit_code == 1
    assert 'has no room for it: ' in result.stderr and ' of 20 MB are taken' in result.stderr
    with Redis.from_url(server.url) as redis:
        assert redis.keys('*') == []


def test_two_at_a_time_would_measure_each_other(run: Run, redis: Redis) -> None:
    redis.set('rq:bench:trial', 'host.1', ex=100)
    result = run('bench', '-s', '1')
    assert (result.exit_code, result.stderr.splitlines()[-1][:21]) == (1, 'Another `rq bench` me')
    assert redis.keys('*') == [b'rq:bench:trial']


def test_a_user_who_may_not_write_there_is_told_so(run: Run, redis: Redis, redis_url: str) -> None:
    redis.execute_command('ACL', 'SETUSER', 'narrow', 'on', '>secret', '~rq:job:*', '&*', '+@all')
    try:
        result = run('bench', '-s', '1', '-u', redis_url.replace('redis://', 'redis://narrow:secret@'))
    finally:
        redis.execute_command('ACL', 'DELUSER', 'narrow')
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith('The server refuses: ')
    assert redis.keys('*') == []


def test_a_worker_that_cannot_start_is_no_figure(run: Run, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('RQ_WORKER_CLASS', 'no.such.Worker')
    result = run('bench', '-s', '1')
    assert result.exit_code == 1
    assert 'The worker does not work: ' in result.stderr and 'no.such' in result.stderr
    assert redis.keys('*') == []


def test_after_ctrl_c_nothing_is_left(processes: Processes, redis: Redis, redis_url: str) -> None:
    command = processes.rq('bench', '-s', '30', url=redis_url)
    processes.wait_for(lambda: redis.exists('rq:bench:trial') and redis.keys('rq:bench:job:*'), message='it measures')
    command.interrupt()
    assert command.wait() == 130, command.report()
    processes.wait_for(lambda: redis.keys('*') == [], message='it has cleared up')


def test_it_cannot_be_made_to_clear_other_ground(redis: Redis) -> None:
    redis.set(keys.job('a'), 'x')
    for act in (trial.clear, lambda c: trial.release(c, 'x'), lambda c: trial.reserve(c, 'x')):
        with pytest.raises(RuntimeError, match="may not touch keys that begin with 'rq'"):
            act(redis)
    assert redis.exists(keys.job('a'))
