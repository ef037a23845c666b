"""Lives of jobs at random: every script in any order, any request sent twice or late; I1, I3 and I15 hold after each."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from rq.store import admin, claim, depend, enqueue, keys, limit
from rq.store import job as jobs
from rq.store import queue as queues
from rq.store import worker as workers
from tests.store.conftest import HorseMaker
from tests.store.hands import TRACEBACK, Horse, age, all_keys, entry, put, put_many
from tests.support.invariants import violations
from tests.support.keyspace import difference, snapshot

QUEUES = ['high', 'low']
STEPS = 120


class World:
    """A few queues and workers, and what anybody may do to them."""

    def __init__(self, redis: Redis, horse: HorseMaker, seed: int) -> None:
        self.redis = redis
        self.horse = horse
        self.dice = random.Random(seed)
        self.workers: list[Horse] = []
        self.held: list[tuple[Horse, claim.Claimed]] = []
        self.sent: list[Callable[[], Any]] = []
        self.ids = [f'job-{number}' for number in range(8)]
        self.born = 0
        self.calls = 0
        for _ in range(2):
            self.new_worker()

    def new_worker(self) -> None:
        self.born += 1
        self.workers.append(self.horse(f'w{self.born % 3}', queues=QUEUES, incarnation=f'{self.born:016x}'))

    def send(self, request: Callable[[], Any]) -> Any:
        """The answer; the same request may come again at once, and later."""
        answer = request()
        if self.dice.random() < 0.3:
            before = snapshot(self.redis)
            request()
            changed = difference(before, snapshot(self.redis))
            changed.pop(keys.nudge().encode(), None)  # it lives two seconds, which a busy machine may take
            assert changed == {}
        self.sent.append(request)
        return answer

    # --- what may happen

    def enqueue(self) -> None:
        self.calls += 1
        dice = self.dice
        job_id, queue, call = dice.choice(self.ids), dice.choice(QUEUES), f'call-{self.calls}'
        more: dict[str, Any] = {'at_front': dice.random() < 0.3, 'unique': dice.random() < 0.2}
        if dice.random() < 0.3:
            more |= {'retries_left': 2, 'retry_intervals': dice.choice(['[]', '[5]'])}
        if dice.random() < 0.2:
            more['failure_ttl'] = dice.choice([0, -1, 60])
        if dice.random() < 0.2:
            more |= {'repeats_left': 2, 'repeat_intervals': dice.choice(['[0]', '[5, 6]'])}
        if dice.random() < 0.2:
            more['on_lost'] = dice.choice(['fail', 'requeue'])
        if dice.random() < 0.1:
            more |= {'webhooks': '[]', 'failure_callback_name': 'm.f', 'stopped_callback_name': 'm.f'}
        if dice.random() < 0.4:
            self.enqueue_what_waits(job_id, queue, call, more)
            return
        if dice.random() < 0.3:
            more['status'] = 'scheduled'
            more.pop('at_front')
            self.send(lambda: enqueue.schedule(self.redis, queue, entry(job_id, queue, call=call, **more), 1))
        else:
            self.send(lambda: put(self.redis, job_id, queue, call=call, **more))

    def enqueue_what_waits(self, job_id: str, queue: str, call: str, more: dict[str, Any]) -> None:
        dice = self.dice
        if dice.random() < 0.6:
            more['dependency_ids'] = json.dumps(dice.sample(self.ids, dice.choice([1, 2, 3])))
            more['allow_dependency_failures'] = dice.choice(['0', '1'])
        if dice.random() < 0.5:
            more |= {'rate_limit_key': dice.choice('kl'), 'rate_limit_concurrency': 2}
        more.pop('unique', None)
        more.pop('at_front', None)
        self.send(lambda: enqueue.enqueue_when_ready(self.redis, queue, entry(job_id, queue, call=call, **more)))

    def enqueue_many(self) -> None:
        self.calls += 1
        queue, call = self.dice.choice(QUEUES), f'call-{self.calls}'
        some = self.dice.sample(self.ids, 4)
        self.send(lambda: put_many(self.redis, some, queue, call=call))

    def exchange(self) -> None:
        worker = self.dice.choice(self.workers)
        mine = [held for held in self.held if held[0] is worker and self.dice.random() < 0.6]
        self.held = [held for held in self.held if held not in mine]
        outcomes = [
            worker.outcome(job, self.dice.choice('FFFFXXXYSRAMLHGK'), self.dice.choice([500, 0, -1])) for _, job in mine
        ]
        request = worker.request(self.dice.choice([0, 1, 3]), 3, outcomes, token=self.dice.choice([b'', b'low']))
        answer = self.send(lambda: worker.again(request))
        self.held += [(worker, job) for job in answer.jobs]

    def release(self) -> None:
        worker = self.dice.choice(self.workers)
        if self.dice.random() < 0.3:
            seq = worker.seq + self.dice.choice([0, 1])
            worker.seq = seq
            self.send(lambda: claim.release_pack(self.redis, worker.name, seq))
        elif self.held:
            leases = [worker.lease(job) for worker, job in self.held[:3]]
            self.send(lambda: claim.release(self.redis, leases))

    def announce(self) -> None:
        if self.held:
            worker, job = self.dice.choice(self.held)
            workers.announce(self.redis, worker.name, worker.lease(job), 1.0, 90)

    def renew(self) -> None:
        worker = self.dice.choice(self.workers)
        leases = [one.lease(job) for one, job in self.held if one is worker]
        workers.renew(self.redis, worker.name, worker.incarnation, 480, leases, worker.birth())

    def die(self) -> None:
        """A worker is no more; its requests may still be under way."""
        worker = self.workers.pop(0)
        self.redis.delete(keys.lease(worker.name))
        self.new_worker()

    def reap(self) -> None:
        queue = self.dice.choice(QUEUES)
        age(self.redis, self.dice.choice([10, 30, 160]), queue)
        self.send(lambda: workers.reap(self.redis, queue, TRACEBACK))

    def people(self) -> None:
        job_id, queue = self.dice.choice(self.ids), self.dice.choice(QUEUES)
        act: Callable[[], Any] = self.dice.choice([
            lambda: jobs.cancel(self.redis, job_id, self.dice.random() < 0.5, self.dice.random() < 0.5),
            lambda: depend.release_dependents(self.redis),
            lambda: limit.sweep(self.redis),
            lambda: jobs.delete(self.redis, job_id),
            lambda: jobs.requeue(self.redis, queue, self.ids),
            lambda: enqueue.promote_due(self.redis, QUEUES),
            lambda: workers.nudge(self.redis, 'w1', QUEUES, 2000),
        ])  # fmt: skip
        self.send(act)

    def empty(self) -> None:
        queues.empty(self.redis, self.dice.choice(QUEUES))

    def late(self) -> None:
        """Any request of the past comes once more."""
        if self.sent:
            self.dice.choice(self.sent[-10:])()

    def step(self) -> str:
        acts = [self.enqueue, self.exchange, self.release, self.announce, self.people, self.late, self.reap,
                self.renew, self.enqueue_many, self.die, self.empty]  # fmt: skip
        (act,) = self.dice.choices(acts, weights=[8, 14, 4, 4, 5, 3, 3, 2, 2, 1, 1])
        act()
        return act.__name__


@pytest.mark.parametrize('seed', range(25))
def test_whatever_happens_every_job_is_in_its_one_home(redis: Redis, horse: HorseMaker, seed: int) -> None:
    world = World(redis, horse, seed)
    lived = []
    for _ in range(STEPS):
        lived.append(world.step())
        assert violations(redis) == [], lived


@pytest.mark.parametrize('seed', range(100, 105))
def test_whatever_happened_all_jobs_can_be_worked_off(redis: Redis, horse: HorseMaker, seed: int) -> None:
    """I2: nothing is stuck."""
    world = World(redis, horse, seed)
    for _ in range(STEPS):
        world.step()
    worker = horse('last', queues=QUEUES)
    redis.delete(*(keys.lease(one.name) for one in world.workers))
    for _ in range(30):
        depend.release_dependents(redis)
        for queue in QUEUES:
            jobs.requeue(redis, queue, world.ids)  # a job may wait for one that failed
            for job_id in redis.zrange(keys.canceled(queue), 0, -1):
                jobs.delete(redis, job_id.decode())  # or for one that was canceled
            age(redis, 200, queue)
            workers.reap(redis, queue, TRACEBACK)
            for job_id in redis.zrange(keys.scheduled(queue), 0, -1):
                redis.zadd(keys.scheduled(queue), {job_id: 1})
        enqueue.promote_due(redis, QUEUES)
        pack = worker.ask().jobs
        worker.ask(room=0, outcomes=[worker.outcome(job, ttl=-1) for job in pack])
    census = admin.census(redis, QUEUES)
    assert limit.waiters(redis, 'k') == limit.waiters(redis, 'l') == []
    assert set(census.status.values()) <= {'finished', 'failed', 'stopped', 'canceled', ''}
    assert {redis.hget(key, 'status') for key in all_keys(redis) if key.startswith(b'rq:job:')} <= {
        b'finished', b'failed', b'stopped', b'canceled',
    }  # fmt: skip
