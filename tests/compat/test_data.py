"""Data in both directions, field by field: a released RQ reads and runs our jobs, and we read and run its."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from rq import Queue, Retry
from rq.job import Job
from rq.registry import FailedView
from rq.results import Result
from tests.compat.fleet import Peer
from tests.store.conftest import HorseMaker, horse

__all__ = ['horse']

Rq3 = Callable[[str], Any]


@pytest.fixture
def rq3(peer: Peer, redis: Redis) -> Rq3:
    """`rq3('read')`: what a release of RQ says of the server's data."""
    peer.run(Path(__file__).with_name('their_view.py').read_text())
    return lambda verb: peer(f'{verb}(redis)')


def moments(job: Job) -> list[str | None]:
    found = (job.created_at, job.enqueued_at, job.started_at, job.ended_at)
    return [moment.isoformat() if moment else None for moment in found]


def test_rq_reads_our_jobs_wherever_they_are(redis: Redis, rq3: Rq3) -> None:
    queue, sync = Queue('ours', connection=redis), Queue('ours', connection=redis, is_async=False)
    options: dict[str, Any] = {'job_timeout': '5m', 'result_ttl': 60, 'ttl': 300, 'failure_ttl': -1, 'meta': {'a': [1]}}
    jobs = {
        'waits': queue.enqueue(
            'builtins.int', '101', base=2, job_id='waits', description='ů', retry=Retry(2, [5, 9]), **options
        ),
        'large': queue.enqueue('builtins.len', 'x' * 5000, job_id='large'),
        'many': queue.enqueue_many([Queue.prepare_data('os.getcwd', job_id='many')])[0],
        'finished': sync.enqueue('operator.add', 1, 2, job_id='finished'),
        'failed': sync.enqueue('operator.truediv', 1, 0, job_id='failed'),
        'scheduled': queue.enqueue_at(datetime(2100, 1, 1, tzinfo=UTC), 'os.getcwd', job_id='scheduled'),
        'canceled': queue.enqueue('os.getcwd', job_id='canceled'),
    }
    jobs['canceled'].cancel()
    seen = rq3('read')['ours']
    assert seen['ids'] == {
        'queued': ['waits', 'large', 'many'],
        'started': [],
        'finished': ['finished'],
        'failed': ['failed'],
        'deferred': [],
        'scheduled': ['scheduled'],
        'canceled': ['canceled'],
    }
    for name, job in jobs.items():
        theirs = seen['jobs'][name]
        assert theirs['status'] == job.get_status()
        assert (theirs['func_name'], tuple(theirs['args']), theirs['kwargs']) == (job.func_name, job.args, job.kwargs)
        assert (theirs['origin'], theirs['timeout'], theirs['meta']) == ('ours', job.timeout, job.meta)
        assert theirs['moments'] == moments(job)
    waits = seen['jobs']['waits']
    assert [waits[name] for name in ('ttl', 'result_ttl', 'failure_ttl', 'description')] == [300, 60, -1, 'ů']
    assert (waits['retries_left'], waits['retry_intervals'], waits['result']) == (2, [5, 9], None)
    assert seen['jobs']['finished']['result'] == ['SUCCESSFUL', 3, None, 'sync']
    kind, value, text, _ = seen['jobs']['failed']['result']
    assert (kind, value) == ('FAILED', None)
    assert 'ZeroDivisionError: division by zero' in text


def test_rqs_worker_runs_our_jobs_and_we_read_what_came_of_them(redis: Redis, rq3: Rq3) -> None:
    queue = Queue('ours', connection=redis)
    good = queue.enqueue('operator.add', [1], [2], meta={'a': 1})
    bad = queue.enqueue('operator.truediv', 1, 0)
    large = queue.enqueue('builtins.len', 'x' * 5000)
    rq3('work')
    for job in (good, bad, large):
        job.refresh()
        assert job.started_at and job.ended_at and job.started_at <= job.ended_at
    assert (good.get_status(), good.return_value(), good.meta) == ('finished', [1, 2], {'a': 1})
    assert large.return_value() == 5000
    assert bad.is_failed
    assert bad.exc_info is not None and 'ZeroDivisionError' in bad.exc_info
    result = good.latest_result()
    assert result is not None and result.type is Result.Type.SUCCESSFUL
    assert sorted(queue.finished_job_registry.get_job_ids()) == sorted([good.id, large.id])
    assert queue.failed_job_registry.get_job_ids() == [bad.id] == FailedView(redis).ids()
    assert queue.count == 0
    bad.requeue()
    rq3('work')
    assert bad.is_failed
    assert Result.count(bad) == 2


