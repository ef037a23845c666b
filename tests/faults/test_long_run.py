"""Half a minute of everything: neither process grows."""

from __future__ import annotations

import random
import time

import psutil
import pytest
from redis import Redis

from rq import Queue, Retry
from rq.store import admin
from tests.faults import jobs
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger
from tests.support.waiting import wait_for

SECONDS = 22.0


def sizes(processes: list[psutil.Process]) -> list[tuple[int, float]]:
    """(open files, memory in MB) of each."""
    return [(process.num_fds(), process.memory_info().rss / 1e6) for process in processes]


@pytest.mark.serial
def test_files_and_memory_stay_as_they_are(redis: Redis, herd: Herd, ledger: Ledger) -> None:
    chance = random.Random(1)
    queues = [Queue(name, connection=redis) for name in ('high', 'low')]
    member = herd.start('high', 'low', level='CRITICAL')
    supervisor = psutil.Process(member.pid)
    horse = psutil.Process(member.horse())
    number, seen = 0, []
    until, next_look = time.monotonic() + SECONDS, time.monotonic() + 3
    while time.monotonic() < until:
        many = []
        for _ in range(150):
            number += 1
            kind = chance.random()
            if kind < 0.9:
                many.append(Queue.prepare_data(jobs.note, (number,), result_ttl=2))
            elif kind < 0.95:
                many.append(Queue.prepare_data(jobs.fails, (number,), failure_ttl=2, retry=Retry(max=1)))
            elif kind < 0.99:
                many.append(Queue.prepare_data(jobs.note, (number, 0.005), result_ttl=2))
            else:
                many.append(Queue.prepare_data(jobs.big, (number, chance.randrange(2_000_000)), result_ttl=2))
        chance.choice(queues).enqueue_many(many)
        if chance.random() < 0.05:
            queues[0].enqueue(jobs.note, 0, 0.15)
        wait_for(lambda: sum(len(queue) for queue in queues) < 300, 20)
        if time.monotonic() > next_look:
            next_look += 2
            seen.append(sizes([supervisor, horse]))
    wait_for(lambda: not any(admin.census(redis, ['high', 'low']).ids_in(q.name, 'queue') for q in queues), 20)
    wait_for(lambda: redis.dbsize() < 1_000, 20)  # what is left is looked at key by key
    assert horse.is_running() and supervisor.children() == [horse]
    print(f'{number} jobs; files and MB of supervisor and horse: {seen[0]} -> {seen[-1]}')
    for first, last in zip(seen[1], seen[-1], strict=True):
        assert last[0] <= first[0] + 1, seen
        assert last[1] <= first[1] * 1.1 + 4, seen
