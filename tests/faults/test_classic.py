"""The classic way under the same faults: each outcome arrives once, and no job is lost."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis

from rq import Queue, Retry
from rq.server import EmbeddedServer
from rq.store import keys
from tests.faults import jobs
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger
from tests.support.invariants import violations
from tests.support.proxy import Proxy
from tests.support.waiting import wait_for

CLASSIC = 'tests.worker.kinds.OwnHorse'
HURRY = {'outage.SHORTEST': 0.01, 'outage.LONGEST': 0.3}


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as between:
        yield between


def settled(redis: Redis) -> bool:
    return not redis.zcard(keys.wip('default')) and not redis.llen(keys.queue('default'))


def test_a_server_killed_and_started_again_gets_each_outcome_once(
    other_server: Callable[..., EmbeddedServer], herd: Herd, ledger: Ledger, tmp_path: Path
) -> None:
    server = other_server(data_dir=tmp_path / 'data')
    redis = Redis.from_url(server.url)
    member = herd.start(url=server.url, worker={'name': 'w'}, settings=HURRY, **{'class': CLASSIC})
    queue = Queue(connection=redis)
    long, after = queue.enqueue(jobs.until, 0, str(tmp_path / 'open')), queue.enqueue(jobs.note, 1)
    wait_for(lambda: ledger.begun() == [0] and redis.hexists(keys.job(long.id), 'announced'))
    server.kill()
    (tmp_path / 'open').touch()
    wait_for(lambda: ledger.entries('e'))
    time.sleep(1.0)  # the outage
    server.start()
    wait_for(lambda: long.is_finished and after.is_finished, 20, herd.process.report)
    assert long.return_value(refresh=True) == 0 and ledger.twice() == [] and member.status is None
    assert violations(redis) == []
    redis.close()


def test_connections_cut_again_and_again_lose_nothing_and_run_nothing_twice(
    redis: Redis, proxy: Proxy, herd: Herd, ledger: Ledger
) -> None:
    chance = random.Random(10)
    members = [
        herd.start(url=proxy.url, worker={'name': f'w{number}'}, settings=HURRY, **{'class': CLASSIC})
        for number in range(2)
    ]
    queue = Queue(connection=redis)
    many = [queue.enqueue(jobs.note, number) for number in range(60)]
    while len(ledger.begun()) < 60:
        time.sleep(chance.uniform(0.0, 0.06))
        proxy.cut_all()
    wait_for(lambda: all(job.is_finished for job in many), 20, herd.process.report)
    assert ledger.twice() == [] and ledger.missing(60) == []
    assert [member.status for member in members] == [None, None]
    assert violations(redis) == []


def test_told_to_stop_while_redis_is_away_a_worker_waits_for_the_outcome_of_its_horse(
    redis: Redis, proxy: Proxy, herd: Herd, ledger: Ledger, tmp_path: Path
) -> None:
    member = herd.start(url=proxy.url, worker={'name': 'w'}, settings=HURRY, **{'class': CLASSIC})
    job = Queue(connection=redis).enqueue(jobs.until, 0, str(tmp_path / 'open'))
    wait_for(lambda: ledger.begun() == [0])
    proxy.down()
    (tmp_path / 'open').touch()
    wait_for(lambda: ledger.entries('e'))
    member.signal(signal.SIGTERM)
    time.sleep(0.3)
    assert member.status is None, 'its horse holds an outcome'
    proxy.up()
    assert member.wait() == 0
    assert job.is_finished and settled(redis)


def test_a_horse_that_holds_an_outcome_is_not_killed_for_its_time(
    redis: Redis, proxy: Proxy, herd: Herd, ledger: Ledger, tmp_path: Path
) -> None:
    herd.start(url=proxy.url, worker={'name': 'w'}, settings=HURRY | {'HARD_GRACE': 0.2}, **{'class': CLASSIC})
    job = Queue(connection=redis).enqueue(jobs.until, 0, str(tmp_path / 'open'), job_timeout=1)
    wait_for(lambda: ledger.begun() == [0])
    proxy.down()
    (tmp_path / 'open').touch()
    wait_for(lambda: ledger.entries('e'))
    time.sleep(1.5)  # its timeout and the grace are over
    proxy.up()
    wait_for(lambda: job.is_finished, 20, herd.process.report)


def test_horses_killed_at_any_time_lose_no_job(redis: Redis, herd: Herd, ledger: Ledger) -> None:
    """Killed before it began, while it ran, or after its outcome was sent: each job ends, and no worker does."""
    chance = random.Random(11)
    member = herd.start(worker={'name': 'w', 'max_deaths': 0}, settings=HURRY, **{'class': CLASSIC})
    queue = Queue(connection=redis)
    many = [queue.enqueue(jobs.note, number, retry=Retry(max=50)) for number in range(60)]
    end = time.monotonic() + 30
    while not settled(redis) and time.monotonic() < end:
        time.sleep(chance.uniform(0.0, 0.02))
        for child in psutil.Process(member.pid).children():
            try:
                os.kill(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
    wait_for(lambda: all(job.is_finished for job in many), 20, herd.process.report)
    assert ledger.missing(60) == [] and member.status is None
    assert violations(redis) == []
