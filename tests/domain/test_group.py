"""Group: jobs under one name."""

from __future__ import annotations

import pytest
from redis import Redis

from rq import Queue, SimpleWorker
from rq.exceptions import NoSuchGroupError
from rq.group import Group
from rq.job import Job
from tests.domain.work import give


@pytest.fixture
def group(redis: Redis, queue: Queue) -> Group:
    made = Group.create(redis, name='g')
    made.enqueue_many(queue, [Queue.prepare_data(give, (number,), job_id=f'j{number}') for number in range(3)])
    return made


def test_jobs_of_a_group_know_it_and_it_them(redis: Redis, group: Group) -> None:
    assert (group.name, group.key, repr(group)) == ('g', 'rq:group:g', 'Group(id=g)')
    assert [job.id for job in group.get_jobs()] == ['j0', 'j1', 'j2']
    assert Job.fetch('j1', connection=redis).group_id == 'g'
    assert [found.name for found in Group.all(redis)] == ['g']
    assert Group.fetch('g', redis).name == 'g'


def test_a_group_without_jobs_is_none(redis: Redis, queue: Queue) -> None:
    assert len(Group.create(redis).name) == 32
    assert Group.create(redis, 'empty').enqueue_many(queue, []) == []
    assert Group.all(redis) == []
    with pytest.raises(NoSuchGroupError, match="No such group: 'empty'"):
        Group.fetch('empty', redis)


def test_jobs_that_are_not_kept_leave_their_group(redis: Redis, queue: Queue, group: Group) -> None:
    queue.enqueue_many([Queue.prepare_data(give, job_id='short', result_ttl=0)], group_id='g')
    SimpleWorker([queue], connection=redis).work(burst=True)
    assert [job.id for job in group.get_jobs()] == ['j0', 'j1', 'j2']
    group.cleanup()  # the worker may have done it already
    assert redis.scard(group.key) == 3


def test_a_job_may_leave_and_the_last_one_takes_the_group_with_it(redis: Redis, group: Group) -> None:
    group.delete_job('j0')
    for name in ('j1', 'j2'):
        Job.fetch(name, connection=redis).delete()
    assert Group.all(redis) == []
    Group.clean_registries(redis)
    assert redis.smembers(Group.REDIS_GROUP_KEY) == set()


def test_a_sync_queue_has_groups_too(redis: Redis) -> None:
    queue = Queue('sync', connection=redis, is_async=False)
    Group.create(redis, 'g').enqueue_many(queue, [Queue.prepare_data(give, (1,))])
    assert [job.return_value() for job in Group.fetch('g', redis).get_jobs()] == [1]
