"""finish, finish_inline and the outcomes in finish_and_claim: what becomes of a job, and where its result is."""

from __future__ import annotations

import itertools

import pytest
from redis import Redis

from rq.store import claim, keys
from rq.store import job as jobs
from rq.store import worker as workers
from tests.store.conftest import HorseMaker, Settle
from tests.store.hands import (
    FORTYTWO,
    TRACEBACK,
    all_keys,
    fields,
    ids,
    put,
    put_many,
    sent_twice_is_sent_once,
    status,
)  # fmt: skip
from tests.support.keyspace import difference, snapshot

YEAR = 31536000


def expiry(redis: Redis, registry: str, job_id: str) -> float:
    score = redis.zscore(registry, job_id)
    assert score is not None
    return float(score)


def test_a_finished_job_is_kept_with_its_result_for_its_time(redis: Redis, horse: HorseMaker, settle: Settle) -> None:
    put(redis, 'a')
    worker = horse()
    job = worker.one()
    assert settle(worker, [worker.outcome(job, ttl=500)]) == [b'FINISHED']
    stored = redis.hgetall(keys.job('a'))
    assert stored[b'status'] == b'finished'
    assert stored[b'started_at'] < stored[b'ended_at']
    assert not redis.exists(keys.wip('default'))
    assert 495 < expiry(redis, keys.finished('default'), 'a') - jobs.time(redis) <= 500
    assert 495 < redis.ttl(keys.job('a')) <= 500
    assert 495 < redis.ttl(keys.results('a')) <= 500


def test_a_result_has_the_fields_that_rq_writes(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    job = worker.one()
    outcome = worker.outcome(job)
    worker.ask(room=0, outcomes=[outcome])
    entry = jobs.last_result(redis, 'a')
    assert entry is not None
    assert entry[1] == {
        b'type': b'1',
        b'worker_name': b'w1',
        b'execution_id': job.execution,
        b'execution_started_at': b'%.6f' % (outcome.started_us / 1e6),
        b'execution_ended_at': b'%.6f' % (outcome.ended_us / 1e6),
        b'return_value': FORTYTWO,
    }


def test_the_result_none_has_no_field(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), payload=b'')])
    entry = jobs.last_result(redis, 'a')
    assert entry is not None
    assert b'return_value' not in entry[1]


def test_a_result_for_ever_never_expires(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), ttl=-1)])
    assert expiry(redis, keys.finished('default'), 'a') == float('inf')
    assert redis.ttl(keys.job('a')) == redis.ttl(keys.results('a')) == -1


def test_no_result_leaves_nothing_but_the_memory_of_its_enqueue_for_30_seconds(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    job = worker.one()
    assert worker.ask(room=0, outcomes=[worker.outcome(job, ttl=0)]).became == [b'FINISHED']
    assert [key for key in all_keys(redis) if b'rq:worker' not in key] == [
        key for key in all_keys(redis) if key in {b'rq:gone:a', b'rq:queues', b'rq:lease:w1'}
    ]


@pytest.mark.parametrize('ttl', [86_400, 100_000_000, 10**12, 10**18])
def test_a_very_long_ttl_is_a_ttl(redis: Redis, horse: HorseMaker, ttl: int) -> None:
    """10^18 seconds overflow in EXPIRE: the script would end in its middle. 300 years are enough."""
    put(redis, 'a', failure_ttl=ttl)
    put(redis, 'b')
    worker = horse()
    one, two = worker.ask().jobs
    answer = worker.ask(room=0, outcomes=[worker.outcome(one, 'X'), worker.outcome(two, ttl=ttl)])
    assert answer.became == [b'FAILED', b'FINISHED']
    left = min(ttl, 10**10)
    for job_id in 'ab':
        assert abs(redis.ttl(keys.job(job_id)) - left) < 5
        assert abs(redis.ttl(keys.results(job_id)) - left) < 5


def test_a_failed_job_is_kept_for_a_year_if_nothing_else_is_said(
    redis: Redis, horse: HorseMaker, settle: Settle
) -> None:
    put(redis, 'a')
    worker = horse()
    assert settle(worker, [worker.outcome(worker.one(), 'X')]) == [b'FAILED']
    assert status(redis, 'a') == 'failed'
    assert YEAR - 5 < expiry(redis, keys.failed('default'), 'a') - jobs.time(redis) <= YEAR
    assert YEAR - 5 < redis.ttl(keys.job('a')) <= YEAR
    assert YEAR - 5 < redis.ttl(keys.results('a')) <= YEAR  # RQ's stays for ever
    entry = jobs.last_result(redis, 'a')
    assert entry is not None
    assert (entry[1][b'type'], entry[1][b'exc_string']) == (b'2', TRACEBACK)


def test_a_failure_for_ever_never_expires(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', failure_ttl=-1)
    worker = horse()
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), 'X')])
    assert expiry(redis, keys.failed('default'), 'a') == -1
    assert redis.ttl(keys.job('a')) == redis.ttl(keys.results('a')) == -1


