"""The wake-up rules (design.md, "Wake-up"), nudge, and suspension: one token a queue at most, and never none too long."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import admin, claim, enqueue, keys
from rq.store import job as jobs
from rq.store import queue as queues
from rq.store import worker as workers
from tests.store.conftest import HorseMaker
from tests.store.hands import (
    TRACEBACK,
    age,
    all_keys,
    fields,
    ids,
    put,
    put_many,
    sent_twice_is_sent_once,
    tokens,
    waiting,
)
from tests.support.keyspace import difference, snapshot

# --- (1) Every script that puts a job in a queue pushes a token if there is none --------------------------------------


def test_every_way_into_a_queue_leaves_one_token(redis: Redis, horse: HorseMaker) -> None:
    worker = horse()

    def token_of(what: str) -> None:
        assert (what, tokens(redis)) == (what, 1)
        assert 55 < redis.ttl(keys.wake('default')) <= 60
        redis.delete(keys.wake('default'))

    put(redis, 'a')
    token_of('enqueue')
    put_many(redis, 'bc')
    token_of('enqueue_many')
    redis.hset(keys.job('d'), mapping=fields(status='scheduled'))
    redis.zadd(keys.scheduled('default'), {'d': 1})
    enqueue.promote_due(redis, ['default'])
    token_of('promote_due')
    job = worker.one(room=1)
    redis.delete(keys.wake('default'))
    claim.release(redis, [worker.lease(job)])
    token_of('release')
    worker.ask(room=1)
    redis.delete(keys.wake('default'))
    claim.release_pack(redis, 'w1', worker.seq)
    token_of('release_pack')
    job = worker.one(room=1)
    redis.delete(keys.wake('default'))
    redis.hset(keys.job('a'), 'retries_left', 1)
    claim.finish(redis, 'w1', [worker.outcome(job, 'X')])
    token_of('finish')
    job = worker.one(room=1)
    claim.finish(redis, 'w1', [worker.outcome(job, 'X')])
    redis.delete(keys.wake('default'))
    jobs.requeue(redis, 'default', [job.id.decode()])
    token_of('requeue')
    worker.ask(room=1)
    redis.delete(keys.wake('default'), keys.lease('w1'))
    age(redis, 30)
    workers.reap(redis, 'default', TRACEBACK)
    token_of('reap')


def test_there_is_never_more_than_one_token(redis: Redis) -> None:
    for number in range(20):
        put(redis, str(number))
        put_many(redis, [f'{number}-{more}' for more in range(3)])
    assert tokens(redis) == 1


def test_what_puts_nothing_in_a_queue_leaves_no_token(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    worker = horse()
    job = worker.one()
    claim.finish(redis, 'w1', [worker.outcome(job)])
    claim.release(redis, [worker.lease(job)])
    jobs.requeue(redis, 'default', ['a'])
    enqueue.promote_due(redis, ['default'])
    workers.reap(redis, 'default', TRACEBACK)
    put(redis, 'a', call='other', push=False, status='created')
    assert tokens(redis) == 0


# --- (3) A claim leaves a token where jobs are left, and none where the queue is empty --------------------------------


def test_a_bulk_push_wakes_one_after_the_other_until_nothing_is_left(redis: Redis, horse: HorseMaker) -> None:
    """Without the chain the others sleep while jobs wait."""
    put_many(redis, map(str, range(5)))
    worked = []
    for number in range(10):
        if redis.blpop([keys.wake('default')], timeout=0.01) is None:
            break
        worker = horse(f'w{number}')
        worked += ids(worker.ask(room=1, token=b'default'))
        assert tokens(redis) == (1 if waiting(redis) else 0)
    assert worked == ['0', '1', '2', '3', '4']


def test_a_claim_that_empties_the_queue_takes_the_token_away(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'ab')
    horse().ask()
    assert tokens(redis) == 0


def test_a_claim_that_finds_a_queue_empty_takes_the_token_away(redis: Redis, horse: HorseMaker) -> None:
    redis.rpush(keys.wake('default'), '1')
    redis.expire(keys.wake('default'), 60)
    assert horse().ask().jobs == []
    assert tokens(redis) == 0


def test_the_queue_of_the_token_is_looked_after_though_nothing_was_taken_there(redis: Redis, horse: HorseMaker) -> None:
    """The worker woke for `low`, found work on `high`, and must not keep the token of `low` to itself."""
    put_many(redis, map(str, range(64)), 'high')
    put(redis, 'x', 'low')
    redis.delete(keys.wake('low'))
    worker = horse(queues=['high', 'low'])
    answer = worker.ask(token=b'low')
    assert {job.queue for job in answer.jobs} == {0}
    assert (tokens(redis, 'high'), tokens(redis, 'low')) == (0, 1)


def test_a_token_of_an_empty_queue_that_is_not_claimed_from_is_not_left_behind(redis: Redis, horse: HorseMaker) -> None:
    redis.rpush(keys.wake('low'), '1')
    redis.expire(keys.wake('low'), 60)
    horse().ask(token=b'low')
    assert tokens(redis, 'low') == 0


def test_jobs_left_by_the_room_of_a_pack_leave_a_token_and_queues_not_looked_at_keep_theirs(
    redis: Redis, horse: HorseMaker
) -> None:
    put_many(redis, map(str, range(10)), 'high')
    put(redis, 'x', 'low')
    horse(queues=['high', 'low']).ask(room=5)
    assert (tokens(redis, 'high'), tokens(redis, 'low')) == (1, 1)


def test_ids_without_a_hash_leave_a_token_while_there_are_more(redis: Redis, horse: HorseMaker) -> None:
    redis.rpush(keys.queue('default'), *map(str, range(1500)))
    worker = horse()
    worker.ask()
    assert tokens(redis) == 1
    worker.ask()
    assert tokens(redis) == 0


def test_a_request_that_only_reports_leaves_the_markers_as_they_are(redis: Redis, horse: HorseMaker) -> None:
    put_many(redis, 'ab')
    worker = horse()
    job = worker.one(room=1)
    redis.delete(keys.wake('default'))
    worker.ask(room=0, outcomes=[worker.outcome(job)])
    assert tokens(redis) == 0


def test_a_push_wakes_exactly_one_of_many_who_wait(redis: Redis, redis_url: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from tests.support.waiting import wait_for

    def sleep() -> bool:
        with Redis.from_url(redis_url) as client:
            return client.blpop([keys.wake('default'), keys.wake('other')], timeout=1) is not None

    with ThreadPoolExecutor(20) as pool:
        woken = [pool.submit(sleep) for _ in range(20)]
        wait_for(lambda: redis.info('clients')['blocked_clients'] == 20)
        put(redis, 'a')
        assert sum(one.result() for one in woken) == 1


# --- (4) The nudge ----------------------------------------------------------------------------------------------------


def nudge(redis: Redis, who: str = 'w1', names: tuple[str, ...] = ('default',), leaving: bool = False) -> int:
    return workers.nudge(redis, who, names, 2000, leaving)


def test_a_nudge_wakes_for_what_another_rq_pushed(redis: Redis, disorder: None) -> None:
    redis.rpush(keys.queue('default'), 'a')
    redis.rpush(keys.queue('known'), 'b')
    redis.sadd(keys.queues(), keys.queue('known'), keys.queue('empty'))
    assert nudge(redis) == 0
    assert [tokens(redis, name) for name in ('default', 'known', 'empty')] == [1, 1, 0]
    assert 0 < redis.pttl(keys.nudge()) <= 2000


def test_a_second_nudge_leaves_the_tokens_as_they_are(redis: Redis) -> None:
    put(redis, 'a')
    assert sent_twice_is_sent_once(redis, lambda: nudge(redis)) == (0, 0)


def test_one_nudges_and_the_others_learn_when_to_ask_again(redis: Redis) -> None:
    assert nudge(redis) == 0
    redis.pexpire(keys.nudge(), 700)
    put(redis, 'a')
    redis.delete(keys.wake('default'))
    before = snapshot(redis)
    assert 0 < nudge(redis, 'w2') <= 700
    assert difference(before, snapshot(redis)) == {}
    assert nudge(redis) == 0
    assert redis.get(keys.nudge()) == b'w1'


def test_the_right_to_nudge_without_an_end_is_taken_over(redis: Redis) -> None:
    redis.set(keys.nudge(), 'dead')
    assert nudge(redis, 'w2') == 0
    assert redis.get(keys.nudge()) == b'w2'


@pytest.mark.parametrize('holder', ['w1', 'w2'])
def test_who_leaves_passes_tokens_on_and_gives_up_its_own_right_only(redis: Redis, holder: str) -> None:
    nudge(redis, holder)
    put(redis, 'a')
    redis.delete(keys.wake('default'))
    assert nudge(redis, 'w1', leaving=True) == 0
    assert tokens(redis) == 1
    assert redis.exists(keys.nudge()) == (holder != 'w1')


def test_a_list_of_a_wrong_type_stops_no_other_nudge(redis: Redis, disorder: None) -> None:
    redis.set(keys.queue('broken'), 'not mine')
    redis.rpush(keys.queue('default'), 'a')
    assert nudge(redis, names=('broken', 'default')) == 0
    assert tokens(redis) == 1


def test_two_thousand_known_queues_are_not_looked_at_at_once(redis: Redis) -> None:
    redis.sadd(keys.queues(), *(keys.queue(str(number)) for number in range(2000)))
    put(redis, 'a')
    redis.delete(keys.wake('default'))
    calls = redis.info('commandstats')['cmdstat_llen']['calls']
    assert nudge(redis) == 0
    assert redis.info('commandstats')['cmdstat_llen']['calls'] - calls <= 1001
    assert tokens(redis) == 1


# --- Suspension -------------------------------------------------------------------------------------------------------


def test_suspended_is_suspended_until_it_is_resumed(either: Redis, redis: Redis) -> None:
    assert not admin.is_suspended(either)
    admin.suspend(either)
    assert admin.is_suspended(either)
    assert not admin.is_suspended(either, 'default')
    assert admin.resume(either) is True
    assert admin.resume(either) is False
    assert all_keys(redis) == []


def test_a_suspension_may_end_by_itself(redis: Redis) -> None:
    admin.suspend(redis, 60)
    admin.suspend(redis, 60, queue='default')
    assert redis.ttl(keys.suspended()) > 50
    assert redis.ttl(keys.suspended_queue('default')) > 50
    assert redis.get(keys.suspended()) == b'1'  # RQ looks for the key only


def test_resuming_wakes_for_what_waits(redis: Redis) -> None:
    admin.suspend(redis, queue='default')
    put(redis, 'a')
    redis.sadd(keys.queues(), keys.queue('empty'))
    redis.delete(keys.wake('default'))
    assert admin.resume(redis, 'default')
    assert (tokens(redis), tokens(redis, 'empty')) == (1, 0)


def test_resuming_a_queue_that_nobody_knows_wakes_for_what_waits_there(redis: Redis, disorder: None) -> None:
    redis.rpush(keys.queue('default'), 'a')
    admin.suspend(redis, queue='default')
    admin.resume(redis, 'default')
    assert tokens(redis) == 1


def test_a_token_of_a_suspended_queue_is_passed_on(redis: Redis, horse: HorseMaker) -> None:
    put(redis, 'a')
    admin.suspend(redis, queue='default')
    worker = horse()
    redis.blpop([keys.wake('default')], timeout=1)
    assert worker.ask(token=b'default').suspended == [b'default']
    assert tokens(redis) == 1


def test_emptying_a_queue_leaves_at_most_one_token_that_ends(redis: Redis) -> None:
    put_many(redis, 'abc')
    assert queues.empty(redis, 'default') == 3
    assert tokens(redis) <= 1
