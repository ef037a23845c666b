"""The steps of the benchmark that the short run leaves out: each has its row, and its tools do what they say."""

from __future__ import annotations

import os
import re

from redis import Redis

from bench.measure.floor_loops import run_loops
from bench.measure.scale import plant
from bench.measure.starting import pss_bytes
from bench.metrics import METRICS, SHARED
from bench.profile import profile_worker, report
from bench.server import Server, running_server
from bench.steps import CORE, FULL, QUICK, Step, of, steps
from bench.systems import OURS, RQ
from rq import Queue
from tests.domain.work import give


def every_step() -> list[Step]:
    return steps(Server('redis://nowhere', ''), FULL, lambda system, kind: 1)


def test_every_row_has_a_step_and_every_step_a_row_or_is_a_floor() -> None:
    names = {step.name for step in every_step()}
    assert {metric.step for metric in METRICS} == names - {'loops'}
    assert set(CORE) < names
    assert {step.name for step in every_step() if step.ours_only} == {
        'loops',
        *(m.step for m in METRICS if m.ours_only),
    }


def test_a_bound_by_a_floor_refers_to_one_that_is_measured() -> None:
    floors = {'floor.storing_per_s', 'loops.two_per_s'}
    assert {m.aimed.of for m in METRICS if m.aimed and m.aimed.of not in (None, 'rq')} == floors
    assert SHARED not in ('ours', 'rq')


def test_of_a_pair_each_system_has_its_own() -> None:
    assert (of(OURS, (1, 2)), of(RQ, (1, 2))) == (1, 2)
    assert FULL.large.counts == {'queued': 1_000_000, 'scheduled': 100_000, 'failed': 100_000}
    assert QUICK.large.counts['queued'] < 100_000


def test_a_bare_loop_finishes_every_job_with_its_result(redis: Redis, redis_url: str) -> None:
    queue = Queue('default', connection=redis)
    for loops, ahead in ((1, False), (2, True)):
        redis.flushall()
        jobs = queue.enqueue_many([Queue.prepare_data(give)] * 300)
        told = run_loops(Server(redis_url, ''), loops, ahead)
        assert sum(one['jobs'] for one in told) == 300
        assert queue.finished_job_registry.count == 300
        assert jobs[-1].return_value() == 42
        assert redis.zcard('rq:wip:default') == 0
        assert redis.smembers('rq:workers') == set()


def test_a_bare_loop_may_end_early_and_gives_up_nothing(redis: Redis, redis_url: str) -> None:
    queue = Queue('default', connection=redis)
    queue.enqueue_many([Queue.prepare_data(give)] * 300)
    (told,) = run_loops(Server(redis_url, ''), 1, ahead=True, most=100)
    assert told['jobs'] == 128  # two packs
    assert (queue.finished_job_registry.count, queue.count) == (128, 172)


def test_a_crowd_is_made_of_real_jobs_in_their_homes(redis: Redis) -> None:
    queue = Queue('default', connection=redis)
    queue.enqueue(give, 7)
    for kind in ('queued', 'scheduled', 'failed'):
        plant(redis, kind, 20)
    assert (queue.count, queue.scheduled_job_registry.count, queue.failed_job_registry.count) == (21, 20, 20)
    assert [job.args for job in queue.jobs] == [(7,)] * 21
    assert {job.get_status().value for job in queue.jobs} == {'queued'}


def test_the_profile_of_a_worker_is_of_its_jobs_alone(redis: Redis, redis_url: str) -> None:
    stats = profile_worker(Server(redis_url, ''), 100)
    calls = {name: figures[1] for (_, _, name), figures in stats.stats.items()}  # type: ignore[attr-defined]
    assert calls['noop'] == 100
    first, *rows = report(stats, 100).splitlines()
    assert re.fullmatch(r' *[\d.]+ us +[\d.]+ calls a job, in all', first)
    assert any(' 1.0 calls  rq/worker/' in row for row in rows)


def test_a_server_may_keep_a_file() -> None:
    with running_server(aof=True) as server, server.connect() as redis:
        assert redis.config_get('append*') | {'appendonly': 'yes', 'appendfsync': 'everysec'} == redis.config_get(
            'append*'
        )
    with running_server() as server, server.connect() as redis:
        assert redis.config_get('appendonly') == {'appendonly': 'no'}


def test_the_memory_of_a_process_is_its_share() -> None:
    assert 5e6 < pss_bytes(os.getpid()) < 2e9
