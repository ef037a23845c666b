"""Wake-up: one push wakes one worker, many pushes wake many, and no worker sleeps while a job waits."""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from redis import Redis

from rq import Queue
from rq.job import Job
from rq.store import admin, keys
from tests.faults import jobs
from tests.faults.herd import Herd, Member
from tests.faults.ledger import Ledger
from tests.support.waiting import wait_for

pytestmark = pytest.mark.serial


def blocked(redis: Redis) -> int:
    return int(redis.info('clients')['blocked_clients'])


def waits_begun(redis: Redis) -> int:
    """How often a worker has gone to sleep, since the server started or `config_resetstat`."""
    return int(redis.info('commandstats').get('cmdstat_blpop', {'calls': 0})['calls'])


def idle_herd(redis: Redis, herd: Herd, count: int, *queues: str, **told: Any) -> list[Member]:
    """So many workers, asleep."""
    # A worker that counts what it ran wakes itself once more, within a second, to write that down.
    settings = [{'name': f'w{number}', 'stats': False} for number in range(count)]
    members = [herd.start(*queues, worker=one, level='ERROR', **told) for one in settings]
    wait_for(lambda: blocked(redis) == count, 60, lambda: f'{blocked(redis)} asleep\n{herd.process.report()}')
    return members


def foreign_push(redis: Redis, queue: str, function: Callable[..., object], *arguments: object) -> Job:
    """A job as another RQ puts it there: no script of ours, no token."""
    job = Queue(queue, connection=redis).create_job(function, arguments)
    job.save()
    redis.hset(keys.job(job.id), 'status', 'queued')
    redis.sadd(keys.queues(), keys.queue(queue))
    redis.rpush(keys.queue(queue), job.id)
    return job


def delay(ledger: Ledger, number: int, pushed_ns: int, limit: float) -> float:
    """Seconds from a push until its job began."""
    wait_for(lambda: number in ledger.begun(), limit, f'the begin of job {number}', interval=0.001)
    return (next(entry.clock_ns for entry in ledger.entries() if entry.number == number) - pushed_ns) / 1e9


def test_a_push_wakes_one_of_fifty_idle_workers_and_many_pushes_wake_all(
    redis: Redis, herd: Herd, ledger: Ledger
) -> None:
    idle_herd(redis, herd, 50)
    queue = Queue(connection=redis)
    before, delays = waits_begun(redis), []
    for number in range(40):
        pushed = time.monotonic_ns()
        queue.enqueue(jobs.note, number)
        delays.append(delay(ledger, number, pushed, 5))
        wait_for(lambda: blocked(redis) == 50)
    assert waits_begun(redis) - before <= 42, 'one worker is woken by one push'
    assert statistics.median(delays) < 0.05

    # Each takes 0.3 s: whoever sleeps while one of them waits is seen.
    pushed = time.monotonic_ns()
    queue.enqueue_many([Queue.prepare_data(jobs.note, (1000 + number, 0.3)) for number in range(200)])
    wait_for(lambda: len(ledger.begun()) == 240, 30)
    began: dict[int, int] = {}
    for entry in ledger.entries():
        if entry.number >= 1000:
            began.setdefault(entry.pid, entry.clock_ns - pushed)
    times = sorted(began.values())
    print(f'50 idle workers got going within {times[-1] / 1e6:.0f} ms, the 25th within {times[24] / 1e6:.0f} ms')
    assert len(times) == 50
    assert times[-1] / 1e9 < 1.2
    assert ledger.twice() == []


def test_whichever_queue_gets_a_job_one_worker_of_it_wakes(redis: Redis, herd: Herd, ledger: Ledger) -> None:
    idle_herd(redis, herd, 10, 'high', 'default', 'low')
    before, number = waits_begun(redis), 0
    for _ in range(5):
        for name in ('low', 'high', 'default'):
            pushed = time.monotonic_ns()
            Queue(name, connection=redis).enqueue(jobs.note, number)
            assert delay(ledger, number, pushed, 5) < 0.5
            number += 1
            wait_for(lambda: blocked(redis) == 10)
    assert waits_begun(redis) - before <= number + 2
    for name in ('low', 'high'):
        many = [Queue.prepare_data(jobs.note, (number + place, 0.2)) for place in range(20)]
        Queue(name, connection=redis).enqueue_many(many)
        number += 20
    wait_for(lambda: len(ledger.begun()) == number)
    assert len({entry.pid for entry in ledger.entries() if entry.number >= 15}) == 10
    assert ledger.twice() == []