def test_a_failure_that_is_not_kept_leaves_nothing(redis: Redis, horse: HorseMaker) -> None:
    """RQ leaves the id in rq:failed."""
    put(redis, 'a', failure_ttl=0)
    worker = horse()
    assert worker.ask(room=0, outcomes=[worker.outcome(worker.one(), 'X')]).became == [b'FAILED']
    assert not redis.exists(keys.job('a'), keys.failed('default'), keys.results('a'))


@pytest.mark.parametrize('value', ['', 'soon', 'nan', '1.5', '1e3', '-7', '0x10', '[1]'])
def test_a_failure_ttl_that_is_no_number_of_seconds_fails_the_job_all_the_same(
    redis: Redis, horse: HorseMaker, value: str
) -> None:
    put(redis, 'a', failure_ttl=value)
    put(redis, 'b')
    worker = horse()
    pack = worker.ask().jobs
    answer = worker.ask(room=0, outcomes=[worker.outcome(job, 'X') for job in pack])
    assert answer.became == [b'FAILED', b'FAILED']
    assert status(redis, 'a') == 'failed'


def test_a_failure_without_a_known_start_keeps_the_start_of_the_claim(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    job = worker.one()
    claimed = redis.hget(keys.job('a'), 'started_at')
    outcome = worker.outcome(job, 'L')._replace(started_us=0, ended_us=0)
    claim.finish(redis, 'w1', [outcome])
    assert redis.hget(keys.job('a'), 'started_at') == claimed
    assert redis.hget(keys.job('a'), 'ended_at') > claimed
    entry = jobs.last_result(redis, 'a')
    assert entry is not None
    assert b'execution_started_at' not in entry[1]


# --- Once -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('kind', 'more'), [('F', {}), ('X', {}), ('X', {'retries_left': 3}), ('L', {'failure_ttl': 0})]
)
def test_outcomes_sent_twice_are_applied_once(
    redis: Redis, horse: HorseMaker, kind: str, more: dict[str, object]
) -> None:
    put(redis, 'a', **more)
    worker = horse()
    outcome = worker.outcome(worker.one(), kind)
    first, second = sent_twice_is_sent_once(redis, lambda: claim.finish(redis, 'w1', [outcome]))
    assert first != [b'STALE']
    assert second == [b'STALE']


def test_an_outcome_without_its_lease_moves_nothing(redis: Redis, horse: HorseMaker, settle: Settle) -> None:
    """I4."""
    put(redis, 'a')
    worker = horse()
    job = worker.one()
    claim.release(redis, [worker.lease(job)])
    other = horse('w2')
    other.one()
    before = snapshot(redis)
    assert settle(worker, [worker.outcome(job)]) == [b'STALE']
    changed = difference(before, snapshot(redis)).keys() - {b'rq:worker:w1:pack', b'rq:worker:w1'}
    assert changed == set()


