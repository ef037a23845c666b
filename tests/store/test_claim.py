"""finish_and_claim as a claim: which jobs, in which order, and what is true of them afterwards."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import admin, keys
from rq.store import job as jobs
from tests.store.conftest import HorseMaker
from tests.store.hands import Horse, age, fields, hold, ids, put, put_many, status, waiting


def test_a_claimed_job_is_started_and_leased_in_the_same_step(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    answer = worker.ask()
    (job,) = answer.jobs
    assert (answer.code, answer.became, answer.dropped, answer.suspended, answer.broken) == (b'OK', [], [], [], [])
    assert (job.id, job.queue) == (b'a', 0)
    assert job.hash[b'data'] == fields()['data']
    assert waiting(redis) == []
    stored = redis.hgetall(keys.job('a'))
    assert stored[b'status'] == b'started'
    assert stored[b'worker_name'] == b'w1'
    assert stored[b'execution'] == job.execution
    assert stored[b'started_at'].endswith(b'Z')
    score = redis.zscore(keys.wip('default'), f'a:{job.execution.decode()}')
    assert score == answer.now_us // 1_000_000 + 90


def test_an_execution_names_the_incarnation_the_request_and_the_slot(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abc')
    worker = horse()
    executions = [job.execution.decode() for job in worker.ask().jobs]
    assert [e[:16] for e in executions] == [worker.incarnation] * 3
    assert [int(e[16:30], 16) for e in executions] == [worker.seq] * 3
    assert [int(e[30:], 16) for e in executions] == [0, 1, 2]


def test_nothing_waits_and_nothing_is_claimed(redis: Redis, horse: HorseMaker) -> None:
    answer = horse().ask()
    assert (answer.code, answer.jobs) == (b'OK', [])
    assert abs(answer.now_us - jobs.time(redis) * 1e6) < 5e6


def test_jobs_come_in_the_order_of_the_list(redis: Redis, horse: HorseMaker) -> None:
    """I7."""
    names = [f'job-{number}' for number in range(150)]
    put_many(redis, names)
    put(redis, 'first', at_front=True)
    worker = horse()
    packs = [ids(worker.ask()) for _ in range(4)]
    assert [len(pack) for pack in packs] == [64, 64, 23, 0]
    assert [name for pack in packs for name in pack] == ['first', *names]


@pytest.mark.parametrize('room', [0, 1, 5, 64])
def test_no_more_jobs_than_there_is_room(redis: Redis, horse: HorseMaker, room: int) -> None:
    put_many(redis, map(str, range(100)))
    assert ids(horse().ask(room=room)) == [str(number) for number in range(room)]


def test_a_pack_is_never_more_than_64_jobs(redis: Redis, horse: HorseMaker) -> None:
    """The slot in the execution id has two digits, and the server has others to serve."""
    put_many(redis, map(str, range(300)))
    assert len(horse().ask(room=300, limit=300).jobs) == 64


def test_queues_are_served_in_the_order_of_the_worker(redis: Redis, horse: HorseMaker) -> None:
    for queue in ('high', 'low'):
        put_many(redis, [f'{queue}-{number}' for number in range(3)], queue)
    worker = horse(queues=['high', 'low'])
    answer = worker.ask()
    assert ids(answer) == ['high-0', 'high-1', 'high-2', 'low-0', 'low-1', 'low-2']
    assert [job.queue for job in answer.jobs] == [0, 0, 0, 1, 1, 1]
    assert redis.zcard(keys.wip('high')) == redis.zcard(keys.wip('low')) == 3


@pytest.mark.parametrize(
    ('limits', 'counts', 'expected'),
    [
        ((64, 64), (100, 100), (64, 0)),
        ((64, 64), (10, 100), (10, 54)),
        ((1, 64), (100, 100), (1, 0)),  # an unknown or slow queue fills a pack with one job
        ((1, 64), (0, 100), (0, 64)),
        ((10, 64), (5, 100), (5, 32)),  # half a pack of the first leaves half a pack of the second
        ((64, 10), (32, 100), (32, 5)),
        ((64, 1), (30, 100), (30, 1)),  # more than half a job's share is left: one goes in
        ((64, 1), (40, 100), (40, 0)),
        ((3, 7), (2, 100), (2, 2)),
        ((64, 64), (63, 100), (63, 1)),
        ((7, 7), (100, 0), (7, 0)),
    ],
)
def test_a_pack_holds_the_work_of_one_pack_however_many_queues_it_serves(
    redis: Redis, horse: HorseMaker, limits: tuple[int, int], counts: tuple[int, int], expected: tuple[int, int]
) -> None:
    for queue, count in zip('xy', counts, strict=True):
        put_many(redis, [f'{queue}{number}' for number in range(count)], queue)
    worker = horse(queues=['x', 'y'])
    answer = worker.ask(queues=list(zip('xy', limits, strict=True)))
    assert tuple(sum(job.queue == number for job in answer.jobs) for number in (0, 1)) == expected


@pytest.mark.parametrize('limit', range(1, 65))
def test_a_pack_of_one_queue_has_its_limit_whatever_the_rounding(redis: Redis, horse: HorseMaker, limit: int) -> None:
    put_many(redis, map(str, range(limit + 1)))
    assert len(horse().ask(limit=limit).jobs) == limit


def test_a_pack_carries_a_megabyte_at_most(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abcdef', data=b'x' * 300_000)
    worker = horse()
    assert [ids(worker.ask()) for _ in range(3)] == [['a', 'b', 'c'], ['d', 'e', 'f'], []]


def test_a_job_of_more_than_a_megabyte_comes_alone_and_in_its_turn(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'small')
    put(redis, 'big', meta=b'x' * 3_000_000)
    put(redis, 'other', 'low')
    worker = horse(queues=['default', 'low'])
    assert [ids(worker.ask()) for _ in range(4)] == [['small'], ['big'], ['other'], []]


# --- Ids that do not run ----------------------------------------------------------------------------------------------


def test_ids_without_a_hash_are_dropped_and_told(redis: Redis, horse: HorseMaker) -> None:
    redis.rpush(keys.queue('default'), 'gone', 'a', 'lost')
    redis.hset(keys.job('a'), mapping=fields())
    answer = horse().ask()
    assert (ids(answer), answer.dropped) == (['a'], [b'gone', b'lost'])
    assert waiting(redis) == []


def test_a_thousand_ids_without_a_hash_are_looked_at_in_one_request_and_no_more(
    redis: Redis, horse: HorseMaker
) -> None:
    """I14. What is left leaves a token, so that the next claim comes at once."""
    redis.rpush(keys.queue('default'), *map(str, range(2000)))
    put(redis, 'a')
    worker = horse()
    dropped = [len(worker.ask().dropped) for _ in range(2)]
    assert dropped == [1024, 976]
    assert waiting(redis) == []


def test_the_next_queue_waits_while_the_first_is_full_of_dead_ids(redis: Redis, horse: HorseMaker) -> None:
    redis.rpush(keys.queue('default'), *map(str, range(1500)))
    put(redis, 'first')
    put(redis, 'second', 'low')
    worker = horse(queues=['default', 'low'])
    assert [ids(worker.ask()) for _ in range(2)] == [[], ['first', 'second']]


@pytest.mark.parametrize(('was', 'home'), [('canceled', keys.canceled), ('deferred', keys.deferred)])
def test_canceled_and_deferred_jobs_on_the_list_are_dropped(
    redis: Redis, horse: HorseMaker, was: str, home: object
) -> None:
    assert callable(home)
    redis.hset(keys.job('a'), mapping=fields(status=was))
    redis.zadd(home('default'), {'a': 1})
    redis.rpush(keys.queue('default'), 'a')
    answer = horse().ask()
    assert (answer.jobs, answer.dropped) == ([], [b'a'])
    assert status(redis, 'a') == was


@pytest.mark.parametrize(
    ('was', 'home'), [('finished', keys.finished), ('failed', keys.failed), ('scheduled', keys.scheduled)]
)
def test_an_id_that_another_rq_pushed_runs_whatever_its_status_and_leaves_its_home(
    redis: Redis, horse: HorseMaker, was: str, home: object
) -> None:
    assert callable(home)
    redis.hset(keys.job('a'), mapping=fields(status=was))
    redis.zadd(home('default'), {'a': 4e9})
    redis.rpush(keys.queue('default'), 'a')
    assert ids(horse().ask()) == ['a']
    assert not redis.exists(home('default'))


def test_a_hash_without_data_or_status_is_claimed_so_that_it_can_fail_with_a_reason(
    redis: Redis, horse: HorseMaker
) -> None:
    redis.hset(keys.job('a'), 'origin', 'default')
    redis.rpush(keys.queue('default'), 'a')
    assert horse().one().hash == {b'origin': b'default'}
    assert status(redis, 'a') == 'started'


def test_the_same_id_twice_on_the_list_runs_once(redis: Redis, horse: HorseMaker) -> None:
    """U: RQ runs it twice."""
    put(redis, 'a')
    redis.rpush(keys.queue('default'), 'a')
    answer = horse().ask()
    assert (ids(answer), answer.dropped) == (['a'], [b'a'])


def test_a_second_entry_of_a_running_job_is_dropped(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    horse().ask()
    redis.rpush(keys.queue('default'), 'a')
    answer = horse('w2').ask()
    assert (answer.jobs, answer.dropped) == ([], [b'a'])


def test_a_running_job_that_another_rq_enqueues_anew_runs_anew_and_its_old_run_is_over(
    redis: Redis, horse: HorseMaker
) -> None:
    put(redis, 'a')
    first, second = horse(), horse('w2')
    (old,) = first.ask().jobs
    redis.hset(keys.job('a'), mapping={'status': 'queued', 'worker_name': '', 'data': b'new'})  # over the old hash
    redis.rpush(keys.queue('default'), 'a')
    (new,) = second.ask().jobs
    assert new.hash[b'data'] == b'new'
    assert redis.zrange(keys.wip('default'), 0, -1) == [b'a:' + new.execution]
    assert first.ask(room=0, outcomes=[first.outcome(old)]).became == [b'STALE']
    assert second.ask(room=0, outcomes=[second.outcome(new)]).became == [b'FINISHED']


def test_a_second_entry_of_a_job_that_another_rq_runs_is_dropped(redis: Redis, horse: HorseMaker) -> None:
    redis.hset(keys.job('a'), mapping=fields(status='started', worker_name='theirs'))
    redis.rpush(keys.queue('default'), 'a')
    hold(redis, 'a', 'e' * 32, 4e9)
    redis.zadd(keys.executions('a'), {'e' * 32: 4e9})
    redis.expire(keys.executions('a'), 60)
    answer = horse().ask()
    assert (answer.jobs, answer.dropped) == ([], [b'a'])
    redis.hdel(keys.job('a'), 'status')
    redis.delete(keys.wip('default'))


def test_a_started_job_without_a_lease_runs(redis: Redis, horse: HorseMaker) -> None:
    redis.hset(keys.job('a'), mapping=fields(status='started', execution='e' * 32))
    redis.rpush(keys.queue('default'), 'a')
    assert ids(horse().ask()) == ['a']


def test_the_same_id_on_two_queues_of_a_worker_runs_once(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', 'low')
    redis.rpush(keys.queue('high'), 'a')
    answer = horse(queues=['high', 'low']).ask()
    assert (ids(answer), answer.dropped) == (['a'], [b'a'])


# --- TTL --------------------------------------------------------------------------------------------------------------


def test_a_claimed_job_does_not_expire_and_given_back_it_has_its_old_expiry(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', ttl=100)
    redis.pexpire(keys.job('a'), 70_000)
    worker = horse()
    job = worker.one()
    assert redis.ttl(keys.job('a')) == -1
    assert worker_release(redis, worker, job) == 1
    assert 68_000 < redis.pttl(keys.job('a')) <= 70_000
    assert redis.hget(keys.job('a'), 'expire_at') is None


def test_the_expiry_of_an_earlier_run_is_not_revived(redis: Redis, horse: HorseMaker) -> None:
    """It would delete the hash and leave the id in the queue."""
    put(redis, 'a', ttl=100)
    worker = horse()
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), 'X')])
    assert jobs.requeue(redis, 'default', ['a']) == ['QUEUED']
    redis.hset(keys.job('a'), 'expire_at', '1000')
    job = worker.one()
    assert redis.hget(keys.job('a'), 'expire_at') is None
    assert worker_release(redis, worker, job) == 1
    assert (redis.ttl(keys.job('a')), waiting(redis)) == (-1, ['a'])


def test_an_expiry_that_another_rq_left_on_a_requeued_job_ends_when_it_runs(redis: Redis, horse: HorseMaker) -> None:
    """RQ's requeue leaves the failure TTL on the hash; its start takes it off."""
    put(redis, 'a')
    redis.expire(keys.job('a'), 60)
    worker = horse()
    job = worker.one()
    assert redis.ttl(keys.job('a')) == -1
    worker_release(redis, worker, job)
    assert redis.ttl(keys.job('a')) == -1


