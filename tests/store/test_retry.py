"""Retries of finish and finish_and_claim: counted down, in their intervals, never early."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import claim, keys
from tests.store.conftest import HorseMaker, Settle
from tests.store.hands import (
    ids,
    put,
    status,
    waiting,
)


def expiry(redis: Redis, registry: str, job_id: str) -> float:
    score = redis.zscore(registry, job_id)
    assert score is not None
    return float(score)


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
    """I13: to the millisecond, rounded up."""
    worker = horse()
    for number in range(5):
        put(redis, str(number), retries_left=1, retry_intervals='[1]')
        answer = worker.ask(room=0, outcomes=[worker.outcome(worker.one(), 'X')])
        due = expiry(redis, keys.scheduled('default'), str(number))
        assert 1 <= due - answer.now_us / 1e6 < 1.1


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
