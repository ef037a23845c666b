"""Jobs are handed back while their horse is about to begin them: whoever read the ticket owns the job."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from redis import Redis

from rq import Queue
from rq.job import Job
from rq.store import admin, keys
from tests.faults import jobs
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger
from tests.support.waiting import wait_for

# The moments of decision, thirty times as often: a run counts as long after 3 ms, and jobs take about that.
HURRY = {
    'ANNOUNCE_AFTER': 0.003,
    'WATCH_EVERY': 0.001,
    'pace.PACK_WORK': 0.006,
    'horse.PACK_WORK': 0.006,
}


def put(redis: Redis, count: int, seed: int) -> list[Job]:
    """Jobs of 0 to 5 ms."""
    chance = random.Random(seed)
    times = [0.0 if chance.random() < 0.7 else chance.uniform(0.002, 0.005) for _ in range(count)]
    many = [Queue.prepare_data(jobs.note, (number, seconds)) for number, seconds in enumerate(times)]
    return Queue(connection=redis).enqueue_many(many)


def finished(redis: Redis) -> int:
    return int(redis.zcard(keys.finished('default')))


def state(redis: Redis) -> str:
    homes = admin.census(redis, ['default']).homes['default']
    return f'{ ({name: len(members) for name, members in homes.items() if members}) }, leased: {homes["wip"]}'


@pytest.mark.parametrize('workers', [1, 2])
def test_every_job_runs_once_however_the_race_for_it_ends(
    redis: Redis, herd: Herd, ledger: Ledger, workers: int
) -> None:
    count = 4000
    many = put(redis, count, seed=workers)
    for number in range(workers):
        herd.start(settings=HURRY, worker={'name': f'w{number}'})
    wait_for(lambda: finished(redis) == count, 40, lambda: state(redis))
    assert ledger.twice() == []
    assert ledger.missing(count) == []
    assert [job.return_value(refresh=True) for job in many[::50]] == list(range(0, count, 50))
    if workers == 1:
        assert ledger.begun() == list(range(count))
    assert 'too late' not in herd.process.output


def test_the_race_is_really_run(redis: Redis, herd: Herd, ledger: Ledger, tmp_path: Path) -> None:
    """Thousands of packs are handed back in the test above: here is the count of one worker's."""
    put(redis, 2000, seed=3)
    redis.config_resetstat()
    herd.start(settings=HURRY, work={'burst': True}).wait(40)
    assert ledger.begun() == list(range(2000))
    calls = redis.info('commandstats')
    gone_back = int(calls['cmdstat_lpush']['calls'])
    assert gone_back > 500, calls
    assert not re.search('Traceback|error', herd.process.output)
