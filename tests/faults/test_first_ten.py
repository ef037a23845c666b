"""The first ten tests of the plan (what RQ 3.0.0 fails at), those that are nowhere else: `test_ten_02`, `03`, `06`, `07` and `10`
are in test_lost_replies.py, test_outage.py, test_matrix_server.py and test_killed_supervisor.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry as Retrying

from rq import Queue
from rq.store import keys
from rq.store.script import Script
from tests.faults import jobs
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger
from tests.faults.test_points import Run
from tests.support.faults import drop_reply, drop_request
from tests.support.invariants import violations
from tests.support.proxy import Proxy
from tests.support.waiting import wait_for

Measure = Callable[[str, str], None]


@pytest.mark.parametrize('point', ['after.claim.send', 'after.claim.reply', 'after.board', 'before.begin'])
def test_ten_01_who_dies_around_the_claim_of_a_job_of_three_queues_loses_none(
    redis: Redis, armed_herd: Herd, tmp_path: Path, point: str
) -> None:
    """A and B: with two queues and more, RQ lost what died between the pop and the start, and between lease and start."""
    run = Run(redis, armed_herd, tmp_path, point, 'kill', 3)
    try:
        run.go()
        run.check()
    finally:
        armed_herd.end()
    assert run.work.lost() == set(), 'it had not begun: it runs'


@pytest.mark.parametrize('timeout', ['soon', '', '1e9999', '\x00', '-7'])
def test_ten_04_a_hash_with_a_bad_timeout_fails_alone(redis: Redis, herd: Herd, ledger: Ledger, timeout: str) -> None:
    """E: RQ's worker quit; with two queues the job was lost, and the good ones waited for a restart."""
    queues = [Queue(name, connection=redis) for name in ('a', 'b')]
    bad = queues[0].enqueue(jobs.note, 0)
    redis.hset(keys.job(bad.id), 'timeout', timeout)
    good = [queues[number % 2].enqueue(jobs.note, number) for number in range(1, 11)]
    member = herd.start('a', 'b')
    wait_for(lambda: all(job.get_status(refresh=True) == 'finished' for job in good), 10, herd.process.report)
    assert bad.get_status(refresh=True) in {'failed', 'finished'}
    assert member.status is None


@pytest.mark.parametrize('action', [drop_reply(), drop_request()], ids=['reply', 'request'])
@pytest.mark.parametrize('tries', [0, 2])
def test_ten_05_a_requeue_that_is_cut_leaves_its_job_where_it_was_or_where_it_goes(
    redis: Redis, redis_url: str, herd: Herd, ledger: Ledger, action: object, tries: int
) -> None:
    """G: RQ's job had left the failed ones and was on no queue."""
    queue = Queue(connection=redis)
    job = queue.enqueue(jobs.fails, 0)
    herd.start(work={'burst': True}).wait()
    assert job.get_status() == 'failed'
    redis.script_load(Script('requeue').text)  # else the first request is only told that there is no script
    with Proxy(redis_url) as proxy, Redis.from_url(proxy.url, retry=Retrying(NoBackoff(), tries)) as client:
        registry = Queue(connection=client).failed_job_registry
        client.ping()
        rule = proxy.on('EVALSHA EVAL', action)  # type: ignore[arg-type]
        if tries:
            registry.requeue(job.id)  # a repetition is answered as the first request was
        else:
            with pytest.raises(RedisConnectionError):
                registry.requeue(job.id)
        assert rule.wait()
    assert violations(redis) == [], 'it is in one place'
    arrived = tries or action == drop_reply()
    assert job.get_status() == ('queued' if arrived else 'failed')
    herd.start(work={'burst': True}).wait()
    assert ledger.begun() == [0] * (2 if arrived else 1)


def test_ten_08_an_id_that_is_twice_on_its_list_runs_once(redis: Redis, herd: Herd, ledger: Ledger) -> None:
    """U: two of RQ's workers ran it."""
    queue = Queue(connection=redis)
    for number in range(3):
        herd.start(worker={'name': f'w{number}'}).horse()
    wait_for(lambda: redis.info('clients')['blocked_clients'] == 3)
    for number in range(2):
        job = queue.enqueue(jobs.note, number, 1.5)  # pushes like these are found within half a second
        redis.rpush(keys.queue('default'), job.id, job.id)
        wait_for(lambda: not redis.llen(keys.queue('default')), 5)
        wait_for(lambda job=job: job.get_status() == 'finished', 5)  # type: ignore[misc]
    assert ledger.begun() == [0, 1]
    wait_for(lambda: 'running already' in herd.process.output, 2)


def test_ten_09_no_job_outlives_its_timeout_by_swallowing_it_or_by_sitting_in_c_code(
    redis: Redis, herd: Herd, ledger: Ledger
) -> None:
    """J: `except Exception` made a success of RQ's timeout, and C code ran for a minute more."""
    member = herd.start(settings={'HARD_GRACE': 0.5})
    queue = Queue(connection=redis)
    began = time.monotonic()
    swallows = queue.enqueue(jobs.swallows, 0, job_timeout=1)
    in_c = queue.enqueue(jobs.deaf, 1, job_timeout=1)
    after = queue.enqueue(jobs.note, 2)
    wait_for(lambda: after.get_status(refresh=True) == 'finished', 10, herd.process.report)
    seconds = time.monotonic() - began
    assert [job.get_status(refresh=True) for job in (swallows, in_c)] == ['failed', 'failed']
    assert ledger.begun() == [0, 1, 2]
    assert member.status is None
    assert seconds < 8, 'two timeouts of 1 s and one grace of 0.5 s'
