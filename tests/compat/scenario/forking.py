"""The ordinary worker, whose jobs run in processes of their own: what becomes of jobs that end badly."""

from __future__ import annotations

from typing import Any

import compat_jobs
from record import Recorder

SEEN = ('get_status()', 'return_value()', 'started_at', 'ended_at', 'worker_name', 'retries_left', 'is_failed')


def work(redis: Any, *names: str, **options: Any) -> Any:
    from rq import Worker

    return Worker(list(names) or ['q'], connection=redis, name='w', **options).work(burst=True)


def reason(job: Any) -> str:
    """The kind of the error, without its details."""
    found = job.latest_result()
    text = (found.exc_string or '').strip() if found else ''
    return text.rsplit('\n', 1)[-1].split(':')[0].split(';')[0]


def bad_ends(r: Recorder, redis: Any) -> None:
    from rq import Callback, Queue, Retry

    q = Queue('q', connection=redis)
    calls: dict[str, tuple[Any, ...]] = {
        'good': (compat_jobs.add, 1, 2),
        'raises': (compat_jobs.fail, 'text'),
        'exits': (compat_jobs.never_again,),
        'interrupted': (compat_jobs.interrupt,),
        'gone': (compat_jobs.end_process, 3),
        'gone-well': (compat_jobs.end_process, 0),
        'killed': (compat_jobs.kill_process,),
        'after': (compat_jobs.add, 3, 4),
    }
    for job_id, call in calls.items():
        q.enqueue(*call, job_id=job_id, on_failure=Callback(compat_jobs.on_failure))
    q.enqueue(compat_jobs.kill_process, job_id='killed-retry', retry=Retry(1))
    q.enqueue(compat_jobs.sleep, 9, job_id='slow', job_timeout=1)
    q.enqueue(compat_jobs.add, 1, 2, job_id='child', depends_on='killed')
    r('work', work, redis)
    for job_id in (*calls, 'killed-retry', 'slow', 'child'):
        job = q.fetch_job(job_id)
        r.look(job_id, job, *SEEN)
        r(f'reason of {job_id}', reason, job)
    r('failed', lambda: sorted(q.failed_job_registry.get_job_ids()))
    r('started', q.started_job_registry.get_job_ids)
    r('callbacks', lambda: sorted(line.decode().rsplit(' ', 1)[0] for line in redis.lrange('callbacks', 0, -1)))


def handlers_of_the_dead(r: Recorder, redis: Any) -> None:
    from rq import Queue

    q = Queue('q', connection=redis)
    q.enqueue(compat_jobs.kill_process, job_id='killed')
    q.enqueue(compat_jobs.fail, job_id='raises')
    r(
        'work',
        work,
        redis,
        exception_handlers=[compat_jobs.handler_goes_on],
        work_horse_killed_handler=compat_jobs.horse_killed,
    )
    r('handlers', lambda: sorted(redis.lrange('handlers', 0, -1)))


SECTIONS = (bad_ends, handlers_of_the_dead)
