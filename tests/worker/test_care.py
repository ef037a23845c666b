"""What a living worker does for itself and for all: on time, and without crying wolf."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from rq.store import keys
from rq.store import worker as store
from rq.store.script import Script
from rq.worker import Worker, care, settings
from rq.worker.care import Care
from tests.store.conftest import HorseMaker, horse
from tests.store.hands import age, put, put_many, status, waiting
from tests.support.waiting import wait_for

__all__ = ['horse']


class Clock:
    """Both clocks of the process, in the hand of the test."""

    def __init__(self) -> None:
        self.now, self.wall = 1000.0, 5_000_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.wall

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(care, 'time', clock)
    return clock


@pytest.fixture
def uptime(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The server's age, to be changed."""
    age = [100_000]
    monkeypatch.setattr(store, 'server_uptime', lambda connection: age[0])
    return age


@pytest.fixture
def one(redis: Redis, clock: Clock, uptime: list[int]) -> Iterator[Care]:
    worker = Worker(['default'], connection=redis, name='one')
    worker.log = logging.getLogger('rq.test.care')
    worker.register_birth()
    yield Care(worker, redis, list)
    worker.register_death()


def go_on(one: Care, clock: Clock, seconds: float, step: float = 0.5) -> None:
    """Time passes, and the worker does its share."""
    for _ in range(int(seconds / step)):
        clock.pass_(step)
        one.tick()