def worker_release(redis: Redis, worker: Horse, job: object) -> int:
    from rq.store import claim

    assert isinstance(job, claim.Claimed)
    return claim.release(redis, [worker.lease(job)])


# --- Suspension -------------------------------------------------------------------------------------------------------


def test_while_all_is_suspended_nothing_is_claimed_and_the_queues_are_told(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse(queues=['default', 'low'])
    admin.suspend(redis)
    answer = worker.ask()
    assert (answer.jobs, answer.suspended) == ([], [b'default', b'low'])
    assert waiting(redis) == ['a']
    admin.resume(redis)
    assert ids(worker.ask()) == ['a']


def test_one_suspended_queue_leaves_the_others_open(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', 'high')
    put(redis, 'b', 'low')
    worker = horse(queues=['high', 'low'])
    admin.suspend(redis, queue='high')
    answer = worker.ask()
    assert (ids(answer), answer.suspended) == (['b'], [b'high'])
    assert [job.queue for job in answer.jobs] == [1]


def test_outcomes_are_taken_while_all_is_suspended(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    job = worker.one()
    admin.suspend(redis)
    assert worker.ask(outcomes=[worker.outcome(job)]).became == [b'FINISHED']


# --- Keys of a wrong type ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize('key', [keys.queue('broken'), keys.wip('broken')])
def test_a_queue_with_a_key_of_a_wrong_type_is_told_and_the_others_are_served(
    redis: Redis, horse: HorseMaker, disorder: None, key: str
) -> None:
    put(redis, 'a', 'broken')
    put(redis, 'b', 'good')
    redis.delete(key)
    redis.set(key, 'not mine')
    answer = horse(queues=['broken', 'good']).ask(token=b'broken')
    assert (ids(answer), answer.broken) == (['b'], [b'broken'])
    assert status(redis, 'a') == 'queued'


def test_a_job_with_a_key_of_a_wrong_type_is_dropped_and_the_others_run(
    redis: Redis, horse: HorseMaker, disorder: None
) -> None:
    put_many(redis, 'abc')
    redis.delete(keys.job('b'))
    redis.set(keys.job('b'), 'not mine')
    answer = horse().ask()
    assert (ids(answer), answer.dropped) == (['a', 'c'], [b'b'])
    assert redis.get(keys.job('b')) == b'not mine'


# --- Worker hash ------------------------------------------------------------------------------------------------------


def test_the_workers_counters_are_written_as_they_are_told(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    for _ in range(2):
        worker.ask(counters=(7, 2, 1.5), show=b'idle')
    told = redis.hmget(keys.worker('w1'), 'successful_job_count', 'failed_job_count', 'total_working_time', 'state')
    assert told == [b'7', b'2', b'1.500000', b'idle']


def test_a_worker_that_claimed_is_busy(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    worker.ask(show=b'idle')
    assert redis.hget(keys.worker('w1'), 'state') == b'busy'
    worker.ask(show=b'')
    assert redis.hget(keys.worker('w1'), 'state') == b'busy'


def test_a_worker_without_a_hash_gets_none_by_claiming(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    redis.delete(keys.worker('w1'))
    worker.ask(show=b'idle')
    assert not redis.exists(keys.worker('w1'))


def test_an_old_lease_of_a_reaped_worker_holds_its_job_until_it_is_reaped(redis: Redis, horse: HorseMaker) -> None:
    """Two leases at once would be worse than waiting for the reaper."""
    put(redis, 'a')
    horse().ask()
    age(redis, 1000)
    redis.rpush(keys.queue('default'), 'a')
    assert horse('w2').ask().dropped == [b'a']