def test_we_read_rqs_jobs_wherever_they_are(redis: Redis, rq3: Rq3) -> None:
    theirs = rq3('write')
    queue = Queue('theirs', connection=redis)
    assert Queue.all(connection=redis) == [queue]
    assert queue.job_ids == ['waits', 'large', 'to-fail', 'json']
    waits = queue.jobs[0]
    for name in ('func_name', 'kwargs', 'origin', 'description', 'timeout', 'ttl', 'result_ttl', 'failure_ttl', 'meta',
                 'retries_left', 'retry_intervals'):  # fmt: skip
        assert getattr(waits, name) == theirs[name], name
    assert (list(waits.args), waits.get_status(), moments(waits)) == (theirs['args'], 'queued', theirs['moments'])
    assert waits.worker_name is None  # an empty text is no name
    assert queue.jobs[1].args == ('x' * 5000,)
    json_job = Job.fetch('json', connection=redis, serializer='json')
    assert (json_job.args, json_job.perform()) == ([[1], [2]], [1, 2])
    finished = Job.fetch('finished', connection=redis)
    assert (finished.get_status(), finished.return_value()) == ('finished', 3)
    failed = Job.fetch('failed', connection=redis)
    assert failed.is_failed
    assert failed.exc_info is not None and 'ZeroDivisionError' in failed.exc_info
    assert queue.finished_job_registry.get_job_ids() == ['finished']
    assert queue.failed_job_registry.get_job_ids() == ['failed'] == Queue('failed', connection=redis).job_ids
    assert queue.canceled_job_registry.get_job_ids() == ['canceled']
    assert queue.scheduled_job_registry.get_scheduled_time('scheduled') == datetime(2100, 1, 1, tzinfo=UTC)
    assert failed.requeue().is_queued
    assert Job.fetch('canceled', connection=redis).is_canceled


def test_we_claim_and_finish_rqs_jobs_and_rq_reads_what_came_of_them(redis: Redis, rq3: Rq3, horse: HorseMaker) -> None:
    rq3('write')
    one = horse(queues=['theirs'])
    claimed = one.ask().jobs
    assert [job.id for job in claimed] == [b'waits', b'large', b'to-fail', b'json']
    assert Job.from_hash('waits', claimed[0].hash, redis).perform() == 5
    one.ask(room=0, outcomes=[one.outcome(claimed[0]), one.outcome(claimed[2], 'X')])
    seen = rq3('read')['theirs']
    assert seen['ids']['started'] == ['json', 'large']
    assert seen['ids']['finished'] == ['finished', 'waits']
    assert seen['ids']['failed'] == ['failed', 'to-fail']
    assert seen['jobs']['waits']['status'] == 'finished'
    assert seen['jobs']['waits']['result'][:3] == ['SUCCESSFUL', 42, None]
    assert seen['jobs']['to-fail']['result'][0] == 'FAILED'
    assert 'ValueError: no' in seen['jobs']['to-fail']['result'][2]


def test_rqs_maintenance_takes_over_what_our_dead_worker_held(
    redis: Redis, rq3: Rq3, peer: Peer, horse: HorseMaker
) -> None:
    queue = Queue('ours', connection=redis)
    plain, tried = queue.enqueue('operator.add', 1, 2), queue.enqueue('operator.add', 1, 2, retry=Retry(1))
    one = horse(queues=['ours'])
    assert len(one.ask(room=2).jobs) == 2
    leases = redis.zrange('rq:wip:ours', 0, -1)
    assert len(leases) == 2
    assert sorted(peer("StartedJobRegistry('ours', redis).get_job_ids()")) == sorted([plain.id, tried.id])
    redis.zadd('rq:wip:ours', dict.fromkeys(leases, 1))  # the worker has not renewed them for a minute and a half
    peer.run("StartedJobRegistry('ours', redis).cleanup()")
    assert (plain.get_status(), tried.get_status()) == ('failed', 'queued')
    assert plain.exc_info is not None and 'AbandonedJobError' in plain.exc_info
    assert (queue.job_ids, queue.failed_job_registry.get_job_ids()) == ([tried.id], [plain.id])
    rq3('work')
    assert tried.return_value() == 3


def test_what_a_job_may_return_of_ours_is_theirs_in_a_pickle_and_the_other_way(peer: Peer) -> None:
    import rq

    peer.run('import pickle; from rq.queue import EnqueueData; from rq.worker import DequeueStrategy, WorkerStatus')
    makers = ('rq.job.JobStatus.FAILED', 'WorkerStatus.IDLE', 'DequeueStrategy.RANDOM', 'Retry(2, [5])', "Dependency(['a'])",
              "Queue.prepare_data('a.b')", "rq.exceptions.NoSuchJobError('x')", "rq.timeouts.JobTimeoutException('x')")  # fmt: skip
    names = {'rq': rq, 'Queue': Queue, 'Retry': Retry, **vars(rq.worker), **vars(rq.job)}
    for maker in makers:
        ours = pickle.dumps(eval(maker, names))
        assert peer(f'type(pickle.loads({ours!r})) is type({maker})'), maker
        if type(eval(maker, names)).__module__ == 'rq.worker':
            continue  # RQ pickles them as rq.worker.base
        theirs = bytes.fromhex(peer(f'pickle.dumps({maker}).hex()'))
        assert type(pickle.loads(theirs)) is type(eval(maker, names)), maker
