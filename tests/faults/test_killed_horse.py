"""A horse is killed at any moment: what had begun follows its policy, the rest runs once, nothing is in limbo."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable

import psutil
import pytest
from redis import Redis

from rq import Queue, Retry
from rq.job import Job
from rq.store import admin
from tests.faults import jobs
from tests.faults.herd import Herd, Member
from tests.faults.ledger import Ledger
from tests.support.waiting import wait_for

HURRY = {'supervisor.FRUITLESS_WAIT': 0.0}


def put(redis: Redis, first: int, count: int, chance: random.Random, retry: Retry | None = None) -> list[Job]:
    """Jobs of 0 to 3 ms, most of them of none; a longer one now and then."""
    times = [0.0 if chance.random() < 0.8 else chance.uniform(0.0005, 0.003) for _ in range(count)]
    many = [
        Queue.prepare_data(jobs.note_times, (first + number, seconds), retry=retry)
        for number, seconds in enumerate(times)
    ]
    return Queue(connection=redis).enqueue_many(many)


def left(redis: Redis) -> int:
    """Jobs that have not ended."""
    homes = admin.census(redis, ['default']).homes['default']
    return len(homes['queue']) + len(homes['wip']) + len(homes['scheduled'])


def check(redis: Redis, ledger: Ledger, many: list[Job], begins: int) -> int:
    """Every job has ended, as it should, after at most so many begins; answers how many were lost with a horse."""
    status = admin.census(redis, ['default']).status
    begun, ended = ledger.counts(), {entry.number for entry in ledger.entries('e')}
    lost = 0
    for number, job in enumerate(many):
        assert status.get(job.id) in {'finished', 'failed'}, (number, status.get(job.id))
        assert begun[number] <= begins, (number, begun[number])
        if status[job.id] == 'finished':
            assert number in ended
        else:
            lost += 1
            assert 'Work-horse terminated unexpectedly' in str(job.latest_result().exc_string)  # type: ignore[union-attr]
    for number in range(0, len(many), 97):
        if status[many[number].id] == 'finished':
            assert many[number].return_value(refresh=True) == number
    return lost


def kill_horses(member: Member, seconds: float, chance: random.Random) -> int:
    """Kills one horse after the other, each after up to 60 ms; answers how many."""
    supervisor, killed = psutil.Process(member.pid), 0
    until = time.monotonic() + seconds
    while time.monotonic() < until and killed < 220:
        for horse in supervisor.children():
            time.sleep(chance.uniform(0, 0.06))
            try:
                os.kill(horse.pid, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
        time.sleep(0.004)
    return killed


@pytest.mark.parametrize('retries', [0, 5])
def test_of_jobs_whose_horse_is_killed_again_and_again_none_is_lost_or_run_too_often(
    redis: Redis, herd: Herd, ledger: Ledger, measured: Callable[[str, str], None], retries: int
) -> None:
    chance = random.Random(retries)
    many = put(redis, 0, 8_000, chance, Retry(max=retries) if retries else None)
    member = herd.start(worker={'name': 'w', 'max_deaths': 0}, settings=HURRY)  # else three deaths end a job
    killed = kill_horses(member, 18.0, chance)
    assert killed >= 100, 'this machine is too slow for the test'
    wait_for(lambda: left(redis) == 0, 30, lambda: f'{left(redis)} jobs are left')
    assert member.status is None
    lost = check(redis, ledger, many, retries + 1)
    assert lost <= killed
    measured('1', f'{killed} horses killed, retries {retries}: {lost} jobs failed with theirs, lost 0')
    if retries:
        assert lost == 0
    assert 'too late' not in herd.process.output
    member.signal(signal.SIGTERM)
    assert member.wait() == 0


@pytest.mark.parametrize('part', range(3))
def test_a_horse_may_die_before_any_line_of_its_own_code(redis: Redis, herd: Herd, ledger: Ledger, part: int) -> None:
    """Each horse dies one line later than the one before it: in every step of claiming, running and answering."""
    first = 1 + 200 * part
    many = put(redis, 0, 2_000, random.Random(part))
    member = herd.start(settings=HURRY, kill_at_lines=[first, first + 199], level='ERROR')
    wait_for(lambda: left(redis) == 0, 60, lambda: f'{left(redis)} jobs are left')
    check(redis, ledger, many, 1)
    assert herd.process.output.count('Work-horse terminated') == 200
    member.signal(signal.SIGTERM)
    assert member.wait() == 0
