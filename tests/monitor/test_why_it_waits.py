"""What holds a job that waits: each reason in a situation that is made for real, with real workers where there is one."""

from __future__ import annotations

import os
import re
import time
from datetime import timedelta

import pytest
from redis import Redis

from rq import Queue, RateLimit, Retry, signing
from rq.job import Dependency, Job
from rq.monitor.why import Why
from rq.store import admin, keys
from tests.monitor.conftest import Ask, until
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import WorkerMaker

# --- no worker, or not yet its turn -----------------------------------------------------------------------------------


def test_a_queue_without_a_worker_says_so_and_who_listens_to_what(
    queue: Queue, ask: Ask, worker: WorkerMaker, redis: Redis
) -> None:
    low = Queue('low', connection=redis)
    low.enqueue(jobs.say)
    job = low.enqueue(jobs.say, ttl=300)
    assert ask(job.id) == Why(
        'No live worker listens on queue `low` (no worker is alive at all): start one by `rq worker low`; it is number 2 of '
        '2 in line.', 'no-worker', 'fault', (('its ttl drops it in', '5 m'),),
    )  # fmt: skip
    worker('default', 'mail', '--name', 'w1')
    wait_for(lambda: '`w1` on `default` and `mail`' in ask(job.id).sentence, 15, lambda: ask(job.id).sentence)


def test_a_worker_that_died_is_not_one_that_listens(queue: Queue, ask: Ask, lasting: WorkerMaker, redis: Redis) -> None:
    process = lasting('default', '--name', 'w1')
    process.wait_for_output('Listening on')
    job = queue.enqueue(jobs.sleep, 60)
    until(ask, job.id, 'running')
    for child in process.children():
        child.kill()
    process.kill()
    redis.delete(keys.lease('w1'))  # 30 s have passed
    found = ask(job.id)
    assert (found.kind, found.level) == ('worker-died-alone', 'fault')
    assert 'worker `w1` gives no sign of life, and no other live worker listens on queue `default`' in found.sentence
    waiting = queue.enqueue(jobs.say)
    assert 'no worker is alive at all; 1 worker that did has died' in ask(waiting.id).sentence
    lasting('default', '--name', 'w2').wait_for_output('Listening on')
    assert ask(job.id).kind == 'worker-died'
    assert ask(job.id).sentence.endswith('another worker of queue `default` takes it within 40 s (1 worker listens).')
    redis.flushall()


def test_who_is_next_in_line_hears_which_jobs_keep_the_workers_busy(
    queue: Queue, ask: Ask, lasting: WorkerMaker, redis: Redis
) -> None:
    long = queue.enqueue(jobs.sleep, 60, job_id='long', job_timeout=90)
    process = lasting('default', '--name', 'w1')
    running = until(ask, 'long', 'running')
    assert running.sentence.startswith('Runs for ')
    assert (
        f'worker `w1` ({os.uname().nodename}, process {process.pid}), which is alive; its timeout ends it in 1 m '
        in running.sentence
    )
    wait_for(lambda: redis.hget(keys.worker('w1'), 'current_job'), 10)
    first, second = queue.enqueue(jobs.say), queue.enqueue(jobs.say)
    found = until(ask, first.id, 'all-busy')
    assert (found.level, found.jobs) == ('waits', ('long',))
    assert (
        'next in line of queue `default`, on which 1 worker listens, and all are busy: `w1` with `long`'
        in found.sentence
    )
    assert ask(second.id).sentence.startswith(
        'It is number 2 of 2 in line of queue `default`, on which 1 worker listens'
    )
    long.cancel()
    assert until(ask, 'long', 'canceled-runs').sentence.startswith('Canceled ')


def test_queues_that_its_workers_serve_first_are_named(
    queue: Queue, ask: Ask, lasting: WorkerMaker, redis: Redis
) -> None:
    high = Queue('high', connection=redis)
    high.enqueue(jobs.sleep, 60, job_id='long')
    job = queue.enqueue(jobs.say)
    lasting('high', 'default', '--name', 'w1')
    until(ask, 'long', 'running')
    high.enqueue(jobs.say)
    found = ask(job.id)
    assert found.kind == 'other-queues-first'
    assert found.sentence.startswith(
        'Its workers serve `high` first, where 1 job waits; then it is next in line of queue `default`'
    )


