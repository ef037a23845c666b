"""finish_and_claim as a numbered request: sent again, late, out of order; and release_pack, which takes one back."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import claim, keys
from rq.store import worker as workers
from tests.store.conftest import HorseMaker
from tests.store.hands import age, ids, put, put_many, status, waiting
from tests.support.keyspace import difference, snapshot


def test_a_request_sent_again_claims_nothing_more_and_answers_its_jobs_again(redis: Redis, horse: HorseMaker) -> None:
    """I6; experiment W: a lost reply of a claim lost the jobs."""
    put_many(redis, 'abcd')
    worker = horse()
    request = worker.request(room=2)
    first = worker.again(request)
    before = snapshot(redis)
    second = worker.again(request)
    assert difference(before, snapshot(redis)) == {}
    assert (first.code, second.code) == (b'OK', b'SAME')
    assert ids(first) == ids(second) == ['a', 'b']
    assert [job.execution for job in first.jobs] == [job.execution for job in second.jobs]
    assert [job.hash[b'data'] for job in first.jobs] == [job.hash[b'data'] for job in second.jobs]


def test_a_request_sent_again_answers_what_became_of_its_outcomes_the_first_time(
    redis: Redis, horse: HorseMaker
) -> None:
    put_many(redis, 'abc')
    redis.hset(keys.job('b'), 'retries_left', 1)
    worker = horse()
    pack = worker.ask().jobs
    claim.release(redis, [worker.lease(pack[2])])
    request = worker.request(
        room=0, outcomes=[worker.outcome(job, kind) for job, kind in zip(pack, 'FXF', strict=True)]
    )
    first = worker.again(request)
    assert first.became == [b'FINISHED', b'QUEUED', b'STALE']
    before = snapshot(redis)
    for _ in range(2):
        assert worker.again(request).became == first.became
    assert difference(before, snapshot(redis)) == {}


def test_a_retry_that_was_claimed_by_its_own_request_is_not_settled_twice(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a', retries_left=2)
    worker = horse()
    request = worker.request(outcomes=[worker.outcome(worker.one(), 'X')])
    first, second = worker.again(request), worker.again(request)
    assert first.became == second.became == [b'QUEUED']
    assert ids(first) == ids(second) == ['a']
    assert redis.hget(keys.job('a'), 'retries_left') == b'1'


def test_an_older_request_is_refused_and_does_nothing(redis: Redis, horse: HorseMaker) -> None:
    """A delayed first copy, after its second was answered and the next one too, would strand its jobs."""
    put_many(redis, 'abc')
    worker = horse()
    first = worker.request(room=1)
    worker.again(first)
    worker.ask(room=1)
    before = snapshot(redis)
    answer = worker.again(first)
    assert (answer.code, answer.jobs, answer.became) == (b'OLD', [], [])
    assert difference(before, snapshot(redis)) == {}
    assert waiting(redis) == ['c']


def test_whoever_is_refused_is_told_a_number_that_is_accepted(redis: Redis, horse: HorseMaker) -> None:
    """Even if the clock of the server went back by a year, a new horse does not stay refused."""
    put(redis, 'a')
    worker = horse()
    ahead = worker.seq + 31_536_000_000_000
    worker.ask(room=0, seq=ahead)
    answer = worker.ask(seq=worker.seq - 1_000_000)
    assert answer.code == b'OLD'
    assert answer.now_us == ahead
    assert ids(worker.ask(seq=answer.now_us + 1)) == ['a']


def test_a_new_worker_of_the_same_name_starts_past_the_last_number(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    ahead = worker.seq + 31_536_000_000_000
    worker.ask(room=0, seq=ahead)
    workers.retire(redis, 'w1', worker.incarnation, ['default'])
    assert horse(incarnation='b' * 16).seq == ahead


def test_a_copy_that_arrives_after_the_worker_retired_claims_nothing(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()
    request = worker.request()
    worker.again(request)
    workers.retire(redis, 'w1', worker.incarnation, ['default'])
    put(redis, 'a')
    assert worker.again(request).jobs == []
    assert waiting(redis) == ['a']


def test_only_jobs_that_are_still_leased_are_answered_again(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abc')
    worker = horse()
    request = worker.request()
    pack = worker.again(request).jobs
    claim.release(redis, [worker.lease(pack[0])])
    claim.finish(redis, 'w1', [worker.outcome(pack[2])])
    assert ids(worker.again(request)) == ['b']


def test_requests_of_two_workers_know_nothing_of_each_other(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'ab')
    one, two = horse('w1'), horse('w2')
    two.seq = one.seq
    assert (ids(one.ask(room=1)), ids(two.ask(room=1))) == (['a'], ['b'])


def test_the_record_of_a_request_expires(redis: Redis, horse: HorseMaker) -> None:
    horse().ask()
    assert 595 < redis.ttl(keys.pack('w1')) <= 600


# --- release_pack -----------------------------------------------------------------------------------------------------


def test_release_pack_gives_back_a_pack_that_was_never_taken_up(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abcd')
    worker = horse()
    worker.ask(room=3)
    assert claim.release_pack(redis, 'w1', worker.seq) == 3
    assert waiting(redis) == ['a', 'b', 'c', 'd']
    assert status(redis, 'a') == 'queued'


def test_release_pack_of_several_queues_gives_each_its_own_back(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, ['x1', 'x2', 'x3'], 'x')
    put_many(redis, ['y1', 'y2'], 'y')
    worker = horse(queues=['x', 'y'])
    worker.ask()
    assert claim.release_pack(redis, 'w1', worker.seq) == 5
    assert (waiting(redis, 'x'), waiting(redis, 'y')) == (['x1', 'x2', 'x3'], ['y1', 'y2'])


def test_release_pack_sent_twice_gives_back_once(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'ab')
    worker = horse()
    worker.ask()
    assert claim.release_pack(redis, 'w1', worker.seq) == 2
    other = horse('w2')
    other.ask()
    before = snapshot(redis)
    assert claim.release_pack(redis, 'w1', worker.seq) == 0
    assert difference(before, snapshot(redis)) == {}


def test_release_pack_leaves_alone_what_has_ended(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'abc')
    worker = horse()
    pack = worker.ask().jobs
    claim.finish(redis, 'w1', [worker.outcome(pack[1])])
    assert claim.release_pack(redis, 'w1', worker.seq) == 2
    assert waiting(redis) == ['a', 'c']


def test_a_request_that_arrives_after_it_was_given_back_claims_nothing_but_settles(
    redis: Redis, horse: HorseMaker
) -> None:
    put_many(redis, 'ab')
    worker = horse()
    job = worker.one(room=1)
    request = worker.request(outcomes=[worker.outcome(job)])
    assert claim.release_pack(redis, 'w1', worker.seq) == 0
    answer = worker.again(request)
    assert (answer.code, answer.jobs, answer.became) == (b'SAME', [], [b'FINISHED'])
    assert waiting(redis) == ['b']
    assert worker.again(request).became == [b'FINISHED']  # and its answer is remembered


def test_release_pack_of_an_older_request_does_nothing(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'ab')
    worker = horse()
    worker.ask(room=1)
    worker.ask(room=1)
    before = snapshot(redis)
    assert claim.release_pack(redis, 'w1', worker.seq - 1) == 0
    assert difference(before, snapshot(redis)) == {}


@pytest.mark.parametrize('number', [1_795_425_000_000_000, 2**52])
def test_numbers_are_kept_to_the_last_digit(redis: Redis, horse: HorseMaker, number: int) -> None:
    worker = horse()
    for seq, code in [(number, b'OK'), (number, b'SAME'), (number + 1, b'OK'), (number, b'OLD')]:
        assert worker.ask(seq=seq).code == code
    assert redis.hget(keys.pack('w1'), 'seq') == b'%d' % (number + 1)


def test_jobs_answered_again_after_an_outage_have_fresh_leases(redis: Redis, horse: HorseMaker) -> None:
    """Their worker knew nothing of them and did not renew them: they would be taken for abandoned while they run."""
    put_many(redis, 'ab')
    worker = horse()
    request = worker.request()
    worker.again(request)
    age(redis, 80)
    assert ids(worker.again(request)) == ['a', 'b']
    now = redis.time()[0]
    assert all(score >= now + 85 for _, score in redis.zrange(keys.wip('default'), 0, -1, withscores=True))
