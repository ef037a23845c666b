"""The table of transitions in states.py, held to what the scripts do to a job in every status; and census, which sees it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis

from rq.store import admin, bulk, claim, collect, enqueue, keys
from rq.store import job as jobs
from rq.store import worker as workers
from rq.store.states import HOMES, TRANSITIONS, JobStatus
from tests.store.conftest import HorseMaker
from tests.store.hands import TRACEBACK, Horse, age, all_keys, entry, fields, hold, put, put_many
from tests.store.test_cancel_and_delete import place
from tests.support.invariants import violations

S = JobStatus
Act = Callable[[Redis, Horse], object]


def seen(redis: Redis, job_id: str = 'a') -> JobStatus | None:
    if not redis.exists(keys.job(job_id)):
        return None
    return JobStatus((redis.hget(keys.job(job_id), 'status') or b'created').decode())


def on_the_list(act: Act) -> Act:
    """Another RQ pushed the id, whatever its status."""

    def first(redis: Redis, worker: Horse) -> object:
        if seen(redis) is not S.QUEUED:
            redis.rpush(keys.queue('default'), 'a')
        return act(redis, worker)

    return first


def outcome(kind: str, ttl: int = 500) -> Act:
    def send(redis: Redis, worker: Horse) -> object:
        lease = claim.Lease('default', 'a', 'e' * 32)
        return claim.finish(redis, 'w1', [claim.Outcome(kind, lease, 1, 2, ttl, b'')])

    return send


def failing(more: dict[str, object]) -> Act:
    def send(redis: Redis, worker: Horse) -> object:
        if more and redis.exists(keys.job('a')):
            redis.hset(keys.job('a'), mapping=more)  # type: ignore[arg-type]
        return outcome('X')(redis, worker)

    return send


def reaped(more: dict[str, object]) -> Act:
    def send(redis: Redis, worker: Horse) -> object:
        if redis.exists(keys.job('a')):
            redis.hset(keys.job('a'), mapping={'worker_name': 'dead'} | more)
        age(redis, 4e9)
        return workers.reap(redis, 'default', TRACEBACK)

    return send


def without_a_lease(act: Act) -> Act:
    """A started job that somebody has lost."""

    def first(redis: Redis, worker: Horse) -> object:
        redis.delete(keys.wip('default'))
        return act(redis, worker)

    return first


def again(kind: str, more: dict[str, object], ttl: int = 500) -> Act:
    def send(redis: Redis, worker: Horse) -> object:
        if more and redis.exists(keys.job('a')):
            redis.hset(keys.job('a'), mapping=more)  # type: ignore[arg-type]
        return outcome(kind, ttl)(redis, worker)

    return send


def waiting_for(more: dict[str, object], act: Act) -> Act:
    """The job has something to wait for when it is looked up."""

    def first(redis: Redis, worker: Horse) -> object:
        redis.hset(keys.job('p'), mapping=fields(status='scheduled'))
        redis.zadd(keys.scheduled('default'), {'p': 4e9})
        put(redis, 'other')
        hold_slot(redis, 'k', 'other')
        if more and redis.exists(keys.job('a')):
            redis.hset(keys.job('a'), mapping=more)  # type: ignore[arg-type]
        return act(redis, worker)

    return first


def ready(more: dict[str, object]) -> Act:
    return lambda redis, _: enqueue.enqueue_when_ready(redis, 'default', entry('a', call='new', **more))


def parent_ends(how: str, **more: object) -> Act:
    """The job `p` that `a` waits for ends; `a` waits for a slot then, or not."""

    def end(redis: Redis, worker: Horse) -> object:
        put(redis, 'p', 'first')
        if redis.hget(keys.job('a'), 'status') == b'deferred':
            redis.hset(keys.job('a'), mapping={'status': 'deferred'} | more)  # type: ignore[arg-type]
            redis.sadd(keys.dependencies('a'), 'p')
            redis.sadd(keys.dependents('p'), 'a')
        hold_slot(redis, 'k', 'other')
        if how == 'delete':
            return jobs.delete(redis, 'p')
        return jobs.cancel(redis, 'p', release=True)

    return end


def free_a_slot(redis: Redis, worker: Horse) -> object:
    return jobs.delete(redis, 'holder')


def hold_slot(redis: Redis, name: str, job_id: str) -> None:
    put(redis, job_id, call='held')
    redis.hset(keys.job(job_id), mapping={'rate_limit_key': name, 'rate_limit_concurrency': 1})
    redis.sadd(keys.limits(), name)
    redis.hset(keys.limit(name), 'concurrency', 1)
    redis.zadd(keys.limit_holders(name), {job_id: 1})


DEPENDS: dict[str, object] = {'dependency_ids': '["p"]'}
LIMITED: dict[str, object] = {'rate_limit_key': 'k', 'rate_limit_concurrency': 1}


def promote(redis: Redis, worker: Horse) -> object:
    redis.zadd(keys.scheduled('default'), {'a': 1})
    return enqueue.promote_due(redis, ['default'])


def requeue(redis: Redis, worker: Horse) -> object:
    redis.zadd(keys.failed('default'), {'a': 4e9})
    return jobs.requeue(redis, 'default', ['a'])


def restored(was: S, more: dict[str, object]) -> Act:
    """A job of this status was deleted, and comes back."""

    def restore(redis: Redis, worker: Horse) -> object:
        if seen(redis) is None:
            place(redis, was)
            if more:
                redis.hset(keys.job('p'), mapping=fields(status='scheduled'))
                redis.zadd(keys.scheduled('default'), {'p': 4e9})
                redis.hset(keys.job('a'), mapping=more)  # type: ignore[arg-type]
            bulk.discard(redis, ['a'], bulk='b', room=10_000)
        return bulk.restore(redis, 'b', ['a'])

    return restore


RETRY = {'retries_left': 1}
LATER = {'retries_left': 1, 'retry_intervals': '[5]'}
FORGET = {'failure_ttl': 0}
ONCE_MORE: dict[str, object] = {'repeats_left': 1, 'repeat_intervals': '[0]'}
ONCE_MORE_LATER: dict[str, object] = {'repeats_left': 2, 'repeat_intervals': '[5, 6]'}
SHOWN = {'announced': 'e' * 32}

# script of the table -> the ways to make it act on a job `a` that is in some status
ACTS: dict[str, list[Act]] = {
    'enqueue': [lambda redis, worker: put(redis, 'a', call='new')],
    'enqueue_when_ready': [ready({}), waiting_for({}, ready(DEPENDS)), waiting_for({}, ready(LIMITED))],
    'schedule': [lambda redis, _: enqueue.schedule(redis, 'default', entry('a', call='new', status='scheduled'), 4)],
    'claim': [on_the_list(lambda redis, worker: worker.ask())],
    'hold': [lambda redis, _: claim.hold(redis, 'w1', claim.Lease('default', 'a', 'f' * 32))],
    'finish': [outcome('F'), outcome('F', ttl=0), again('F', ONCE_MORE), again('F', ONCE_MORE_LATER), outcome('R', 0)],
    'stop': [outcome('S'), again('S', FORGET)],
    'release_dependents': [
        parent_ends('cancel'),
        parent_ends('cancel', rate_limit_key='k', rate_limit_concurrency=1),
        parent_ends('delete'),
    ],
    'admit': [free_a_slot],
    'fail': [failing({}), failing(RETRY), failing(LATER), failing(FORGET), again('Y', {}), outcome('M')],
    'release': [lambda redis, _: claim.release(redis, [claim.Lease('default', 'a', 'e' * 32)])],
    'reap': [reaped(more) for more in ({}, SHOWN, SHOWN | RETRY, SHOWN | LATER, SHOWN | FORGET)],
    'promote_due': [
        promote,
        without_a_lease(promote),
        waiting_for(DEPENDS, promote),
        waiting_for(LIMITED, without_a_lease(promote)),
        waiting_for(DEPENDS, without_a_lease(promote)),
        waiting_for(LIMITED, promote),
    ],
    'requeue': [requeue, waiting_for(LIMITED, requeue)],
    'enqueue_now': [
        lambda redis, _: bulk.enqueue_now(redis, ['a']),
        waiting_for(LIMITED, lambda redis, _: bulk.enqueue_now(redis, ['a'])),
    ],
    'restore': [*(restored(was, {}) for was in S if was is not S.STARTED), restored(S.DEFERRED, DEPENDS)],
    'cancel': [lambda redis, _: jobs.cancel(redis, 'a')],
    'delete': [lambda redis, _: jobs.delete(redis, 'a')],
    'drop_finished': [lambda redis, _: collect.drop_finished(redis, 'default', ['a'])],
    'withdraw': [lambda redis, _: collect.withdraw(redis, 'default', ['a'])],
}


def test_every_script_of_the_table_is_tried() -> None:
    assert ACTS.keys() == TRANSITIONS.keys()


@pytest.mark.parametrize('script', ACTS)
def test_the_table_says_what_a_script_does_and_nothing_else(redis: Redis, horse: HorseMaker, script: str) -> None:
    done = set()
    for before in [None, *S]:
        # What comes back is another job than the one that has the id by now.
        for act in ACTS[script][: 1 if script == 'restore' and before else None]:
            redis.flushall()
            if before is not None:
                place(redis, before)
            act(redis, horse())
            after = seen(redis)
            if after is not before:
                done.add((before, after))
    stays = {(was, was) for was in S}
    assert done == TRANSITIONS[script] - stays


@pytest.mark.parametrize('script', ACTS)
@pytest.mark.parametrize('before', [None, *S])
def test_whatever_a_script_does_to_a_job_it_is_in_its_one_home(
    redis: Redis, horse: HorseMaker, script: str, before: JobStatus | None
) -> None:
    """I1, also where the act itself put the id in a second place."""
    for act in ACTS[script]:
        redis.flushall()
        if before is not None:
            place(redis, before)
        act(redis, horse())
        if not (before is S.STARTED and not redis.exists(keys.wip('default')) and seen(redis) is S.STARTED):
            assert violations(redis) == []
        redis.flushall()


def test_every_status_has_a_home_or_none() -> None:
    assert HOMES.keys() == set(S)
    assert {home for home in HOMES.values() if home} <= {
        'queue', 'wip', 'finished', 'failed', 'deferred', 'scheduled', 'canceled', 'ready',
    }  # fmt: skip


def test_the_statuses_are_rqs() -> None:
    """rq-format.md, 5.3."""
    words = 'created queued started finished failed stopped canceled deferred scheduled rate_limited ready_to_enqueue'
    assert {status.value for status in S} == set(words.split())


# --- census -----------------------------------------------------------------------------------------------------------


def test_the_census_sees_every_container_and_every_hash(redis: Redis) -> None:
    for number, status in enumerate(S):
        place(redis, status, str(number))
    redis.rpush(keys.queue('other'), 'x', 'x')
    found = admin.census(redis, ['default', 'other'])
    for number, status in enumerate(S):
        home = HOMES[status]
        if home is not None:
            assert str(number) in found.ids_in('default', home)
            assert found.status[str(number)] == status.value
    assert found.lists == {'default': ['1'], 'other': ['x', 'x']}
    assert found.status['x'] == ''
    assert found.homes['default']['finished'] == {'2': 4e9}
    assert found.execution['4'] == 'e' * 32
    redis.delete(keys.queue('other'))


def test_a_census_of_nothing_is_empty_and_writes_nothing(redis: Redis) -> None:
    found = admin.census(redis, ['none'])
    assert found.status == {}
    assert found.ids_in('none', 'queue') == found.ids_in('none', 'wip') == []
    assert all_keys(redis) == []


def test_a_census_bears_keys_of_wrong_types_and_leases_in_the_old_form(redis: Redis, disorder: None) -> None:
    redis.set(keys.queue('default'), 'x')
    redis.set(keys.failed('default'), 'x')
    redis.set(keys.job('a'), 'x')
    redis.zadd(keys.wip('default'), {'a': 1})
    found = admin.census(redis, ['default'])
    assert found.status == {'a': ''}


# --- The checker bites ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('fault', 'word'),
    [
        (lambda redis: redis.lpop(keys.queue('default')), 'I1: a is queued and in no place'),
        (lambda redis: redis.rpush(keys.queue('default'), 'a'), "I1: a is queued and in ['queue', 'queue']"),
        (lambda redis: redis.zadd(keys.failed('default'), {'a': 1}), "I1: a is queued and in ['queue', 'failed']"),
        (lambda redis: redis.rpush(keys.queue('low'), 'gone'), 'I1: queue of low names gone, which is not there'),
        (lambda redis: hold(redis, 'b', 'f' * 32, 4e9), 'I3: b has 2 leases'),
        (lambda redis: redis.hset(keys.job('b'), 'execution', 'f'), 'I3: the lease of b is not of its execution'),
        (lambda redis: redis.hset(keys.execution('a', 'x'), 'id', 'x'), 'I15: rq:execution:a:x never expires'),
        (lambda redis: redis.hset(keys.execution('a', 'x'), 'id', 'x'), 'I1: rq:execution:a:x tells of a run'),
        (lambda redis: redis.xadd(keys.results('z'), {'a': 'b'}), 'I15: rq:results:z outlives its job'),
        (lambda redis: redis.set('rq:what', 1), 'I15: rq:what is no key of ours'),
        (lambda redis: redis.persist(keys.lease('w1')), 'I15: rq:lease:w1 never expires'),
        (lambda redis: redis.rpush(keys.wake('default'), '1', '1'), 'rq:wake:default holds more than one token'),
        (lambda redis: redis.zrem(keys.wip('default'), *redis.zrange(keys.wip('default'), 0, -1)), 'I1: b is started'),
    ],
)
def test_a_violation_is_found(
    redis: Redis, horse: HorseMaker, disorder: None, fault: Callable[[Redis], object], word: str
) -> None:
    put_many(redis, 'ba')
    horse().ask(room=1)
    assert violations(redis) == []
    fault(redis)
    assert any(word in found for found in violations(redis)), violations(redis)
