"""Cron and schedulers of a released RQ and ours: each shows the other's, and RQ's locks are kept."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from redis import Redis

from rq import Queue, Worker, cron_job_registry, cron_scheduler_registry
from rq.cron import CronScheduler, get_cron_job_ids
from rq.scheduler import RQScheduler
from tests.compat.fleet import PATIENCE, Fleet

REGISTER = """
from rq.cron import CronScheduler, CronJob
import rq.cron_scheduler_registry as schedulers, rq.cron_job_registry as jobs
c = CronScheduler(redis, name='theirs')
c.register(compat_jobs.add, 'q', args=(1, 2), interval=600, name='every', meta={'a': 1}, job_timeout=7)
c.register(compat_jobs.add, 'q', cron='0 3 * * *', name='nightly')
c.register_birth()
c.enqueue_jobs()
c.heartbeat()
"""
TOLD = """[[s.name, s.hostname, s.pid, s.config_file, s.created_at.timestamp(), [
    [j.name, j.func_name, j.queue_name, list(j.args), j.kwargs, j.interval, j.cron, j.job_options,
     j.latest_enqueue_time and j.latest_enqueue_time.timestamp(), j.next_enqueue_time and j.next_enqueue_time.timestamp()]
    for j in s.get_jobs()]] for s in CronScheduler.all(redis)]"""


def ours(redis: Redis) -> CronScheduler:
    import compat_jobs

    scheduler = CronScheduler(redis, logging_level='CRITICAL', name='ours')
    more: dict[str, Any] = {'args': (1, 2), 'meta': {'a': 1}, 'job_timeout': 7}
    scheduler.register(compat_jobs.add, 'q', interval=600, name='every', misfire='all', jitter=5, **more)
    scheduler.register(compat_jobs.add, 'q', cron='0 3 * * *', name='nightly', tz='Europe/Prague')
    scheduler.register_birth()
    scheduler.enqueue_jobs()
    scheduler.heartbeat()
    return scheduler


def test_each_shows_the_others_cron_schedulers_and_jobs(fleet: Fleet, redis: Redis) -> None:
    fleet.theirs.run(REGISTER)
    scheduler = ours(redis)
    assert fleet.theirs(TOLD) == eval(TOLD, {'CronScheduler': CronScheduler, 'redis': redis})
    assert {one.name for one in CronScheduler.all(redis)} == {'ours', 'theirs'}
    assert fleet.theirs('schedulers.get_keys(redis)') == cron_scheduler_registry.get_keys(redis)
    assert fleet.theirs('jobs.get_names(redis)') == cron_job_registry.get_names(redis) == ['every']
    ids = get_cron_job_ids('every', redis)
    assert fleet.theirs('c.get_jobs()[0].get_job_ids(redis)') == ids == Queue('q', connection=redis).job_ids[::-1]
    assert len(ids) == 2
    assert fleet.theirs("CronScheduler.fetch('ours', redis).get_jobs()[0].args") == [1, 2]
    scheduler.register_death()
    fleet.theirs.run('c.register_death()')
    assert fleet.theirs('CronScheduler.all(redis)') == CronScheduler.all(redis) == []


def test_their_workers_run_what_our_cron_makes_and_ours_what_theirs_makes(fleet: Fleet, redis: Redis) -> None:
    fleet.theirs.run(REGISTER)
    ours(redis).register_death()
    queue = Queue('q', connection=redis)
    first, second = queue.jobs
    fleet.theirs.run("SimpleWorker(['q'], connection=redis).work(burst=True, max_jobs=1)")
    from rq import SimpleWorker

    SimpleWorker(['q'], connection=redis).work(burst=True, logging_level='CRITICAL')
    assert [(job.get_status(), job.return_value(), job.timeout, job.meta) for job in (first, second)] == [
        ('finished', 3, 7, {'a': 1})
    ] * 2
    fleet.theirs.run('c.register_death()')


def test_one_scheduler_holds_the_lock_of_a_queue_and_the_other_sees_whose_it_is(fleet: Fleet, redis: Redis) -> None:
    fleet.theirs.run("""
from rq.scheduler import RQScheduler
s = RQScheduler(['q', 'theirs'], redis, name='theirs')
s.register_birth()
s.acquire_locks()
""")
    mine = RQScheduler(['q', 'ours'], redis, logging_level='CRITICAL', name='ours')
    mine.register_birth()
    assert mine.acquire_locks() == {'ours'}
    there = fleet.theirs("[Queue(name, connection=redis).scheduler_pid for name in ('q', 'theirs', 'ours', 'none')]")
    here = [Queue(name, connection=redis).scheduler_pid for name in ('q', 'theirs', 'ours', 'none')]
    assert here == there and here[0] == here[1] != here[2] == mine.pid and here[3] is None
    assert RQScheduler.fetch('theirs', redis)._queue_names == {'q', 'theirs'}
    assert fleet.theirs("sorted(RQScheduler.fetch('ours', redis)._queue_names)") == ['ours', 'q']
    fleet.theirs.run('s.acquire_locks(); s.release_locks(); s.register_death()')
    assert mine.acquire_locks() == {'q'}
    assert fleet.theirs('len(s.acquire_locks())') == 1
    fleet.theirs.run('s.release_locks()')
    mine.heartbeat()
    assert mine.acquired_locks == {'q', 'ours'}
    mine.release_locks()
    assert mine.register_death() is True
    assert not redis.keys('rq:scheduler*')


def test_our_workers_leave_due_jobs_to_their_scheduler_and_take_over_when_its_lock_ends(
    fleet: Fleet, redis: Redis
) -> None:
    """I13, in a mixed fleet."""
    fleet.theirs.run("from rq.scheduler import RQScheduler\ns = RQScheduler(['q'], redis)\ns.acquire_locks()")
    queue = Queue('q', connection=redis)
    past = datetime.now(UTC) - timedelta(hours=1)
    jobs = [queue.enqueue_at(past, 'compat_jobs.count', fleet.url, 'scheduled', 0) for _ in range(20)]
    us = fleet.our_rq('worker', 'q')
    fleet.processes.wait_for(lambda: Worker.count(redis) == 1, PATIENCE)
    time.sleep(1.2)  # two promotions of ours
    assert len(queue.scheduled_job_registry) == 20
    redis.expire(RQScheduler.get_locking_key('q'), 1)
    fleet.processes.wait_for(lambda: len(queue.finished_job_registry) == 20, PATIENCE)
    runs = Counter(line.decode().split()[0] for line in redis.lrange('order:scheduled', 0, -1))
    assert runs == dict.fromkeys([job.id for job in jobs], 1)
    fleet.stop(us)
