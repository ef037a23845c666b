"""What has state of its own, shared by both kinds: rate limits, groups, unique jobs, serializers."""

from __future__ import annotations

import pytest
from redis import Redis

from rq import Queue, RateLimit
from rq.exceptions import DuplicateJobError
from rq.group import Group
from rq.job import Job
from rq.rate_limit import RateLimitRegistry
from tests.compat.fleet import JOBS, PATIENCE, Fleet, Peer
from tests.support.processes import ROOT, Processes

COUNT = 24


def test_a_rate_limit_holds_for_both_kinds_of_workers_together(fleet: Fleet, redis: Redis) -> None:
    if fleet.theirs.version == '2.12.0':
        pytest.skip('it has no rate limits')
    q = Queue('q', connection=redis)
    fleet.theirs.run('from rq import RateLimit')
    workers = [fleet.their_rq('worker', 'q') for _ in range(2)] + [fleet.our_rq('worker', 'q') for _ in range(2)]
    fleet.processes.wait_for(lambda: redis.scard('rq:workers') == 4, PATIENCE)
    for number in range(COUNT // 2):
        q.enqueue('compat_jobs.together', fleet.url, 'ran', 0.05, job_id=f'ours{number}', rate_limit=RateLimit('k', 2))
        fleet.theirs(
            f"Queue('q', connection=redis).enqueue('compat_jobs.together', {fleet.url!r}, 'ran', 0.05, "
            f"job_id='theirs{number}', rate_limit=RateLimit('k', 2)).id"
        )
    fleet.processes.wait_for(lambda: len(q.finished_job_registry) == COUNT, PATIENCE)
    assert redis.llen('ran') == COUNT
    assert max(int(number) for number in redis.lrange('ran', 0, -1)) == 2
    registry = RateLimitRegistry('k', redis)
    fleet.processes.wait_for(
        lambda: not registry.get_allowed_job_ids() and not registry.get_rate_limited_job_ids(), PATIENCE
    )
    fleet.stop(*workers)


def test_groups_are_of_both(fleet: Fleet, redis: Redis) -> None:
    ours = Group.create(connection=redis, name='ours')
    ours.enqueue_many(Queue('q', connection=redis), [Queue.prepare_data('compat_jobs.add', (1, 2), job_id='a')])
    fleet.theirs.run(
        "g = Group.create(connection=redis, name='theirs')\n"
        "_ = g.enqueue_many(Queue('q', connection=redis), [Queue.prepare_data('compat_jobs.add', (1, 2), job_id='b')])"
    )
    fleet.their_burst('q', options=('--max-jobs', '1'))
    fleet.our_burst('q')
    told = '{g.name: [[j.id, j.get_status().value, j.group_id] for j in g.get_jobs()] for g in Group.all(redis)}'
    wanted = {'ours': [['a', 'finished', 'ours']], 'theirs': [['b', 'finished', 'theirs']]}
    assert fleet.theirs(told) == eval(told, {'Group': Group, 'redis': redis}) == wanted


def test_an_id_is_unique_among_both(fleet: Fleet, redis: Redis) -> None:
    q = Queue('q', connection=redis)
    q.enqueue('compat_jobs.add', 1, 2, job_id='ours', unique=True)
    with pytest.raises(AssertionError, match='DuplicateJobError'):
        fleet.theirs("Queue('q', connection=redis).enqueue('compat_jobs.add', 3, 4, job_id='ours', unique=True).id")
    fleet.theirs("Queue('q', connection=redis).enqueue('compat_jobs.add', 1, 2, job_id='theirs', unique=True).id")
    with pytest.raises(DuplicateJobError):
        q.enqueue('compat_jobs.add', 3, 4, job_id='theirs', unique=True)
    assert q.job_ids == ['ours', 'theirs']


def test_a_json_queue_is_worked_by_both(fleet: Fleet, redis: Redis) -> None:
    ours = Queue('ours', connection=redis, serializer='json')
    ours.enqueue('compat_jobs.echo', [1], key={'a': None}, job_id='ours', meta={'m': 1})
    fleet.theirs(
        "Queue('theirs', connection=redis, serializer='json')"
        ".enqueue('compat_jobs.echo', [1], key={'a': None}, job_id='theirs', meta={'m': 1}).id"
    )
    fleet.their_burst('ours', options=('--serializer', 'json'))
    fleet.our_burst('theirs', options=('--serializer', 'json'))
    wanted = [[[1]], {'key': {'a': None}}]
    for name in ('ours', 'theirs'):
        assert Job.fetch(name, connection=redis, serializer='json').return_value() == wanted
        told = f"Job.fetch({name!r}, connection=redis, serializer='json')"
        assert fleet.theirs(f'[{told}.return_value(), {told}.meta, {told}.get_status().value]') == [
            wanted,
            {'m': 1},
            'finished',
        ]
    assert Job.fetch('ours', connection=redis).return_value() == wanted  # it names its serializer


def test_another_key_prefix_is_shared(redis: Redis, redis_url: str, processes: Processes) -> None:
    peer = Peer('3.0.0', redis_url, RQ_KEY_PREFIX='mine')  # 2.12.0 has none
    try:
        fleet = Fleet(peer, redis_url, processes)
        peer("Queue('q', connection=redis).enqueue('compat_jobs.add', 1, 2, job_id='theirs').id")
        env = {'RQ_KEY_PREFIX': 'mine', 'PYTHONPATH': f'{ROOT}:{JOBS}'}
        fleet.work_off(
            processes.rq(
                'enqueue', '-q', 'q', '--job-id', 'ours', 'compat_jobs.add', ':3', ':4', url=redis_url, env=env
            )
        )
        fleet.work_off(processes.rq('worker', '--burst', 'q', url=redis_url, env=env))
        told = '[Job.fetch(i, connection=redis).return_value() for i in ("theirs", "ours")]'
        assert peer(told) == [3, 7]
        assert {key.split(b':')[0] for key in redis.scan_iter()} == {b'mine'}
    finally:
        peer.close()
