"""finish_inline: jobs that ran in their caller's process."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import claim
from rq.store import job as jobs
from tests.store.hands import (
    FORTYTWO,
    put,
    sent_twice_is_sent_once,
    status,
    waiting,
)  # fmt: skip
from tests.support.keyspace import difference, snapshot


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
    assert jobs.cancel(redis, 'a')[0] == b'CANCELED'
    assert inline(redis, 'a') in {b'KEPT', b'STALE'}
    assert status(redis, 'a') == 'canceled'
