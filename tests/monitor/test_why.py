"""What became of a job that waits no more, what contradicts itself, and what every answer is like: safe to print, and cheap."""

from __future__ import annotations

import re
import signal
from datetime import timedelta

from redis import Redis

from rq import Queue, RateLimit
from rq.job import Job
from rq.monitor.why import why
from rq.store import keys
from tests.monitor.conftest import Ask, OnlyReads, until
from tests.support.proxy import Proxy
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import WorkerMaker

# --- ends -------------------------------------------------------------------------------------------------------------


def test_every_end_is_told_with_when_where_and_what_to_do(
    queue: Queue, ask: Ask, burst: WorkerMaker, redis: Redis
) -> None:
    good = queue.enqueue(jobs.say)
    bad = queue.enqueue(jobs.fail, 'out of hay')
    lost = queue.enqueue('no_such_module.function')
    killed = queue.enqueue(jobs.die, signal.SIGKILL)
    gone = queue.enqueue(jobs.say, result_ttl=0)
    burst('--name', 'w1')
    found = ask(good.id)
    assert (found.kind, found.level) == ('finished', 'ok')
    assert found.sentence.startswith('Finished ')
    assert re.search(' on worker `w1`; its result is kept for 8 m (20|1[0-9]) s more.$', found.sentence)
    found = ask(bad.id)
    assert (found.kind, found.level) == ('failed', 'fault')
    assert found.sentence.endswith(
        f' on worker `w1` with `ValueError: out of hay`: mend the cause, then `rq requeue {bad.id}`.'
    )
    found = ask(lost.id)
    assert found.kind == 'import'
    assert "(No module named 'no_such_module')`: the workers cannot import its function" in found.sentence
    assert 'waitpid returned 9 (signal 9, SIGKILL)' in ask(killed.id).sentence
    assert ask(gone.id).kind == 'deleted-at-end'
    bad.cancel()
    assert ask(
        bad.id
    ).sentence == 'Canceled 0 ms ago: nobody will run it; enqueue it anew if it is wanted after all.' or (
        ask(bad.id).kind == 'canceled'
    )
    queue.push_job_id(good.id)
    found = ask(good.id)
    assert (found.kind, found.odd) == ('ended-and-queued', True)
    assert (
        'Its status is finished, yet its id stands in queue `default`, so a worker will run it once more'
        in found.sentence
    )
    redis.flushall()


def test_a_stopped_job_says_so(queue: Queue, ask: Ask, worker: WorkerMaker, redis: Redis) -> None:
    from rq.command import send_stop_job_command

    job = queue.enqueue(jobs.sleep, 60)
    worker('--name', 'w1')
    wait_for(lambda: redis.hget(keys.worker('w1'), 'current_job'), 10)  # it listens by then
    send_stop_job_command(redis, job.id)
    assert until(ask, job.id, 'stopped').sentence.endswith(f': if that was wrong, `rq requeue {job.id}`.')


def test_what_is_not_signed_where_it_must_be_is_told(queue: Queue, ask: Ask, burst: WorkerMaker) -> None:
    job = queue.enqueue(jobs.say)
    burst('--name', 'w1', env={'RQ_SIGNING_KEYS': f'k1:{"s" * 40}', 'RQ_SIGNING': 'require'})
    found = ask(job.id)
    assert found.kind == 'signature'
    assert 'it is not signed`: sign it by giving its producer the key that the workers have' in found.sentence


def test_there_is_no_such_job(queue: Queue, ask: Ask, redis: Redis) -> None:
    assert ask('nothing').kind == 'no-job'
    queue.enqueue(jobs.say, job_id='there')
    assert ask('rq:job:there').sentence == 'There is no job of this id; there is `there`: is that meant?'
    assert ask(' There ').sentence.endswith('there is `there`: is that meant?')
    queue.enqueue(jobs.say, job_id='late', ttl=1)
    wait_for(lambda: not redis.exists(keys.job('late')), 5)
    found = ask('late')
    assert found.kind == 'expired'
    assert found.sentence.startswith(
        'It expired while it waited in queue `default`: its `ttl` was over before a worker came'
    )
    redis.set(keys.job('other'), 'what')
    assert ask('other').sentence.startswith('Its key holds a `string` and no job')
    redis.flushall()


