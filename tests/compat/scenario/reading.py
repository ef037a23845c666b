"""Queues, jobs and registries from the outside: looking, fetching, changing, removing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import compat_jobs
from record import Recorder


def queues(r: Recorder, redis: Any) -> None:
    from rq import Queue

    q, other = Queue('q', connection=redis), Queue('other', connection=redis, is_async=False)
    r.look(
        'empty', q, 'count', 'job_ids', 'jobs', 'is_empty()', 'name', 'key', 'is_async', 'scheduler_pid', 'get_jobs()'
    )
    r.look('sync', other, 'is_async', 'name', 'intermediate_queue_key', 'registry_cleaning_key')
    for job_id in 'abcd':
        q.enqueue(compat_jobs.add, 1, 2, job_id=job_id)
    r.look('full', q, 'count', 'job_ids', 'jobs', 'is_empty()')
    r('len', len, q)
    r('get_job_ids', q.get_job_ids, 1, 2)
    r('get_job_ids to the end', q.get_job_ids, 2)
    r('get_jobs', q.get_jobs, 1, 2)
    r('fetch_job', q.fetch_job, 'a')
    r('fetch_job of nobody', q.fetch_job, 'nobody')
    r('fetch_job of another queue', other.fetch_job, 'a')
    r('position', q.get_job_position, 'c')
    r('position of a job', q.get_job_position, q.fetch_job('b'))
    r('position of nobody', q.get_job_position, 'nobody')
    r('all', Queue.all, connection=redis)
    r('from a key', Queue.from_queue_key, 'rq:queue:q', connection=redis)
    r('from no key', Queue.from_queue_key, 'queue:q', connection=redis)
    r('equal', lambda: (q == Queue('q', connection=redis), q != other, hash(q) == hash(Queue('q', connection=redis))))
    r('sorted', lambda: sorted([q, other]))
    r('compared with a text', lambda: q == 'q')
    r('less than a text', lambda: q < 'q')
    r('as a text', str, q)
    for kind in ('started', 'finished', 'failed', 'deferred', 'scheduled', 'canceled', 'ready'):
        r(
            f'{kind} registry',
            lambda k=kind: (getattr(q, f'{k}_job_registry').key, len(getattr(q, f'{k}_job_registry'))),
        )


def changing_a_queue(r: Recorder, redis: Any) -> None:
    from rq import Queue

    q = Queue('q', connection=redis)
    for job_id in 'abcdefg':
        q.enqueue(compat_jobs.add, 1, 2, job_id=job_id)
    r('remove', q.remove, 'b')
    r('remove a job', q.remove, q.fetch_job('c'))
    r('remove nobody', q.remove, 'nobody')
    r('the removed', lambda: q.fetch_job('b').get_status())
    r('push_job_id', q.push_job_id, 'c')
    r('push_job_id at the front', q.push_job_id, 'b', at_front=True)
    r('ids', lambda: q.job_ids)
    r('pop_job_id', q.pop_job_id)
    redis.delete('rq:job:d')
    r('one is gone', lambda: (q.count, q.job_ids, q.jobs))
    r('compact', q.compact)
    r('compacted', lambda: q.job_ids)
    r('lpop', Queue.lpop, ['rq:queue:q'], None, connection=redis)
    r('dequeue_any', lambda: list(Queue.dequeue_any([q], None, connection=redis)))
    r('dequeue_any of nothing', Queue.dequeue_any, [Queue('none', connection=redis)], None, connection=redis)
    r('the maintenance lock', q.acquire_maintenance_lock)
    r('the maintenance lock again', q.acquire_maintenance_lock)
    r('released', q.release_maintenance_lock)
    r.keys('before empty')
    r('empty', q.empty)
    r('empty again', q.empty)
    other = Queue('other', connection=redis)
    other.enqueue(compat_jobs.add, 1, 2, job_id='kept')
    r('delete, jobs kept', other.delete, delete_jobs=False)
    r('delete', q.delete)
    r('all', Queue.all, connection=redis)


def jobs(r: Recorder, redis: Any) -> None:
    from rq.job import Job, parse_job_id, validate_job_id

    job = r('create', Job.create, compat_jobs.add, (1, 2), {}, connection=redis, id='made', origin='q', meta={'a': 1},
            timeout='1m', result_ttl=60, ttl=600, failure_ttl=70, description='text', status='queued')  # fmt: skip
    r.look('create', job, 'id', 'func_name', 'args', 'kwargs', 'timeout', 'ttl', 'result_ttl', 'failure_ttl', 'meta',
           'description', 'origin', 'created_at', 'enqueued_at', 'instance', 'func', 'key', 'get_call_string()',
           'dependents_key', 'dependencies_key', 'dependency_ids', 'dependent_ids', 'is_queued')  # fmt: skip
    r('not saved yet', Job.exists, 'made', redis)
    r('fetch too early', Job.fetch, 'made', connection=redis)
    r('save', job.save)
    r('exists', Job.exists, 'made', redis)
    again = r('fetch', Job.fetch, 'made', connection=redis)
    r.look('fetched', again, 'func_name', 'args', 'meta', 'get_status()', 'origin', 'timeout', 'ttl', 'description')
    r('equal', lambda: (again == job, hash(again) == hash(job), again != job))
    r('fetch by a composite key', Job.fetch, 'made:0123', connection=redis)
    r('fetch_many', Job.fetch_many, ['made', 'nobody', 'made'], connection=redis)
    r('fetch nobody', Job.fetch, 'nobody', connection=redis)
    r('a path without a function', lambda: Job.create('no.such', connection=redis).func)
    r('create a number', Job.create, 5, connection=redis)
    r('create with an args text', Job.create, compat_jobs.add, 'ab', connection=redis)
    r('create with kwargs that are no dict', Job.create, compat_jobs.add, (), [1], connection=redis)
    r('create without a connection', Job.create, compat_jobs.add)
    for job_id in ('a', 'a b', 'a:b', 'ů', 'x' * 300):
        r(f'validate_job_id {job_id[:3]}', validate_job_id, job_id)
    r('parse_job_id', parse_job_id, 'a:b')
    again.func_name, again.args, again.kwargs = 'compat_jobs.echo', (5,), {'z': 6}
    r('after assigning', lambda: (again.func_name, again.args, again.kwargs, again.get_call_string()))
    r('perform', again.perform)
    r('save it', again.save)
    r('refresh', job.refresh)
    r.look('refreshed', job, 'func_name', 'args', 'kwargs')
    r('set_status', job.set_status, 'failed')
    r.look(
        'set', job, 'get_status()', 'is_failed', 'is_finished', 'is_started', 'is_deferred', 'is_canceled', 'is_stopped'
    )
    r('to_dict', lambda: sorted(name for name, value in job.to_dict().items() if value not in ('', b'', None)))
    r('repr', repr, job)
    r('str', str, job)


def meta_and_damage(r: Recorder, redis: Any) -> None:
    from rq import Queue
    from rq.job import Job

    q = Queue('q', connection=redis)
    job = q.enqueue(compat_jobs.add, 1, 2, job_id='a', meta={'a': 1})
    other = Job.fetch('a', connection=redis)
    other.meta['b'] = [2]
    r('save_meta', other.save_meta)
    r('get_meta without refresh', job.get_meta, refresh=False)
    r('get_meta', job.get_meta)
    job.meta = {}
    r('no meta', job.save_meta)
    r('read', lambda: Job.fetch('a', connection=redis).meta)
    for name, field in (('status', 'from-the-future'), ('timeout', 'x'), ('data', b'\x80junk'), ('created_at', 'never'),
                        ('meta', b'junk'), ('dependency_ids', 'no json'), ('retry_intervals', 'no json')):  # fmt: skip
        job = q.enqueue(compat_jobs.add, 1, 2, job_id=f'bad-{name}')
        redis.hset(job.key, name, field)
        fetched = r(f'a {name} that is broken', Job.fetch, job.id, connection=redis)
        if name == 'data' and fetched is not None:
            r.look('broken data', fetched, 'func_name', 'args', 'get_call_string()', 'description')
    redis.hset('rq:job:empty', 'status', 'queued')
    r('without data', Job.fetch, 'empty', connection=redis)
    redis.hset('rq:job:old', mapping={'data': b'', 'created_at': '2020-01-01T00:00:00Z'})
    r.look(
        'old', r('without data but with its field', Job.fetch, 'old', connection=redis), 'get_status()', 'created_at'
    )
    redis.set('rq:job:text', 'x')
    r('no hash', Job.fetch, 'text', connection=redis)
    redis.delete('rq:job:text')


def canceling(r: Recorder, redis: Any) -> None:
    from rq import Queue, cancel_job, requeue_job
    from rq.job import Job

    q = Queue('q', connection=redis)
    jobs = {job_id: q.enqueue(compat_jobs.add, 1, 2, job_id=job_id) for job_id in 'abcdef'}
    r('cancel', jobs['a'].cancel)
    r.look('canceled', jobs['a'], 'get_status()', 'is_canceled')
    r('cancel again', jobs['a'].cancel)
    r('cancel_job', cancel_job, 'b', redis)
    r('cancel_job of nobody', cancel_job, 'nobody', redis)
    r('the registry', q.canceled_job_registry.get_job_ids)
    r('requeue what is canceled', jobs['a'].requeue)
    r('requeue_job of nobody', requeue_job, 'nobody', redis)
    r('requeue what is queued', jobs['c'].requeue)
    scheduled = q.enqueue_at(datetime(2100, 1, 1, tzinfo=UTC), compat_jobs.add, 1, 2, job_id='s')
    r('cancel what is scheduled', scheduled.cancel)
    r('delete', jobs['d'].delete)
    r('delete again', jobs['d'].delete)
    r('deleted', Job.exists, 'd', redis)
    r('delete what is canceled', jobs['b'].delete)
    r('status of the deleted', jobs['b'].get_status)
    r('delete, not from the queue', jobs['e'].delete, remove_from_queue=False)
    with redis.pipeline() as pipe:
        r('cancel in a pipeline', jobs['f'].cancel, pipeline=pipe)
        pipe.execute()
    r('ids', lambda: q.job_ids)
    r('position', lambda: jobs['c'].get_position())
    r('delete from the registry', lambda: q.canceled_job_registry.remove(jobs['a'], delete_job=True))
    r('left', lambda: Job.fetch_many(list('abcdefs'), connection=redis))


def serializers(r: Recorder, redis: Any) -> None:
    from rq import Queue
    from rq.job import Job
    from rq.serializers import DefaultSerializer, JSONSerializer, PickleSerializer, resolve_serializer

    q = Queue('q', connection=redis, serializer='json')
    r('JSON', q.enqueue, compat_jobs.echo, (1, 2), job_id='json', key={'a': None}, meta={'m': [1]})
    r.look('JSON', Job.fetch('json', connection=redis, serializer='json'), 'args', 'kwargs', 'meta', 'func_name')
    r('JSON and a method', q.enqueue, compat_jobs.Counter(1).plus, 1)
    r('JSON and a set', q.enqueue, compat_jobs.echo, {1})
    r('a class', lambda: Queue('q', connection=redis, serializer=JSONSerializer).serializer)
    for name in (
        'pickle',
        'json',
        'rq.serializers.PickleSerializer',
        'json.decoder',
        'nothing',
        'no.such',
        '',
        None,
        5,
    ):
        r(f'resolve {name!r}', resolve_serializer, name)
    r('a module', lambda: resolve_serializer(__import__('json')).dumps([1]))
    r(
        'round trip',
        lambda: [kind.loads(kind.dumps([1, 'a'])) for kind in (DefaultSerializer, JSONSerializer, PickleSerializer)],
    )


def suspending(r: Recorder, redis: Any) -> None:
    from rq import Queue, SimpleWorker
    from rq.suspension import is_suspended, resume, suspend

    r('suspended', is_suspended, redis)
    r('suspend', suspend, redis)
    r('suspended now', is_suspended, redis)
    q = Queue('q', connection=redis)
    q.enqueue(compat_jobs.add, 1, 2, job_id='a')
    r('a burst while suspended', SimpleWorker(['q'], connection=redis, name='w').work, burst=True)
    r('still queued', lambda: q.job_ids)
    r.keys('suspended')
    r('resume', resume, redis)
    r('resume again', resume, redis)
    r('suspend for a while', suspend, redis, 600)
    r.keys('for a while')
    resume(redis)
    for seconds in (0, -1, 'x'):
        r(f'suspend for {seconds}', suspend, redis, seconds)
        resume(redis)
    r('a burst', SimpleWorker(['q'], connection=redis, name='w').work, burst=True)


SECTIONS = (queues, changing_a_queue, jobs, meta_and_damage, canceling, serializers, suspending)
