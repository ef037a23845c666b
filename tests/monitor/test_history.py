"""Rates and durations over time, read from counters."""

from __future__ import annotations

import dataclasses
import json

import pytest
from redis import Redis

from rq.monitor import history
from rq.store import keys, stats
from rq.store.stats import ALL, Batch


def record(redis: Redis, at: float, name: str = 'q', done: int = 3, failed: int = 1) -> None:
    row = [int(at), name, done + failed, done, failed, 0, 0, 0, 4_000_000, 2_000_000]
    stats.record(redis, f'{name}{at}', 1, Batch(queues=[row]))


def wait(redis: Redis, at: float, length: int, name: str = 'q') -> None:
    for step in (60, 600, 3600, 86400):
        for field in (ALL, f'={name}'):
            redis.hset(keys.stats('waiting', f'{step}-{int(at // step) * step}'), field, f'{length} {length}')


@pytest.mark.parametrize(('span', 'points'), [('1h', 61), ('24h', 145), ('7d', 169), ('90d', 91)])
def test_a_series_has_a_value_for_every_step_of_its_span(redis: Redis, span: str, points: int) -> None:
    now = stats.server_time(redis)
    record(redis, now)
    found = history.series(redis, span, 'q')
    assert len(found.times) == points and {len(getattr(found, name)) for name in ('done', 'waiting', 'enqueued')} == {
        points
    }
    assert (sum(found.done), sum(found.failed), sum(found.started)) == (3, 1, 4)
    assert (sum(found.run_seconds), sum(found.wait_seconds), found.ended) == (4.0, 2.0, 4)
    assert history.series(redis, span).done == found.done
    json.dumps(dataclasses.asdict(found))


def test_what_came_in_is_what_started_and_what_waits_more_than_before(redis: Redis) -> None:
    now = stats.server_time(redis)
    for minutes, length in ((3, 10), (2, 15), (1, 0)):
        wait(redis, now - 60 * minutes, length)
    record(redis, now - 120)
    record(redis, now - 60, done=15)
    found = history.series(redis, '1h', 'q')
    assert found.waiting[-4:] == (10, 15, 0, None)
    assert found.enqueued[-4:] == (None, 4 + 5, 1, None)


def test_rates_are_of_the_last_minutes(redis: Redis) -> None:
    now = stats.server_time(redis)
    record(redis, now - 60, done=600, failed=6)
    record(redis, now - 1800, done=10_000)
    found = history.rates(redis, ['q', 'none', ALL])
    assert 600 / 361 < found['q'].done < 600 / 299 and 6 / 361 < found['q'].failed < 6 / 299
    assert found['q'].mean_run == pytest.approx(4 / 606) and found['q'].mean_wait == pytest.approx(2 / 606)
    assert found['none'] == history.Rates() and found[ALL] == found['q']


def test_what_comes_in_a_second_is_told_by_samples(redis: Redis) -> None:
    now = stats.server_time(redis)
    wait(redis, now - 120, 100)
    wait(redis, now - 60, 160)
    assert history.rates(redis, ['q'])['q'].enqueued == pytest.approx(1.0)


def test_a_small_chart_has_a_value_a_minute(redis: Redis) -> None:
    record(redis, stats.server_time(redis))
    found = history.spark(redis, ['q', 'none'], 30)
    assert len(found['q']) == 31 and sum(found['q']) == 4 and sum(found['none']) == 0


def test_versions_that_were_seen_first_in_the_span_are_marks(redis: Redis) -> None:
    stats.mark_deploy(redis, '1.2')
    [mark] = history.deploys(redis, '1h')
    assert mark.version == '1.2' and mark.time == pytest.approx(stats.server_time(redis), abs=5)
    redis.zadd(keys.deploys(), {'1.2': mark.time - 7200})
    assert history.deploys(redis, '1h') == () and len(history.deploys(redis, '24h')) == 1


def test_another_span_is_refused(redis: Redis) -> None:
    with pytest.raises(KeyError):
        history.series(redis, '2h')
