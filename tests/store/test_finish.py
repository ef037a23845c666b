"""finish, finish_inline and the outcomes in finish_and_claim: what becomes of a job, and where its result is."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from redis import Redis

from rq.store import claim, keys
from rq.store import job as jobs
from rq.store import worker as workers
from tests.store.conftest import HorseMaker
from tests.store.hands import (
    FORTYTWO,
    TRACEBACK,
    Horse,
    all_keys,
    fields,
    ids,
    put,
    put_many,
    sent_twice_is_sent_once,
    status,
    waiting,
)  # fmt: skip
from tests.support.keyspace import difference, snapshot

YEAR = 31536000


def by_finish(worker: Horse, outcomes: list[claim.Outcome]) -> list[bytes]:
    return claim.finish(worker.redis, worker.name, outcomes)


def by_request(worker: Horse, outcomes: list[claim.Outcome]) -> list[bytes]:
    return worker.ask(room=0, outcomes=outcomes).became


@pytest.fixture(params=[by_finish, by_request], ids=['finish', 'finish_and_claim'])
def settle(request: pytest.FixtureRequest) -> Callable[[Horse, list[claim.Outcome]], list[bytes]]:
    way: Callable[[Horse, list[claim.Outcome]], list[bytes]] = request.param
    return way


Settle = Callable[[Horse, list[claim.Outcome]], list[bytes]]


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


# --- Results ----------------------------------------------------------------------------------------------------------


def test_a_small_result_takes_less_than_700_bytes(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    worker.ask(room=0, outcomes=[worker.outcome(worker.one())])
    assert redis.memory_usage(keys.results('a')) < (700 if 'valkey_version' in redis.info('server') else 1000)


@pytest.mark.parametrize('size', [0, 1, 100, 2048, 2049, 100_000])
def test_results_of_any_size_are_stored_whole_with_their_ttl(redis: Redis, horse: HorseMaker, size: int) -> None:
    put(redis, 'a')
    worker = horse()
    worker.ask(room=0, outcomes=[worker.outcome(worker.one(), payload=b'A' * size)])
    entry = jobs.last_result(redis, 'a')
    assert entry is not None
    assert entry[1].get(b'return_value', b'') == b'A' * size
    assert 495 < redis.ttl(keys.results('a')) <= 500


def test_ten_results_are_kept_newest_first(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    for number in range(13):
        put(redis, 'a', call=str(number))
        worker.ask(room=0, outcomes=[worker.outcome(worker.one(), payload=b'%d' % number)])
    assert jobs.result_count(redis, 'a') == 10
    told = [entry[b'return_value'] for _, entry in jobs.results(redis, 'a')]
    assert told == [b'%d' % number for number in range(12, 2, -1)]


def test_the_ttl_of_the_last_result_is_the_ttl_of_all(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    for number, ttl in enumerate([500, -1, 700]):
        put(redis, 'a', call=str(number))
        worker.ask(room=0, outcomes=[worker.outcome(worker.one(), ttl=ttl)])
        assert redis.ttl(keys.results('a')) == (-1 if ttl < 0 else pytest.approx(ttl, abs=5))


def test_who_waits_for_a_result_is_woken_by_it(redis: Redis, redis_url: str, horse: HorseMaker) -> None:
    """The stream is replaced by its smaller copy in the same step; a blocked reader must see the entry."""
    from threading import Thread

    from tests.support.waiting import wait_for

    put(redis, 'a')
    worker = horse()
    job = worker.one()
    found = []

    def read() -> None:
        with Redis.from_url(redis_url) as reader:
            found.append(jobs.wait_result(reader, 'a', '0-0', 10_000))

    thread = Thread(target=read)
    thread.start()
    wait_for(lambda: redis.info('clients')['blocked_clients'] == 1)
    worker.ask(room=0, outcomes=[worker.outcome(job)])
    thread.join(10)
    assert found[0] is not None
    assert found[0][1][b'return_value'] == FORTYTWO


# --- Jobs that run in their caller's process --------------------------------------------------------------------------


def inline(redis: Redis, job_id: str, kind: str = 'F', execution: str = 'e' * 32) -> bytes:
    outcome = claim.Outcome(kind, claim.Lease('default', job_id, execution), 10, 20, 500, FORTYTWO)
    return claim.finish_inline(redis, 'sync', outcome)


@pytest.mark.parametrize(('kind', 'answer', 'after'), [('F', b'FINISHED', 'finished'), ('X', b'FAILED', 'failed')])
def test_finish_inline_stores_the_outcome_once(redis: Redis, kind: str, answer: bytes, after: str) -> None:
    put(redis, 'a', push=False, status='started', worker_name='sync', execution='e' * 32)
    answers = sent_twice_is_sent_once(redis, lambda: inline(redis, 'a', kind))
    assert answers == (answer, b'STALE')
    assert status(redis, 'a') == after
    assert jobs.result_count(redis, 'a') == 1


def test_finish_inline_retries_on_the_queue(redis: Redis) -> None:
    put(redis, 'a', push=False, status='started', worker_name='sync', execution='e' * 32, retries_left=1)
    assert inline(redis, 'a', 'X') == b'QUEUED'
    assert waiting(redis) == ['a']


def test_finish_inline_of_another_run_or_of_no_job_changes_nothing(redis: Redis) -> None:
    put(redis, 'a', push=False, status='started', worker_name='sync', execution='e' * 32)
    before = snapshot(redis)
    assert inline(redis, 'a', execution='f' * 32) == b'STALE'
    assert inline(redis, 'gone') == b'GONE'
    assert difference(before, snapshot(redis)) == {}


def test_finish_inline_of_a_canceled_job_keeps_it_canceled(redis: Redis) -> None:
    put(redis, 'a', push=False, status='started', worker_name='sync', execution='e' * 32)
    assert jobs.cancel(redis, 'a') == b'CANCELED'
    assert inline(redis, 'a') in {b'KEPT', b'STALE'}
    assert status(redis, 'a') == 'canceled'


# --- Retries ----------------------------------------------------------------------------------------------------------


def test_a_retry_without_an_interval_goes_to_the_end_of_the_queue(
    redis: Redis, horse: HorseMaker, settle: Settle
) -> None:
    put(redis, 'a', retries_left=2)
    worker = horse()
    job = worker.one()
    put(redis, 'b')
    assert settle(worker, [worker.outcome(job, 'X')]) == [b'QUEUED']
    assert waiting(redis) == ['b', 'a']
    assert redis.hmget(keys.job('a'), 'status', 'retries_left') == [b'queued', b'1']
    assert not redis.exists(keys.results('a'))


def test_a_retry_that_goes_to_the_front_goes_to_the_front(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', retries_left=2, enqueue_at_front_on_retry=1)
    worker = horse()
    job = worker.one()
    put(redis, 'b')
    claim.finish(redis, 'w1', [worker.outcome(job, 'X')])
    assert waiting(redis) == ['a', 'b']


def test_a_retry_can_be_claimed_by_the_request_that_reports_it(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', retries_left=2)
    worker = horse()
    answer = worker.ask(outcomes=[worker.outcome(worker.one(), 'X')])
    assert (answer.became, ids(answer)) == ([b'QUEUED'], ['a'])


def test_retries_wait_their_intervals_and_the_last_repeats(redis: Redis, horse: HorseMaker) -> None:
    """RQ repeats the first one (rq-format.md, 8.2)."""
    put(redis, 'a', retries_left=4, retry_intervals='[10, 200]')
    worker = horse()
    waits = []
    for _ in range(4):
        answer = worker.ask(room=0, outcomes=[worker.outcome(worker.one(), 'X')])
        assert answer.became == [b'SCHEDULED']
        waits.append(round(expiry(redis, keys.scheduled('default'), 'a') - answer.now_us / 1e6 - 0.5))
        assert status(redis, 'a') == 'scheduled'
        redis.zadd(keys.scheduled('default'), {'a': 1})
        from rq.store import enqueue

        enqueue.promote_due(redis, ['default'])
    assert waits == [10, 200, 200, 200]
    assert worker.ask(room=0, outcomes=[worker.outcome(worker.one(), 'X')]).became == [b'FAILED']


def test_no_retry_comes_early(redis: Redis, horse: HorseMaker) -> None:
    """I13: whole seconds, rounded up."""
    worker = horse()
    for number in range(5):
        put(redis, str(number), retries_left=1, retry_intervals='[1]')
        answer = worker.ask(room=0, outcomes=[worker.outcome(worker.one(), 'X')])
        due = expiry(redis, keys.scheduled('default'), str(number))
        assert due == int(due)
        assert 1 <= due - answer.now_us / 1e6 <= 2


@pytest.mark.parametrize(
    ('left', 'intervals', 'answer'),
    [
        ('0', '[5]', b'FAILED'),
        ('-1', '[5]', b'FAILED'),
        ('many', '[5]', b'FAILED'),
        ('', '[5]', b'FAILED'),
        ('nan', '[5]', b'FAILED'),
        ('2', '[', b'QUEUED'),
        ('2', '{"a": 1}', b'QUEUED'),
        ('2', '7', b'QUEUED'),
        ('2', '[null]', b'QUEUED'),
        ('2', '[[1]]', b'QUEUED'),
        ('2', '["5"]', b'SCHEDULED'),
        ('2.0', '[5]', b'SCHEDULED'),
        ('1e3', '[-5]', b'QUEUED'),
        ('2', '[1e400]', b'SCHEDULED'),
        ('2', '[NaN]', b'QUEUED'),
        ('2', '[' * 5000, b'QUEUED'),
    ],
)
def test_retry_fields_that_make_no_sense_never_abort_a_pack(
    redis: Redis, horse: HorseMaker, left: str, intervals: str, answer: bytes
) -> None:
    put(redis, 'a', retries_left=left, retry_intervals=intervals, retries_used='x')
    put(redis, 'b')
    worker = horse()
    outcomes = [worker.outcome(job, kind) for job, kind in zip(worker.ask().jobs, 'XF', strict=True)]
    assert worker.ask(room=0, outcomes=outcomes).became == [answer, b'FINISHED']


@pytest.mark.parametrize('key', [keys.queue('default'), keys.scheduled('default')])
def test_a_retry_that_cannot_be_put_anywhere_is_a_failure(
    redis: Redis, horse: HorseMaker, disorder: None, key: str
) -> None:
    put(redis, 'a', retries_left=1, retry_intervals='[5]' if 'scheduled' in key else '[]')
    worker = horse()
    job = worker.one()
    redis.delete(key)
    redis.set(key, 'not mine')
    assert claim.finish(redis, 'w1', [worker.outcome(job, 'X')]) == [b'FAILED']


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
