"""Groups, rate limits, executions, workers, commands, the scheduler's and cron's names, the decorator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import compat_jobs
from record import Recorder
from working import burst


def groups(r: Recorder, redis: Any) -> None:
    from rq import Queue
    from rq.group import Group

    q = Queue('q', connection=redis)
    group = r('create', Group.create, connection=redis, name='g')
    datas = [Queue.prepare_data(compat_jobs.add, (1, 2), job_id=job_id) for job_id in 'ab']
    r('enqueue_many', group.enqueue_many, q, datas)
    r('jobs', lambda: sorted(job.id for job in group.get_jobs()))
    r('group of a job', lambda: q.fetch_job('a').group_id)
    r('all', Group.all, redis)
    r('fetch', Group.fetch, 'g', redis)
    r('fetch nobody', Group.fetch, 'nobody', redis)
    r('key', Group.get_key, 'g')
    r('work', burst, redis)
    r('jobs then', lambda: sorted(job.id for job in group.get_jobs()))
    r('delete_job', group.delete_job, 'a')
    r('left', group.get_jobs)
    redis.delete('rq:job:b')
    r('cleanup', group.cleanup)
    r('left after it', group.get_jobs)
    r('all after it', Group.all, redis)
    r('with a name of its own', lambda: len(Group.create(connection=redis).name))
    r('in a pipeline of enqueue_many', q.enqueue_many, [Queue.prepare_data(len, ([],), job_id='c')], group_id='h')
    r('clean_registries', Group.clean_registries, redis)
    r('a group without a connection', Group, None)
    r('the lock', Group.acquire_maintenance_lock, redis, 60)
    r('the lock again', Group.acquire_maintenance_lock, redis, 60)


def rate_limits(r: Recorder, redis: Any) -> None:
    from rq import Queue, RateLimit
    from rq.rate_limit import RateLimitRegistry

    q, sync = Queue('q', connection=redis), Queue('sync', connection=redis, is_async=False)
    limit = RateLimit('k', 2)
    for number in range(4):
        job = r(f'enqueue {number}', q.enqueue, compat_jobs.add, 1, number, job_id=f'j{number}', rate_limit=limit)
        r.look(f'job {number}', job, 'get_status()')
    r('queued', lambda: q.job_ids)
    registry = RateLimitRegistry('k', redis)
    r.look('registry', registry, 'get_allowed_job_ids()', 'get_rate_limited_job_ids()', 'get_allowed_job_count()',
           'get_rate_limited_job_count()', 'concurrency', 'allowed_key', 'rate_limited_key', 'config_key')  # fmt: skip
    r('all', lambda: [one.key for one in RateLimitRegistry.all(redis)])
    r.keys('limited')
    r('cancel one that waits', lambda: q.fetch_job('j3').cancel())
    r('one runs', burst, redis, max_jobs=1)
    r('then', registry.get_allowed_job_ids)
    r('the rest', burst, redis)
    r('ended', lambda: sorted(q.finished_job_registry.get_job_ids()))
    r('afterwards', lambda: (registry.get_allowed_job_ids(), registry.get_rate_limited_job_ids()))
    r('cleanup', registry.cleanup)
    r('on a sync queue', sync.enqueue, compat_jobs.add, 1, 2, job_id='s', rate_limit=limit)
    r('with a dependency', q.enqueue, compat_jobs.add, 1, 2, job_id='d', rate_limit=limit, depends_on='j0')
    r('at a time', lambda: q.enqueue_in(timedelta(hours=1), len, [], job_id='t', rate_limit=limit).get_status())
    r('a text', q.enqueue, compat_jobs.add, 1, 2, rate_limit='k')


def executions(r: Recorder, redis: Any) -> None:
    from rq import Queue
    from rq.executions import Execution, ExecutionRegistry

    q = Queue('q', connection=redis)
    job = q.enqueue(compat_jobs.add, 1, 2, job_id='a')
    r('none', job.get_executions)
    with redis.pipeline() as pipe:
        execution = r('create', Execution.create, job, 600, pipe, worker_name='w')
        pipe.execute()
    r.look('create', execution, 'job_id', 'composite_key', 'key', 'created_at', 'last_heartbeat', 'worker_name', 'job')
    r.keys('created')
    r('fetch', lambda: Execution.fetch(execution.id, 'a', redis).worker_name)
    r('fetch nobody', Execution.fetch, 'x', 'a', redis)
    r('from a composite key', lambda: Execution.from_composite_key('a:b', redis).id)
    r('executions', job.get_executions)
    registry = job.execution_registry
    r('registry', lambda: (registry.key, len(registry.get_execution_ids()), registry.count))
    r(
        'started',
        lambda: (q.started_job_registry.get_job_ids(), len(q.started_job_registry.get_job_and_execution_ids())),
    )
    r('in the started', lambda: ('a' in q.started_job_registry, job in q.started_job_registry))
    with redis.pipeline() as pipe:
        r('heartbeat', execution.heartbeat, q.started_job_registry, 900, pipe)
        pipe.execute()
    with redis.pipeline() as pipe:
        r('delete', execution.delete, job, pipe)
        pipe.execute()
    r('none again', lambda: (job.get_executions(), ExecutionRegistry('a', redis).get_execution_ids()))


def workers(r: Recorder, redis: Any) -> None:
    from rq import Queue, SimpleWorker, Worker
    from rq.worker_registration import get_keys

    q = Queue('q', connection=redis)
    r('none', Worker.all, connection=redis)
    w = r('make', SimpleWorker, [q, 'other'], connection=redis, name='w')
    r.look('made', w, 'name', 'key', 'queues', 'queue_names()', 'queue_keys()', 'get_state()', 'worker_ttl', 'pubsub_channel_name',
           'successful_job_count', 'failed_job_count', 'birth_date', 'last_heartbeat', 'get_current_job()')  # fmt: skip
    r('register_birth', w.register_birth)
    r('twice', lambda: SimpleWorker([q], connection=redis, name='w').register_birth())
    r('all', Worker.all, connection=redis)
    r('all of a queue', Worker.all, queue=q)
    r('all of another queue', Worker.all, queue=Queue('none', connection=redis))
    r('count', Worker.count, connection=redis)
    r('count of a queue', Worker.count, queue=q)
    r('all_keys', Worker.all_keys, connection=redis)
    r('get_keys', get_keys, connection=redis)
    r('set_state', w.set_state, 'busy')
    found = r('find_by_key', Worker.find_by_key, 'rq:worker:w', connection=redis)
    r.look('found', found, 'name', 'queue_names()', 'get_state()', 'birth_date', 'last_heartbeat', 'successful_job_count',
           'failed_job_count', 'get_current_job()', 'get_current_job_id()', 'death_date', 'shutdown_requested_date',
           'get_current_executions()', 'current_execution_count')  # fmt: skip
    r('find nobody', Worker.find_by_key, 'rq:worker:nobody', connection=redis)
    r('find by no key', Worker.find_by_key, 'worker:w', connection=redis)
    r.keys('born')
    r('register_death', w.register_death)
    r('all after it', Worker.all, connection=redis)
    r.look('death', w, 'death_date')
    r('no queues', SimpleWorker, [], connection=redis)
    r('no connection', SimpleWorker, ['q'])
    r('queues that are numbers', SimpleWorker, [5], connection=redis)
    r('the connection of a queue', lambda: SimpleWorker([q]).connection is redis)
    r('an unknown strategy', w.work, burst=True, dequeue_strategy='backwards')
    for strategy in ('round_robin', 'random', 'default'):
        q.enqueue(compat_jobs.add, 1, 2, job_id=strategy)
        r(
            strategy,
            SimpleWorker([q], connection=redis, name=f'w-{strategy}').work,
            burst=True,
            dequeue_strategy=strategy,
        )


def commands(r: Recorder, redis: Any) -> None:
    from rq import Queue, command

    q = Queue('q', connection=redis)
    q.enqueue(compat_jobs.add, 1, 2, job_id='a')
    heard = redis.pubsub(ignore_subscribe_messages=True)
    heard.subscribe('rq:pubsub:w')
    heard.get_message(timeout=1)
    r('shutdown', command.send_shutdown_command, redis, 'w')
    r('kill-horse', command.send_kill_horse_command, redis, 'w')
    r('any', command.send_command, redis, 'w', 'any', more=1)
    r('stop what is queued', command.send_stop_job_command, redis, 'a')
    r('stop nobody', command.send_stop_job_command, redis, 'nobody')
    r('stop an execution of nobody', command.send_stop_execution_command, redis, 'a', 'x')
    for number in range(3):
        r(f'heard {number}', lambda: (heard.get_message(timeout=1) or {}).get('data'))
    heard.close()
    r('parse', command.parse_payload, {'data': b'{"command": "shutdown"}'})
    r('parse junk', command.parse_payload, {'data': b'junk'})


def schedulers(r: Recorder, redis: Any) -> None:
    from rq import Queue
    from rq.scheduler import RQScheduler

    q = Queue('q', connection=redis)
    q.enqueue_at(datetime(2020, 1, 1, tzinfo=UTC), compat_jobs.add, 1, 2, job_id='due')
    q.enqueue_at(datetime(2100, 1, 1, tzinfo=UTC), compat_jobs.add, 1, 2, job_id='later')
    s = r('make', RQScheduler, [q], redis, name='s')
    r.look('made', s, 'name', 'key', 'status', 'acquired_locks', 'interval')
    r('locking key', RQScheduler.get_locking_key, 'q')
    r('acquire_locks', s.acquire_locks)
    r('acquired', lambda: s.acquired_locks)
    r('another', lambda: RQScheduler([q], redis, name='t').acquire_locks())
    r('register_birth', s.register_birth)
    r.keys('locked')
    r('fetch', lambda: RQScheduler.fetch('s', redis).name)
    r('fetch nobody', RQScheduler.fetch, 'nobody', redis)
    r('enqueue_scheduled_jobs', s.enqueue_scheduled_jobs)
    r('queued', lambda: (q.job_ids, q.scheduled_job_registry.get_job_ids(), q.fetch_job('due').get_status()))
    r('heartbeat', s.heartbeat)
    r('release_locks', s.release_locks)
    r('register_death', s.register_death)
    r(
        'a burst promotes',
        lambda: q.enqueue_at(datetime(2020, 1, 1, tzinfo=UTC), compat_jobs.add, 1, 2, job_id='due2').id,
    )
    r('with a scheduler', burst, redis, with_scheduler=True)
    r('it ran', lambda: q.fetch_job('due2').get_status())


def cron(r: Recorder, redis: Any) -> None:
    from rq import cron as module
    from rq import cron_job_registry, cron_scheduler_registry
    from rq.cron import CronJob, CronScheduler

    c = r('make', CronScheduler, connection=redis, name='c')
    job = r('register', c.register, compat_jobs.add, 'q', args=(1, 2), interval=600, name='every')
    r.look(
        'job',
        job,
        'name',
        'func_name',
        'queue_name',
        'interval',
        'cron',
        'latest_enqueue_time',
        'job_options',
        'should_run()',
    )
    r(
        'register a cron string',
        c.register,
        compat_jobs.add,
        'q',
        cron='0 0 1 1 *',
        job_timeout=30,
        meta={'a': 1},
        name='yearly',
    )
    wrong = CronScheduler(connection=redis, name='wrong')
    for name, options in (('neither', {}), ('both', {'interval': 5, 'cron': '* * * * *'}), ('a wrong string', {'cron': 'x'}),
                          ('an interval of 0', {'interval': 0}), ('a negative interval', {'interval': -1})):  # fmt: skip
        r(f'register {name}', wrong.register, compat_jobs.add, 'q', **options)
    r('get_jobs', lambda: [one.name for one in c.get_jobs()])
    r('enqueue_jobs', c.enqueue_jobs)
    r('enqueue_jobs again', c.enqueue_jobs)
    r('queued', lambda: queue_of(redis).count)
    r('to_dict', job.to_dict)
    r('from_dict', lambda: CronJob.from_dict(job.to_dict()).to_dict())
    r('ids', lambda: len(job.get_job_ids(redis)))
    r('register_birth', c.register_birth)
    r('heartbeat', c.heartbeat)
    r('all', CronScheduler.all, redis)
    r('fetch', CronScheduler.fetch, 'c', redis)
    r('fetch nobody', CronScheduler.fetch, 'nobody', redis)
    r('keys', cron_scheduler_registry.get_keys, redis)
    r('names', cron_job_registry.get_names, redis)
    r('history key', module.get_cron_job_history_key, 'every')
    r.keys('living')
    r('register_death', c.register_death)
    r('all after it', CronScheduler.all, redis)


def queue_of(redis: Any) -> Any:
    from rq import Queue

    return Queue('q', connection=redis)


def decorators(r: Recorder, redis: Any) -> None:
    from rq import Queue, Retry
    from rq.decorators import job

    queue = Queue('q', connection=redis)
    decorated = r('decorate', job('q', connection=redis, timeout=30, result_ttl=600, ttl=1200, failure_ttl=60, meta={'m': 1},
                                  description='text', retry=Retry(2)), compat_jobs.add)  # fmt: skip
    made = r('delay', lambda: decorated.delay(1, 2, job_id='a'))
    r.look(
        'delay',
        made,
        'timeout',
        'result_ttl',
        'ttl',
        'failure_ttl',
        'meta',
        'description',
        'retries_left',
        'args',
        'kwargs',
    )
    r('enqueue', lambda: decorated.enqueue(3, y=4, job_id='b', at_front=True).id)
    r('on a dependency', lambda: decorated.delay(1, 2, job_id='c', depends_on='a').get_status())
    r('called', decorated, 5, 6)
    r('a queue', lambda: job(queue, connection=redis)(compat_jobs.echo).delay(1, job_id='d').origin)
    r('ids', lambda: queue.job_ids)


SECTIONS = (groups, rate_limits, executions, workers, commands, schedulers, cron, decorators)
