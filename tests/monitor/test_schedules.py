"""Cron jobs and scheduled jobs as they are read."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from rq import Queue, SimpleWorker
from rq.cron import CronScheduler
from rq.cron.control import pause
from rq.monitor import schedules
from rq.store import keys
from tests.monitor import work
from tests.monitor.test_search import fill
from tests.support.reads import reading


def scheduler(redis: Redis, name: str = 'cron.1') -> CronScheduler:
    """A scheduler that has told of itself, with some cron jobs."""
    made = CronScheduler(redis, name=name)
    made.register(work.add, 'mail', args=(1, 2), cron='0 3 * * *', name='nightly', tz='Europe/Prague')
    made.register(work.send, 'mail', kwargs={'to': 'Ann', 'token': 's3cret'}, interval=300, name='letters')
    made.register(work.fail, 'mail', args=('always',), cron='* * * * *', name='broken')
    made.register_birth()
    return made


def test_cron_jobs_are_told_with_words_times_and_arguments(redis: Redis) -> None:
    scheduler(redis)
    scheduler(redis, 'cron.2')
    pause('letters', redis)
    found = schedules.crons(redis)
    broken, letters, nightly = found.crons
    assert (nightly.name, nightly.words, nightly.zone, nightly.schedulers) == (
        'nightly',
        'At 03:00 every day',
        'Europe/Prague',
        2,
    )
    assert len(nightly.next) == 5 and nightly.next[0].astimezone(UTC) > datetime.now(UTC) and nightly.last is None
    assert (letters.words, letters.arguments, letters.paused) == ('Every 5 minutes', "to='Ann', token=(hidden)", True)
    assert broken.arguments == "'always'" and broken.words == 'Every minute'
    assert [one.name for one in found.schedulers] == ['cron.2', 'cron.1'] or len(found.schedulers) == 2
    assert all(one.alive and one.jobs == 3 for one in found.schedulers)


def test_runs_streaks_and_what_was_missed(redis: Redis) -> None:
    made = scheduler(redis)
    queue, worker = Queue('mail', connection=redis), SimpleWorker(['mail'], connection=redis)
    jobs = {job.name: job for job in made.get_jobs()}
    for _ in range(3):
        jobs['broken'].enqueue(redis)
        jobs['letters'].enqueue(redis)
    worker.work(burst=True)
    waiting = jobs['letters'].enqueue(redis)
    broken, letters, _ = schedules.crons(redis).crons
    assert (
        broken.streak == -3 and broken.last_state == 'failed' and [run.state for run in broken.runs] == ['failed'] * 3
    )
    assert letters.streak == 3 and (letters.last_state, letters.last_id) == ('queued', waiting.id)
    redis.delete(keys.job(letters.runs[0].job_id))
    _, letters, _ = schedules.crons(redis).crons
    assert letters.runs[0].state == 'none' and letters.streak == 2 and letters.missed == 0
    # An hour ago: its result has expired, as those of 500 s do; a failure would still be there.
    redis.zadd(keys.cron_history('letters'), {letters.runs[0].job_id: time.time() - 3600})
    _, letters, _ = schedules.crons(redis).crons
    assert letters.runs[0].state == 'ok' and letters.streak == 3
    # Ten minutes ago was the oldest of its runs; nothing came since, until now.
    ids = redis.zrange(keys.cron_history('broken'), 0, -1)
    redis.zadd(keys.cron_history('broken'), {ids[0]: time.time() - 600})
    [missed] = [one for one in schedules.crons(redis).crons if one.name == 'broken']
    assert missed.missed in (8, 9) and {run.state for run in missed.runs} == {'failed', 'missed'}
    assert len(missed.cells) == len(missed.runs) and queue.name == 'mail'


def test_dead_schedulers_and_cron_jobs_without_one_are_named(redis: Redis) -> None:
    made = scheduler(redis)
    made.get_jobs()[0].enqueue(redis)
    redis.zadd(keys.cron_schedulers(), {'cron.1': time.time() - 600})
    found = schedules.crons(redis)
    assert found.crons == () and not found.schedulers[0].alive and [name for name, _ in found.orphans] == ['nightly']


@pytest.mark.parametrize('told', [b'', b'{', b'null', b'[1, null, {}]', b'[' * 10_000, b'\xff\xfe', json.dumps(
    [{'func_name': '<script>', 'queue_name': '<b>', 'cron': 'x', 'name': '<i>', 'args': '[', 'interval': None},
     {'func_name': 'f', 'queue_name': 'q', 'interval': 1e308}, {'func_name': 'f', 'queue_name': 'q', 'cron': '0 0 30 2 *'},
     {'func_name': 'f', 'queue_name': 'q', 'interval': 'x'},
     {'func_name': 'f\ud800', 'queue_name': 'q', 'interval': 3}, {'func_name': 'f', 'queue_name': 'q', 'interval': float('inf')},
     {'func_name': 3, 'queue_name': [], 'interval': 3}]).encode()])  # fmt: skip
def test_records_that_are_garbage_are_shown_as_far_as_they_go(redis: Redis, told: bytes) -> None:
    redis.zadd(keys.cron_schedulers(), {'bad': time.time(), b'\xff': time.time()})
    redis.hset(keys.cron_scheduler('bad'), mapping={'cron_jobs': told, 'pid': b'\xff'})
    redis.set(keys.cron_scheduler('other'), 'no hash')
    assert len(schedules.crons(redis).schedulers) == 2


def test_scheduled_jobs_come_in_the_order_in_which_they_are_due(redis: Redis) -> None:
    now = datetime.now(UTC)
    for number, name in enumerate(['a', 'b', 'a', 'c', 'b']):
        Queue(name, connection=redis).enqueue_at(
            now + timedelta(hours=number + 1), work.send, to='x', job_id=f'due-{number}'
        )
    found = schedules.later(redis)
    assert [due.job.id for due in found.jobs] == [f'due-{number}' for number in range(5)] and found.total == 5
    assert [due.job.id for due in schedules.later(redis, offset=2, most=2).jobs] == ['due-2', 'due-3']
    assert [due.job.id for due in schedules.later(redis, 'b').jobs] == ['due-1', 'due-4']
    assert dict(found.queues) == {'a': 2, 'b': 2, 'c': 1} and not found.jobs[0].retry
    assert found.jobs[0].at is not None and abs(found.jobs[0].at - now - timedelta(hours=1)) < timedelta(seconds=2)


@pytest.mark.serial
def test_a_hundred_thousand_scheduled_jobs_cost_what_ten_cost(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(redis, 30, 'scheduled', start=50_000)
    fill(redis, 10, 'scheduled', start=99_990)
    fill(redis, 60, 'scheduled')
    redis.zadd(keys.scheduled('q'), {f'scheduled-{number:06d}': 4e9 + number for number in range(100_000)})
    redis.zadd(keys.scheduled('r'), {'x': 1.0})
    redis.sadd(keys.queues(), keys.queue('r'))
    scheduler(redis)
    took = []
    for offset in (0, 50_000, 99_990, 99_999_999):
        with reading(redis, monkeypatch) as cost:
            began = time.process_time()
            found = schedules.later(redis, 'q', offset)
            schedules.crons(redis)
            took.append(time.process_time() - began)
        assert cost.trips <= 16 and found.total == 100_000
        assert len(found.jobs) == min(25, max(0, 100_000 - offset))
    assert min(took) < 0.06
    assert schedules.later(redis, offset=50_000).too_deep and len(schedules.later(redis, offset=25).jobs) == 25