def leave_a_job_of_a_dead_worker(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    horse('dead').one()
    redis.delete(keys.lease('dead'))
    age(redis, 40)


def test_a_dead_workers_job_comes_back_at_the_next_tick(
    redis: Redis, one: Care, clock: Clock, horse: HorseMaker, caplog: pytest.LogCaptureFixture
) -> None:
    go_on(one, clock, settings.LEASE + 1)
    leave_a_job_of_a_dead_worker(redis, horse)
    go_on(one, clock, settings.REAP_EVERY + 0.5)
    assert waiting(redis) == ['a']
    assert 'default: took job a from dead worker dead: QUEUED' in caplog.messages


def test_who_has_just_begun_waits_a_lease(redis: Redis, one: Care, clock: Clock, horse: HorseMaker) -> None:
    """It does not know whether all were cut off until a moment ago."""
    leave_a_job_of_a_dead_worker(redis, horse)
    go_on(one, clock, settings.LEASE - 1)
    assert status(redis, 'a') == 'started'
    go_on(one, clock, settings.REAP_EVERY + 2)
    assert waiting(redis) == ['a']


@pytest.mark.parametrize('asleep', [False, True])
def test_who_was_cut_off_waits_a_lease_however_old_the_server_is(
    redis: Redis, one: Care, clock: Clock, horse: HorseMaker, asleep: bool
) -> None:
    """I10. Asleep: the machine was suspended, and the monotonic clock stood still."""
    go_on(one, clock, settings.LEASE + 10)
    leave_a_job_of_a_dead_worker(redis, horse)
    clock.wall += 60
    clock.now += 0 if asleep else 60
    go_on(one, clock, settings.LEASE - 1)
    assert status(redis, 'a') == 'started'
    go_on(one, clock, settings.REAP_EVERY + 2)
    assert waiting(redis) == ['a']


def test_a_server_that_was_restarted_is_given_a_lease_as_well(
    redis: Redis, one: Care, clock: Clock, horse: HorseMaker, uptime: list[int]
) -> None:
    """It was away so shortly that nobody noticed, and may have read leases of long ago from its disk."""
    go_on(one, clock, settings.LEASE + 10)
    leave_a_job_of_a_dead_worker(redis, horse)
    uptime[0] = 0
    for _ in range(settings.LEASE - 2):
        go_on(one, clock, 1)
        uptime[0] += 1
    assert status(redis, 'a') == 'started'
    uptime[0] += 10
    go_on(one, clock, settings.REAP_EVERY + 3)
    assert waiting(redis) == ['a']


def test_leases_of_its_jobs_are_renewed_every_fifteen_seconds(
    redis: Redis, one: Care, clock: Clock, horse: HorseMaker
) -> None:
    put_many(redis, 'ab')
    worker = horse('w1')
    jobs = worker.ask().jobs
    one.leases = lambda: [worker.lease(job) for job in jobs]
    go_on(one, clock, settings.RENEW_LEASE_EVERY)
    age(redis, 80)
    go_on(one, clock, settings.RENEW_WIP_EVERY + settings.RENEW_LEASE_EVERY)
    now = time.time()
    assert all(score > now + 80 for _, score in redis.zrange(keys.wip('default'), 0, -1, withscores=True))


def test_after_trouble_everything_that_was_due_is_due_again(
    redis: Redis, one: Care, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on(one, clock, 1)
    done: list[str] = []

    def cut_off(*arguments: Any) -> bool:
        raise RedisConnectionError('away')

    with monkeypatch.context() as trouble:
        trouble.setattr(store, 'renew', cut_off)
        clock.pass_(10)
        with pytest.raises(RedisConnectionError):
            one.tick()
    for task in one.rhythm.every:
        monkeypatch.setattr(one, task, lambda now, task=task: done.append(task))
    one.tick()
    assert done == ['renew', 'promote', 'nudge', 'notes', 'reap', 'record']


def test_a_key_of_a_wrong_type_does_not_keep_it_from_its_other_duties(
    redis: Redis, one: Care, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: Any) -> bool:
        raise ResponseError('WRONGTYPE Operation against a key holding the wrong kind of value')

    monkeypatch.setattr(store, 'renew', refused)
    put(redis, 'a')
    redis.delete(keys.wake('default'))
    clock.pass_(10)
    with pytest.raises(ResponseError):
        one.tick()
    assert redis.llen(keys.wake('default')) == 1, 'it has nudged'


def test_the_moment_at_which_a_job_is_due_is_not_slept_over(redis: Redis, one: Care, clock: Clock) -> None:
    second = wait_for(lambda: (now := redis.time())[1] > 600_000 and now[0])  # the next is nearer than the next round
    redis.hset(keys.job('a'), mapping={'status': 'scheduled', 'created_at': 'x', 'data': 'x', 'origin': 'default'})
    redis.zadd(keys.scheduled('default'), {'a': second + 1})
    clock.pass_(10)
    one.tick()
    next_look = one.rhythm.at['promote'] - clock.now
    assert next_look < 0.42 or status(redis, 'a') == 'queued'


def test_due_jobs_that_cannot_be_moved_are_not_asked_for_all_the_time(redis: Redis, one: Care, clock: Clock) -> None:
    redis.set(keys.queue('default'), 'no list')
    redis.zadd(keys.scheduled('default'), {'a': 1})
    clock.pass_(10)
    one.tick()
    assert one.rhythm.at['promote'] == clock.now + settings.PROMOTE_EVERY


def test_a_worker_whose_name_was_taken_knows_it_and_says_it_once(
    redis: Redis, one: Care, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    go_on(one, clock, 1)
    assert not one.superseded
    redis.set(keys.lease('one'), 'another')
    go_on(one, clock, 30)
    assert one.superseded
    assert caplog.messages.count('Worker one: another worker has taken this name') == 1
    redis.set(keys.lease('one'), one.worker.incarnation)


class SlowRedis(Redis):
    """Each request takes half a second of the test's clock; it takes down when the worker's lease was renewed."""

    clock: Clock
    renewed: list[float]

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self.clock.pass_(0.5)
        answer = super().execute_command(*args, **options)
        if len(args) > 1 and args[1] == Script('renew').sha:
            self.renewed.append(self.clock.now)
        return answer


def test_a_worker_of_many_queues_on_a_slow_server_renews_its_lease_between_its_other_duties(
    redis: Redis, redis_url: str, clock: Clock, uptime: list[int]
) -> None:
    """A look for the dead on 60 queues takes a minute there: others took this worker for dead."""
    worker = Worker([f'q{number}' for number in range(60)], connection=redis, name='one')
    worker.register_birth()
    slow = SlowRedis.from_url(redis_url)
    slow.clock, slow.renewed = clock, [clock.now]
    one = Care(worker, slow, list)
    go_on(one, clock, 60.0)
    gaps = [after - before for before, after in itertools.pairwise(slow.renewed)]
    assert max(gaps) < settings.LEASE / 3
    worker.register_death()
    slow.close()
