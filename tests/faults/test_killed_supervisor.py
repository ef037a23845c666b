"""A supervisor is killed, alone or with its horse: the horse ends validly, or others find its jobs (I9, faults 2 and 3)."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from redis import Redis

from rq import Queue, Retry
from rq.job import Job
from rq.store import keys
from tests.faults import jobs
from tests.faults.batch import all_are, statuses
from tests.faults.herd import Herd, Member
from tests.faults.ledger import Ledger
from tests.faults.test_give_back import HURRY
from tests.store.hands import age
from tests.support.waiting import wait_for

# Looks for the dead at once and often; the leases themselves are made older by the test.
REAPER = {'REAP_EVERY': 0.1, 'LEASE': 0}


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def kill_both(member: Member) -> None:
    horse = member.horse()
    os.kill(member.pid, signal.SIGSTOP)  # it must not settle anything in between
    os.kill(horse, signal.SIGKILL)
    member.kill()
    assert member.wait() == signal.SIGKILL


def bury(redis: Redis, name: str) -> None:
    """As if half a minute had passed since a worker renewed its lease and those of its jobs."""
    redis.delete(keys.lease(name))
    age(redis, 70)


def test_a_horse_without_supervisor_ends_its_job_validly_and_gives_back_the_rest(
    redis: Redis, herd: Herd, ledger: Ledger, tmp_path: Path
) -> None:
    first = herd.start(worker={'name': 'first'}, settings={'ANNOUNCE_AFTER': 60.0})
    queue = Queue(connection=redis)
    warm = queue.enqueue_many([Queue.prepare_data(jobs.noop, (number,)) for number in range(200)])
    wait_for(lambda: all_are(redis, warm))
    many = [Queue.prepare_data(jobs.until, (0, str(tmp_path / 'open')))]
    many += [Queue.prepare_data(jobs.note, (number,)) for number in range(1, 200)]
    put = queue.enqueue_many(many)
    wait_for(lambda: ledger.begun() == [0])
    horse = first.horse()
    first.kill()
    herd.start(worker={'name': 'second'})
    (tmp_path / 'open').touch()
    wait_for(lambda: gone(horse), message='the end of the orphan')
    wait_for(lambda: all_are(redis, put))
    assert ledger.twice() == []
    assert put[0].return_value(refresh=True) == 0
    assert redis.zcard(keys.wip('default')) == 0


def test_supervisors_killed_again_and_again_lose_nothing_and_run_nothing_twice(
    redis: Redis, herd: Herd, ledger: Ledger
) -> None:
    chance = random.Random(7)
    count = 6_000
    times = [0.0 if chance.random() < 0.8 else chance.uniform(0.0005, 0.004) for _ in range(count)]
    queue = Queue(connection=redis)
    many = queue.enqueue_many([Queue.prepare_data(jobs.note, (n, seconds)) for n, seconds in enumerate(times)])
    horses = []
    for number in range(40):
        member = herd.start(worker={'name': f'w{number}'}, level='ERROR')
        horses.append(member.horse())
        time.sleep(chance.uniform(0, 0.05))
        member.kill()
    for horse in horses:
        wait_for(lambda horse=horse: gone(horse), message=f'the end of orphan {horse}')  # type: ignore[misc]
    assert redis.zcard(keys.wip('default')) == 0, 'orphans have given back what they held'
    herd.start(work={'burst': True}).wait(30)
    assert ledger.twice() == []
    assert ledger.missing(count) == []
    assert all_are(redis, many)


def test_a_supervisor_may_die_before_any_line_of_its_own_code(redis: Redis, herd: Herd, ledger: Ledger) -> None:
    """Also between reading the tickets and saying so on the board."""
    chance = random.Random(9)
    count = 4_000
    times = [0.0 if chance.random() < 0.7 else chance.uniform(0.002, 0.006) for _ in range(count)]
    queue = Queue(connection=redis)
    many = queue.enqueue_many([Queue.prepare_data(jobs.note, (n, seconds)) for n, seconds in enumerate(times)])
    for number in range(90):
        line = number + 1 if number < 45 else chance.randrange(45, 2_500)
        told = {'settings': HURRY, 'kill_supervisor_at': line, 'level': 'ERROR'}
        assert herd.start(worker={'name': f'w{number}'}, **told).wait() == signal.SIGKILL
    wait_for(lambda: redis.zcard(keys.wip('default')) == 0, message='orphans give back what they hold')
    herd.start(work={'burst': True}).wait(30)
    assert ledger.twice() == []
    assert ledger.missing(count) == []
    assert all_are(redis, many)


def test_what_a_dead_worker_had_announced_follows_its_policy_and_the_rest_goes_back(
    redis: Redis, herd: Herd, ledger: Ledger, tmp_path: Path
) -> None:
    """Fault 3: fails with AbandonedJobError, or is tried again; in the order in which it was."""
    queue = Queue(connection=redis)
    for number, retry in [(0, None), (1, Retry(max=1))]:
        job = queue.enqueue(jobs.until, number, str(tmp_path / 'never'), retry=retry)
        member = herd.start(worker={'name': f'w{number}'})
        wait_for(lambda job=job: redis.hexists(keys.job(job.id), 'announced'))  # type: ignore[misc]
        kill_both(member)
        bury(redis, f'w{number}')
    (tmp_path / 'never').touch()
    herd.start(worker={'name': 'reaper'}, settings=REAPER)
    wait_for(lambda: sorted(statuses(redis).values()) == ['failed', 'finished'], message=str(statuses(redis)))
    [failed] = [Job.fetch(job_id, redis) for job_id, status in statuses(redis).items() if status == 'failed']
    assert failed.args[0] == 0
    assert 'AbandonedJobError' in str(failed.latest_result().exc_string)  # type: ignore[union-attr]
    assert ledger.begun() == [0, 1, 1]
    assert 'from dead worker w0' in herd.process.output


def settled(count: Callable[[], int]) -> int:
    """A number once it has stayed the same for a quarter of a second."""
    seen = [count()]

    def quiet() -> bool:
        seen.append(count())
        return len(seen) > 25 and len(set(seen[-25:])) == 1

    wait_for(quiet, interval=0.01)
    return seen[-1]


def test_a_pack_of_a_dead_worker_that_nobody_had_heard_of_goes_back_in_order(
    redis: Redis, herd: Herd, ledger: Ledger, tmp_path: Path
) -> None:
    queue = Queue(connection=redis)
    member = herd.start(worker={'name': 'dead'}, settings={'ANNOUNCE_AFTER': 60.0})
    warm = queue.enqueue_many([Queue.prepare_data(jobs.noop, (number,)) for number in range(200)])
    wait_for(lambda: all_are(redis, warm))
    many = [Queue.prepare_data(jobs.until, (0, str(tmp_path / 'open')))]
    many += [Queue.prepare_data(jobs.note, (number,)) for number in range(1, 200)]
    put = queue.enqueue_many(many)
    wait_for(lambda: ledger.begun() == [0])
    held = settled(lambda: redis.zcard(keys.wip('default')))  # 128 at best: a slow machine has learnt smaller packs
    assert held > 1
    kill_both(member)
    bury(redis, 'dead')
    (tmp_path / 'open').touch()
    herd.start(worker={'name': 'reaper'}, settings=REAPER)
    wait_for(lambda: all_are(redis, put))
    # The one that had begun was within its first 100 ms, as far as anybody knows: it may start twice.
    assert ledger.begun() == [0, *range(200)] or ledger.begun()[1:] == [*range(held, 200), *range(held)]
    assert redis.hget(keys.job(put[0].id), 'losses') == b'1'


@pytest.mark.serial
def test_ten_10_the_jobs_of_a_dead_host_are_back_within_forty_seconds(
    redis: Redis, herd: Herd, ledger: Ledger, tmp_path: Path, measured: Callable[[str, str], None]
) -> None:
    """I9, at its true pace: a lease of 30 s, a tick of 5 s."""
    herd.start(worker={'name': 'other'}, settings={'LEASE': 5})
    dead = herd.start('default', worker={'name': 'dead'})
    queue = Queue(connection=redis)
    put = [queue.enqueue(jobs.until, number, str(tmp_path / 'open'), retry=Retry(max=1)) for number in range(2)]
    wait_for(lambda: len(ledger.begun()) == 2)
    wait_for(lambda: all(redis.hexists(keys.job(job.id), 'announced') for job in put))
    kill_both(dead)
    began = time.monotonic()
    wait_for(lambda: len(ledger.begun()) == 3 or 'from dead worker dead' in herd.process.output, 45, interval=0.1)
    seconds = time.monotonic() - began
    (tmp_path / 'open').touch()
    wait_for(lambda: all_are(redis, put))
    assert sorted(ledger.begun()) in ([0, 0, 1], [0, 1, 1])
    assert 25 <= seconds <= 40, seconds
    measured('3', f'back {seconds:.1f} s after the death')