def test_when_it_starts_is_told_by_what_jobs_have_taken(
    queue: Queue, ask: Ask, lasting: WorkerMaker, redis: Redis
) -> None:
    for _ in range(4):
        queue.enqueue(jobs.sleep, 0.2)
    queue.enqueue(jobs.sleep, 60, job_id='long')
    lasting('default', '--name', 'w1')
    until(ask, 'long', 'running')
    wait_for(lambda: redis.hget(keys.worker('w1'), 'successful_job_count') == b'4', 10)
    ids = [queue.enqueue(jobs.say, ttl=1000).id for _ in range(100)]
    assert re.search('; as fast as that queue is now, it starts in about 2[0-9] s.$', ask(ids[-1]).sentence), ask(
        ids[-1]
    )
    now = int(time.time())
    for minute in (2, 3):  # as the worker has counted: 3,000 a minute began
        redis.hset(keys.stats('queues', f'60-{now // 60 * 60 - minute * 60}'), '=default', '3000 3000 0 0 0 0 1 1')
    assert ask(ids[-1]).sentence.endswith('; as fast as that queue is now, it starts in about 2.0 s.')
    redis.delete(*redis.keys(keys.stats('queues', '60-*')))
    dropped = queue.enqueue(jobs.say, ttl=5)
    assert ' s, but its `ttl` drops it in ' in ask(dropped.id).sentence


def test_a_place_in_the_middle_of_a_long_queue_is_told_as_far_as_it_is_known(
    queue: Queue, ask: Ask, redis: Redis
) -> None:
    job = queue.enqueue(jobs.say)
    fill = "for i = 1, 100 do local t = {} for j = 1, 600 do t[j] = 'x' .. i .. '-' .. j end redis.call(ARGV[1], KEYS[1], unpack(t)) end"
    redis.eval(fill, 1, keys.queue('default'), 'LPUSH')
    assert 'it is number 60,001 of 60,001 in line' in ask(job.id).sentence  # from the end
    redis.eval(fill, 1, keys.queue('default'), 'RPUSH')
    assert 'it is somewhere in the middle of 120,001 in line, with more than 50,000 before it' in ask(job.id).sentence
    redis.flushall()


def test_suspension_names_its_end(queue: Queue, ask: Ask, redis: Redis) -> None:
    job = queue.enqueue(jobs.say)
    admin.suspend(redis)
    found = ask(job.id)
    assert found.sentence == 'All workers are suspended: no job is taken until `rq resume`; it is next in line.'
    assert (found.kind, found.level) == ('suspended', 'waits')
    admin.suspend(redis, 100)
    assert '(in 1 m 40 s) or `rq resume`; it is next in line.' in ask(job.id).sentence
    admin.resume(redis)
    admin.suspend(redis, None, 'default')
    assert ask(job.id).kind == 'queue-suspended'
    assert ask(job.id).sentence.startswith(
        'Queue `default` is suspended: no job is taken until somebody resumes the queue'
    )


