"""Everything at once: processes killed and stopped, replies and requests lost, connections cut, silence."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator

import psutil
import pytest
from redis import Redis

from rq import Queue
from rq.store import admin, keys
from tests.faults import jobs
from tests.faults.herd import Herd, Member
from tests.faults.ledger import Ledger
from tests.support.faults import drop_reply, drop_request
from tests.support.proxy import Proxy
from tests.support.waiting import wait_for

COUNT = 4_000
SECONDS = 4.0
SETTINGS = {
    'ANNOUNCE_AFTER': 0.01,
    'WATCH_EVERY': 0.005,
    'RENEW_WIP_EVERY': 1.0,
    'RENEW_LEASE_EVERY': 0.5,
    'outage.SHORTEST': 0.01,
    'outage.LONGEST': 0.2,
    'supervisor.FRUITLESS_WAIT': 0.01,
    'courier.WIRE_TIMEOUT': 0.5,
    'SUPERVISOR_TIMEOUT': 0.3,
}


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as proxy:
        yield proxy


class Chaos:
    """Three workers on three queues and what befalls them."""

    def __init__(self, herd: Herd, proxy: Proxy, seed: int) -> None:
        self.herd, self.proxy, self.chance = herd, proxy, random.Random(seed)
        self.born = 0
        self.members = [self.worker() for _ in range(3)]
        self.horses_killed = 0

    def worker(self) -> Member:
        self.born += 1
        return self.herd.start(
            'a', 'b', 'c', url=self.proxy.url, worker={'name': f'w{self.born}'}, settings=SETTINGS, level='ERROR'
        )

    def horse(self) -> psutil.Process | None:
        try:
            return next(iter(psutil.Process(self.chance.choice(self.members).pid).children()), None)
        except psutil.NoSuchProcess:
            return None

    # --- faults

    def kill_horse(self) -> None:
        horse = self.horse()
        if horse is not None:
            horse.kill()
            self.horses_killed += 1

    def pause_horse(self) -> None:
        horse = self.horse()
        if horse is not None:
            horse.suspend()
            time.sleep(self.chance.uniform(0, 0.1))
            horse.resume()

    def pause_supervisor(self) -> None:
        pid = self.chance.choice(self.members).pid
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.chance.uniform(0, 0.1))
        os.kill(pid, signal.SIGCONT)

    def kill_supervisor(self) -> None:
        place = self.chance.randrange(3)
        self.members[place].kill()
        self.members[place] = self.worker()

    def stop_worker(self) -> None:
        place = self.chance.randrange(3)
        self.members[place].signal(signal.SIGTERM)
        self.members[place] = self.worker()

    def lose_replies(self) -> None:
        self.proxy.on('EVALSHA', drop_reply(), k=self.chance.randrange(1, 5))

    def lose_requests(self) -> None:
        self.proxy.on('EVALSHA', drop_request(), k=self.chance.randrange(1, 5))

    def cut(self) -> None:
        self.proxy.cut_all()

    def silence(self) -> None:
        self.proxy.black_hole()
        time.sleep(self.chance.uniform(0, 0.8))
        self.proxy.heal()


# The death of a supervisor that owes something for a dead horse leaves jobs that may have begun to the reaper: they may
# start twice, as when a machine vanishes. So horses and supervisors are not killed in the same run.
HORSES = [
    'kill_horse',
    'kill_horse',
    'pause_horse',
    'pause_supervisor',
    'lose_replies',
    'lose_requests',
    'cut',
    'silence',
]
SUPERVISORS = ['kill_supervisor', 'stop_worker', 'pause_horse', 'lose_replies', 'lose_requests', 'cut']


@pytest.mark.parametrize('faults', [HORSES, SUPERVISORS], ids=['horses', 'supervisors'])
def test_whatever_happens_every_job_ends_and_none_runs_twice(
    redis: Redis, herd: Herd, proxy: Proxy, ledger: Ledger, faults: list[str]
) -> None:
    seed = int(os.environ.get('CHAOS_SEED', '1'))
    chaos = Chaos(herd, proxy, seed)
    chance = chaos.chance
    queues = [Queue(name, connection=redis) for name in 'abc']
    for first in range(0, COUNT, 100):
        times = [0.0 if chance.random() < 0.7 else chance.uniform(0.001, 0.02) for _ in range(100)]
        many = [Queue.prepare_data(jobs.note, (first + place, seconds)) for place, seconds in enumerate(times)]
        chance.choice(queues).enqueue_many(many)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        getattr(chaos, chance.choice(faults))()
        time.sleep(chance.uniform(0, 0.08))
    proxy.reset()

    def ended() -> int:
        return sum(int(redis.zcard(keys.finished(name)) + redis.zcard(keys.failed(name))) for name in 'abc')

    wait_for(lambda: ended() == COUNT, 30, lambda: f'seed {seed}: {ended()} of {COUNT}; {left(redis)}')
    assert ledger.twice() == [], f'seed {seed}'
    failed = sum(int(redis.zcard(keys.failed(name))) for name in 'abc')
    assert failed <= chaos.horses_killed
    print(f'{chaos.horses_killed} horses killed, {failed} jobs with them, {chaos.born} workers born')
    begun = set(ledger.begun())
    assert COUNT - len(begun) <= failed


def left(redis: Redis) -> dict[str, dict[str, float | None]]:
    return {name: homes['wip'] for name, homes in admin.census(redis, list('abc')).homes.items()}
