"""reap: the jobs of dead workers come back or fail, and those of living ones are left alone."""

from __future__ import annotations

import itertools

import pytest
from redis import Redis

from rq.store import claim, keys
from rq.store import job as jobs
from rq.store import worker as workers
from tests.store.conftest import HorseMaker
from tests.store.hands import (
    TRACEBACK,
    Horse,
    age,
    fields,
    hold,
    ids,
    put,
    put_many,
    sent_twice_is_sent_once,
    status,
    tokens,
    waiting,
)  # fmt: skip

THEIRS = 'e' * 32


def reap(redis: Redis, queue: str = 'default', **more: int) -> list[tuple[str, ...]]:
    return workers.reap(redis, queue, TRACEBACK, **more)


def die(worker: Horse) -> None:
    """The whole host is gone: its lease runs out, and its jobs' are not renewed."""
    worker.redis.delete(keys.lease(worker.name))
    for queue in worker.queues:
        age(worker.redis, 26, queue)


def score(redis: Redis, seconds: float) -> float:
    return jobs.time(redis) + seconds


# --- Ours -------------------------------------------------------------------------------------------------------------


def test_what_a_dead_worker_had_not_begun_goes_back_in_the_order_it_was_claimed(
    redis: Redis, horse: HorseMaker
) -> None:
    names = [f'job-{number}' for number in range(20)]
    put_many(redis, [*names, 'last'])
    worker = horse()
    worker.ask(room=15)
    worker.ask(room=5)
    die(worker)
    assert sorted(reap(redis)) == sorted((name, 'QUEUED', 'w1') for name in names)
    assert waiting(redis) == [*names, 'last']
    assert tokens(redis) == 1
    assert redis.hget(keys.job('job-0'), 'losses') == b'1'
    assert status(redis, 'job-0') == 'queued'


def test_reaping_twice_takes_each_once(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'ab')
    worker = horse()
    worker.ask()
    die(worker)
    first, second = sent_twice_is_sent_once(redis, lambda: reap(redis))
    assert (len(first), second) == (2, [])


