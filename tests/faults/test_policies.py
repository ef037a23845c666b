"""Policies for jobs whose process dies, while horses and whole hosts die at any moment (I2, I9, I11)."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis

from rq import Queue
from rq.job import Job
from tests.faults import jobs
from tests.faults.batch import statuses
from tests.faults.herd import Herd
from tests.faults.jobs import LEDGER
from tests.faults.ledger import Ledger
from tests.faults.mixture import PAUSE, SCALED
from tests.faults.test_killed_horse import HURRY, kill_horses, left
from tests.faults.test_killed_supervisor import REAPER, bury, kill_both
from tests.support.waiting import wait_for


def put(queue: Queue, count: int, chance: random.Random) -> list[Job]:
    """Most of them short, so that packs are large; a few longer than the 100 ms after which all are announced."""
    times = [chance.choice([0.0, 0.0, 0.0, 0.001, 0.003]) for _ in range(count)]
    times[10::60] = [0.15] * len(times[10::60])
    return queue.enqueue_many([Queue.prepare_data(jobs.note_times, pair) for pair in enumerate(times)])


@pytest.mark.parametrize('of_worker', [False, True])
def test_a_job_that_must_not_start_twice_does_not_whoever_vanishes_when(
    redis: Redis, herd: Herd, ledger: Ledger, of_worker: bool
) -> None:
    chance = random.Random(of_worker)
    policy = {'on_lost': 'fail'} if of_worker else {}
    many = put(Queue(connection=redis, on_lost=None if of_worker else 'fail'), 300, chance)
    hosts = 0
    while left(redis) > 100 and hosts < 10:
        hosts += 1
        member = herd.start(worker={'name': f'host{hosts}', **policy})
        before = len(ledger.begun())
        wait_for(lambda before=before: len(ledger.begun()) > before)
        time.sleep(chance.uniform(0, 0.15))
        kill_both(member)
        bury(redis, f'host{hosts}')
    assert hosts >= 5
    last = herd.start(worker={'name': 'last', **policy}, settings=REAPER)
    wait_for(lambda: left(redis) == 0, 30, lambda: f'{left(redis)} jobs are left')
    begun, ended, found = ledger.counts(), {entry.number for entry in ledger.entries('e')}, statuses(redis)
    assert max(begun.values()) == 1
    for number, job in enumerate(many):
        assert found[job.id] in ('finished', 'failed')
        assert found[job.id] == 'failed' or number in ended
    failed = [job for job in many if found[job.id] == 'failed']
    assert len(failed) <= 2 * hosts  # the one that ran, and one that had been claimed ahead
    for job in failed:
        assert 'AbandonedJobError' in str(job.latest_result().exc_string)  # type: ignore[union-attr]
    last.signal(signal.SIGTERM)
    assert last.wait() == 0


def test_i2_jobs_that_are_to_go_back_all_end_well_however_often_horses_are_killed(
    redis: Redis, herd: Herd, ledger: Ledger
) -> None:
    chance = random.Random(7)
    many = put(Queue(connection=redis, on_lost='requeue'), 1_000, chance)
    member = herd.start(worker={'name': 'w', 'max_deaths': 0}, settings=HURRY)
    killed = kill_horses(member, 3.0, chance)
    assert killed >= 15, 'this machine is too slow for the test'
    wait_for(lambda: left(redis) == 0, 40, lambda: f'{left(redis)} jobs are left')
    found, begun = statuses(redis), ledger.counts()
    assert {found[job.id] for job in many} == {'finished'}
    assert sum(begun.values()) - len(many) <= killed  # only what had begun ran again
    member.signal(signal.SIGTERM)
    assert member.wait() == 0


def test_i11_a_poison_job_ends_after_three_hosts_and_the_others_flow(redis: Redis, herd: Herd, ledger: Ledger) -> None:
    queue = Queue(connection=redis)
    poison = queue.enqueue(jobs.die_with_parent, -1, on_lost='requeue')
    others = queue.enqueue_many([Queue.prepare_data(jobs.note, (number,)) for number in range(100)])
    for number in range(3):
        member = herd.start(worker={'name': f'host{number}'}, settings=REAPER)
        assert member.wait() == signal.SIGKILL
        bury(redis, f'host{number}')
    herd.start(worker={'name': 'last'}, settings=REAPER)
    wait_for(lambda: left(redis) == 0, 20)
    found = statuses(redis)
    assert found[poison.id] == 'failed'
    assert {found[job.id] for job in others} == {'finished'}
    assert ledger.counts()[-1] == 3
    text = str(poison.latest_result().exc_string)  # type: ignore[union-attr]
    assert 'died 3 times' in text
    assert all(f'worker host{number}: ' in text for number in range(3))


# Where a horse holds a job of this kind, and where a supervisor settles one. `stop`: it stands still until others have it.
MOMENTS = [
    ('after.claim.send', 'kill'),
    ('after.claim.reply', 'kill'),
    ('after.board', 'kill'),
    ('before.begin', 'kill'),
    ('after.begin', 'kill'),
    ('after.user_code', 'kill'),
    ('after.outcome', 'kill'),
    ('after.finish.send', 'kill'),
    ('before.finish', 'kill'),
    ('after.claim.reply', 'stop'),
    ('before.begin', 'stop'),
    ('after.begin', 'stop'),
    ('after.finish.send', 'drop'),
]


@pytest.mark.parametrize(('point', 'action'), MOMENTS)
def test_a_job_that_must_not_start_twice_does_not_whatever_happens_when_it_is_taken(
    redis: Redis, armed_herd: Herd, tmp_path: Path, point: str, action: str
) -> None:
    ledger = Ledger(tmp_path / 'ledger')
    queue = Queue(connection=redis, on_lost='fail')
    many = queue.enqueue_many([Queue.prepare_data(jobs.note_times, (n, 0.06 if n == 5 else 0.0)) for n in range(12)])
    told: dict[str, Any] = {'settings': SCALED, 'env': {LEDGER: str(ledger.path)}}
    try:
        first = armed_herd.start(worker={'name': 'w0'}, fault=f'{tmp_path}:{point}={action}@3', **told)
        if point == 'before.finish':  # a supervisor has something to tell when horses die; and then it dies as well
            with suppress(psutil.NoSuchProcess):
                kill_horses(first, 0.3, random.Random(1))
        struck = tmp_path / f'{point}.struck'
        wait_for(lambda: struck.exists() or left(redis) == 0, 10)
        second = armed_herd.start(worker={'name': 'w1'}, fault=f'{tmp_path}:', **told)
        if action == 'stop' and struck.exists():
            time.sleep(PAUSE)
            os.kill(int(struck.read_text()), signal.SIGCONT)
        wait_for(lambda: left(redis) == 0, 15, lambda: f'{statuses(redis)}')
        for member in (first, second):
            if member.status is None:
                member.signal(signal.SIGTERM)
                member.wait()
    finally:
        armed_herd.end()
    assert struck.exists() or point == 'before.finish'
    found = statuses(redis)
    assert max(ledger.counts().values()) == 1
    assert {found[job.id] for job in many} <= {'finished', 'failed'}
    assert (
        sum(found[job.id] == 'failed' for job in many) <= 3
    )  # one in hand, one ahead; and one more when it stood still
