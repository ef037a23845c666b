"""What a job costs, counted and not timed: round trips, commands, function calls."""

from __future__ import annotations

from pathlib import Path

from redis import Redis

from rq import Queue
from tests.faults import jobs
from tests.faults.herd import Herd
from tests.support.proxy import Proxy


def fill(redis: Redis, count: int) -> None:
    Queue(connection=redis).enqueue_many([Queue.prepare_data(jobs.noop, (number,)) for number in range(count)])


def test_a_job_of_a_full_queue_costs_a_twentieth_of_a_round_trip(redis: Redis, redis_url: str, herd: Herd) -> None:
    count = 4_000
    fill(redis, count)
    redis.config_resetstat()
    with Proxy(redis_url) as proxy:
        herd.start(url=proxy.url, work={'burst': True}, level='ERROR').wait(60)
        round_trips = proxy.round_trips / count
    commands = sum(stats['calls'] for stats in redis.info('commandstats').values()) / count
    print(f'{round_trips:.3f} round trips and {commands:.1f} commands a job')
    assert round_trips < 0.05, 'promised: 0.2'
    assert commands < 15
    assert redis.zcard('rq:finished:default') == count


def test_a_job_costs_few_function_calls(redis: Redis, herd: Herd, tmp_path: Path) -> None:
    counts = []
    for count in (1_000, 3_000):
        fill(redis, count)
        herd.start(work={'burst': True}, level='ERROR', count_calls=str(tmp_path / 'calls')).wait(60)
        counts.append(int((tmp_path / 'calls').read_text()))
    calls = (counts[1] - counts[0]) / 2_000
    print(f'{calls:.1f} function calls a job')
    assert calls < 110
