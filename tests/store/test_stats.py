"""Counters in buckets of time: the scripts `record` and `sample_waiting`, and what reads them."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from rq.store import errors, keys, stats
from rq.store.stats import ALL, HEAVY, OTHER, SLOW, Batch, FunctionCounts, QueueCounts
from tests.support.keyspace import snapshot


@pytest.fixture
def now(redis: Redis) -> float:
    """Redis time."""
    return stats.server_time(redis)


def queue_row(at: float, name: str = 'q', *counts: int) -> list[Any]:
    return [int(at), name, *(counts or (2, 1, 1, 0, 0, 0, 3_000_000, 500_000))]


def function_row(at: float, name: str = 'f', peak: int = 0, runs: int = 2) -> list[Any]:
    return [int(at), name, runs, 1, 3_000_000, 500_000, 250_000, peak, [80, runs], [3, 1, 70, runs - 1]]


def error_row(at: float, fingerprint: str = 'ab' * 6, **other: Any) -> list[Any]:
    row = {
        'first': at, 'last': at, 'count': 1, 'type': 'ValueError', 'message': 'no', 'place': 'a.py f',
        'traceback': 'Traceback ...', 'version': '1', 'functions': ['f'], 'jobs': ['job', at],
    }  # fmt: skip
    return [fingerprint, *{**row, **other}.values()]


def latest(redis: Redis, step: int, name: str, now: float) -> QueueCounts | None:
    [row] = stats.queues(redis, step, stats.buckets(now, step, 0), [name])
    return row.get(name)


def test_what_a_queue_did_is_in_the_buckets_of_all_four_steps_and_in_the_sum_of_all(redis: Redis, now: float) -> None:
    assert stats.record(redis, 'w', 1, Batch(queues=[queue_row(now), queue_row(now, 'other')]))
    assert stats.record(redis, 'w', 2, Batch(queues=[queue_row(now)]))
    for step in stats.STEPS:
        assert latest(redis, step, 'q', now) == QueueCounts(4, 2, 2, 0, 0, 0, 6_000_000, 1_000_000)
        assert latest(redis, step, ALL, now) == QueueCounts(6, 3, 3, 0, 0, 0, 9_000_000, 1_500_000)


def test_a_batch_that_is_sent_again_is_counted_once(redis: Redis, now: float) -> None:
    batch = Batch([queue_row(now)], [function_row(now)], [[int(now), SLOW, 'f', 5, 'job']], [error_row(now)])
    assert stats.record(redis, 'w', 7, batch)
    before = {name: key.value for name, key in snapshot(redis).items()}
    assert not stats.record(redis, 'w', 7, batch)
    assert not stats.record(redis, 'w', 6, batch)
    assert {name: key.value for name, key in snapshot(redis).items()} == before
    assert stats.record(redis, 'another', 7, batch)
    found = latest(redis, 60, 'q', now)
    assert found is not None and found.started == 4


def test_every_key_of_the_counters_expires(redis: Redis, now: float) -> None:
    batch = Batch([queue_row(now)], [function_row(now)], [[int(now), SLOW, 'f', 5, 'job']], [error_row(now)])
    stats.record(redis, 'w', 1, batch)
    stats.mark_deploy(redis, '1.0')
    redis.sadd(keys.queues(), keys.queue('q'))
    redis.rpush(keys.queue('q'), 'a')
    stats.sample_waiting(redis)
    redis.delete(keys.queues(), keys.queue('q'))
    found = snapshot(redis)
    assert len(found) > 15
    assert [name for name, key in found.items() if key.ttl is None] == []


def test_what_is_told_late_goes_where_it_belongs_and_what_is_over_nowhere(redis: Redis, now: float) -> None:
    old = now - 3 * 3600
    stats.record(redis, 'w', 1, Batch(queues=[queue_row(old)]))
    assert not redis.exists(keys.stats('queues', f'60-{int(old // 60) * 60}'))
    [row] = stats.queues(redis, 600, [int(old // 600) * 600], ['q'])
    assert row['q'].started == 2
    stats.record(redis, 'w', 2, Batch(queues=[queue_row(now + 86400, 'future')]))
    assert latest(redis, 60, 'future', stats.server_time(redis)) is not None


def test_a_bucket_has_room_for_a_thousand_queues_and_the_others_are_counted_together(redis: Redis, now: float) -> None:
    for first in range(0, 10_000, 500):
        rows = [queue_row(now, f'q{number}', 1, 1, 0, 0, 0, 0, 10, 10) for number in range(first, first + 500)]
        stats.record(redis, 'w', first + 1, Batch(queues=rows))
    for step in stats.STEPS:
        assert redis.hlen(keys.stats('queues', f'{step}-{int(now // step) * step}')) <= 1003
    [row] = stats.queues(redis, 3600, stats.buckets(now, 3600, 0), [ALL, OTHER, 'q1', 'q9999'])
    assert row[ALL].started == 10_000 and row['q1'].started == 1 and 'q9999' not in row
    assert row[OTHER].started == pytest.approx(9_000, abs=2)


def test_a_bucket_has_room_for_five_hundred_functions(redis: Redis, now: float) -> None:
    for first in range(0, 10_000, 500):
        rows = [function_row(now, f'f{number}') for number in range(first, first + 500)]
        tops = [[int(now), SLOW, f'f{number}', 5, 'job'] for number in range(first, first + 500)]
        stats.record(redis, 'w', first + 1, Batch(functions=rows, tops=tops))
    [row] = stats.functions(redis, 600, stats.buckets(now, 600, 0))
    assert len(row) <= 502
    assert sum(counts.runs for counts in row.values()) == 20_000
    assert redis.hlen(keys.stats(SLOW, f'3600-{int(now // 3600) * 3600}')) <= 502
    assert len(stats.tops(redis, SLOW, 3600, stats.buckets(now, 3600, 0), OTHER)) == 10


def test_what_functions_did_is_added_up_with_histograms_and_the_highest_memory(redis: Redis, now: float) -> None:
    stats.record(redis, 'w', 1, Batch(functions=[function_row(now, peak=900), function_row(now, peak=100)]))
    stats.record(redis, 'w', 2, Batch(functions=[function_row(now, runs=5)]))
    [found] = stats.one_function(redis, 60, stats.buckets(now, 60, 0), 'f')
    assert found == FunctionCounts(9, 3, 9_000_000, 1_500_000, 750_000, 900, {80: 9}, {3: 3, 70: 6})
    assert stats.one_function(redis, 60, stats.buckets(now, 60, 0), 'unknown') == [FunctionCounts()]


def test_the_ten_highest_executions_of_a_function_are_kept(redis: Redis, now: float) -> None:
    tops = [[int(now), kind, 'f', value * 7 % 30, f'job{value}'] for value in range(30) for kind in (SLOW, HEAVY)]
    stats.record(redis, 'w', 1, Batch(tops=tops[:20]))
    stats.record(redis, 'w', 2, Batch(tops=tops[20:]))
    for kind in (SLOW, HEAVY):
        found = stats.tops(redis, kind, 3600, stats.buckets(now, 3600, 0), 'f')
        assert [one.value for one in found] == list(range(29, 19, -1))
        assert all(int(one.job_id[3:]) * 7 % 30 == one.value for one in found)


@pytest.mark.parametrize(
    'name', ['a' * 100_000, '=', '*', '~', 'a b;c', 'zeile\neins', '<script>', '\ud800', 'é' * 300, '']
)
def test_any_name_can_be_counted_by(redis: Redis, now: float, name: str) -> None:
    name = stats.clean_name(name)
    tops = [[int(now), SLOW, name, 5, 'job']]
    stats.record(redis, 'w', 1, Batch([queue_row(now, name)], [function_row(now, name)], tops))
    [row] = stats.functions(redis, 60, stats.buckets(now, 60, 0))
    assert list(row) == [name] and len(name) <= 200
    if name not in (ALL, OTHER):
        assert stats.tops(redis, SLOW, 3600, stats.buckets(now, 3600, 0), name)


def test_long_names_stay_apart(redis: Redis) -> None:
    assert stats.clean_name('a' * 300 + 'b') != stats.clean_name('a' * 300 + 'c')


def test_how_many_wait_is_sampled_with_the_last_and_the_highest_number(redis: Redis, now: float) -> None:
    for name, count in (('a', 3), ('b', 5), ('empty', 0)):
        redis.sadd(keys.queues(), keys.queue(name))
        for number in range(count):
            redis.rpush(keys.queue(name), number)
    assert stats.sample_waiting(redis) == 8
    redis.delete(keys.queue('a'))
    assert stats.sample_waiting(redis) == 5
    [row] = stats.waiting(redis, 3600, stats.buckets(now, 3600, 0), ['a', 'b', 'empty', 'unknown'])
    assert row == {'a': (0, 3), 'b': (5, 5), 'empty': (0, 0), 'unknown': (0, 0), ALL: (5, 8)}
    assert stats.waiting(redis, 3600, [0], ['a']) == [{}]
    redis.delete(keys.queues(), keys.queue('b'))


def test_samples_of_ten_thousand_queues_that_come_and_go_are_bounded(redis: Redis, now: float, disorder: None) -> None:
    for first in range(0, 10_000, 1_000):
        redis.delete(keys.queues())
        pipeline = redis.pipeline(transaction=False)
        for number in range(first, first + 1_000):
            pipeline.sadd(keys.queues(), keys.queue(f'q{number}'))
            pipeline.rpush(keys.queue(f'q{number}'), 'a')
        pipeline.execute()
        stats.sample_waiting(redis)
    assert redis.hlen(keys.stats('waiting', f'86400-{int(now // 86400) * 86400}')) <= 1001


def test_a_queue_of_a_wrong_type_costs_only_itself(redis: Redis, disorder: None) -> None:
    redis.sadd(keys.queues(), keys.queue('a'), keys.queue('b'))
    redis.set(keys.queue('a'), 'no list')
    redis.rpush(keys.queue('b'), 'x')
    assert stats.sample_waiting(redis) == 1


def test_versions_are_marked_when_they_are_seen_first(redis: Redis, now: float) -> None:
    stats.mark_deploy(redis, '1')
    [first] = stats.deploys(redis, now - 1)
    stats.mark_deploy(redis, '1')
    stats.mark_deploy(redis, '2')
    assert [one.version for one in stats.deploys(redis, now - 1)] == ['1', '2']
    assert stats.deploys(redis, now - 1)[0] == first
    for number in range(150):
        stats.mark_deploy(redis, f'v{number}')
    assert redis.zcard(keys.deploys()) == 100


def test_failures_of_a_kind_are_one_group_with_its_jobs(redis: Redis, now: float) -> None:
    stats.record(redis, 'w', 1, Batch(errors=[error_row(now - 5, jobs=['a', now - 5])]))
    more = error_row(now, count=2, version='2', functions=['g', 'f'], jobs=['b', now, 'c', now], message='another')
    stats.record(redis, 'w', 2, Batch(errors=[more]))
    found = errors.fetch(redis, 'ab' * 6)
    assert found is not None
    group, traceback = found
    assert (group.total, group.version, group.last_version, group.functions) == (3, '1', '2', ('f', 'g'))
    assert (group.message, traceback, group.muted) == ('no', 'Traceback ...', False)
    assert group.first == pytest.approx(now - 5, abs=0.01) and group.last == pytest.approx(now, abs=0.01)
    assert [job for job, _ in errors.jobs(redis, 'ab' * 6, 0, 10)] == ['c', 'b', 'a']
    assert errors.job_count(redis, 'ab' * 6) == 3
    assert errors.counts(redis, ['ab' * 6, 'none'], now, 60, 3600)[0][-2:] in ([0, 3], [1, 2])
    assert errors.fetch(redis, 'none') is None and errors.fetch_many(redis, ['none']) == [None]


def test_the_sample_of_a_group_is_renewed_once_a_minute_at_most(redis: Redis, now: float) -> None:
    for number, (at, text) in enumerate([(now - 70, 'first'), (now - 20, 'second'), (now, 'third')]):
        stats.record(redis, 'w', number + 1, Batch(errors=[error_row(at, message=text)]))
    found = errors.fetch(redis, 'ab' * 6)
    assert found is not None and found[0].message == 'first'
    stats.record(redis, 'w', 9, Batch(errors=[error_row(now + 61, message='late')]))
    found = errors.fetch(redis, 'ab' * 6)
    assert found is not None and found[0].message == 'late'


def test_a_group_keeps_its_newest_ten_thousand_jobs(redis: Redis, now: float) -> None:
    for batch in range(1, 13):
        ids = [part for number in range(1_000) for part in (f'{batch}-{number}', now + batch)]
        stats.record(redis, 'w', batch, Batch(errors=[error_row(now, count=1_000, jobs=ids)]))
    assert errors.job_count(redis, 'ab' * 6) == 10_000
    assert errors.jobs(redis, 'ab' * 6, 9_999, 1)[0][0].startswith('3-')


def test_there_are_a_thousand_groups_at_most_and_the_oldest_goes(redis: Redis, now: float) -> None:
    for number in range(1_010):
        row = error_row(now + number, f'{number:012x}')
        stats.record(redis, 'w', number + 1, Batch(errors=[row]))
    assert errors.count(redis) == 1_000
    assert errors.fetch(redis, f'{0:012x}') is None and errors.job_count(redis, f'{0:012x}') == 0
    assert errors.fingerprints(redis, 0, 2) == [f'{1009:012x}', f'{1008:012x}']


def test_a_group_can_be_muted_and_heard_again(redis: Redis, now: float) -> None:
    stats.record(redis, 'w', 1, Batch(errors=[error_row(now)]))
    for muted in (True, False):
        assert errors.mute(redis, 'ab' * 6, muted)
        found = errors.fetch(redis, 'ab' * 6)
        assert found is not None and found[0].muted is muted
    assert not errors.mute(redis, 'none', True)
    assert not redis.exists(keys.error_group('none'))


def test_a_full_server_refuses_a_batch_whole_and_it_can_be_sent_later(redis: Redis, now: float) -> None:
    from redis.exceptions import OutOfMemoryError

    redis.config_set('maxmemory', 1)
    try:
        with pytest.raises(OutOfMemoryError):
            stats.record(redis, 'w', 1, Batch(queues=[queue_row(now)]))
    finally:
        redis.config_set('maxmemory', 0)
    assert redis.keys() == []
    assert stats.record(redis, 'w', 1, Batch(queues=[queue_row(now)]))


@pytest.mark.parametrize('garbage', [b'', b'x', b'1', b';', b'1 2;3;4', b'\xff;\xff;\xff', b'9' * 400 + b' 1 z'])
def test_what_others_have_written_breaks_neither_readers_nor_writers(redis: Redis, now: float, garbage: bytes) -> None:
    kinds = ('queues', 'functions', 'waiting', SLOW, HEAVY, 'errors')
    for kind in kinds:
        for step in stats.STEPS:
            key = keys.stats(kind, f'{step}-{int(now // step) * step}')
            redis.hset(key, mapping={ALL: garbage, '=f': garbage, '=q': garbage})
            redis.expire(key, 100)
    starts = stats.buckets(now, 60, 120)
    stats.queues(redis, 60, starts, [ALL, 'q'])
    stats.waiting(redis, 60, starts, ['q'])
    stats.functions(redis, 60, starts)
    stats.one_function(redis, 60, starts, 'f')
    stats.tops(redis, SLOW, 3600, stats.buckets(now, 3600, 0), 'f')
    batch = Batch([queue_row(now)], [function_row(now)], [[int(now), SLOW, 'f', 5, 'job']])
    assert stats.record(redis, 'w', 1, batch)
    assert stats.one_function(redis, 60, [int(now // 60) * 60], 'f')[0].runs >= 2