def test_an_announced_job_of_a_dead_worker_fails_with_the_reason(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    workers.announce(redis, 'w1', lease, 1.0, 90)
    die(worker)
    assert reap(redis) == [('a', 'FAILED', 'w1')]
    entry = jobs.last_result(redis, 'a')
    assert entry is not None
    assert entry[1] == {
        b'type': b'2', b'worker_name': b'w1', b'execution_id': lease.execution.encode(), b'exc_string': TRACEBACK,
    }  # fmt: skip
    assert not redis.exists(keys.execution('a', lease.execution), keys.executions('a'), keys.worker_executions('w1'))
    assert redis.zscore(keys.failed('default'), 'a') is not None


@pytest.mark.parametrize(('intervals', 'answer'), [('[]', 'QUEUED'), ('[5]', 'SCHEDULED')])
def test_an_announced_job_with_retries_is_tried_again(
    redis: Redis, horse: HorseMaker, intervals: str, answer: str
) -> None:
    put(redis, 'a', retries_left=1, retry_intervals=intervals)
    worker = horse()
    workers.announce(redis, 'w1', worker.lease(worker.one()), 1.0, 90)
    die(worker)
    assert reap(redis) == [('a', answer, 'w1')]
    assert redis.hget(keys.job('a'), 'retries_left') == b'0'
    assert redis.hget(keys.job('a'), 'losses') == b'1'  # I11: a death is a death, whatever becomes of the job


def test_an_announcement_of_an_earlier_run_does_not_count(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', retries_left=1)
    worker = horse()
    job = worker.one()
    workers.announce(redis, 'w1', worker.lease(job), 1.0, 90)
    worker.ask(outcomes=[worker.outcome(job, 'X')])
    die(worker)
    assert reap(redis) == [('a', 'QUEUED', 'w1')]
    assert redis.hget(keys.job('a'), 'losses') == b'1'


def test_the_third_loss_fails_the_job(redis: Redis, horse: HorseMaker) -> None:
    """I11."""
    put(redis, 'a')
    became = []
    for number in range(3):
        worker = horse(f'w{number}')
        assert ids(worker.ask()) == ['a']
        die(worker)
        became += [what for _, what, _ in reap(redis)]
    assert became == ['QUEUED', 'QUEUED', 'FAILED']
    assert redis.hget(keys.job('a'), 'losses') == b'3'
    assert jobs.requeue(redis, 'default', ['a']) == ['QUEUED']
    assert redis.hget(keys.job('a'), 'losses') is None  # a person gave it three more


def test_losses_that_are_no_number_count_from_none(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', losses='many')
    worker = horse()
    worker.ask()
    die(worker)
    assert reap(redis) == [('a', 'QUEUED', 'w1')]
    assert redis.hget(keys.job('a'), 'losses') == b'1'


def test_a_living_worker_is_left_alone_however_slow_its_renewals_are(redis: Redis, horse: HorseMaker) -> None:
    """I10."""
    put_many(redis, 'ab')
    horse().ask()
    for seconds in (0, 26, 60, 60):
        age(redis, seconds)
        assert reap(redis) == []


def test_a_dead_worker_is_left_alone_until_25_seconds_without_renewal(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    horse().ask()
    redis.delete(keys.lease('w1'))
    age(redis, 24)
    assert reap(redis) == []
    age(redis, 2)
    assert len(reap(redis)) == 1


def test_how_long_without_renewal_can_be_said(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    horse().ask()
    redis.delete(keys.lease('w1'))
    assert reap(redis, idle=5) == []
    assert len(reap(redis, idle=0)) == 1


def test_a_job_that_no_living_worker_renews_for_150_seconds_is_nobodys(redis: Redis, horse: HorseMaker) -> None:
    """A claim whose answer never came and whose worker forgot it; living workers renew theirs every 15 s."""
    put(redis, 'a')
    horse().ask()
    age(redis, 151)
    assert reap(redis) == [('a', 'QUEUED', 'w1')]


def test_a_restarted_worker_of_the_same_name_does_not_hold_the_jobs_of_the_dead_one(
    redis: Redis, horse: HorseMaker
) -> None:
    put_many(redis, 'ab')
    first = horse(incarnation='1' * 16)
    first.ask(room=1)
    redis.delete(keys.lease('w1'))
    second = horse(incarnation='2' * 16)
    second.ask(room=1)
    age(redis, 26)
    assert reap(redis) == [('a', 'QUEUED', 'w1')]
    assert redis.zcard(keys.wip('default')) == 1


def test_a_canceled_job_of_a_dead_worker_stays_canceled(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'ab')
    worker = horse()
    for job in worker.ask().jobs:
        jobs.cancel(redis, job.id.decode())
    workers.announce(redis, 'w1', claim.Lease('default', 'b', redis.hget(keys.job('b'), 'execution').decode()), 1, 90)
    die(worker)
    assert sorted(reap(redis)) == [('a', 'KEPT', 'w1'), ('b', 'KEPT', 'w1')]
    assert not redis.exists(keys.wip('default'), keys.queue('default'))


def test_a_lease_whose_job_is_gone_goes_after_150_seconds(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    worker.ask()
    redis.delete(keys.job('a'))
    die(worker)
    assert reap(redis) == []
    age(redis, 125)
    assert reap(redis) == [('a', 'GONE', '')]
    assert not redis.exists(keys.wip('default'))


def test_a_failed_job_that_is_not_kept_is_gone_when_its_worker_dies(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', failure_ttl=0)
    worker = horse()
    workers.announce(redis, 'w1', worker.lease(worker.one()), 1.0, 90)
    die(worker)
    assert reap(redis) == [('a', 'FAILED', 'w1')]
    assert not redis.exists(keys.job('a'), keys.failed('default'))


def test_no_more_leases_are_looked_at_than_asked(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, map(str, range(10)))
    worker = horse()
    worker.ask()
    die(worker)
    assert [len(reap(redis, most=4)) for _ in range(4)] == [4, 4, 2, 0]


# --- Other RQs' -------------------------------------------------------------------------------------------------------


def theirs(redis: Redis, job_id: str, seconds: float, **more: object) -> None:
    """A job as an RQ worker runs it, its lease so many seconds from its end."""
    redis.hset(keys.job(job_id), mapping=fields(**{'status': 'started', 'worker_name': 'theirs'} | more))
    hold(redis, job_id, THEIRS, score(redis, seconds))
    redis.zadd(keys.executions(job_id), {THEIRS: score(redis, seconds + 60)})
    redis.hset(keys.execution(job_id, THEIRS), mapping={'id': THEIRS, 'job_id': job_id})
    redis.expire(keys.executions(job_id), 600)
    redis.expire(keys.execution(job_id, THEIRS), 600)


@pytest.mark.parametrize('seconds', [30, 0, -10, -17])
def test_a_lease_of_another_rq_has_20_seconds_more_than_it_says(redis: Redis, disorder: None, seconds: float) -> None:
    theirs(redis, 'a', seconds)
    assert reap(redis) == []


def test_a_started_job_of_a_dead_rq_worker_fails(redis: Redis) -> None:
    theirs(redis, 'a', -21)
    assert reap(redis) == [('a', 'FAILED', 'theirs')]
    assert status(redis, 'a') == 'failed'
    assert not redis.exists(keys.execution('a', THEIRS), keys.executions('a'))


def test_a_job_that_an_rq_worker_popped_and_never_started_is_queued(redis: Redis) -> None:
    """B: RQ 3.0 loses it."""
    theirs(redis, 'a', -21, status='queued')
    redis.rpush(keys.intermediate('default'), 'a')
    put(redis, 'b')
    assert reap(redis) == [('a', 'QUEUED', 'theirs')]
    assert waiting(redis) == ['a', 'b']
    assert not redis.exists(keys.intermediate('default'))


def test_a_job_that_waits_again_only_loses_the_old_lease(redis: Redis) -> None:
    put(redis, 'a')
    hold(redis, 'a', THEIRS, score(redis, -21))
    assert reap(redis) == [('a', 'KEPT', '')]
    assert waiting(redis) == ['a']
    assert not redis.exists(keys.wip('default'))


@pytest.mark.parametrize(('was', 'home'), [('finished', keys.finished), ('failed', keys.failed)])
def test_a_job_that_has_ended_only_loses_the_old_lease(redis: Redis, was: str, home: object) -> None:
    """RQ before 3.0 made a failure of it."""
    assert callable(home)
    theirs(redis, 'a', -21, status=was)
    redis.zadd(home('default'), {'a': 4e9})
    assert reap(redis) == [('a', 'KEPT', 'theirs')]
    assert status(redis, 'a') == was


def test_an_old_lease_does_not_fail_a_job_that_runs_under_a_new_one(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    horse().ask()
    hold(redis, 'a', THEIRS, score(redis, -21))
    assert reap(redis) == [('a', 'KEPT', 'w1')]
    assert (status(redis, 'a'), redis.zcard(keys.wip('default'))) == ('started', 1)


def test_a_lease_in_the_old_form_without_an_execution_is_a_lease(redis: Redis) -> None:
    redis.hset(keys.job('a'), mapping=fields(status='started'))
    redis.zadd(keys.wip('default'), {'a': score(redis, -21), 'gone': score(redis, -21)})
    assert sorted(reap(redis)) == [('a', 'FAILED', ''), ('gone', 'GONE', '')]
    assert not redis.exists(keys.wip('default'))


def test_one_job_with_a_key_of_a_wrong_type_stops_no_reaping(redis: Redis, horse: HorseMaker, disorder: None) -> None:
    put_many(redis, 'abc')
    worker = horse()
    worker.ask()
    redis.delete(keys.job('b'))
    redis.set(keys.job('b'), 'not mine')
    die(worker)
    assert sorted(reap(redis)) == [('a', 'QUEUED', 'w1'), ('c', 'QUEUED', 'w1')]
    age(redis, 130)
    assert reap(redis) == [('b', 'GONE', '')]


def test_a_thousand_leases_are_taken_in_one_request(redis: Redis, horse: HorseMaker) -> None:
    names = [f'{number:04}' for number in range(1024)]
    put_many(redis, names)
    worker = horse()
    while worker.ask().jobs:
        pass
    die(worker)
    assert [len(reap(redis, most=1000)) for _ in range(3)] == [1000, 24, 0]
    assert sorted(waiting(redis)) == names


def test_the_order_of_packs_of_several_workers_is_the_order_of_their_claims(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abcdef')
    one, two = horse('w1'), horse('w2')
    two.seq = one.seq  # both start from the clock; here from the same moment
    for worker, number in zip(itertools.cycle([one, two]), range(1, 4), strict=False):
        worker.ask(room=2, seq=one.seq + number)
    die(one)
    die(two)
    reap(redis)
    assert waiting(redis) == list('abcdef')
