"""Both kinds of workers on one queue, both kinds of producers, both schedulers: each job runs exactly once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from redis import Redis

from rq import Queue, Retry, Worker
from rq.job import Job
from tests.compat.fleet import PATIENCE, Fleet

JOBS_EACH = 75
SECONDS_EACH = 0.02  # so that a fork of theirs takes part before ours have done it all


def runs(redis: Redis) -> Counter[str]:
    return Counter(line.decode().split()[0] for line in redis.lrange('order:runs', 0, -1))


def test_each_job_runs_once_whoever_takes_it(fleet: Fleet, redis: Redis) -> None:
    q = Queue('q', connection=redis)
    theirs = [fleet.their_rq('worker', *queues, '--name', f'theirs{len(queues)}') for queues in (['q'], ['other', 'q'])]
    ours = [fleet.our_rq('worker', *queues, '--name', f'ours{len(queues)}') for queues in (['q'], ['other', 'q'])]
    fleet.processes.wait_for(lambda: redis.scard('rq:workers') == 4, PATIENCE)
    fleet.theirs.run(f"""
for number in range({JOBS_EACH}):
    Queue('q', connection=redis).enqueue(
        'compat_jobs.count', {fleet.url!r}, 'runs', {SECONDS_EACH}, job_id=f'theirs{{number}}')
