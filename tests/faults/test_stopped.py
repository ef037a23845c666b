"""Workers that stop, at any moment and for any reason, keep nothing and run nothing twice (I17)."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable

import psutil
import pytest
from redis import Redis

from rq import Queue
from rq.store import keys
from tests.faults import jobs
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger
from tests.faults.test_give_back import HURRY
from tests.support.waiting import wait_for


def put(redis: Redis, count: int, seed: int, longest: float = 0.004) -> None:
    chance = random.Random(seed)
    times = [0.0 if chance.random() < 0.8 else chance.uniform(0.001, longest) for _ in range(count)]
    many = [Queue.prepare_data(jobs.note, (number, seconds)) for number, seconds in enumerate(times)]
    Queue(connection=redis).enqueue_many(many)


def finished(redis: Redis) -> int:
    return int(redis.zcard(keys.finished('default')))


@pytest.mark.parametrize('whom', ['supervisor', 'horse', 'both'])
def test_told_to_stop_at_any_moment_a_worker_gives_back_what_it_has_not_begun(
    redis: Redis, herd: Herd, ledger: Ledger, measured: Callable[[str, str], None], whom: str
) -> None:
    chance = random.Random(whom)
    count, longest = 8_000, 0.0
    put(redis, count, seed=1)
    for number in range(25):
        member = herd.start(worker={'name': f'w{number}'}, level='ERROR')
        horse = member.horse()
        if (
            whom == 'horse'
        ):  # one that is just being born ignores the signal, and learns of its supervisor's end by the pipe
            wait_for(lambda horse=horse: horse in {entry.pid for entry in ledger.entries()})  # type: ignore[misc]
        time.sleep(chance.uniform(0, 0.05))
        told = time.monotonic()
        if whom != 'supervisor':
            psutil.Process(horse).send_signal(signal.SIGTERM)
        if whom == 'horse':
            wait_for(lambda member=member, horse=horse: member.horse() != horse)  # type: ignore[misc]
        member.signal(signal.SIGTERM)
        assert member.wait() == 0
        longest = max(longest, time.monotonic() - told)
        assert redis.zcard(keys.wip('default')) == 0
        assert redis.llen(keys.queue('default')) + finished(redis) == count
        assert len(ledger.begun()) == finished(redis)
    assert ledger.begun() == list(range(finished(redis)))
    assert 0 < finished(redis) < count
    assert longest < 1.0
    measured('7', f'{whom} told 25 times: twice 0, unbegun back and ended within {longest:.2f} s')


@pytest.mark.parametrize('most', [1, 7, 64, 65, 200, 333])
def test_max_jobs_is_exact_whatever_was_asked_for_ahead_and_handed_back(
    redis: Redis, herd: Herd, ledger: Ledger, most: int
) -> None:
    put(redis, 600, seed=most)
    assert herd.start(settings=HURRY, work={'max_jobs': most}, level='ERROR').wait() == 0
    assert ledger.begun() == list(range(most))
    assert finished(redis) == most
    assert redis.llen(keys.queue('default')) == 600 - most
    assert redis.zcard(keys.wip('default')) == 0


@pytest.mark.parametrize('life', [1, 2, 13, 100])
def test_horses_that_are_replaced_lose_nothing(redis: Redis, herd: Herd, ledger: Ledger, life: int) -> None:
    count = 40 if life < 3 else 600
    put(redis, count, seed=life)
    options = {'max_jobs_per_horse': life}
    assert herd.start(settings=HURRY, work={'burst': True}, options=options, level='ERROR').wait() == 0
    assert ledger.begun() == list(range(count))
    runs = [entry.pid for entry in ledger.entries()]
    assert {runs.count(pid) for pid in set(runs[:-life])} == {life}


@pytest.mark.serial
def test_a_worker_that_leaves_passes_its_token_on(redis: Redis, herd: Herd, ledger: Ledger) -> None:
    """Each of ten runs one job and leaves, with whatever token it may have taken."""
    for number in range(10):
        herd.start(worker={'name': f'w{number}'}, work={'max_jobs': 1}, level='ERROR')
    wait_for(lambda: redis.info('clients')['blocked_clients'] == 10, 20)
    queue, pushed = Queue(connection=redis), {}
    for number in range(10):
        pushed[number] = time.monotonic_ns()
        queue.enqueue(jobs.note, number)
        time.sleep(0.002)
    wait_for(lambda: len(ledger.begun()) == 10, 10)
    late = sorted((entry.clock_ns - pushed[entry.number]) / 1e9 for entry in ledger.entries())
    assert late[-1] < 0.45, 'without waiting for a nudge'
    assert ledger.twice() == []
