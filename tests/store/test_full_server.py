"""A server with maxmemory and noeviction that is full: nothing new comes in, and everything that is in gets out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from redis import Redis
from redis.exceptions import RedisError

from rq.server import EmbeddedServer
from rq.store import admin, claim, enqueue, keys
from rq.store import job as jobs
from rq.store import queue as queues
from rq.store import worker as workers
from rq.store.replies import Trouble, classify
from tests.store.conftest import HorseMaker
from tests.store.hands import TRACEBACK, Horse, age, entry, ids, put, put_many, status, tokens, waiting
from tests.store.test_bulk import ACTS
from tests.support.invariants import violations
from tests.support.keyspace import difference, snapshot


class Full:
    """A server that can be filled up, and a worker on it."""

    def __init__(self, redis: Redis, worker: Horse) -> None:
        self.redis = redis
        self.worker = worker

    def fill(self) -> None:
        self.redis.config_set('maxmemory', self.redis.info('memory')['used_memory'] // 2)
        with pytest.raises(RedisError, match=r'OOM|maxmemory'):
            self.redis.set('one', 'more')


@pytest.fixture
def full(other_server: Callable[..., EmbeddedServer], horse: HorseMaker) -> Iterator[Full]:
    server = other_server(config={'maxmemory-policy': 'noeviction'})
    with Redis.from_url(server.url) as redis:
        yield Full(redis, horse(redis=redis, queues=['default', 'low']))
        redis.config_set('maxmemory', '0')
        assert violations(redis) == []


ENQUEUES: dict[str, Callable[[Redis], object]] = {
    'enqueue': lambda redis: put(redis, 'new'),
    'enqueue of an own id': lambda redis: put(redis, 'new', call='nonce'),
    'enqueue of a known id': lambda redis: put(redis, 'a', call='nonce'),
    'enqueue_many': lambda redis: put_many(redis, ['new', 'newer']),
    'enqueue_many of own ids': lambda redis: put_many(redis, ['new', 'a'], call='nonce'),
    'schedule': lambda redis: enqueue.schedule(redis, 'default', entry('new', status='scheduled'), 4),
    'schedule of a known id': lambda redis: enqueue.schedule(
        redis, 'default', entry('a', call='n', status='scheduled'), 4
    ),
}


@pytest.mark.parametrize('way', ENQUEUES)
def test_a_full_server_refuses_new_jobs_whole(full: Full, way: str) -> None:
    put(full.redis, 'a', call='old')
    full.fill()
    before = snapshot(full.redis)
    with pytest.raises(RedisError) as caught:
        ENQUEUES[way](full.redis)
    assert classify(caught.value) is Trouble.REFUSED
    assert difference(before, snapshot(full.redis)) == {}


def test_a_full_server_is_worked_off(full: Full) -> None:
    redis, worker = full.redis, full.worker
    put_many(redis, ['a', 'b', 'c'])
    put(redis, 'low', 'low', retries_left=1)
    full.fill()
    pack = worker.ask()
    assert ids(pack) == ['a', 'b', 'c', 'low']
    outcomes = [worker.outcome(job, kind) for job, kind in zip(pack.jobs, 'FXFX', strict=True)]
    answer = worker.ask(outcomes=outcomes)
    assert answer.became == [b'FINISHED', b'FAILED', b'FINISHED', b'QUEUED']
    assert ids(answer) == ['low']
    assert jobs.result_count(redis, 'a') == 1


def test_outcomes_alone_are_taken(full: Full) -> None:
    put(full.redis, 'a')
    job = full.worker.one()
    full.fill()
    assert claim.finish(full.redis, 'w1', [full.worker.outcome(job)]) == [b'FINISHED']


def test_a_lost_reply_on_a_full_server_can_be_asked_for_again(full: Full) -> None:
    put(full.redis, 'a')
    full.fill()
    request = full.worker.request()
    assert (ids(full.worker.again(request)), ids(full.worker.again(request))) == (['a'], ['a'])


def test_unbegun_jobs_go_back(full: Full) -> None:
    put_many(full.redis, 'ab')
    pack = full.worker.ask().jobs
    full.fill()
    assert claim.release(full.redis, [full.worker.lease(pack[0])]) == 1
    assert claim.release_pack(full.redis, 'w1', full.worker.seq) == 1
    assert sorted(waiting(full.redis)) == ['a', 'b']


def test_living_workers_stay_alive_and_their_jobs_theirs(full: Full) -> None:
    """Renewing began with SET, which a full server refuses: all workers looked dead."""
    put(full.redis, 'a')
    lease = full.worker.lease(full.worker.one())
    age(full.redis, 40)
    full.redis.expire(keys.lease('w1'), 2)
    full.fill()
    assert workers.renew(full.redis, 'w1', full.worker.incarnation, 480, [lease], full.worker.birth())
    assert full.redis.ttl(keys.lease('w1')) > 25
    assert workers.reap(full.redis, 'default', TRACEBACK) == []


def test_a_worker_whose_lease_ran_out_takes_it_again(full: Full) -> None:
    full.redis.delete(keys.lease('w1'))
    full.fill()
    assert workers.renew(full.redis, 'w1', full.worker.incarnation, 480, [], full.worker.birth())


def test_running_jobs_are_announced(full: Full) -> None:
    put(full.redis, 'a')
    lease = full.worker.lease(full.worker.one())
    full.fill()
    assert workers.announce(full.redis, 'w1', lease, 1.0, 90)


@pytest.mark.parametrize('announced', [True, False])
def test_the_jobs_of_the_dead_are_reaped(full: Full, announced: bool) -> None:
    put(full.redis, 'a')
    lease = full.worker.lease(full.worker.one())
    if announced:
        workers.announce(full.redis, 'w1', lease, 1.0, 90)
    full.redis.delete(keys.lease('w1'))
    age(full.redis, 30)
    full.fill()
    assert workers.reap(full.redis, 'default', TRACEBACK) == [('a', 'FAILED' if announced else 'QUEUED', 'w1')]


def test_due_jobs_are_promoted_and_workers_nudged(full: Full) -> None:
    enqueue.schedule(full.redis, 'default', entry('a', status='scheduled'), 1)
    put(full.redis, 'b', 'low')
    full.redis.delete(keys.wake('low'))
    full.fill()
    assert enqueue.promote_due(full.redis, ['default']) == (1, None, 0)
    assert workers.nudge(full.redis, 'w1', ['low'], 2000) == 0
    assert tokens(full.redis, 'low') == 1
    full.redis.delete(keys.wake('low'))
    assert workers.nudge(full.redis, 'w2', ['low'], 2000, leaving=True) == 0
    assert tokens(full.redis, 'low') == 1


def test_workers_come_and_go(full: Full, horse: HorseMaker) -> None:
    full.fill()
    second = horse('w2', redis=full.redis)
    workers.retire(full.redis, 'w2', second.incarnation, second.queues)
    assert workers.known(full.redis) == ['rq:worker:w1']


def test_people_can_cancel_requeue_delete_and_empty(full: Full) -> None:
    put_many(full.redis, 'abcd')
    job = full.worker.one(room=1)
    full.worker.ask(room=0, outcomes=[full.worker.outcome(job, 'X')])
    admin.suspend(full.redis)
    full.fill()
    assert jobs.requeue(full.redis, 'default', ['a']) == ['QUEUED']
    assert jobs.cancel(full.redis, 'b')[0] == b'CANCELED'
    assert jobs.delete(full.redis, 'b') == 1
    assert admin.resume(full.redis)
    assert queues.empty(full.redis, 'default') == 3
    assert status(full.redis, 'a') == ''


@pytest.mark.parametrize('act', ACTS)
def test_many_jobs_are_changed_on_a_full_server(full: Full, act: str) -> None:
    redis = full.redis
    put_many(redis, 'ab')
    if act == 'enqueue_now':
        redis.delete(keys.queue('default'))
        redis.hset(keys.job('a'), 'status', 'scheduled')
        redis.hset(keys.job('b'), 'status', 'scheduled')
        redis.zadd(keys.scheduled('default'), {'a': 4e9, 'b': 4e9})
    if act == 'restore':
        ACTS['discard'](redis, ['a', 'b'])
    full.fill()
    done = {'discard': '', 'cancel_many': 'canceled', 'enqueue_now': 'queued', 'move': 'queued', 'restore': 'queued'}
    ACTS[act](redis, ['a', 'b'])
    assert [status(redis, job_id) for job_id in 'ab'] == [done[act]] * 2
