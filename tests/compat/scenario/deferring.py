"""Dependencies of all kinds, groups of them, and what frees or strands a job that waits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import compat_jobs
from record import Recorder
from working import burst


def waiting(r: Recorder, redis: Any) -> None:
    from rq import Queue
    from rq.job import Dependency

    q, other = Queue('q', connection=redis), Queue('other', connection=redis)
    a, b = (q.enqueue(compat_jobs.add, 1, 2, job_id=job_id) for job_id in 'ab')
    one = r('on a job', q.enqueue, compat_jobs.add, 1, 2, job_id='on-job', depends_on=a, ttl=6000)
    r.look('on a job', one, 'get_status()', 'is_deferred', 'dependency', 'dependency_ids', '_dependency_ids', 'dependent_ids',
           'fetch_dependencies()', 'dependencies_are_met()', 'enqueued_at', 'allow_dependency_failures')  # fmt: skip
    r('on an id', q.enqueue, compat_jobs.add, 1, 2, job_id='on-id', depends_on='a', at_front=True)
    r('on a list', other.enqueue, compat_jobs.add, 1, 2, job_id='on-list', depends_on=[a, 'b'])
    r(
        'on a Dependency',
        q.enqueue,
        compat_jobs.add,
        1,
        2,
        job_id='on-dep',
        depends_on=Dependency([a, b], allow_failure=True),
    )
    r('at front', q.enqueue, compat_jobs.add, 1, 2, job_id='front', depends_on=Dependency(['a'], enqueue_at_front=True))
    r('in a chain', q.enqueue, compat_jobs.add, 1, 2, job_id='chain', depends_on='on-job')
    r('of several kinds', q.enqueue, len, [], job_id='kinds', depends_on=[Dependency(['a']), b])
    r(
        'in bulk',
        lambda: q.enqueue_many([Queue.prepare_data(len, ([],), job_id='bulk', depends_on='a')])[0].get_status(),
    )
    r('dependents', lambda: sorted(a.dependent_ids))
    r('deferred', lambda: sorted(q.deferred_job_registry.get_job_ids()))
    r('across queues', other.deferred_job_registry.get_job_ids)
    r.keys('waiting')
    r('one parent runs', burst, redis, max_jobs=1)
    r('what is queued', lambda: (q.job_ids[:2], sorted(q.job_ids), other.job_ids))
    r('who still waits', lambda: sorted(q.deferred_job_registry.get_job_ids()))
    r('the rest runs', burst, redis, 'q', 'other')
    r('all done', lambda: sorted(q.finished_job_registry.get_job_ids()))
    r('and in the other queue', other.finished_job_registry.get_job_ids)


def at_once(r: Recorder, redis: Any) -> None:
    from rq import Queue
    from rq.job import Dependency

    q = Queue('q', connection=redis)
    done = q.enqueue(compat_jobs.add, 1, 2, job_id='done')
    bad = q.enqueue(compat_jobs.fail, job_id='bad')
    burst(redis)
    gone = q.enqueue(compat_jobs.add, 1, 2, job_id='gone')
    gone.delete()
    canceled = q.enqueue(compat_jobs.add, 1, 2, job_id='canceled')
    canceled.cancel()
    for name, on in (('done', done), ('bad', bad), ('bad-allowed', Dependency([bad], allow_failure=True)), ('gone', gone),
                     ('unknown', 'never-was'), ('canceled', canceled), ('empty', []), ('none', None),
                     ('twice', ['done', 'done']), ('half', ['done', 'never-was'])):  # fmt: skip
        job = r(f'on {name}', q.enqueue, compat_jobs.add, 1, 2, job_id=f'on-{name}', depends_on=on)
        if job is not None:
            r.look(f'on {name}', job, 'get_status()', 'dependency_ids')
            r(f'dependency of {name}', lambda job=job: job.dependency)
    r('on itself', q.enqueue, compat_jobs.add, 1, 2, job_id='self', depends_on='self')
    r('a Dependency of nothing', Dependency, [])
    r('a Dependency of None', Dependency, None)
    r('a Dependency of numbers', Dependency, [5])
    r('a Dependency of a text', lambda: Dependency('a').dependencies)
    r('queued', lambda: q.job_ids)
    r('deferred', lambda: sorted(q.deferred_job_registry.get_job_ids()))


def failing_parents(r: Recorder, redis: Any) -> None:
    from rq import Queue, Retry
    from rq.job import Dependency

    q = Queue('q', connection=redis)
    bad = q.enqueue(compat_jobs.fail, job_id='bad')
    tried = q.enqueue(compat_jobs.fail_until, 2, job_id='tried', retry=Retry(2))
    q.enqueue(compat_jobs.add, 1, 2, job_id='strict', depends_on=bad)
    q.enqueue(compat_jobs.add, 1, 2, job_id='lenient', depends_on=Dependency([bad], allow_failure=True))
    q.enqueue(compat_jobs.add, 1, 2, job_id='both', depends_on=Dependency([bad, tried], allow_failure=True))
    q.enqueue(compat_jobs.add, 1, 2, job_id='after-retry', depends_on=tried)
    r('work', burst, redis)
    for job_id in ('strict', 'lenient', 'both', 'after-retry'):
        r(job_id, lambda job_id=job_id: q.fetch_job(job_id).get_status())
    r('deferred', q.deferred_job_registry.get_job_ids)
    r.keys('failed')
    r('requeue the parent', bad.requeue)
    r('still deferred', q.deferred_job_registry.get_job_ids)


def canceled_parents(r: Recorder, redis: Any) -> None:
    from rq import Queue

    q = Queue('q', connection=redis)
    for number in range(4):
        q.enqueue(compat_jobs.add, 1, 2, job_id=f'p{number}')
        q.enqueue(compat_jobs.add, 1, 2, job_id=f'c{number}', depends_on=f'p{number}')
    r('cancel', lambda: q.fetch_job('p0').cancel())
    r('cancel and enqueue its dependents', lambda: q.fetch_job('p1').cancel(enqueue_dependents=True))
    r('delete', lambda: q.fetch_job('p2').delete())
    r('delete with its dependents', lambda: q.fetch_job('p3').delete(delete_dependents=True))
    r('children', lambda: [child and child.get_status() for child in map(q.fetch_job, ('c0', 'c1', 'c2', 'c3'))])
    r('queued', lambda: q.job_ids)
    r('deferred', lambda: sorted(q.deferred_job_registry.get_job_ids()))
    a = q.enqueue(compat_jobs.add, 1, 2, job_id='a')
    b = q.enqueue(compat_jobs.add, 1, 2, job_id='b', depends_on=a)
    r('cancel a child', b.cancel, remove_from_dependencies=True)
    r('dependents of its parent', lambda: a.dependent_ids)
    c = q.enqueue(compat_jobs.add, 1, 2, job_id='c', depends_on=a)
    r('delete a child', c.delete)
    r('dependents then', lambda: a.dependent_ids)
    d = q.enqueue(compat_jobs.add, 1, 2, job_id='d', depends_on=a)
    r('remove a child from the registry', q.deferred_job_registry.remove, d)
    r('work', burst, redis)
    r('ended', lambda: sorted(q.finished_job_registry.get_job_ids()))


def emptied(r: Recorder, redis: Any) -> None:
    from rq import Queue

    q = Queue('q', connection=redis)
    q.enqueue(compat_jobs.add, 1, 2, job_id='a')
    q.enqueue(compat_jobs.add, 1, 2, job_id='b', depends_on='a')
    r('empty', q.empty)
    r('deferred', q.deferred_job_registry.get_job_ids)
    with redis.pipeline() as pipe:
        r('in a pipeline', q.enqueue, compat_jobs.add, 1, 2, job_id='p', pipeline=pipe)
        r('a child in it', q.enqueue, compat_jobs.add, 1, 2, job_id='c', depends_on='b', pipeline=pipe)
        pipe.execute()
    r('queued', lambda: q.job_ids)
    r(
        'in process',
        lambda: Queue('q', connection=redis, is_async=False).enqueue(len, [], job_id='s', depends_on='b').get_status(),
    )
    then = datetime(2100, 1, 1, tzinfo=UTC)
    r('scheduled', lambda: q.enqueue_at(then, len, [], job_id='t', depends_on='b').get_status())


SECTIONS = (waiting, at_once, failing_parents, canceled_parents, emptied)
