"""What functions cost, read from counters."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from redis import Redis

from rq.durations import index
from rq.monitor import functions
from rq.store import stats
from rq.store.stats import HEAVY, SLOW, Batch


def record(redis: Redis, name: str, times: list[float], failures: int = 0, **other: Any) -> None:
    at = int(other.get('at', stats.server_time(redis)))
    histogram: dict[int, int] = {}
    for seconds in times:
        place = index(round(seconds * 1e6))
        histogram[place] = histogram.get(place, 0) + 1
    flat = [part for item in histogram.items() for part in item]
    run = round(sum(times) * 1e6)
    row = [at, name, len(times), failures, run, run, run // 2, other.get('peak', 0), flat, flat]
    queue = [at, 'q', len(times), len(times), 0, 0, 0, 0, run, run]
    tops = [[at, SLOW, name, round(max(times) * 1e6), f'{name}-slow'], [at, HEAVY, name, 2048, f'{name}-heavy']]
    stats.record(redis, f'{name}{other}', 1, Batch([queue], [row], tops))


@pytest.mark.parametrize('span', functions.SPANS)
def test_functions_are_listed_by_what_they_cost(redis: Redis, span: str) -> None:
    record(redis, 'cheap', [0.001] * 4, failures=1)
    record(redis, 'dear', [1.0] * 98 + [5.0] * 2, peak=4096)
    found = functions.listing(redis, span)
    dear, cheap = found.functions
    assert (dear.name, dear.runs, dear.failures, dear.peak_bytes) == ('dear', 100, 0, 4096 * 1024)
    assert (cheap.name, cheap.runs, cheap.failure_rate, cheap.peak_bytes) == ('cheap', 4, 0.25, None)
    assert dear.cost_share == pytest.approx(1.0, abs=0.001) and dear.cpu_share == pytest.approx(0.5)
    assert dear.mean == pytest.approx(1.08) and dear.p50 == pytest.approx(1.0, rel=0.125)
    assert dear.p99 == pytest.approx(5.0, rel=0.125) and dear.wait_p95 == pytest.approx(1.0, rel=0.125)
    assert found.run_seconds == pytest.approx(108.004)


@pytest.mark.parametrize('span', functions.SPANS)
def test_one_function_is_shown_over_time_with_its_histogram_and_its_extreme_runs(redis: Redis, span: str) -> None:
    record(redis, 'f', [0.001] * 10 + [1.0])
    record(redis, 'g', [1.01])
    found = functions.one(redis, 'f', span)
    assert found is not None
    assert sum(found.moments.runs) == 11 and len(found.moments.runs) == len(found.moments.times)
    assert sum(found.run_histogram) == 11 and len(found.edges) == len(found.run_histogram) + 1
    assert found.edges[0] <= 0.001 and found.edges[-1] > 1.0
    assert [sum(moment) for moment in found.moments.heat] == list(found.moments.runs)
    assert [run.job_id for run in found.slowest] == ['f-slow'] and found.slowest[0].value == pytest.approx(1.0)
    assert [run.value for run in found.heaviest] == [2048 * 1024]
    assert found.function.cost_share == pytest.approx(0.5)
    json.dumps(dataclasses.asdict(found), default=str)


def test_a_function_that_did_not_run_is_not_found(redis: Redis) -> None:
    assert functions.one(redis, 'f') is None and functions.listing(redis).functions == ()


def test_reading_writes_nothing_and_takes_few_round_trips(redis: Redis) -> None:
    record(redis, 'f', [0.1])
    redis.config_resetstat()
    functions.listing(redis), functions.one(redis, 'f')
    told = redis.info('commandstats')
    assert {name.removeprefix('cmdstat_') for name in told} <= {'time', 'hgetall', 'hmget', 'info', 'config|resetstat'}


def test_a_page_of_the_list_has_percentiles_and_the_rest_has_sums(redis: Redis) -> None:
    for name, seconds in (('a', 3.0), ('b', 2.0), ('c', 1.0)):
        record(redis, name, [seconds])
    found = functions.listing(redis, '24h', shown=slice(1, 2)).functions
    assert [(one.name, one.p50 is not None, one.runs) for one in found] == [
        ('a', False, 1),
        ('b', True, 1),
        ('c', False, 1),
    ]


@pytest.mark.parametrize('sort', functions.SORTS)
def test_the_list_goes_by_what_is_asked_for(redis: Redis, sort: str) -> None:
    record(redis, 'low', [0.1])
    record(redis, 'high', [0.2, 0.2], failures=1, peak=10)
    assert [one.name for one in functions.listing(redis, '24h', sort=sort).functions] == ['high', 'low']
