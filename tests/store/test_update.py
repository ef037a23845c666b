"""update: fields of a job that is there."""

from __future__ import annotations

from redis import Redis

from rq.store import job as jobs
from tests.store.hands import put, sent_twice_is_sent_once


def test_fields_of_a_job_are_written_and_others_stay(redis: Redis) -> None:
    put(redis, 'job')
    before = jobs.fetch(redis, 'job')
    assert jobs.update(redis, 'job', {'meta': b'm', 'description': 'new'}) == 1
    assert jobs.fetch(redis, 'job') == {**before, b'meta': b'm', b'description': b'new'}


def test_a_job_that_is_gone_does_not_come_back(redis: Redis) -> None:
    assert jobs.update(redis, 'job', {'meta': b'm'}) == 0
    assert not jobs.exists(redis, 'job')


def test_updating_twice_changes_nothing(redis: Redis) -> None:
    put(redis, 'job')
    sent_twice_is_sent_once(redis, lambda: jobs.update(redis, 'job', {'meta': b'm'}))
