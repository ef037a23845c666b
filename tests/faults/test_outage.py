"""Redis is stopped, killed, cut off or full: outcomes are kept until it takes them, workers live, nobody cries wolf (I10, I12)."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from rq import Queue
from rq.job import Job
from rq.server import EmbeddedServer
from rq.store import admin, keys
from tests.faults import jobs
from tests.faults.batch import put
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger
from tests.support.faults import delay_reply
from tests.support.invariants import violations
from tests.support.proxy import Proxy
from tests.support.waiting import wait_for

ServerMaker = Callable[..., EmbeddedServer]
# A lease as short as an outage of these tests, so that a reaper which cries wolf is heard.
WOLF = {'LEASE': 2, 'REAP_EVERY': 0.1, 'outage.LONGEST': 1.0}


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as proxy:
        yield proxy


def finished(redis: Redis, put: list[Job]) -> bool:
    found = admin.census(redis, ['default']).status
    return all(found.get(job.id) == 'finished' for job in put)


def results(redis: Redis, put: list[Job]) -> set[int]:
    """How many results jobs have."""
    return {redis.xlen(keys.results(job.id)) for job in put}


def told(output: str) -> tuple[int, int]:
    """How often workers said that Redis is in trouble, and that it is back."""
    return len(re.findall('Redis trouble', output)), len(re.findall('Redis is back', output))


def test_a_server_that_stands_still_for_three_seconds_costs_nothing(
    other_server: ServerMaker, herd: Herd, ledger: Ledger, tmp_path: Path
) -> None:
    server = other_server()
    redis = Redis.from_url(server.url)
    members = [herd.start(url=server.url, worker={'name': f'w{number}'}, settings=WOLF) for number in range(2)]
    long = Queue(connection=redis).enqueue(jobs.until, 0, str(tmp_path / 'open'))
    many = [long, *put(redis, 1, 1500)]
    wait_for(lambda: len(ledger.begun()) > 300)
    os.kill(server.pid, signal.SIGSTOP)
    (tmp_path / 'open').touch()
    time.sleep(3.0)  # the outage
    os.kill(server.pid, signal.SIGCONT)
    wait_for(lambda: finished(redis, many), 20)
    assert ledger.twice() == []
    assert results(redis, many) == {1}
    assert [member.status for member in members] == [None, None]
    trouble, back = told(herd.process.output)
    assert trouble == back <= 4, 'each process says it once'
    assert 'dead worker' not in herd.process.output
    assert violations(redis) == []
    redis.close()


def test_ten_03_a_server_killed_and_started_again_gets_each_outcome_once(
    other_server: ServerMaker, herd: Herd, ledger: Ledger, tmp_path: Path, measured: Callable[[str, str], None]
) -> None:
    """N2 and F: RQ's worker quit, and its job, which had returned, was later failed as abandoned."""
    server = other_server(data_dir=tmp_path / 'data')
    redis = Redis.from_url(server.url)
    members = [herd.start(url=server.url, worker={'name': f'w{number}'}, settings=WOLF) for number in range(2)]
    long = Queue(connection=redis).enqueue(jobs.until, 0, str(tmp_path / 'open'))
    many = [long, *put(redis, 1, 1500)]
    wait_for(lambda: len(ledger.begun()) > 300 and redis.hexists(keys.job(long.id), 'announced'))
    server.kill()
    (tmp_path / 'open').touch()
    wait_for(lambda: 0 in [entry.number for entry in ledger.entries('e')])
    time.sleep(2.0)  # the outage
    server.start()
    began = time.monotonic()
    wait_for(lambda: finished(redis, many), 20, lambda: f'{admin.census(redis, ["default"]).homes["default"]["wip"]}')
    measured('8', f'lost 0, twice 0, false reaps 0; all done {time.monotonic() - began:.1f} s after the restart')
    assert ledger.twice() == []
    assert results(redis, many) == {1}
    assert long.return_value(refresh=True) == 0
    assert [member.status for member in members] == [None, None]
    trouble, back = told(herd.process.output)
    assert trouble == back <= 4
    assert 'dead worker' not in herd.process.output
    assert violations(redis) == []
    redis.close()


def test_connections_cut_again_and_again_lose_nothing_and_run_nothing_twice(
    redis: Redis, proxy: Proxy, herd: Herd, ledger: Ledger
) -> None:
    """Fault 10."""
    chance = random.Random(10)
    members = [
        herd.start(url=proxy.url, worker={'name': f'w{number}'}, settings={'outage.SHORTEST': 0.01})
        for number in range(2)
    ]
    many = put(redis, 0, 4000, 0.0005)
    while len(ledger.begun()) < 4000:
        time.sleep(chance.uniform(0.0, 0.06))
        proxy.cut_all()
    wait_for(lambda: finished(redis, many), 20)
    assert ledger.twice() == []
    assert ledger.missing(4000) == []
    assert [member.status for member in members] == [None, None]
    assert 'too late' not in herd.process.output


