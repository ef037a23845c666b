"""CronScheduler in this process: what is enqueued when, what others see of it, pause and run now."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from rq import Queue, cron, cron_job_registry, cron_scheduler_registry
from rq.cron import CronJob, CronScheduler, slots
from rq.cron.slots import micros
from rq.exceptions import SchedulerNotFound
from rq.job import Job
from rq.store import cron as store
from rq.store import keys
from tests.cron.work import note, other

Make = Callable[..., CronScheduler]
SECOND = 1_000_000


@pytest.fixture
def make(redis: Redis) -> Make:
    """Schedulers with these cron jobs: `make({'interval': 5}, {'cron': '* * * * *'})`."""

    def make_one(*jobs: dict[str, Any], name: str = '') -> CronScheduler:
        scheduler = CronScheduler(redis, logging_level='CRITICAL', name=name)
        for options in jobs:
            scheduler.register(**{'func': note, 'queue_name': 'q', **options})
        return scheduler

    return make_one


def waiting(redis: Redis) -> int:
    return Queue('q', connection=redis).count


def now(redis: Redis) -> int:
    return store.look(redis, [])[0]


def ran_at(redis: Redis, job: CronJob, seconds_ago: float) -> None:
    """As if its last slot had been so long ago."""
    at = now(redis) - int(seconds_ago * SECOND)
    redis.hset(keys.cron_state(job.name), f'slot:{job.definition}', f'{at} id')


# --- intervals --------------------------------------------------------------------------------------------------------


def test_an_interval_is_enqueued_at_once_and_then_when_it_is_over(redis: Redis, make: Make) -> None:
    scheduler = make({'interval': 600, 'name': 'n'})
    (job,) = scheduler.get_jobs()
    assert scheduler.enqueue_jobs() == [job]
    assert scheduler.enqueue_jobs() == []
    assert job.latest_enqueue_time is not None and job.next_enqueue_time is not None
    assert job.next_enqueue_time - job.latest_enqueue_time == timedelta(seconds=600)
    assert 590 < make({'interval': 600}).calculate_sleep_interval() + 590 <= 650
    assert scheduler.calculate_sleep_interval() == 60
    ran_at(redis, job, 601)
    assert scheduler.enqueue_jobs() == [job]
    assert waiting(redis) == 2
    assert cron.get_cron_job_ids('n', redis) == Queue('q', connection=redis).job_ids[::-1]  # newest first
    assert cron_job_registry.get_names(redis) == ['n']


def test_a_second_scheduler_does_not_begin_an_interval_anew(redis: Redis, make: Make) -> None:
    first, second = make({'interval': 600}), make({'interval': 600})
    assert [len(first.enqueue_jobs()), len(second.enqueue_jobs())] == [1, 0]
    assert second.get_jobs()[0].latest_enqueue_time == pytest.approx(datetime.now(UTC), abs=timedelta(seconds=5))


def test_the_same_registration_twice_is_two_cron_jobs(redis: Redis, make: Make) -> None:
    both = ({'interval': 600}, {'interval': 600}, {'interval': 600, 'args': (1,)})
    assert [len(make(*both).enqueue_jobs()), len(make(*both).enqueue_jobs())] == [3, 0]


# --- cron strings -----------------------------------------------------------------------------------------------------


def test_a_slot_that_came_is_enqueued_by_one_of_two(redis: Redis, make: Make) -> None:
    first, second = make({'cron': '* * * * * *'}), make({'cron': '* * * * * *'})
    assert (first.enqueue_jobs(), second.enqueue_jobs()) == ([], [])
    slot = first.get_jobs()[0].next_enqueue_time
    assert slot is not None
    while now(redis) < micros(slot):
        time.sleep(0.01)
    assert len(first.enqueue_jobs()) + len(second.enqueue_jobs()) == 1
    assert waiting(redis) == 1
    assert Job.fetch(Queue('q', connection=redis).job_ids[0], redis).enqueued_at >= slot  # type: ignore[operator]


@pytest.mark.parametrize(('misfire', 'expected'), [('skip', 0), ('once', 1), ('all', 5)])
def test_slots_missed_while_no_scheduler_ran_are_as_misfire_says(
    redis: Redis, make: Make, misfire: str, expected: int
) -> None:
    while time.time() % 60 > 57:
        time.sleep(0.5)
    job: dict[str, Any] = {'cron': '* * * * *', 'misfire': misfire}
    (probe,) = make(job).get_jobs()
    ran_at(redis, probe, time.time() % 60 + 5 * 60 - 1)  # five whole minutes ago and the rest of that one
    scheduler = make(job)
    scheduler.enqueue_jobs()
    assert waiting(redis) == expected
    assert scheduler.enqueue_jobs() == []
    other_one = make(job)
    other_one.enqueue_jobs()
    assert waiting(redis) == expected


@pytest.mark.parametrize('misfire', ['once', 'all'])
def test_what_was_missed_before_it_was_first_known_is_not_caught_up(redis: Redis, make: Make, misfire: str) -> None:
    make({'cron': '* * * * *', 'misfire': misfire}).enqueue_jobs()
    assert waiting(redis) == 0
    state = redis.hgetall(keys.cron_state('tests.cron.work.note'))
    assert [int(value) for value in state.values()] == [pytest.approx(now(redis), abs=5 * SECOND)]


def test_a_slot_that_passed_while_the_scheduler_was_held_up_is_enqueued_once(redis: Redis, make: Make) -> None:
    """RQ 3.0 does the same: the newest, and not those before it."""
    scheduler = make({'cron': '* * * * *'})
    (job,) = scheduler.get_jobs()
    job.next_enqueue_time = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=3)
    assert scheduler.enqueue_jobs() == [job]
    assert waiting(redis) == 1


def test_a_wrong_clock_of_this_machine_makes_nothing_early_or_late(
    redis: Redis, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hours in (3, -3):
        monkeypatch.setattr('rq.cron.job.now', lambda hours=hours: datetime.now(UTC) + timedelta(hours=hours))
        scheduler = make({'cron': '* * * * *'})
        scheduler.enqueue_jobs()
        assert scheduler.get_jobs()[0].next_enqueue_time <= datetime.now(UTC) + timedelta(seconds=61)  # type: ignore[operator]
        assert waiting(redis) == 0
    assert scheduler.calculate_sleep_interval() <= 60


# --- pause, resume, run now -------------------------------------------------------------------------------------------


def test_a_paused_job_is_left_alone_by_every_scheduler_until_it_is_resumed(redis: Redis, make: Make) -> None:
    assert cron.pause('n', redis) is True
    assert cron.pause('n', redis) is False
    assert cron.get_paused(['n', 'other'], redis) == ['n']
    schedulers = [make({'interval': 600, 'name': 'n'}, {'interval': 600, 'func': other}) for _ in range(2)]
    assert [[job.name for job in one.enqueue_jobs()] for one in schedulers] == [['tests.cron.work.other'], []]
    assert (cron.resume('n', redis), cron.resume('n', redis)) == (True, False)
    assert [[job.name for job in one.enqueue_jobs()] for one in schedulers] == [['n'], []]


def test_slots_in_a_pause_are_over_even_if_all_are_to_be_caught_up(redis: Redis, make: Make) -> None:
    job: dict[str, Any] = {'cron': '* * * * * *', 'misfire': 'all', 'name': 'n'}
    scheduler = make(job)
    ran_at(redis, scheduler.get_jobs()[0], 100)
    cron.pause('n', redis)
    assert scheduler.enqueue_jobs() == []
    cron.resume('n', redis)
    made = make(job).enqueue_jobs()
    assert waiting(redis) <= 1, made


def test_a_run_that_is_asked_for_comes_once_from_one_of_them(redis: Redis, make: Make) -> None:
    both = [make({'cron': '0 0 1 1 *', 'name': 'n'}) for _ in range(2)]
    assert [one.enqueue_jobs() for one in both] == [[], []]
    cron.pause('n', redis)
    cron.run_now('n', redis)
    assert sorted(len(one.enqueue_jobs()) for one in both) == [0, 1]
    assert [one.enqueue_jobs() for one in both] == [[], []]
    cron.run_now('n', redis)
    assert [len(one.enqueue_jobs()) for one in both] == [1, 0]
    assert waiting(redis) == 2
    # Who is new does not serve what was asked before there was it.
    assert make({'cron': '0 0 2 1 *', 'name': 'n'}).enqueue_jobs() == []


# --- trouble ----------------------------------------------------------------------------------------------------------


def test_one_that_cannot_be_enqueued_is_said_once_and_the_others_go_on(
    redis: Redis, make: Make, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = make(
        {'func': lambda: None, 'interval': 600}, {'interval': 600, 'ttl': -1, 'name': 'ttl'}, {'interval': 600}
    )
    scheduler.log.setLevel(logging.ERROR)
    monkeypatch.setattr(scheduler.log, 'propagate', True)
    assert [job.name for job in scheduler.enqueue_jobs()] == ['tests.cron.work.note']
    assert scheduler.enqueue_jobs() == []
    said = [record.getMessage() for record in caplog.records]
    assert [line.split(' cannot be enqueued: ')[0] for line in said] == ['tests.cron.test_scheduler.<lambda>', 'ttl']


def test_a_key_of_a_wrong_type_costs_its_own_cron_job_only(redis: Redis, disorder: None, make: Make) -> None:
    redis.set(keys.cron_history('broken'), 'not mine')
    scheduler = make({'interval': 600, 'name': 'broken'}, {'interval': 600})
    assert [job.name for job in scheduler.enqueue_jobs()] == ['tests.cron.work.note']
    redis.delete(keys.cron_history('broken'))
    assert [job.name for job in scheduler.enqueue_jobs()] == ['broken']


# --- as others see it -------------------------------------------------------------------------------------------------


def test_a_scheduler_is_seen_from_birth_to_death(redis: Redis, make: Make) -> None:
    scheduler = make({'interval': 600, 'name': 'n'}, name='one')
    assert (scheduler.key, scheduler.last_heartbeat) == ('rq:cron_scheduler:one', None)
    scheduler.register_birth()
    assert redis.ttl(scheduler.key) == 120
    assert scheduler.last_heartbeat == pytest.approx(datetime.now(UTC), abs=timedelta(seconds=5))
    scheduler.enqueue_jobs()
    scheduler.heartbeat()
    (seen,) = CronScheduler.all(redis)
    assert (seen, seen.pid, seen.hostname, seen.created_at) == (
        scheduler, scheduler.pid, scheduler.hostname, scheduler.created_at,
    )  # fmt: skip
    (job,) = CronScheduler.fetch('one', redis).get_jobs()
    assert (job.name, job.func) == ('n', None)
    assert job.next_enqueue_time == scheduler.get_jobs()[0].next_enqueue_time
    scheduler.register_death()
    assert (CronScheduler.all(redis), cron_scheduler_registry.get_keys(redis)) == ([], [])
    with pytest.raises(SchedulerNotFound, match="CronScheduler with name 'nobody' not found"):
        CronScheduler.fetch('nobody', redis)


def test_the_silent_are_not_shown_and_whoever_is_born_drops_them(redis: Redis, make: Make) -> None:
    silent = make(name='silent')
    silent.register_birth()
    redis.zadd(keys.cron_schedulers(), {'silent': time.time() - 121, 'without a record': time.time()})
    assert CronScheduler.all(redis) == []
    assert [one.name for one in CronScheduler.all(redis, cleanup=False)] == ['silent']
    assert cron_scheduler_registry.get_keys(redis) == ['silent', 'without a record']  # reading dropped nothing
    make(name='born').register_birth()
    assert cron_scheduler_registry.get_keys(redis) == ['without a record', 'born']


def test_a_record_that_cannot_be_read_is_a_scheduler_without_jobs(redis: Redis, make: Make) -> None:
    redis.hset(keys.cron_scheduler('x'), mapping={'hostname': 'h', 'cron_jobs': 'no JSON'})
    redis.hset(keys.cron_scheduler('y'), mapping={'pid': '12', 'cron_jobs': '[{"a": 1}, 5]'})
    for name in 'xy':
        redis.expire(keys.cron_scheduler(name), 120)
    found = [CronScheduler.fetch(name, redis) for name in 'xy']
    assert [(one.hostname, one.pid, one.get_jobs()) for one in found] == [('h', 0, []), ('', 12, [])]


def test_names_of_cron_jobs_leave_after_a_year(redis: Redis) -> None:
    cron_job_registry.add('old', redis, time.time() - 366 * 86400)
    cron_job_registry.add('new', redis)
    assert cron_job_registry.get_names(redis) == ['new']
    assert cron_job_registry.get_names(redis, cleanup=False) == ['old', 'new']
    assert cron_job_registry.remove_stale_entries(redis) == 1
    assert cron_job_registry.get_names(redis, cleanup=False) == ['new']


def test_nothing_is_asked_of_the_connection_before_it_is_needed() -> None:
    scheduler = CronScheduler(None, logging_level='CRITICAL')  # type: ignore[arg-type]
    scheduler.register(note, 'q', interval=5)
    assert scheduler.calculate_sleep_interval() == 60


def test_it_sleeps_until_a_slot_that_is_put_off_is_due(redis: Redis, make: Make) -> None:
    scheduler = make({'cron': '* * * * *', 'jitter': 59.9, 'name': 'n'})
    (job,) = scheduler.get_jobs()
    slot = datetime.now(UTC).replace(second=0, microsecond=0)
    while slots.jitter_of('n', micros(slot), 59.9) < (datetime.now(UTC) - slot).total_seconds() * SECOND + 2 * SECOND:
        slot += timedelta(minutes=1)
    job.next_enqueue_time = slot
    assert scheduler.enqueue_jobs() == []
    due = slot + timedelta(microseconds=slots.jitter_of('n', micros(slot), 59.9))
    assert scheduler.calculate_sleep_interval() == pytest.approx(
        min(60, (due - datetime.now(UTC)).total_seconds()), abs=1
    )


def test_a_server_that_refuses_one_queue_keeps_no_other_cron_job_from_its_own(
    redis: Redis, redis_url: str, make: Make
) -> None:
    allowed = [f'~rq:{part}' for part in ('job:*', 'gone:*', 'cron*', 'queues', 'queue:good', 'wake:good')]
    redis.execute_command('ACL', 'SETUSER', 'narrow', 'on', '>secret', *allowed, '+@all')
    try:
        with Redis.from_url(redis_url, username='narrow', password='secret') as narrow:
            scheduler = CronScheduler(narrow, logging_level='CRITICAL')
            for queue in ('bad', 'good'):
                scheduler.register(note, queue, interval=600, name=queue)
            assert [job.name for job in scheduler.enqueue_jobs()] == ['good']
            assert [words.split(':')[0] for words in scheduler._complaints.values()] == ['NoPermissionError']
            assert not redis.exists(keys.cron_state('bad'), keys.cron_history('bad'))
    finally:
        redis.execute_command('ACL', 'DELUSER', 'narrow')