""")
    for number in range(JOBS_EACH):
        q.enqueue('compat_jobs.count', fleet.url, 'runs', SECONDS_EACH, job_id=f'ours{number}')
    ids = {f'{side}{number}' for side in ('theirs', 'ours') for number in range(JOBS_EACH)}
    fleet.processes.wait_for(lambda: len(q.finished_job_registry) == len(ids), PATIENCE)
    assert runs(redis) == dict.fromkeys(ids, 1)
    assert {job.get_status() for job in Job.fetch_many(list(ids), connection=redis) if job} == {'finished'}
    by = Counter(job.worker_name for job in Job.fetch_many(list(ids), connection=redis) if job)
    assert by['theirs1'] + by['theirs2'] and by['ours1'] + by['ours2'], by
    assert sorted(fleet.theirs("Queue('q', connection=redis).finished_job_registry.get_job_ids()")) == sorted(ids)
    fleet.stop(*theirs, *ours)
    assert q.count == len(q.started_job_registry) == len(q.failed_job_registry) == redis.scard('rq:workers') == 0


def test_both_see_each_others_workers_and_the_jobs_that_run(fleet: Fleet, redis: Redis) -> None:
    q = Queue('q', connection=redis)
    them = fleet.their_rq('worker', 'q', '--name', 'them')
    fleet.processes.wait_for(lambda: redis.exists('rq:worker:them'), PATIENCE)
    q.enqueue('compat_jobs.wait', fleet.url, 'go', job_id='first')
    fleet.processes.wait_for(lambda: Job.fetch('first', connection=redis).get_status() == 'started', PATIENCE)
    us = fleet.our_rq('worker', 'q', '--name', 'us')
    fleet.processes.wait_for(lambda: redis.exists('rq:worker:us'), PATIENCE)
    q.enqueue('compat_jobs.wait', fleet.url, 'go', job_id='second')
    running = 'sorted([w.name, w.get_state(), w.get_current_job_id()] for w in Worker.all(connection=redis))'
    wanted = [['them', 'busy', 'first'], ['us', 'busy', 'second']]
    fleet.processes.wait_for(lambda: fleet.theirs(running) == wanted, PATIENCE)
    assert eval(running, {'Worker': Worker, 'redis': redis}) == wanted
    started = "sorted(Queue('q', connection=redis).started_job_registry.get_job_ids())"
    assert fleet.theirs(started) == eval(started, {'Queue': Queue, 'redis': redis}) == ['first', 'second']
    executions = "[len(Job.fetch(i, connection=redis).get_executions()) for i in ('first', 'second')]"
    assert fleet.theirs(executions) == eval(executions, {'Job': Job, 'redis': redis}) == [1, 1]
    redis.rpush('go', 1, 2)
    fleet.stop(them, us)
    assert len(q.finished_job_registry) == 2
    assert fleet.theirs('Worker.count(connection=redis)') == 0


def test_what_is_due_runs_once_whoever_schedules_it(fleet: Fleet, redis: Redis) -> None:
    q = Queue('q', connection=redis)
    workers = [fleet.their_rq('worker', 'q', '--with-scheduler'), fleet.our_rq('worker', 'q', '--with-scheduler')]
    fleet.processes.wait_for(lambda: redis.exists('rq:scheduler-lock:q') and redis.scard('rq:workers') == 2, PATIENCE)
    for number in range(30):
        due = timedelta(seconds=number % 3)
        q.enqueue_in(due, 'compat_jobs.count', fleet.url, 'runs', job_id=f'ours{number}')
        fleet.theirs(
            f"Queue('q', connection=redis).enqueue_in(timedelta(seconds={number % 3}), "
            f"'compat_jobs.count', {fleet.url!r}, 'runs', job_id='theirs{number}').id"
        )
    q.enqueue('compat_jobs.fail_until', 2, job_id='retried', retry=Retry(1, interval=1))
    fleet.processes.wait_for(lambda: len(q.finished_job_registry) == 61, 30)
    assert runs(redis) == {f'{side}{number}': 1 for side in ('ours', 'theirs') for number in range(30)}
    assert len(q.scheduled_job_registry) == q.count == 0
    fleet.stop(*workers)


def test_what_one_schedules_the_other_knows(fleet: Fleet, redis: Redis) -> None:
    q = Queue('q', connection=redis)
    then = datetime(2100, 1, 1, tzinfo=UTC)
    q.enqueue_at(then, 'compat_jobs.add', 1, 2, job_id='ours')
    fleet.theirs(
        "Queue('q', connection=redis).enqueue_at(datetime(2100, 1, 1, tzinfo=UTC), len, [], job_id='theirs').id"
    )
    registry = "Queue('q', connection=redis).scheduled_job_registry"
    assert (
        fleet.theirs(f'[{registry}.get_scheduled_time(i).timestamp() for i in ("ours", "theirs")]')
        == [4102444800.0] * 2
    )
    assert [q.scheduled_job_registry.get_scheduled_time(i) for i in ('ours', 'theirs')] == [then, then]
    fleet.theirs("Job.fetch('ours', connection=redis).cancel()")
    Job.fetch('theirs', connection=redis).cancel()
    assert fleet.theirs(f'{registry}.get_job_ids()') == q.scheduled_job_registry.get_job_ids() == []
    assert fleet.theirs("sorted(Queue('q', connection=redis).canceled_job_registry.get_job_ids())") == [
        'ours',
        'theirs',
    ]


def test_maintenance_of_one_leaves_alone_what_runs_at_the_other(fleet: Fleet, redis: Redis) -> None:
    from rq.registry import clean_registries
    from rq.store import worker as store

    them, us = fleet.their_rq('worker', 'theirs'), fleet.our_rq('worker', 'ours', 'theirs')
    redis.set('rq:suspended:theirs', 1)  # for ours only
    for name in ('ours', 'theirs'):
        Queue(name, connection=redis).enqueue('compat_jobs.wait', fleet.url, 'go', job_id=name)
    running = {'ours', 'theirs'}
    fleet.processes.wait_for(
        lambda: {worker.get_current_job_id() for worker in Worker.all(connection=redis)} == running, PATIENCE
    )
    for name in running:
        fleet.processes.wait_for(lambda name=name: Job.fetch(name, connection=redis).is_started, PATIENCE)
    fleet.theirs.run(
        'for w in Worker.all(connection=redis):\n'
        '    w.run_maintenance_tasks()\n'
        '    for q in w.queues:\n'
        '        clean_registries(q)'
    )
    for name in running:
        clean_registries(Queue(name, connection=redis))
        assert store.reap(redis, name, b'') == store.adopt(redis, name, b'') == []
    assert store.bury(redis) == []
    assert {Job.fetch(name, connection=redis).get_status() for name in running} == {'started'}
    redis.rpush('go', 1, 2)
    for name in running:
        fleet.processes.wait_for(lambda name=name: Job.fetch(name, connection=redis).is_finished, PATIENCE)
        assert len(Job.fetch(name, connection=redis).results()) == 1
    fleet.stop(them, us)