@pytest.mark.parametrize('outcome', [True, False], ids=['with an outcome', 'with a claim only'])
def test_told_to_stop_while_redis_is_away_a_worker_ends_when_it_is_back_and_strands_nothing(
    redis: Redis, proxy: Proxy, herd: Herd, ledger: Ledger, tmp_path: Path, outcome: bool
) -> None:
    member = herd.start(url=proxy.url, worker={'name': 'w'}, settings={'outage.LONGEST': 0.3})
    wait_for(lambda: redis.info('clients')['blocked_clients'] == 1)
    if outcome:
        job = Queue(connection=redis).enqueue(jobs.until, 0, str(tmp_path / 'open'))
        wait_for(lambda: ledger.begun() == [0])
        proxy.down()
        (tmp_path / 'open').touch()
        wait_for(lambda: ledger.entries('e'))
    else:
        rule = proxy.on('EVALSHA', delay_reply(30), match=lambda raw: b'default' in raw and b'idle' in raw)
        job = Queue(connection=redis).enqueue(jobs.note, 0)
        wait_for(lambda: rule.fired)
        wait_for(lambda: job.get_status() == 'started')
        proxy.down()
    member.signal(signal.SIGTERM)
    time.sleep(0.3)
    if outcome:
        assert member.status is None, 'it holds an outcome'
    proxy.up()
    assert member.wait() == 0
    assert job.get_status() == ('finished' if outcome else 'queued')
    assert redis.zcard(keys.wip('default')) == 0


def test_told_twice_while_redis_is_away_a_worker_ends_and_says_what_it_leaves(
    redis: Redis, proxy: Proxy, herd: Herd, ledger: Ledger, tmp_path: Path
) -> None:
    member = herd.start(url=proxy.url, worker={'name': 'w'}, settings={'supervisor.COLD_PATIENCE': 1.5})
    job = Queue(connection=redis).enqueue(jobs.until, 0, str(tmp_path / 'open'))
    wait_for(lambda: redis.hexists(keys.job(job.id), 'announced'))
    proxy.down()
    (tmp_path / 'open').touch()
    wait_for(lambda: ledger.entries('e'))
    member.signal(signal.SIGTERM)
    time.sleep(1.1)  # a second signal within a second is taken for the first
    member.signal(signal.SIGTERM)
    assert os.waitstatus_to_exitcode(member.wait()) == 1
    assert f'left behind for other workers: {job.id}' in herd.process.output


def test_ten_07_a_full_server_is_drained(other_server: ServerMaker, herd: Herd, ledger: Ledger) -> None:
    """T: RQ's worker quit, and its job stayed `started`."""
    server = other_server(config={'maxmemory-policy': 'noeviction'})
    redis = Redis.from_url(server.url)
    many = put(redis, 0, 800, 0.0)
    queue = Queue(connection=redis)
    failing = queue.enqueue(jobs.fails, 800)
    redis.config_set('maxmemory', '1mb')
    with pytest.raises(OutOfMemoryError):
        queue.enqueue(jobs.noop)
    member = herd.start(url=server.url, worker={'name': 'w'})
    # It cannot make itself known while there is no room at all; then it must not matter any more.
    wait_for(lambda: member.status is not None or len(ledger.begun()) > 0, 10)
    if member.status is not None:
        redis.config_set('maxmemory', '0')
        member = herd.start(url=server.url, worker={'name': 'w'})
        wait_for(lambda: len(ledger.begun()) > 3)
        redis.config_set('maxmemory', '1mb')
    wait_for(lambda: finished(redis, many) and failing.get_status() == 'failed', 20, lambda: herd.process.report())
    assert member.status is None
    assert ledger.begun() == list(range(801))
    assert results(redis, many) == {1}
    redis.config_set('maxmemory', '0')
    later = queue.enqueue(jobs.note, 900)
    wait_for(lambda: finished(redis, [later]))
    assert violations(redis) == []
    redis.close()


def test_told_once_while_redis_is_away_an_idle_worker_ends_by_itself(
    redis: Redis, proxy: Proxy, herd: Herd, ledger: Ledger
) -> None:
    member = herd.start(url=proxy.url, worker={'name': 'w'}, settings={'supervisor.COLD_PATIENCE': 0.5})
    wait_for(lambda: redis.info('clients')['blocked_clients'] == 1)
    proxy.down()
    wait_for(lambda: 'trying again' in herd.process.output)
    member.signal(signal.SIGTERM)
    assert os.waitstatus_to_exitcode(member.wait()) in {0, 1}
