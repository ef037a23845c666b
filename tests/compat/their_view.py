"""What a released RQ makes of the data of a server: these functions are run by the peer, where `rq` is the other one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from redis import Redis

from rq import Queue, Retry, SimpleWorker
from rq.job import Job
from rq.registry import BaseRegistry


def told(job: Job) -> dict[str, Any]:
    """A job as RQ sees it."""
    result = job.latest_result()
    return {
        'status': job.get_status().value,
        'func_name': job.func_name,
        'args': job.args,
        'kwargs': job.kwargs,
        'origin': job.origin,
        'description': job.description,
        'timeout': job.timeout,
        'ttl': job.ttl,
        'result_ttl': job.result_ttl,
        'failure_ttl': job.failure_ttl,
        'meta': job.meta,
        'retries_left': job.retries_left,
        'retry_intervals': job.retry_intervals,
        'worker_name': job.worker_name,
        'moments': [
            moment.isoformat() if moment else None
            for moment in (job.created_at, job.enqueued_at, job.started_at, job.ended_at)
        ],
        'result': [result.type.name, result.return_value, result.exc_string, result.worker_name] if result else None,
    }


def registries(queue: Queue) -> dict[str, list[str]]:
    kinds = ('started', 'finished', 'failed', 'deferred', 'scheduled', 'canceled')
    found: dict[str, BaseRegistry] = {kind: getattr(queue, f'{kind}_job_registry') for kind in kinds}
    return {kind: sorted(registry.get_job_ids(cleanup=False)) for kind, registry in found.items()}


def read(redis: Redis) -> Any:
    """Every job of every queue."""
    answer = {}
    for queue in Queue.all(connection=redis):
        ids = {'queued': queue.job_ids, **registries(queue)}
        jobs = {job_id: read_one(redis, job_id) for found in ids.values() for job_id in found}
        answer[queue.name] = {'ids': ids, 'jobs': jobs}
    return answer


def write(redis: Redis) -> Any:
    """One job of every kind, by their ids."""
    queue, sync = Queue('theirs', connection=redis), Queue('theirs', connection=redis, is_async=False)
    options: dict[str, Any] = {'job_timeout': '5m', 'result_ttl': 60, 'ttl': 300, 'failure_ttl': -1, 'meta': {'a': [1]}}
    queue.enqueue('builtins.int', '101', base=2, job_id='waits', description='text', retry=Retry(2, [5, 9]), **options)
    queue.enqueue('builtins.len', 'x' * 5000, job_id='large')
    queue.enqueue('operator.truediv', 1, 0, job_id='to-fail')
    sync.enqueue('operator.add', 1, 2, job_id='finished')
    sync.enqueue('operator.truediv', 1, 0, job_id='failed')
    queue.enqueue('os.getcwd', job_id='canceled').cancel()
    queue.enqueue_at(datetime(2100, 1, 1, tzinfo=UTC), 'os.getcwd', job_id='scheduled')
    Queue('theirs', connection=redis, serializer='json').enqueue('operator.add', [1], [2], job_id='json')
    return read_one(redis, 'waits')


def read_one(redis: Redis, job_id: str) -> Any:
    serializer = 'json' if job_id == 'json' else None  # the data does not say with what it was written
    return told(Job.fetch(job_id, connection=redis, serializer=serializer))


def work(redis: Redis) -> Any:
    """Works off the queue `ours`."""
    SimpleWorker(['ours'], connection=redis).work(burst=True, logging_level='ERROR')
    return read(redis)