def test_a_job_that_will_fail_when_its_turn_comes_says_so(
    queue: Queue, ask: Ask, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = queue.enqueue('no_such_module.function')
    assert ask(job.id).facts == ()
    redis.zadd(keys.error_groups(), {'a' * 12: time.time() - 180})
    failure = {'count': 3, 'first': time.time() - 200, 'last': time.time() - 180, 'type': 'ModuleNotFoundError'}
    redis.hset(keys.error_group('a' * 12), mapping={**failure, 'functions': 'x.y\nno_such_module.function',
        'message': "No module named 'no_such_module'"})  # fmt: skip
    assert ask(job.id).sentence.endswith(
        "It may fail then: 3 m ago a worker could not import its function (`No module named 'no_such_module'`); put its "
        'module on their path and start them anew.'
    )
    monkeypatch.setattr(signing, 'active', signing.Signing(signing.Keys([('k1', 's' * 40)]), 'require'))
    unsigned = Job.create(jobs.say, connection=redis, id='unsigned', origin='default')
    queue.enqueue_job(unsigned)
    redis.hdel(keys.job('unsigned'), 'sig')
    assert 'It will fail then: it is not signed, and its queue takes signed jobs only' in ask('unsigned').sentence
    redis.hdel(keys.job(job.id), 'data')
    assert 'It will fail then: its hash has no call' in ask(job.id).sentence
    redis.flushall()


# --- its time ---------------------------------------------------------------------------------------------------------


def test_a_scheduled_job_is_due_and_needs_a_worker(queue: Queue, ask: Ask, worker: WorkerMaker, redis: Redis) -> None:
    job = queue.enqueue_in(timedelta(minutes=3), jobs.say)
    found = ask(job.id)
    assert (found.kind, found.level) == ('due-unserved', 'fault')
    assert found.sentence.startswith('It is due in 3 m (')
    assert found.sentence.endswith(
        'but no live worker listens on queue `default` to move it: start one by `rq worker default`.'
    )
    redis.zadd(keys.scheduled('default'), {job.id: time.time() - 60})
    assert ask(job.id).sentence.startswith('It was due 1 m ago, and no live worker listens on queue `default`')
    redis.zadd(keys.scheduled('default'), {job.id: time.time() + 180})
    worker('--name', 'w1')
    assert until(ask, job.id, 'due').sentence.endswith('; then it goes to queue `default` (1 worker listens).')
    job.cancel()


def test_a_retry_is_told_by_its_number(queue: Queue, ask: Ask, burst: WorkerMaker, worker: WorkerMaker) -> None:
    job = queue.enqueue(jobs.fail, retry=Retry(max=3, interval=100))
    burst('--name', 'w1')
    assert ask(job.id).sentence.startswith('Its next try (attempt 2 of 4) is due in 1 m ')
    worker('--name', 'w2')
    assert until(ask, job.id, 'retry').level == 'waits'
    job.cancel()


# --- other jobs -------------------------------------------------------------------------------------------------------


def test_a_chain_is_followed_to_the_job_on_which_all_hangs(
    queue: Queue, ask: Ask, burst: WorkerMaker, redis: Redis
) -> None:
    queue.enqueue(jobs.fail, 'no flour', job_id='mill')
    queue.enqueue(jobs.say, job_id='bake', depends_on='mill')
    queue.enqueue(jobs.say, job_id='sell', depends_on='bake')
    queue.enqueue(jobs.say, job_id='eat', depends_on=Dependency(['sell', 'bake']))
    assert ask('bake').sentence == 'It waits for job `mill`, which is queued: see `rq why mill`.'
    burst('--name', 'w1')
    assert ask('bake').sentence.startswith('It waits for job `mill`, which failed ')
    assert ' ago with `ValueError: no flour`: `rq requeue mill`, or press Enqueue now' in ask('bake').sentence
    found = ask('eat')
    assert (found.kind, found.level, found.jobs[-1]) == ('waits-for-failed', 'fault', 'mill')
    assert found.sentence.startswith('It waits for job `bake` (and 1 other), which waits for `mill`, which failed ')
    redis.delete(keys.job('mill'))
    found = ask('sell')
    assert found.kind == 'waits-for-missing'
    assert 'which is not there any more: no live worker listens on queue `default` to notice' in found.sentence
    redis.flushall()


def test_a_job_that_waits_for_a_canceled_or_a_running_one_says_so(
    queue: Queue, ask: Ask, lasting: WorkerMaker, redis: Redis
) -> None:
    first = queue.enqueue(jobs.sleep, 60, job_id='first')
    queue.enqueue(jobs.say, job_id='second', depends_on=first)
    lasting('--name', 'w1')
    assert until(ask, 'second', 'waits-for-running').sentence.startswith(
        'It waits for job `first`, which runs on worker `w1` since '
    )
    third = queue.enqueue_in(timedelta(hours=1), jobs.say, job_id='third')
    queue.enqueue(jobs.say, job_id='fourth', depends_on=third)
    assert ask('fourth').kind == 'waits-for-scheduled'
    third.cancel()
    found = ask('fourth')
    assert (found.kind, found.level) == ('waits-for-canceled', 'fault')
    assert 'which was canceled: enqueue that one anew, or press Enqueue now on the page of this one' in found.sentence


def test_a_long_chain_and_a_circle_cost_no_more_than_six_round_trips(
    queue: Queue, ask: Ask, redis: Redis, redis_url: str
) -> None:
    for number in range(12):
        queue.enqueue(jobs.say, job_id=f'n{number}', depends_on=f'n{number - 1}' if number else None)
    found = ask('n11')
    assert found.jobs == ('n10', 'n9', 'n8', 'n7')
    assert found.sentence.endswith('which waits through others for `n7`, which is deferred: see `rq why n7`.')
    redis.sadd(keys.dependencies('n9'), 'n11')
    redis.srem(keys.dependencies('n9'), 'n8')
    assert ask('n11').jobs == ('n10', 'n9', 'n11')
    redis.flushall()


# --- rate limits ------------------------------------------------------------------------------------------------------


def test_who_holds_the_slot_is_named(queue: Queue, ask: Ask, redis: Redis) -> None:
    limit = RateLimit('mail', concurrency=1)
    first, second, third = (queue.enqueue(jobs.say, rate_limit=limit, job_id=f'j{number}') for number in range(3))
    assert ask(first.id).kind == 'no-worker'
    found = ask(second.id)
    assert (found.kind, found.jobs) == ('rate-limited', ('j0',))
    assert found.sentence.startswith(
        'It waits, as the next one, for one of 1 slot of rate limit `mail`, held by job `j0` for '
    )
    assert found.sentence.endswith(', which is queued itself: see `rq why j0`.')
    assert 'It waits, after 1 other, for' in ask(third.id).sentence
    redis.delete(keys.job('j0'))
    found = ask(second.id)
    assert found.kind == 'limit-held-for-nothing'
    assert 'which is not there any more and holds it for nothing: no live worker listens' in found.sentence
    redis.delete(keys.limit_waiters('mail'))
    assert ask(second.id).kind == 'not-among-waiters'
    redis.flushall()


def test_a_number_of_slots_that_nobody_means_is_not_read(queue: Queue, ask: Ask, redis: Redis) -> None:
    limit = RateLimit('mail', concurrency=1)
    _, second = (queue.enqueue(jobs.say, rate_limit=limit, job_id=f'j{number}') for number in range(2))
    redis.hset(keys.limit('mail'), 'concurrency', '9' * 5_000)
    assert ask(second.id).kind == 'rate-limited'
    redis.flushall()