def test_an_outcome_of_a_job_whose_hash_is_gone_takes_its_lease_and_traces(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    job = worker.one()
    workers.announce(redis, 'w1', worker.lease(job), 1.0, 90)
    redis.delete(keys.job('a'))
    assert claim.finish(redis, 'w1', [worker.outcome(job)]) == [b'GONE']
    assert [key for key in all_keys(redis) if b':a' in key or b'wip' in key] == []


@pytest.mark.parametrize('was', ['canceled', 'stopped'])
def test_a_job_that_was_ended_meanwhile_keeps_its_status_and_gets_no_result(
    redis: Redis, horse: HorseMaker, was: str
) -> None:
    put(redis, 'a')
    worker = horse()
    job = worker.one()
    redis.hset(keys.job('a'), 'status', was)
    redis.zadd(keys.canceled('default') if was == 'canceled' else keys.failed('default'), {'a': 4e9})
    assert claim.finish(redis, 'w1', [worker.outcome(job)]) == [b'KEPT']
    assert (status(redis, 'a'), redis.exists(keys.results('a'))) == (was, 0)


@pytest.mark.parametrize('was', ['queued', 'scheduled', 'what is this'])
def test_a_status_that_another_rq_wrote_over_ours_does_not_lose_the_outcome(
    redis: Redis, horse: HorseMaker, was: str
) -> None:
    put(redis, 'a')
    worker = horse()
    job = worker.one()
    redis.hset(keys.job('a'), 'status', was)
    assert claim.finish(redis, 'w1', [worker.outcome(job)]) == [b'FINISHED']
    assert status(redis, 'a') == 'finished'


def test_readers_traces_go_with_the_outcome(redis: Redis, horse: HorseMaker, settle: Settle) -> None:
    put(redis, 'a')
    worker = horse()
    job = worker.one()
    workers.announce(redis, 'w1', worker.lease(job), 1.0, 90)
    settle(worker, [worker.outcome(job)])
    assert not redis.exists(keys.executions('a'), keys.worker_executions('w1'))
    assert redis.hget(keys.worker('w1'), 'current_job') is None
    assert jobs.fetch_execution(redis, 'a', job.execution.decode()) == {}


def test_a_stale_outcome_takes_its_own_traces_and_no_other_runs(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    job = worker.one()
    lease = worker.lease(job)
    workers.announce(redis, 'w1', lease, 1.0, 90)
    redis.zrem(keys.wip('default'), lease.member)  # as another RQ's cleanup does
    redis.rpush(keys.queue('default'), 'a')
    redis.hset(keys.job('a'), 'status', 'queued')
    second = worker.one()
    workers.announce(redis, 'w1', worker.lease(second), 1.0, 90)
    assert claim.finish(redis, 'w1', [worker.outcome(job)]) == [b'STALE']
    assert jobs.fetch_execution(redis, 'a', lease.execution) == {}
    assert workers.running(redis, 'w1') == [worker.lease(second).member]
    claim.finish(redis, 'w1', [worker.outcome(job)])
    assert redis.hget(keys.worker('w1'), 'current_job') == b'a'


# --- Packs ------------------------------------------------------------------------------------------------------------


def test_the_outcomes_of_a_pack_and_the_next_claim_are_one_request(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, map(str, range(128)))
    worker = horse()
    pack = worker.ask().jobs
    answer = worker.ask(outcomes=[worker.outcome(job) for job in pack])
    assert answer.became == [b'FINISHED'] * 64
    assert ids(answer) == [str(number) for number in range(64, 128)]
    assert redis.zcard(keys.finished('default')) == 64


def test_one_job_with_keys_of_wrong_types_costs_nothing_but_itself(
    redis: Redis, horse: HorseMaker, disorder: None
) -> None:
    put_many(redis, 'abc')
    worker = horse()
    pack = worker.ask().jobs
    redis.delete(keys.job('b'))
    redis.set(keys.job('b'), 'not mine')
    redis.set(keys.results('c'), 'not mine')
    answer = worker.ask(room=0, outcomes=[worker.outcome(job) for job in pack])
    assert answer.became == [b'FINISHED', b'GONE', b'FINISHED']
    assert jobs.result_count(redis, 'a') == jobs.result_count(redis, 'c') == 1
    assert redis.zcard(keys.finished('default')) == 2
    assert not redis.exists(keys.wip('default'))


@pytest.mark.parametrize('key', [keys.finished('default'), keys.wip('default'), keys.executions('a')])
def test_a_registry_of_a_wrong_type_ends_no_request(redis: Redis, horse: HorseMaker, disorder: None, key: str) -> None:
    put_many(redis, 'ab')
    worker = horse()
    pack = worker.ask().jobs
    put(redis, 'c', 'other')
    redis.delete(key)
    redis.set(key, 'not mine')
    answer = worker.ask(queues=['other'], outcomes=[worker.outcome(job) for job in pack])
    assert ids(answer) == ['c']
    if key != keys.wip('default'):
        assert jobs.result_count(redis, 'a') == 1


def test_no_outcomes_are_no_request(redis: Redis) -> None:
    assert claim.finish(redis, 'w1', []) == []
    assert all_keys(redis) == []


def test_the_order_of_outcomes_is_the_order_of_answers(redis: Redis, horse: HorseMaker) -> None:
    kinds = ['F', 'X', 'R', 'gone', 'canceled', 'stale']
    put_many(redis, kinds)
    redis.hset(keys.job('R'), 'retries_left', 1)
    worker = horse()
    pack = worker.ask().jobs
    redis.delete(keys.job('gone'))
    jobs.cancel(redis, 'canceled')
    claim.release(redis, [worker.lease(pack[-1])])
    outcomes = [worker.outcome(job, 'F' if name in 'Fgonecanceledstale' else 'X') for name, job in
                zip(kinds, pack, strict=True)]  # fmt: skip
    answer = worker.ask(room=0, outcomes=outcomes)
    assert answer.became == [b'FINISHED', b'FAILED', b'QUEUED', b'GONE', b'KEPT', b'STALE']


def test_every_hash_that_was_claimed_has_the_fields_it_had(redis: Redis, horse: HorseMaker) -> None:
    """Unknown fields survive a whole life."""
    put(redis, 'a', retries_left=1, progress='7', note=b'\xff\x00')
    worker = horse()
    for kind in itertools.chain('XF'):
        job = worker.one()
        assert (job.hash[b'progress'], job.hash[b'note']) == (b'7', b'\xff\x00')
        worker.ask(room=0, outcomes=[worker.outcome(job, kind)])
    assert redis.hget(keys.job('a'), 'note') == b'\xff\x00'
    assert fields().keys() <= {name.decode() for name in redis.hkeys(keys.job('a'))}


@pytest.mark.parametrize('kind', ['X', 'Y'])
def test_a_failure_told_with_status_only_is_in_no_registry(
    redis: Redis, horse: HorseMaker, kind: str, disorder: None
) -> None:
    """Of a worker with RQ's default exception handler disabled."""
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    bare = claim.Outcome(kind, lease, 1, 2, -2, TRACEBACK)
    assert claim.finish(redis, 'w1', [bare]) == [b'FAILED']
    assert status(redis, 'a') == 'failed' and redis.ttl(keys.job('a')) > 0
    assert not redis.exists(keys.failed('default'), keys.results('a'), keys.wip('default'))


def test_a_job_that_its_handlers_have_put_elsewhere_stays_there(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    lease = worker.lease(worker.one())
    redis.hset(keys.job('a'), mapping={'status': 'queued', 'origin': 'other'})
    redis.rpush(keys.queue('other'), 'a')
    assert horse('w2', queues=['other']).one().id == b'a'
    assert claim.finish(redis, 'w1', [claim.Outcome('X', lease, 1, 2, -2, TRACEBACK)]) == [b'KEPT']
    assert status(redis, 'a') == 'started' and redis.zcard(keys.wip('other')) == 1