# --- what contradicts itself (I1) -------------------------------------------------------------------------------------


def test_every_status_without_its_home_is_told_and_mended_by_what_is_said(
    queue: Queue, ask: Ask, redis: Redis, disorder: None
) -> None:
    job = queue.enqueue(jobs.say, job_id='odd')
    cases = {
        'queued': 'not-on-list', 'started': 'no-lease', 'scheduled': 'not-scheduled', 'deferred': 'not-deferred',
        'rate_limited': 'not-among-waiters', 'ready_to_enqueue': 'ready', 'created': 'created', 'eaten': 'unknown-status',
    }  # fmt: skip
    for status, kind in cases.items():
        redis.hset(keys.job('odd'), 'status', status)
        redis.delete(keys.queue('default'))
        found = ask('odd')
        assert (found.kind, found.level) == (kind, 'fault')
        assert "Queue('default').enqueue_job(Job.fetch('odd'))" in found.sentence or status == 'eaten'
        if status not in ('eaten', 'created', 'ready_to_enqueue'):
            assert '`rq doctor`' in found.sentence
        queue.enqueue_job(Job.fetch(job.id, redis))
        assert ask('odd').kind == 'no-worker', status
    redis.rpush(keys.queue('default'), 'odd')
    redis.hset(keys.job('odd'), 'status', 'started')
    assert ask('odd').kind == 'started-and-queued'


def test_names_from_redis_steer_no_terminal_and_are_typed_as_a_shell_wants_them(
    ask: Ask, redis: Redis, disorder: None
) -> None:
    wild = Queue('\x1b[31m red `; rm -rf $HOME', connection=redis)
    for number, name in enumerate(('\x1b]0;a', "it's", '-rf', 'x' * 3000)):
        redis.hset(
            keys.job(name), mapping={'status': 'failed', 'created_at': '2026-11-24T00:00:00Z', 'origin': wild.name}
        )
        wild.enqueue(jobs.say, job_id=f'j{number}')
        redis.hset(keys.job(f'j{number}'), 'status', 'deferred')
        redis.zadd(keys.deferred(wild.name), {f'j{number}': 1})
        redis.sadd(keys.dependencies(f'j{number}'), name)
        for found in (ask(name), ask(f'j{number}')):
            assert found.sentence.isprintable()
    assert "`rq requeue 'it'\"'\"'s'`" in ask('j1').sentence
    assert '`rq requeue -- -rf`' in ask('j2').sentence
    waiting = wild.enqueue(jobs.say)
    assert "start one by `rq worker '\\x1b[31m red `; rm -rf $HOME'`" in ask(waiting.id).sentence
    redis.flushall()


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_no_question_writes_or_takes_more_than_six_round_trips(
    queue: Queue, redis: Redis, redis_url: str, proxied: Redis, proxy: Proxy, only_reads: OnlyReads
) -> None:
    limit = RateLimit('mail', concurrency=1)
    for number in range(12):
        queue.enqueue(jobs.say, job_id=f'n{number}', depends_on=f'n{number - 1}' if number else None)
    queue.enqueue(jobs.say, rate_limit=limit, job_id='l0')
    queue.enqueue(jobs.say, rate_limit=limit, job_id='l1')
    queue.enqueue_in(timedelta(hours=1), jobs.say, job_id='later')
    queue.enqueue(jobs.say, job_id='lost')
    redis.lrem(keys.queue('default'), 0, 'lost')
    with only_reads():
        for job_id in ('n0', 'n1', 'n11', 'l0', 'l1', 'later', 'lost', 'none'):
            proxied.ping()
            proxy.reset()
            why(proxied, job_id)
            assert proxy.round_trips <= 6, job_id
    redis.flushall()
