"""Running jobs: bursts of a SimpleWorker, results, retries, repeats, callbacks, handlers, sync queues, registries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import compat_jobs
from record import Recorder

DONE = ('get_status()', 'return_value()', 'started_at', 'ended_at', 'worker_name', 'meta', 'is_finished', 'is_failed')


def burst(redis: Any, *names: str, **options: Any) -> Any:
    """Works everything off; what `work` answers."""
    from rq import SimpleWorker

    made = {
        name: options.pop(name)
        for name in ('exception_handlers', 'serializer', 'default_result_ttl')
        if name in options
    }
    return SimpleWorker(list(names) or ['q'], connection=redis, name='w', **made).work(burst=True, **options)


def running(r: Recorder, redis: Any) -> None:
    from rq import Queue

    q = Queue('q', connection=redis)
    r('nothing to do', burst, redis)
    good = q.enqueue(compat_jobs.add, 1, 2, job_id='good')
    q.enqueue(compat_jobs.about_myself, job_id='self', meta={'m': 1})
    q.enqueue(compat_jobs.write_meta, 5, job_id='meta')
    q.enqueue(compat_jobs.add_later, 1, 2, job_id='coroutine')
    q.enqueue(compat_jobs.Counter(3).plus, 4, job_id='method')
    q.enqueue(compat_jobs.Counter.twice, 4, job_id='static')
    q.enqueue(compat_jobs.Counter.made, 4, job_id='class')
    q.enqueue(compat_jobs.echo, 1, a=2, job_id='none', result_ttl=0)
    q.enqueue(compat_jobs.echo, 1, job_id='ever', result_ttl=-1)
    q.enqueue(compat_jobs.enqueue_another, 'q', 'another', job_id='outer')
    bad = q.enqueue(compat_jobs.fail, 'text', job_id='bad')
    q.enqueue('no.such.function', job_id='unknown')
    q.enqueue('compat_jobs.no_such', job_id='no-such')
    q.enqueue(compat_jobs.unserializable, job_id='unserializable')
    q.enqueue(compat_jobs.fail, job_id='bad-ever', failure_ttl=-1)
    q.enqueue(compat_jobs.fail, job_id='bad-short', failure_ttl=600)
    r('a burst', burst, redis)
    good.refresh(), bad.refresh()
    r.look('good', good, *DONE, 'latest_result()', 'results()', 'result', 'exc_info', 'enqueued_at')
    r.look('bad', bad, *DONE, 'latest_result()', 'results()', 'result', 'exc_info')
    for job_id in ('self', 'meta', 'coroutine', 'method', 'static', 'class', 'none', 'ever', 'outer', 'another', 'unknown',
                   'no-such', 'unserializable', 'bad-ever', 'bad-short'):  # fmt: skip
        job = r(f'fetch {job_id}', q.fetch_job, job_id)
        if job is not None:
            r.look(job_id, job, *DONE, 'exc_info')
    r('finished', lambda: sorted(q.finished_job_registry.get_job_ids()))
    r('failed', lambda: sorted(q.failed_job_registry.get_job_ids()))
    r('expiration', q.failed_job_registry.get_expiration_time, bad)


def odd_work(r: Recorder, redis: Any) -> None:
    from rq import Queue

    q = Queue('q', connection=redis)
    a, b = Queue('a', connection=redis), Queue('b', connection=redis)
    for queue in (b, a):
        queue.enqueue(compat_jobs.about_myself, job_id=f'in-{queue.name}')
    r('several queues', burst, redis, 'a', 'b', max_jobs=1)
    r('the first was taken', lambda: (a.job_ids, b.job_ids))
    r('the rest', burst, redis, 'a', 'b')
    for number in range(3):
        q.enqueue(compat_jobs.add, 1, number, job_id=f'n{number}')
    r('two of three', burst, redis, max_jobs=2)
    r('one is left', lambda: q.job_ids)
    q.enqueue(compat_jobs.add, 1, 2, job_id='gone')
    redis.delete('rq:job:gone')
    q.enqueue(compat_jobs.add, 1, 2, job_id='canceled').cancel()
    redis.rpush('rq:queue:q', 'never-was')
    twice = q.enqueue(compat_jobs.add, 1, 2, job_id='twice')
    q.enqueue_job(twice)
    json_job = Queue('q', connection=redis, serializer='json').enqueue(compat_jobs.add, [1], [2], job_id='json')
    r('work it off', burst, redis)
    r.look('JSON read by pickle', json_job, 'get_status()')
    r('runs', lambda: len(twice.results()))
    q.enqueue(compat_jobs.sleep, 1.5, job_id='slow', job_timeout=1)
    r('too slow', burst, redis)
    slow = q.fetch_job('slow')
    r.look('too slow', slow, 'get_status()', 'exc_info')
    q.enqueue(compat_jobs.add, 1, 2, job_id='default-ttl')
    r('a default of the worker', burst, redis, default_result_ttl=1200)
    q.enqueue(compat_jobs.generate, job_id='generator')
    r('a generator', burst, redis)
    r.look('a generator', q.fetch_job('generator'), 'get_status()', 'exc_info')


def requeueing(r: Recorder, redis: Any) -> None:
    from rq import Queue, requeue_job

    q = Queue('q', connection=redis)
    jobs = [q.enqueue(compat_jobs.fail, job_id=job_id) for job_id in 'abcd']
    burst(redis)
    registry = q.failed_job_registry
    r('the failed', lambda: sorted(registry.get_job_ids()))
    r('requeue', jobs[0].requeue)
    jobs[0].refresh()
    r.look('requeued', jobs[0], 'get_status()', 'started_at', 'ended_at', 'exc_info', 'enqueued_at')
    r('requeue_job', requeue_job, 'b', redis)
    r('by the registry', registry.requeue, 'c', at_front=True)
    r('by the registry again', registry.requeue, 'c')
    r('by the registry, a job', registry.requeue, jobs[3])
    r('ids', lambda: q.job_ids)
    r.keys('requeued')
    r('run again', burst, redis)
    r('two results', lambda: [kind.type.name for kind in jobs[0].results()])
    r('remove with the job', registry.remove, 'a', delete_job=True)
    r('gone', q.fetch_job, 'a')
    r('remove nobody', registry.remove, 'nobody')


def retries(r: Recorder, redis: Any) -> None:
    from rq import Queue, Retry

    q = Queue('q', connection=redis)
    q.enqueue(compat_jobs.fail_until, 3, job_id='third', retry=Retry(max=5))
    q.enqueue(compat_jobs.fail_until, 9, job_id='never', retry=Retry(max=2))
    q.enqueue(compat_jobs.fail, job_id='later', retry=Retry(max=2, interval=[600, 1200]))
    q.enqueue(compat_jobs.fail, job_id='evenly', retry=Retry(max=3, interval=600))
    q.enqueue(compat_jobs.ask_again, 2, job_id='asks', meta={'a': 1})
    q.enqueue(compat_jobs.ask_again, 2, [600, 1200], job_id='asks-later')
    q.enqueue(compat_jobs.ask_again, 0, job_id='asks-wrongly')
    r('work', burst, redis)
    for job_id in ('third', 'never', 'later', 'evenly', 'asks', 'asks-later', 'asks-wrongly'):
        job = q.fetch_job(job_id)
        r.look(job_id, job, 'get_status()', 'retries_left', 'number_of_retries', 'should_retry', 'get_retry_interval()')
        r(f'results of {job_id}', lambda job=job: [(one.type.name, one.return_value) for one in job.results()])
    for job_id in ('later', 'evenly', 'asks-later'):
        r(f'{job_id} is due', q.scheduled_job_registry.get_scheduled_time, job_id)


def repeats(r: Recorder, redis: Any) -> None:
    from rq import Queue, Repeat

    q = Queue('q', connection=redis)
    q.enqueue(compat_jobs.about_myself, job_id='thrice', repeat=Repeat(times=2))
    q.enqueue(compat_jobs.add, 1, 2, job_id='later', repeat=Repeat(times=3, interval=[600, 1200]))
    q.enqueue(compat_jobs.fail, job_id='fails', repeat=Repeat(times=3))
    r('work', burst, redis)
    for job_id in ('thrice', 'later', 'fails'):
        job = q.fetch_job(job_id)
        r.look(job_id, job, 'get_status()', 'repeats_left', 'repeat_intervals')
        r(f'results of {job_id}', lambda job=job: len(job.results()))
    r('later is due', q.scheduled_job_registry.get_scheduled_time, 'later')


def callbacks(r: Recorder, redis: Any) -> None:
    from rq import Callback, Queue, Retry

    q, sync = Queue('q', connection=redis), Queue('sync', connection=redis, is_async=False)
    both = {'on_success': Callback(compat_jobs.on_success), 'on_failure': Callback('compat_jobs.on_failure')}
    q.enqueue(compat_jobs.add, 1, 2, job_id='good', **both)
    q.enqueue(compat_jobs.fail, job_id='bad', **both)
    q.enqueue(compat_jobs.fail, job_id='retried', retry=Retry(1), **both)
    q.enqueue(
        compat_jobs.add,
        1,
        2,
        job_id='good-bad',
        on_success=Callback(compat_jobs.on_success_fail),
        on_failure=both['on_failure'],
    )
    q.enqueue(compat_jobs.fail, job_id='bad-bad', on_failure=Callback(compat_jobs.on_failure_fail))
    q.enqueue(compat_jobs.add, 1, 2, job_id='unknown', on_success=Callback('no.such.function'))
    r('work', burst, redis)
    sync.enqueue(compat_jobs.add, 1, 2, job_id='sync-good', **both)
    sync.enqueue(compat_jobs.fail, job_id='sync-bad', **both)
    for job_id in ('good', 'bad', 'retried', 'good-bad', 'bad-bad', 'unknown', 'sync-good', 'sync-bad'):
        job = q.fetch_job(job_id)
        r.look(job_id, job, 'get_status()', 'success_callback', 'failure_callback', 'stopped_callback',
               'success_callback_timeout', 'failure_callback_timeout', 'stopped_callback_timeout', 'exc_info')  # fmt: skip
    r('they ran', redis.lrange, 'callbacks', 0, -1)
    r('names', lambda: [callback.name for callback in both.values()])


def handlers(r: Recorder, redis: Any) -> None:
    from rq import Queue, SimpleWorker

    q = Queue('q', connection=redis)
    q.enqueue(compat_jobs.fail, job_id='bad')
    both = [compat_jobs.handler_stops, compat_jobs.handler_goes_on]
    r('with handlers', burst, redis, exception_handlers=both)
    r('they ran', redis.lrange, 'handlers', 0, -1)
    worker = SimpleWorker(['q'], connection=redis, name='w', exception_handlers=both[0])
    worker.push_exc_handler(compat_jobs.handler_goes_on)
    q.enqueue(compat_jobs.fail, job_id='bad2')
    r('with a pushed one', worker.work, burst=True)
    r('they ran now', redis.lrange, 'handlers', 0, -1)
    r('pop', worker.pop_exc_handler)


def results(r: Recorder, redis: Any) -> None:
    from rq import Queue
    from rq.results import Result

    q = Queue('q', connection=redis)
    job = q.enqueue(compat_jobs.add, 1, 2, job_id='a')
    r('none yet', job.latest_result)
    r('count of none', Result.count, job)
    r('all of none', Result.all, job)
    burst(redis)
    r('latest', job.latest_result)
    r('return_value', job.return_value)
    r('return_value refreshed', job.return_value, refresh=True)
    r('count', Result.count, job)
    r('all', Result.all, job)
    r('fetch', Result.fetch, job)
    r('fetch_latest', Result.fetch_latest, job)
    r('key', Result.get_key, 'a')
    r('create', Result.create, job, Result.Type.SUCCESSFUL, 600, return_value=[1], worker_name='x')
    r('create_failure', Result.create_failure, job, 600, 'Traceback (most recent call last)\nSome: text')
    r('three', lambda: [one.type.name for one in job.results()])
    r('types', lambda: {kind.name: kind.value for kind in Result.Type})
    r('delete_all', Result.delete_all, job)
    r('count after', Result.count, job)


def registries(r: Recorder, redis: Any) -> None:
    from rq import Queue
    from rq.registry import BaseRegistry, FailedJobRegistry, FinishedJobRegistry, StartedJobRegistry, clean_registries

    q = Queue('q', connection=redis)
    jobs = [q.enqueue(compat_jobs.add, 1, 2, job_id=job_id) for job_id in 'abc']
    burst(redis)
    registry = FinishedJobRegistry('q', redis)
    by_queue = FinishedJobRegistry(queue=q)
    r('equal', lambda: (registry == by_queue, registry == FailedJobRegistry('q', redis), registry.key, by_queue.name))
    r('count', lambda: (registry.count, len(registry), registry.get_job_count(), registry.get_job_count(cleanup=False)))
    r('ids', registry.get_job_ids)
    r('a page', registry.get_job_ids, 1, 1)
    r('descending', lambda: sorted(registry.get_job_ids(desc=True, cleanup=False)))
    r('in', lambda: ('a' in registry, jobs[0] in registry, 'nobody' in registry))
    r('queue', registry.get_queue)
    r('expiration', registry.get_expiration_time, jobs[0])
    r('requeue a finished one', registry.requeue, 'a')
    r('remove', registry.remove, 'b')
    r('remove a job', registry.remove, jobs[2])
    r('left', registry.get_job_ids)
    r('add', registry.add, jobs[1], 600)
    r('add for ever', registry.add, jobs[2], -1)
    r('expired', registry.get_expired_job_ids)
    r('expired then', lambda: sorted(registry.get_expired_job_ids(datetime.now(UTC).timestamp() + 900)))
    r.keys('added')
    r('cleanup then', registry.cleanup, int(datetime.now(UTC).timestamp()) + 900)
    r('left after it', registry.get_job_ids)
    started = StartedJobRegistry('q', redis)
    r('add to the started', started.add, jobs[0], 60)
    r('remove from the started', started.remove, jobs[0])
    r('started', started.get_job_and_execution_ids)
    r('clean_registries', clean_registries, q)
    r('a base', lambda: BaseRegistry('q', redis).key)
    r('without a connection', FinishedJobRegistry, 'q')
    r('key of the others', lambda: [q.canceled_job_registry.key, q.ready_job_registry.key, q.deferred_job_registry.key])


def in_process(r: Recorder, redis: Any) -> None:
    from rq import Queue, Retry

    q = Queue('sync', connection=redis, is_async=False)
    good = r('good', q.enqueue, compat_jobs.add, 1, 2, job_id='good', meta={'a': 1})
    r.look('good', good, *DONE, 'latest_result()', 'exc_info', 'enqueued_at')
    bad = r('bad', q.enqueue, compat_jobs.fail, 'text', job_id='bad')
    r.look('bad', bad, 'get_status()', 'return_value()', 'started_at', 'exc_info', 'is_failed')
    r('retried', q.enqueue, compat_jobs.fail_until, 2, job_id='retried', retry=Retry(2))
    r('no result kept', q.enqueue, compat_jobs.add, 1, 2, job_id='none', result_ttl=0)
    r('unknown', q.enqueue, 'no.such.function', job_id='unknown')
    r('in bulk', q.enqueue_many, [Queue.prepare_data(compat_jobs.add, (1, 2), job_id='bulk')])
    r('scheduled', q.enqueue_in, timedelta(hours=1), compat_jobs.add, 1, 2, job_id='in')
    r('unique', q.enqueue, compat_jobs.add, 1, 2, job_id='good', unique=True)
    r('inside a job', q.enqueue, compat_jobs.enqueue_another, 'q', 'another', job_id='outer')
    r('finished', lambda: sorted(q.finished_job_registry.get_job_ids()))
    r('failed', lambda: sorted(q.failed_job_registry.get_job_ids()))
    r('count', lambda: q.count)


SECTIONS = (running, odd_work, requeueing, retries, repeats, callbacks, handlers, results, registries, in_process)