def test_what_others_push_is_found_within_half_a_second_also_when_the_nudger_is_killed(
    redis: Redis, herd: Herd, ledger: Ledger
) -> None:
    members = idle_herd(redis, herd, 3, 'default', 'low')
    delays = []
    for number in range(6):
        pushed = time.monotonic_ns()
        foreign_push(redis, 'low' if number % 2 else 'default', jobs.note, number)
        delays.append(delay(ledger, number, pushed, 5))
    print(f'foreign pushes: p50 {statistics.median(delays) * 1000:.0f} ms, max {max(delays) * 1000:.0f} ms')
    assert statistics.median(delays) < 0.5
    assert max(delays) < 2.5
    holder = wait_for(lambda: redis.get(keys.nudge()), 5)
    names = [name for name in ('w0', 'w1', 'w2') if redis.hget(keys.worker(name), 'incarnation') == holder]
    nudger = members[int(names[0][1:])]
    horse = nudger.horse()
    nudger.kill()
    wait_for(lambda: not psutil.pid_exists(horse))  # which looks for what waits as it leaves
    pushed = time.monotonic_ns()
    foreign_push(redis, 'default', jobs.note, 6)
    seconds = delay(ledger, 6, pushed, 5)
    print(f'after the death of the nudger: {seconds * 1000:.0f} ms')
    assert seconds < 2.5 + 1


def test_a_token_that_dies_with_its_worker_is_replaced(redis: Redis, herd: Herd, ledger: Ledger) -> None:
    """The first in line is stopped as a machine may be that hangs; the token goes to its socket."""
    members = idle_herd(redis, herd, 2)
    queue, delays = Queue(connection=redis), []
    for number, member in enumerate(members):
        horse = member.horse()
        os.kill(horse, signal.SIGSTOP)
        pushed = time.monotonic_ns()
        queue.enqueue(jobs.note, number)
        delays.append(delay(ledger, number, pushed, 5))
        os.kill(horse, signal.SIGCONT)
    assert max(delays) < 2.5, delays
    assert ledger.begun() == [0, 1]


def test_a_suspended_herd_sleeps_and_a_resumed_one_works(redis: Redis, herd: Herd, ledger: Ledger) -> None:
    idle_herd(redis, herd, 5)
    admin.suspend(redis)
    queue = Queue(connection=redis)
    queue.enqueue_many([Queue.prepare_data(jobs.note, (number, 0.3)) for number in range(20)])
    processes = [psutil.Process(pid) for pid in herd.told('started')]
    time.sleep(1.0)  # nothing happens, and to see that takes a while
    assert ledger.begun() == []
    assert redis.llen(keys.queue('default')) == 20
    assert all(process.is_running() for process in processes)
    states = {redis.hget(keys.worker(f'w{number}'), 'state') for number in range(5)}
    assert b'suspended' in states <= {b'idle', b'suspended'}, 'who was not woken does not know'
    admin.resume(redis)
    resumed = time.monotonic_ns()
    wait_for(lambda: len({entry.pid for entry in ledger.entries()}) == 5, 5)
    first = min(entry.clock_ns for entry in ledger.entries())
    assert (first - resumed) / 1e9 < 1.0
    wait_for(lambda: len(ledger.begun()) == 20)
    assert ledger.twice() == []


def test_an_idle_worker_begins_a_job_within_milliseconds(redis: Redis, herd: Herd, ledger: Ledger) -> None:
    idle_herd(redis, herd, 1)
    queue, delays = Queue(connection=redis), []
    for number in range(150):
        wait_for(lambda: blocked(redis) == 1, interval=0.0005)
        pushed = time.monotonic_ns()
        queue.enqueue(jobs.note, number)
        delays.append(delay(ledger, number, pushed, 5))
    delays.sort()
    print(f'idle pickup: p50 {delays[75] * 1000:.2f} ms, p99 {delays[148] * 1000:.2f} ms')
    assert delays[75] < 0.005
