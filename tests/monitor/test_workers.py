"""The workers as a person wants to know them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from redis import Redis

from rq import Queue
from rq.monitor import workers
from rq.monitor.workers import Birth
from rq.store import keys
from rq.store import worker as store
from rq.utils import utcformat
from tests.support.processes import Processes
from tests.support.waiting import wait_for


def born(redis: Redis, name: str, **fields: str) -> None:
    now = utcformat(datetime.now(UTC))
    known = {
        'birth': now,
        'last_heartbeat': now,
        'queues': 'a,b',
        'pid': '7',
        'hostname': 'h',
        'state': 'idle',
        'version': '3.0.0',
    }
    assert store.register(redis, name, 'i' * 16, ['a', 'b'], {**known, **fields}, 480) is not None


def test_a_worker_and_what_it_runs_are_shown(redis: Redis, redis_url: str, processes: Processes) -> None:
    job = Queue('a', connection=redis).enqueue('time.sleep', 2, job_timeout=90)
    processes.rq('worker', '--name', 'w', 'a', url=redis_url)
    [worker] = wait_for(lambda: [one for one in workers.fleet(redis).workers if one.runs])
    assert (worker.name, worker.state, worker.queues, worker.foreign) == ('w', 'busy', ('a',), False)
    [run] = worker.runs
    assert (run.job_id, run.queue, run.timeout, run.overdue) == (job.id, 'a', 90, False)
    assert run.elapsed is not None and 0 <= run.elapsed < 30


def test_what_a_worker_costs_and_how_often_it_had_to_start_a_process_is_told(redis: Redis) -> None:
    born(redis, 'w', rss='1000', cpu='1.25', horses='3')
    born(redis, 'old', cpu='nan', horses='many')
    old, worker = workers.fleet(redis).workers
    assert (worker.rss, worker.cpu, worker.horses) == (1000, 1.25, 3)
    assert (old.rss, old.cpu, old.horses) == (None, None, 0)


def test_one_whose_lease_has_ended_is_silent_and_one_without_a_record_is_gone(redis: Redis) -> None:
    born(redis, 'quiet')
    redis.delete(keys.lease('quiet'))
    redis.sadd(keys.workers(), keys.worker('lost'))
    assert [(one.name, one.state, one.alive) for one in workers.fleet(redis).workers] == [
        ('lost', 'gone', False),
        ('quiet', 'silent', False),
    ]


def test_a_worker_of_another_rq_counts_as_silent_after_its_longest_pause(redis: Redis) -> None:
    for name, minutes in (('here', 5), ('away', 9)):
        heard = utcformat(datetime.now(UTC) - timedelta(minutes=minutes))
        redis.hset(keys.worker(name), mapping={'state': 'idle', 'last_heartbeat': heard, 'current_job': 'j'})
        redis.sadd(keys.workers(), keys.worker(name))
    away, here = workers.fleet(redis).workers
    assert (away.state, here.state, here.foreign) == ('silent', 'idle', True)
    assert [run.job_id for run in here.runs] == ['j']


def test_a_worker_that_was_told_to_stop_says_so(redis: Redis) -> None:
    born(redis, 'w', shutdown_requested_date=utcformat(datetime.now(UTC)))
    assert workers.named(redis, ['w'])[0].state == 'stopping'


def test_a_broken_record_hides_only_its_own_fields(redis: Redis) -> None:
    born(
        redis,
        'w\n<b>',
        birth='yesterday',
        pid='x' * 100_000,
        successful_job_count='nan',
        rss='many',
        queues=',' * 500 + 'ž',
    )
    redis.set(keys.worker('text'), 'no hash')
    redis.sadd(keys.workers(), keys.worker('text'), b'rq:worker:\xff', 'elsewhere')
    found = {one.name: one for one in workers.fleet(redis).workers}
    assert len(found) == 3 and found['text'].state == 'gone'
    assert (found['w\n<b>'].born, found['w\n<b>'].finished, found['w\n<b>'].rss) == (None, 0, None)


def test_workers_are_listed_by_page_and_by_queue(redis: Redis) -> None:
    for number in range(5):
        born(redis, f'w{number}')
    assert [one.name for one in workers.fleet(redis, 2, 2).workers] == ['w2', 'w3']
    assert workers.fleet(redis, 0, 2, 'a').total == 5 and workers.fleet(redis, queue='c').total == 0


def test_versions_are_counted_and_those_started_together_are_one_mark() -> None:
    noon = datetime(2026, 11, 25, 12, tzinfo=UTC)
    births = [
        Birth(noon, '3.0.0', ''),
        Birth(noon + timedelta(seconds=100), '3.0.0', ''),
        Birth(noon + timedelta(hours=1), '3.1.0', ''),
    ]
    assert workers.versions(births) == (('3.0.0', 2), ('3.1.0', 1))
    assert workers.starts(births) == [
        (noon, '2 workers started, version 3.0.0'),
        (noon + timedelta(hours=1), '1 worker started, version 3.1.0'),
    ]
