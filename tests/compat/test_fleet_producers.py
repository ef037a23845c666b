"""Their producer and our worker, our producer and their worker: what comes of the jobs is what both sides read."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from rq import Callback, Queue, Retry
from rq.job import Dependency, Job
from rq.results import Result
from tests.compat.fleet import Fleet

# What is enqueued, as both sides write it; each is a line of Python.
PRODUCE = """
q = Queue('q', connection=redis)
q.enqueue('compat_jobs.add', 1, 2, job_id='add', meta={'a': [1]}, result_ttl=600)
q.enqueue(compat_jobs.Counter(3).plus, 4, job_id='method')
q.enqueue('compat_jobs.add_later', 1, 2, job_id='coroutine')
q.enqueue('compat_jobs.echo', 'x' * 5000, key=(1, None), job_id='large')
q.enqueue('compat_jobs.write_meta', 5, job_id='meta', meta={'b': 1})
q.enqueue('compat_jobs.add', 1, 2, job_id='forgotten', result_ttl=0)
q.enqueue('compat_jobs.fail', 'text', job_id='fail')
q.enqueue('no.such.function', job_id='unknown')
q.enqueue('compat_jobs.sleep', 9, job_id='slow', job_timeout=1)
q.enqueue('compat_jobs.fail_until', 3, job_id='third', retry=Retry(max=3))
q.enqueue('compat_jobs.fail_until', 9, job_id='never', retry=Retry(max=1))
q.enqueue('compat_jobs.ask_again', 1, job_id='asks')
q.enqueue('compat_jobs.unserializable', job_id='unserializable')
both = {'on_success': Callback(compat_jobs.on_success), 'on_failure': Callback('compat_jobs.on_failure')}
q.enqueue('compat_jobs.add', 1, 2, job_id='good-call', **both)
q.enqueue('compat_jobs.fail', job_id='bad-call', **both)
q.enqueue_many([Queue.prepare_data('compat_jobs.add', (5, number), job_id=f'many{number}') for number in range(3)])
q.enqueue('compat_jobs.add', 1, 2, job_id='after', depends_on=['add', 'third'])
q.enqueue('compat_jobs.add', 1, 2, job_id='after-fail', depends_on=Dependency(['fail'], allow_failure=True))
q.enqueue('compat_jobs.add', 1, 2, job_id='chain', depends_on='after')
q.enqueue('compat_jobs.about_myself', job_id='self', at_front=True, description='first')
"""

STATUS = {
    **dict.fromkeys(('add', 'method', 'coroutine', 'large', 'meta', 'third', 'good-call', 'many0', 'many1', 'many2',
                     'after', 'after-fail', 'chain', 'self', 'unserializable'), 'finished'),
    **dict.fromkeys(('fail', 'unknown', 'slow', 'never', 'asks', 'bad-call'), 'failed'),
}  # fmt: skip

RETURNED = {
    'add': 3, 'method': 7, 'coroutine': 3, 'large': [['x' * 5000], {'key': [1, None]}], 'meta': {'b': 1, 'written': 5},
    'third': 3, 'good-call': 3, 'many0': 5, 'many1': 6, 'many2': 7, 'after': 3, 'after-fail': 3, 'chain': 3,
    'unserializable': 'Unserializable return value',
}  # fmt: skip

CALLBACKS = ['success good-call 3 ', 'failure bad-call ValueError no ']

THEIR_READING = """
def told(job_id):
    job = Job.fetch(job_id, connection=redis)
    result = job.latest_result()
    return [job.get_status().value, result.return_value if result and result.type.name == 'SUCCESSFUL' else None,
            bool(job.started_at and job.ended_at and job.started_at <= job.ended_at), job.exc_info or '']
"""


def our_reading(redis: Redis, job_id: str) -> list[Any]:
    job = Job.fetch(job_id, connection=redis)
    result = job.latest_result()
    value = result.return_value if result and result.type is Result.Type.SUCCESSFUL else None
    between = bool(job.started_at and job.ended_at and job.started_at <= job.ended_at)
    return [job.get_status().value, value, between, job.exc_info or '']


def check_what_came_of_it(fleet: Fleet, redis: Redis) -> None:
    """Both sides read the same, and it is what the jobs were to do."""
    fleet.theirs.run(THEIR_READING)
    for job_id, status in STATUS.items():
        theirs, ours = fleet.theirs(f'told({job_id!r})'), our_reading(redis, job_id)
        if job_id == 'large':
            ours[1][1]['key'] = list(ours[1][1]['key'])  # JSON has no tuples
        assert theirs == ours, job_id
        assert ours[0] == status, job_id
        assert ours[2], job_id
        if job_id in RETURNED:
            assert ours[1] == RETURNED[job_id], job_id
    assert Job.fetch('add', connection=redis).meta == {'a': [1]}
    assert Job.fetch('meta', connection=redis).meta == {'b': 1, 'written': 5}
    assert not Job.exists('forgotten', connection=redis)
    assert 'ValueError: text' in our_reading(redis, 'fail')[3]
    assert 'no.such.function' in our_reading(redis, 'unknown')[3]
    assert 'maximum timeout value (1 seconds)' in our_reading(redis, 'slow')[3]
    assert [line.decode().rsplit(' ', 1)[0] + ' ' for line in redis.lrange('callbacks', 0, -1)] == CALLBACKS
    q = Queue('q', connection=redis)
    assert q.count == len(q.deferred_job_registry) == len(q.started_job_registry) == 0
    assert [kind.type.name for kind in Job.fetch('asks', connection=redis).results()] == [
        'MAX_RETRIES_EXCEEDED',
        'RETRIED',
    ]
    for registry, wanted in ((q.finished_job_registry, 'finished'), (q.failed_job_registry, 'failed')):
        ids = sorted(job_id for job_id, status in STATUS.items() if status == wanted)
        assert sorted(registry.get_job_ids()) == ids
        assert fleet.theirs(f"sorted(Queue('q', connection=redis).{wanted}_job_registry.get_job_ids())") == ids


@pytest.mark.parametrize('queues', [('q',), ('other', 'q')], ids=['one-queue', 'two-queues'])
def test_their_worker_does_what_we_enqueue(fleet: Fleet, redis: Redis, queues: tuple[str, ...]) -> None:
    import compat_jobs

    exec(PRODUCE, {**globals(), 'redis': redis, 'compat_jobs': compat_jobs, 'Callback': Callback, 'Retry': Retry,
                   'Dependency': Dependency})  # fmt: skip
    fleet.their_burst(*queues)
    check_what_came_of_it(fleet, redis)


def test_our_worker_does_what_they_enqueue(fleet: Fleet, redis: Redis) -> None:
    fleet.theirs.run(PRODUCE)
    fleet.our_burst('q')
    check_what_came_of_it(fleet, redis)


def test_their_worker_runs_what_we_map(redis: Redis, fleet: Fleet) -> None:
    worker = fleet.their_rq('worker', 'q')
    queue = Queue('q', connection=redis)
    assert list(queue.map('compat_jobs.add', range(5), [1] * 5, timeout=60)) == [1, 2, 3, 4, 5]
    assert list(queue.map('compat_jobs.fail_until', [2], retry=Retry(max=2), timeout=60)) == [2]
    (failure,) = queue.map('compat_jobs.fail', ['no'], errors='return', timeout=60)
    assert str(failure).endswith(' failed: ValueError: no')
    assert queue.finished_job_registry.count == 0  # each went as its result was read
    assert queue.failed_job_registry.count == 1
    fleet.stop(worker)
