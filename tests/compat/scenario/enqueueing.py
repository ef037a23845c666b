"""Putting jobs in: every option, in bulk, scheduled, through pipelines, twice, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import compat_jobs
from record import Recorder

SEEN = ('id', 'func_name', 'args', 'kwargs', 'description', 'origin', 'timeout', 'ttl', 'result_ttl', 'failure_ttl',
        'meta', 'created_at', 'enqueued_at', 'started_at', 'ended_at', 'worker_name', 'retries_left', 'retry_intervals',
        'get_status()', 'is_queued', 'key', 'group_id')  # fmt: skip


def what_can_be_enqueued(r: Recorder, redis: Any) -> None:
    from rq import Queue

    q = Queue('q', connection=redis)
    job = r('a function', q.enqueue, compat_jobs.add, 1, 2, job_id='function')
    r.look('a function', job, *SEEN)
    r('a path', q.enqueue, 'compat_jobs.add', 1, y=2, job_id='path')
    r('a builtin', q.enqueue, len, [1, 2], job_id='builtin')
    r('a method', q.enqueue, compat_jobs.Counter(3).plus, 4, job_id='method')
    r('an object', q.enqueue, compat_jobs.Counter(3), 4, job_id='object')
    r('a class method', q.enqueue, compat_jobs.Counter.made, 4, job_id='class-method')
    r('a static method', q.enqueue, compat_jobs.Counter.twice, 4, job_id='static-method')
    r('a coroutine function', q.enqueue, compat_jobs.add_later, 1, 2, job_id='coroutine')
    r('arguments given apart', q.enqueue, compat_jobs.echo, args=(1, 2), kwargs={'job_id': 3}, job_id='apart')
    r('a long argument', q.enqueue, compat_jobs.echo, 'x' * 2000, key='y' * 200, job_id='long')
    r('an unknown path', q.enqueue, 'no.such.function', job_id='unknown')
    r('no id', lambda: len(q.enqueue(compat_jobs.add, 1, 2).id))
    r('the ids', lambda: q.job_ids[:-1])
    r('a class', q.enqueue, compat_jobs.Counter, 1)
    r('a number', q.enqueue, 5)
    r('None', q.enqueue, None)


def every_option(r: Recorder, redis: Any) -> None:
    from rq import Queue, Retry

    q = Queue('q', connection=redis, default_timeout=77)
    r('the default', lambda: q.enqueue(compat_jobs.add, 1, 2, job_id='default').timeout)
    for number, timeout in enumerate((10, '30', '30s', '5m', '2h', '1D', -1, 3.9)):
        r(
            f'job_timeout {timeout}',
            lambda t=timeout, n=number: q.enqueue(len, [], job_id=f't{n}', job_timeout=t).timeout,
        )
    for name in ('ttl', 'result_ttl', 'failure_ttl'):
        for value in (600, '10m', -1, 0):
            made = lambda n=name, v=value: q.enqueue(len, [], job_id=f'{n}{v}', **{n: v})  # noqa: E731
            r(f'{name} {value}', lambda n=name, made=made: getattr(made(), n))
    r.look('description', q.enqueue(len, [], job_id='described', description='what ů'), 'description')
    r.look('meta', q.enqueue(len, [], job_id='meta', meta={'a': [1], 'b': None}), 'meta', 'get_meta()')
    r('at the front', q.enqueue, len, [], job_id='front', at_front=True)
    r('the first', lambda: q.job_ids[0])
    job = r('retry', q.enqueue, compat_jobs.fail, job_id='retry', retry=Retry(max=3, interval=[60, 600]))
    r.look('retry', job, 'retries_left', 'retry_intervals', 'enqueue_at_front_on_retry')
    r('retry at front', q.enqueue, compat_jobs.fail, job_id='retry-front', retry=Retry(2, enqueue_at_front=True))
    r('callbacks', q.enqueue, compat_jobs.add, 1, 2, job_id='callbacks', **callbacks())
    r('bare callbacks', q.enqueue, compat_jobs.add, 1, 2, job_id='bare', on_success=compat_jobs.on_success)
    r('a path as callback', q.enqueue, compat_jobs.add, 1, 2, job_id='bare-path', on_failure='compat_jobs.on_failure')


def callbacks() -> dict[str, Any]:
    from rq import Callback

    return {
        'on_success': Callback(compat_jobs.on_success),
        'on_failure': Callback('compat_jobs.on_failure', timeout=10),
        'on_stopped': Callback(compat_jobs.on_stopped, timeout='1m'),
    }


def more_options(r: Recorder, redis: Any) -> None:
    from rq import Queue, RateLimit, Repeat, Webhook

    q = Queue('q', connection=redis)
    job = r('repeat', q.enqueue, compat_jobs.add, 1, 2, job_id='repeat', repeat=Repeat(times=2, interval=[60, 120]))
    r.look('repeat', job, 'repeats_left', 'repeat_intervals')
    hooks = [Webhook('http://127.0.0.1:9/a', 'finished'),
             Webhook('http://127.0.0.1:9/b', 'failed', method='POST', headers={'X': 'y'}, timeout=3)]  # fmt: skip
    job = r('webhooks', q.enqueue, compat_jobs.add, 1, 2, job_id='webhooks', webhooks=hooks)
    r.look('webhooks', job, 'webhooks')
    r('webhook to a dict', hooks[1].to_dict)
    r('webhook from a dict', Webhook.from_dict, hooks[1].to_dict())
    r('a webhook for another status', Webhook, 'http://a', 'started')
    r('a webhook by another method', Webhook, 'http://a', 'failed', method='PUT')
    r('a webhook to nowhere', Webhook, '', 'failed')
    r('a webhook with a timeout of 0', Webhook, 'http://a', 'failed', timeout=0)
    job = r('rate limit', q.enqueue, compat_jobs.add, 1, 2, job_id='limited', rate_limit=RateLimit('k', 2))
    r.look('rate limit', job, 'rate_limit_key', 'rate_limit_concurrency', 'has_rate_limit')
    r('a rate limit of 0', RateLimit, 'k', 0)
    r('a rate limit without a key', RateLimit, '', 1)
    for times in (0, -1, 'a', None):
        r(f'repeat {times} times', Repeat, times)
    r('repeat with a negative interval', Repeat, 2, -1)
    r('repeat with an interval that is no number', Repeat, 2, 'x')
    r('repeat with a list', Repeat, 2, [1, 2])
    r('interval of a repeat', Repeat.get_interval, 1, [5, 6])
    r('interval of a repeat beyond its list', Repeat.get_interval, 7, [5, 6])


def bad_options(r: Recorder, redis: Any) -> None:
    from rq import Callback, Queue, Retry

    q = Queue('q', connection=redis)
    for timeout in ('x', '5w', 0, '', []):
        r(f'job_timeout {timeout!r}', q.enqueue, len, [], job_timeout=timeout)
    for value in ('x', '1w'):
        r(f'ttl {value!r}', q.enqueue, len, [], ttl=value)
    for value in ('a b', 'a:b', 'ů', '', 5):
        r(f'job_id {value!r}', q.enqueue, len, [], job_id=value)
    r('args and positional ones', q.enqueue, compat_jobs.add, 1, args=(1, 2))
    r('kwargs that are no dict', q.enqueue, compat_jobs.add, args=(1, 2), kwargs=[1])
    r('args that are no tuple', q.enqueue, compat_jobs.add, args=5)
    r('meta that is no dict', q.enqueue, len, [], meta=5, job_id='no-meta')
    r('depends_on a number', q.enqueue, len, [], depends_on=5)
    r('unpicklable', q.enqueue, compat_jobs.echo, lambda: None)
    for most in (0, -1):
        r(f'retry {most}', Retry, most)
    r('retry with a negative interval', Retry, 3, -1)
    r('retry with a list with a negative interval', Retry, 3, [1, -1])
    r('retry with a text', Retry, 3, 'x')
    r('retry with a tuple', lambda: Retry(3, (1, 2)).intervals)
    r('interval of a retry', Retry.get_interval, 1, [5, 6])
    r('a callback that is a number', Callback, 5)
    r('a callback with a timeout of no kind', Callback, 'a.b', timeout='x')
    r('on_success a number', q.enqueue, len, [], on_success=5)
    r('a queue without a connection', Queue, 'q')
    r('a queue without a name', Queue, '', connection=redis)
    r('nothing came in', lambda: [job_id for job_id in q.job_ids if len(job_id) < 36])


def explicit_and_in_bulk(r: Recorder, redis: Any) -> None:
    from rq import Queue, Retry

    q = Queue('q', connection=redis)
    positional = (compat_jobs.add, (1, 2), {}, 30, 600, 1200, 2400, 'text', None, 'call', True, {'m': 1})
    r.look('enqueue_call', r('enqueue_call', q.enqueue_call, *positional), *SEEN)
    r('enqueue_call by name', q.enqueue_call, func='compat_jobs.add', args=[1, 2], job_id='by-name', timeout='1m')
    r('parse_args', lambda: Queue.parse_args(compat_jobs.add, 1, job_timeout=5, x=2)[:4])
    datas = [
        Queue.prepare_data(compat_jobs.add, (1, 2), job_id='m1', timeout=30, result_ttl=60, ttl=600, failure_ttl=600),
        Queue.prepare_data('compat_jobs.fail', job_id='m2', at_front=True, meta={'a': 1}, description='second'),
        Queue.prepare_data(compat_jobs.echo, kwargs={'a': 1}, job_id='m3', retry=Retry(2, 60)),
        Queue.prepare_data(compat_jobs.add, (1, 2), job_id='m4', on_success=callbacks()['on_success']),
    ]
    r('prepared', lambda: datas[0])
    for job in r('enqueue_many', q.enqueue_many, datas) or []:
        r.look(
            job.id, job, 'get_status()', 'timeout', 'ttl', 'result_ttl', 'meta', 'description', 'retries_left', 'args'
        )
    r('enqueue_many of nothing', q.enqueue_many, [])
    r('enqueue_many of a number', q.enqueue_many, 5)
    r('the ids', lambda: q.job_ids)
    with redis.pipeline() as pipe:
        r('enqueue in a pipeline', q.enqueue, compat_jobs.add, 1, 2, job_id='p1', pipeline=pipe)
        r('enqueue_many in a pipeline', q.enqueue_many, [Queue.prepare_data(len, ([],), job_id='p2')], pipeline=pipe)
        r('not yet', lambda: q.count)
        pipe.execute()
    r('now', lambda: q.job_ids)
    job = r('create_job', q.create_job, compat_jobs.add, (1, 2), job_id='made', timeout=20, meta={'x': 1})
    r.look('create_job', job, 'get_status()', 'timeout', 'origin', 'enqueued_at')
    r('enqueue_job', q.enqueue_job, job, at_front=True)
    r.look('enqueue_job', job, 'get_status()', 'enqueued_at')
    r('twice', q.enqueue, compat_jobs.add, 5, 6, job_id='made')
    r('the ids, one twice', lambda: q.job_ids)


def scheduled(r: Recorder, redis: Any) -> None:
    from rq import Queue

    q = Queue('q', connection=redis)
    job = r('enqueue_at', q.enqueue_at, datetime(2100, 1, 1, tzinfo=UTC), compat_jobs.add, 1, 2, job_id='at')
    r.look('enqueue_at', job, 'get_status()', 'is_scheduled', 'enqueued_at', 'origin', 'args')
    r('enqueue_at without a zone', q.enqueue_at, datetime(2100, 1, 1), compat_jobs.add, 1, 2, job_id='naive')  # noqa: DTZ001
    r('enqueue_at in the past', q.enqueue_at, datetime(2020, 1, 1, tzinfo=UTC), compat_jobs.add, 1, 2, job_id='past')
    r('enqueue_at a text', q.enqueue_at, '2100-01-01', compat_jobs.add, 1, 2, job_id='text')
    r('enqueue_in', q.enqueue_in, timedelta(hours=1), compat_jobs.add, 1, 2, job_id='in', ttl=7200, at_front=True)
    r('enqueue_in a number', q.enqueue_in, 60, compat_jobs.add, 1, 2, job_id='number')
    job = q.create_job(compat_jobs.add, (1, 2), job_id='by-hand')
    r('schedule_job', q.schedule_job, job, datetime(2100, 1, 1, tzinfo=UTC))
    r.look('schedule_job', job, 'get_status()')
    registry = q.scheduled_job_registry
    r('the registry', registry.get_job_ids)
    for job_id in ('at', 'naive', 'in'):
        r(f'scheduled time of {job_id}', registry.get_scheduled_time, job_id)
    r('scheduled time of nobody', registry.get_scheduled_time, 'nobody')
    r('to schedule', registry.get_jobs_to_schedule)
    r('to schedule then', registry.get_jobs_to_schedule, 4102444801)
    r('in the registry', lambda: 'at' in registry)
    r('remove', registry.remove, 'naive')
    r('count', lambda: len(registry))
    with redis.pipeline() as pipe:
        r('in a pipeline', q.enqueue_in, timedelta(hours=1), len, [], job_id='piped', pipeline=pipe)
        pipe.execute()
    r('nothing is queued', lambda: q.job_ids)


def unique(r: Recorder, redis: Any) -> None:
    from rq import Queue

    q = Queue('q', connection=redis)
    r('first', q.enqueue, compat_jobs.add, 1, 2, job_id='u', unique=True)
    r('again', q.enqueue, compat_jobs.add, 3, 4, job_id='u', unique=True)
    r('again, not unique', q.enqueue, compat_jobs.add, 3, 4, job_id='u')
    r('without an id', lambda: len(q.enqueue(compat_jobs.add, 1, 2, unique=True).id))
    r('with dependencies', q.enqueue, compat_jobs.add, 1, 2, job_id='d', unique=True, depends_on='u')
    r('at a time', q.enqueue_at, datetime(2100, 1, 1, tzinfo=UTC), compat_jobs.add, 1, 2, job_id='s', unique=True)
    r('at a time again', q.enqueue_at, datetime(2100, 1, 1, tzinfo=UTC), compat_jobs.add, 1, 2, job_id='s', unique=True)
    r('in a while', q.enqueue_in, timedelta(hours=1), compat_jobs.add, 1, 2, job_id='u', unique=True)
    r('enqueue_call', q.enqueue_call, compat_jobs.add, (1, 2), job_id='c', unique=True)
    job = q.create_job(compat_jobs.add, (1, 2), job_id='c')
    r('enqueue_job', q.enqueue_job, job, unique=True)
    r('schedule_job', q.schedule_job, job, datetime(2100, 1, 1, tzinfo=UTC), unique=True)
    r('the ids', lambda: [job_id for job_id in q.job_ids if len(job_id) < 36])
    q.fetch_job('u').delete()
    r('after its deletion', q.enqueue, compat_jobs.add, 1, 2, job_id='u', unique=True)
    from rq import RateLimit

    r('with a rate limit', q.enqueue, len, [], job_id='r', unique=True, rate_limit=RateLimit('k', 1))


SECTIONS = (what_can_be_enqueued, every_option, more_options, bad_options, explicit_and_in_bulk, scheduled, unique)
