"""Failures by kind, read from counters."""

from __future__ import annotations

import dataclasses
import json

import pytest
from redis import Redis

from rq.monitor import errors
from rq.store import stats
from rq.store.stats import Batch


def fail(redis: Redis, fingerprint: str, at: float, count: int = 1, kind: str = 'ValueError') -> None:
    row = [fingerprint, at, at, count, kind, 'no', 'a.py f', 'Traceback', '1', ['f'], [f'job-{fingerprint}', at]]
    stats.record(redis, f'{fingerprint}{at}', 1, Batch(errors=[row]))


@pytest.mark.parametrize('span', errors.SPANS)
def test_groups_are_listed_by_their_last_failure_with_counts_over_time(redis: Redis, span: str) -> None:
    now = stats.server_time(redis)
    fail(redis, 'a' * 12, now - 5, 2)
    fail(redis, 'b' * 12, now, 3, kind='')
    found = errors.groups(redis, span)
    assert found.total == 2
    assert [(group.fingerprint[0], group.count, group.recent) for group in found.groups] == [('b', 3, 3), ('a', 2, 2)]
    assert [group.title for group in found.groups] == ['no', 'ValueError']
    assert all(sum(group.spark) == group.recent for group in found.groups)
    assert [group.fingerprint[0] for group in errors.groups(redis, span, 1, 1).groups] == ['a']


def test_a_group_has_its_traceback_its_counts_and_a_page_of_its_jobs(redis: Redis) -> None:
    now = stats.server_time(redis)
    fail(redis, 'a' * 12, now, 2)
    found = errors.group(redis, 'a' * 12, '7d')
    assert found is not None
    assert (found.traceback, found.job_total, sum(found.counts)) == ('Traceback', 1, 2)
    assert [job.id for job in found.jobs] == ['job-' + 'a' * 12]
    assert len(found.counts) == len(found.times) == 29
    json.dumps(dataclasses.asdict(found), default=str)
    assert errors.group(redis, 'b' * 12) is None
