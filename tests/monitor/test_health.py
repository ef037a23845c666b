"""What needs attention: each concern appears when it should, and a system that works has none."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from redis import Redis

from rq import Queue
from rq.cron import CronScheduler
from rq.monitor import health as monitor
from rq.monitor import schedules, workers
from rq.monitor.functions import Function
from rq.store import admin, keys, view_totals
from rq.utils import utcformat
from tests.monitor.test_workers import born

FUNCTION = dict.fromkeys(Function.__slots__, 0.0)


def concerns(redis: Redis, functions: list[Function] | None = None, goal: float = 60) -> list[str]:
    found = monitor.health(redis, view_totals.totals(redis))
    listed = monitor.concerns(found, workers.fleet(redis).workers, functions or [], goal)
    return [f'{one.what}. {one.why}' for one in listed]


def test_a_system_with_a_worker_and_short_waits_has_no_concern(redis: Redis) -> None:
    born(redis, 'w')
    Queue('a', connection=redis).enqueue('f')
    assert concerns(redis) == []


def test_without_any_worker_it_is_said_once(redis: Redis) -> None:
    for name in ('a', 'b', 'c'):
        Queue(name, connection=redis).enqueue('f')
    assert concerns(redis) == ['No worker is running. 3 jobs waiting.']


def test_a_queue_that_nobody_listens_to_is_named(redis: Redis) -> None:
    born(redis, 'w')
    Queue('x', connection=redis).enqueue('f')
    assert concerns(redis) == ['Queue x has no worker. 1 job waiting.']


def test_of_many_queues_without_worker_five_are_named_and_the_rest_counted(redis: Redis) -> None:
    born(redis, 'w')
    Queue('a', connection=redis).enqueue('f')
    for number in range(30):
        Queue(f'q{number:02}', connection=redis).enqueue('f')
    listed = concerns(redis)
    assert len(listed) == 6 and listed[-1].startswith('25 more concerns about queues')


def test_a_wait_above_the_goal_is_said(redis: Redis) -> None:
    born(redis, 'w')
    job = Queue('a', connection=redis).enqueue('f')
    redis.hset(keys.job(job.id), 'enqueued_at', utcformat(datetime.now(UTC) - timedelta(minutes=5)))
    assert concerns(redis) == ['Queue a is slow. Its next job has waited 5 m; the goal is 1 m.']
    assert concerns(redis, goal=600) == []


def test_what_is_paused_is_said(redis: Redis) -> None:
    born(redis, 'w')
    Queue('a', connection=redis).enqueue('f')
    admin.suspend(redis, queue='a')
    assert concerns(redis) == ['Queue a is paused. 1 job waiting.']
    admin.suspend(redis)
    assert concerns(redis)[0] == 'All work is paused. No worker takes a job.'


def test_scheduled_jobs_that_nobody_moved_on_are_said(redis: Redis) -> None:
    born(redis, 'w')
    Queue('a', connection=redis).enqueue('f')
    redis.zadd(keys.scheduled('a'), {'late': time.time() - 600, 'later': time.time() + 600})
    [one] = concerns(redis)
    assert one.startswith('Scheduled jobs of queue a are overdue. Job late was due 10 m ago')


def test_a_run_that_nobody_took_back_and_one_past_its_timeout_are_said(redis: Redis) -> None:
    born(redis, 'w')
    redis.sadd(keys.queues(), keys.queue('a'))
    redis.zadd(keys.wip('a'), {'lost:e': time.time() - 600, 'long:e': time.time() + 60})
    redis.hset(
        keys.job('long'), mapping={'started_at': utcformat(datetime.now(UTC) - timedelta(hours=1)), 'timeout': '60'}
    )
    assert [one.partition('.')[0] for one in concerns(redis)] == ['Job lost is stuck', 'Job long is past its timeout']


def test_silent_workers_and_different_versions_are_said(redis: Redis) -> None:
    born(redis, 'one')
    born(redis, 'two', version='2.9.0')
    born(redis, 'three')
    redis.delete(keys.lease('three'))
    listed = concerns(redis)
    assert listed == [
        'Worker three is silent. There is no sign of its life.',
        'Workers run different versions. 2.9.0, 3.0.0.',
    ]


def test_a_cron_scheduler_that_died_is_said(redis: Redis) -> None:
    redis.zadd(keys.cron_schedulers(), {'nightly': time.time() - 7200})
    [one] = concerns(redis)
    assert one.startswith('Cron scheduler nightly is gone. It was last heard of 2 h ago')


def test_a_function_that_fails_often_is_said(redis: Redis) -> None:
    def function(name: str, runs: int, failures: int) -> Function:
        known: dict[str, Any] = {
            **FUNCTION,
            'name': name,
            'runs': runs,
            'failures': failures,
            'failure_rate': failures / runs,
        }
        return Function(**known)

    listed = concerns(
        redis, [function('good', 1000, 6), function('few', 4, 4), function('bad', 10, 9), function('poor', 50, 10)]
    )
    assert listed == [
        'bad fails. 9 of its 10 runs in the last hour (90%).',
        'poor fails. 10 of its 50 runs in the last hour (20%).',
    ]


def test_a_server_that_may_drop_jobs_or_is_almost_full_is_said(redis: Redis) -> None:
    found = monitor.Health((), (), False, 900, 1000, 'allkeys-lru', ())
    assert [one.what for one in monitor.concerns(found, [], [], 60)] == ['Redis may drop jobs', 'Redis is almost full']
    calm = monitor.Health((), (), False, 900, 0, 'noeviction', ())
    assert monitor.concerns(calm, [], [], 60) == []


def test_keys_of_another_type_hide_only_their_own_queue(redis: Redis) -> None:
    born(redis, 'w')
    Queue('a', connection=redis).enqueue('f')
    redis.sadd(keys.queues(), keys.queue('broken'), b'rq:queue:\xff\xfe', 'nonsense')
    for key in (keys.queue('broken'), keys.wip('broken'), keys.scheduled('broken'), keys.workers_of('broken')):
        redis.set(key, 'text')
    totals = view_totals.totals(redis)
    assert {queue.name: queue.waiting for queue in totals.queues} == {'a': 1, 'broken': 0, '\\xff\\xfe': 0}
    assert concerns(redis) == []


def test_of_ten_thousand_queues_some_are_counted_the_same_each_time(redis: Redis) -> None:
    redis.sadd(keys.queues(), *(keys.queue(f'q{number}') for number in range(10_000)))
    first, second = view_totals.totals(redis), view_totals.totals(redis)
    assert len(first.queues) == view_totals.MOST_QUEUES and first.more == 10_000 - view_totals.MOST_QUEUES
    assert [queue.name for queue in first.queues] == [queue.name for queue in second.queues]


def test_all_of_500_queues_are_counted(redis: Redis) -> None:
    redis.sadd(keys.queues(), *(keys.queue(f'q{number}') for number in range(500)))
    found = view_totals.totals(redis)
    assert (len(found.queues), found.more) == (500, 0)


def test_a_cron_job_whose_time_passed_without_a_run_is_said(redis: Redis) -> None:
    made = CronScheduler(redis, name='cron')
    made.register(len, 'a', args=('x',), cron='* * * * *', name='minutely')
    made.register(len, 'a', args=('x',), interval=60, name='often')
    made.register(len, 'a', args=('x',), cron='* * * * *', name='paused')
    made.register(len, 'a', args=('x',), cron='0 0 1 1 *', name='yearly')
    made.register_birth()
    hour_ago = int((time.time() - 3600) * 1_000_000)
    for job in made.get_jobs():
        redis.hset(keys.cron_state(job.name), f'slot:{job.definition}', hour_ago)
    redis.hset(keys.cron_state('paused'), 'paused', '1')
    assert [(name, 3400 < late < 3600) for name, late in schedules.missed(redis)] == [
        ('minutely', True),
        ('often', True),
    ]
    found = monitor.health(redis, view_totals.totals(redis))
    listed = monitor.concerns(found, [], [], 60, schedules.missed(redis))
    assert [one.what for one in listed] == ['Cron job minutely was missed', 'Cron job often was missed']
    assert listed[0].why.startswith('It should have run 5') and listed[0].page == 'schedules'
    for job in made.get_jobs():
        redis.hset(keys.cron_state(job.name), f'slot:{job.definition}', int(time.time() * 1_000_000))
    assert schedules.missed(redis) == []
