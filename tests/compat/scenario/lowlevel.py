"""What lies below: methods and modules that tools and subclasses of RQ's users call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import compat_jobs
from record import Recorder
from working import burst


def of_queues(r: Recorder, redis: Any) -> None:
    from rq import Queue
    from rq.intermediate_queue import IntermediateQueue

    q = Queue('q', connection=redis)
    a, b = (q.enqueue(compat_jobs.add, 1, 2, job_id=job_id) for job_id in 'ab')
    r('lmove', Queue.lmove, redis, 'rq:queue:q', None)
    middle = q.intermediate_queue
    r.look('intermediate', middle, 'key', 'queue_key', 'get_job_ids()')
    r('its key', IntermediateQueue.get_intermediate_queue_key, 'rq:queue:q')
    r('first seen', middle.get_first_seen, 'a')
    r('set_first_seen', middle.set_first_seen, 'a')
    r('first seen now', middle.get_first_seen, 'a')
    r('should be cleaned up', middle.should_be_cleaned_up, 'a')
    r('key of first seen', middle.get_first_seen_key, 'a')
    r.keys('in between')
    r('remove', middle.remove, 'a')
    r('ids', middle.get_job_ids)
    r('version', lambda: len(q.get_redis_server_version()))
    r('parse_args', lambda: Queue.parse_args(compat_jobs.add, 1, 2, job_timeout='1m', meta={'m': 1}, at_front=True)[1:])
    r('setup_dependencies of none', lambda: q.setup_dependencies(b).get_status())
    child = q.enqueue(compat_jobs.add, 1, 2, job_id='child', depends_on=b)
    b.set_status('finished')
    r('enqueue_dependents', q.enqueue_dependents, b)
    r('ids now', lambda: q.job_ids)
    r.look('child', child, 'get_status()', 'is_ready_to_enqueue')
    sync = Queue('sync', connection=redis, is_async=False)
    job = sync.create_job(compat_jobs.add, (1, 2), job_id='sync')
    r('run_sync', sync.run_sync, job)
    r.look('run_sync', job, 'get_status()', 'return_value()')
    r('run_job', sync.run_job, q.create_job(compat_jobs.add, (3, 4), job_id='run'))
    r('a queue of a subclass', lambda: type(Queue.from_queue_key('rq:queue:q', connection=redis)).__name__)
    r('a', a.delete)


def of_jobs(r: Recorder, redis: Any) -> None:
    from rq import Queue
    from rq.job import Job

    q = Queue('q', connection=redis)
    job = q.enqueue(compat_jobs.add, 1, 2, job_id='a', result_ttl=60, ttl=600, meta={'a': 1})
    r('get_ttl', job.get_ttl)
    r('get_ttl of a default', job.get_ttl, 5)
    r('get_result_ttl', job.get_result_ttl, 5)
    r('should_enqueue_at_front', job.should_enqueue_at_front)
    r('key_for', Job.key_for, 'x')
    r('dependents_key_for', Job.dependents_key_for, 'x')
    with redis.pipeline() as pipe:
        r('heartbeat', job.heartbeat, datetime.now(UTC), 600, pipe)
        r('prepare_for_execution', job.prepare_for_execution, 'w', pipe)
        pipe.execute()
    r.look('prepared', job, 'get_status()', 'worker_name', 'started_at', 'last_heartbeat')
    r.keys('prepared')
    r('cleanup for a minute', job.cleanup, 60)
    r.keys('cleaned')
    r('cleanup for ever', job.cleanup, -1)
    r('cleanup at once', job.cleanup, 0)
    r('gone', Job.exists, 'a', redis)
    other = Job.create(compat_jobs.add, (1, 2), connection=redis, id='b', origin='q')
    raw = {
        name.encode(): value if isinstance(value, bytes) else str(value).encode()
        for name, value in other.to_dict().items()
    }
    restored = Job('b', connection=redis)
    r('restore', restored.restore, raw)
    r.look('restored', restored, 'id', 'func_name', 'args', 'origin', 'get_call_string()')
    r('save without meta', other.save, include_meta=False)
    r('process_dependencies', other.process_dependencies, ['x'])
    r('an id', lambda: setattr(other, 'id', 'c'))
    r('an id that is none', lambda: setattr(other, 'id', 5))
    r('the id', lambda: other.id)
    r('an id made up', lambda: len(Job(connection=redis).id))
    r('a job of a broken id', Job, 'a b', connection=redis)
    r('status of nobody', Job('nobody', connection=redis).get_status)
    r('refresh of nobody', Job('nobody', connection=redis).refresh)
    r('position of nobody', lambda: Job.create(compat_jobs.add, connection=redis, id='d', origin='q').get_position())


def of_results(r: Recorder, redis: Any) -> None:
    from rq import Queue
    from rq.job_lifecycle import call_exception_handlers, format_exc_info, record_job_failure
    from rq.results import Result

    q = Queue('q', connection=redis)
    job = q.enqueue(compat_jobs.add, 1, 2, job_id='a')
    result = Result('a', Result.Type.SUCCESSFUL, redis, return_value=[1], worker_name='w')
    r('serialize', lambda: sorted(result.serialize()))
    r('save', lambda: bool(result.save(600)))
    times = ('w', 'e', datetime.now(UTC), datetime.now(UTC))
    r('create_retried', lambda: Result.create_retried(job, 600, 5, *times).type)
    r('create_max_retries_exceeded', lambda: Result.create_max_retries_exceeded(job, 600, 5, *times).type)
    r('types', lambda: [one.type.name for one in job.results()])
    r('results', job.results)
    with redis.pipeline() as pipe:
        r(
            'in a pipeline',
            lambda: Result.create(job, Result.Type.FAILED, 600, exc_string='Some: text', pipeline=pipe).type,
        )
        pipe.execute()
    r('latest', job.latest_result)
    try:
        raise ValueError('text')
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    r('format_exc_info', format_exc_info, info)
    heard: list[str] = []
    handlers = [
        lambda job, *info: heard.append('first'),
        lambda job, *info: False,
        lambda job, *info: heard.append('third'),
    ]
    r('call_exception_handlers', call_exception_handlers, handlers, job, *info)
    r('heard', lambda: heard)
    with redis.pipeline() as pipe:
        r('record_job_failure', record_job_failure, job, 'Some: text', pipe)
        pipe.execute()
    job.refresh()
    r.look('failed', job, 'get_status()', 'is_failed')
    r('among the failed', q.failed_job_registry.get_job_ids)


def of_registries(r: Recorder, redis: Any) -> None:
    from rq import Queue
    from rq.registry import CanceledJobRegistry, DeferredJobRegistry, FailedJobRegistry, ScheduledJobRegistry

    q = Queue('q', connection=redis)
    a, b, c = (q.create_job(compat_jobs.add, (1, 2), job_id=job_id) for job_id in 'abc')
    for job in (a, b, c):
        job.save()
    scheduled = ScheduledJobRegistry('q', redis)
    r('schedule', scheduled.schedule, a, datetime(2100, 1, 1, tzinfo=UTC))
    r('to enqueue', scheduled.get_jobs_to_enqueue, 4102444801)
    r('in chunks', scheduled.get_jobs_to_schedule, 4102444801, 1)
    r('remove_jobs', scheduled.remove_jobs, 4102444801)
    r('none', scheduled.get_job_ids)
    failed = FailedJobRegistry('q', redis)
    r('add to the failed', failed.add, a, 600, 'Some: text')
    r('the failed', failed.get_job_ids)
    r('expire', failed.get_expiration_time, a)
    deferred = DeferredJobRegistry('q', redis)
    r('add to the deferred', deferred.add, b)
    r('the deferred', deferred.get_job_ids)
    canceled = CanceledJobRegistry('q', redis)
    r('add to the canceled', canceled.add, c)
    r('the canceled', canceled.get_job_ids)
    r('expired of the canceled', canceled.get_expired_job_ids)
    r.keys('added')
    for registry in (failed, deferred, canceled):
        r(f'cleanup of {registry.key}', registry.cleanup)
        r(f'left in {registry.key}', registry.get_job_ids)
    ready = q.ready_job_registry
    with redis.pipeline() as pipe:
        r('register_jobs', ready.register_jobs, [b], pipe)
        pipe.execute()
    r('ready', ready.get_job_ids)
    r('status of the ready', b.get_status)
    r('enqueue_jobs', ready.enqueue_jobs, ['b'])
    r('queued', lambda: q.job_ids)
    r('none is ready', ready.get_job_ids)
    r('parse_job_id', failed.parse_job_id, 'a')


def of_workers(r: Recorder, redis: Any) -> None:
    from rq import Queue, SimpleWorker
    from rq.executions import cleanup_execution, prepare_execution
    from rq.maintenance import clean_intermediate_queue
    from rq.worker_registration import clean_worker_registry, get_keys, register, unregister

    q = Queue('q', connection=redis)
    w = SimpleWorker([q], connection=redis, name='w')
    r('register', register, w)
    r('keys', get_keys, q)
    r('keys of all', get_keys, connection=redis)
    r('clean_worker_registry', clean_worker_registry, q)
    r('keys then', get_keys, q)
    r('unregister', unregister, w)
    w.register_birth()
    job = q.enqueue(compat_jobs.add, 1, 2, job_id='a')
    execution = r('prepare_execution', prepare_execution, w, job)
    r.look('prepare_execution', execution, 'job_id', 'worker_name')
    r.look('worker', w, 'get_current_job_id()', 'current_execution_count', 'should_run_maintenance_tasks')
    with redis.pipeline() as pipe:
        r('cleanup_execution', cleanup_execution, w, job, pipe, execution)
        pipe.execute()
    r('no executions', job.get_executions)
    r('heartbeat', w.heartbeat, 600)
    r('set_shutdown_requested_date', w.set_shutdown_requested_date)
    r('maintenance', w.run_maintenance_tasks)
    r('clean_intermediate_queue', clean_intermediate_queue, w, q)
    r('reorder_queues', w.reorder_queues, q)
    r('names', lambda: (w.queue_names(), w.queue_keys(), w.dequeue_timeout, w.connection_timeout))
    r('refresh', w.refresh)
    r('procline', w.procline, 'text')
    r('counters', lambda: (w.increment_successful_job_count(), w.increment_failed_job_count()))
    r.keys('counted')
    r('work', burst, redis)


SECTIONS = (of_queues, of_jobs, of_results, of_registries, of_workers)
