"""RQScheduler: locks, its record, and jobs that are queued when they are due."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from rq import Queue
from rq.exceptions import SchedulerNotFound
from rq.scheduler import SCHEDULER_KEY_TEMPLATE, SCHEDULER_LOCKING_KEY_TEMPLATE, RQScheduler, SchedulerStatus
from rq.server import EmbeddedServer
from rq.store import keys
from tests.support.processes import Processes
from tests.support.waiting import wait_for

PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def scheduler(redis: Redis, *queues: str, **options: object) -> RQScheduler:
    return RQScheduler(queues or ['q'], redis, logging_level='CRITICAL', **options)  # type: ignore[arg-type]


def test_the_names_of_its_keys_are_rqs() -> None:
    assert (SCHEDULER_KEY_TEMPLATE % 'a', SCHEDULER_LOCKING_KEY_TEMPLATE % 'q') == (
        'rq:scheduler:a',
        'rq:scheduler-lock:q',
    )
    assert RQScheduler.get_locking_key('q') == 'rq:scheduler-lock:q'


def test_queues_are_given_by_name_or_as_objects_one_or_many(redis: Redis) -> None:
    queue = Queue('q', connection=redis)
    for given in ('q', queue, ['q'], [queue, 'q'], ('q',), {'q'}):
        assert RQScheduler(given, redis, logging_level='CRITICAL')._queue_names == {'q'}
    assert RQScheduler([], redis, logging_level='CRITICAL').acquire_locks() == set()


def test_a_lock_is_taken_by_one_kept_by_its_heartbeat_and_given_up(redis: Redis) -> None:
    first, second = scheduler(redis, 'a', 'b'), scheduler(redis, 'b', 'c')
    assert first.should_reacquire_locks
    assert (first.acquire_locks(), second.acquire_locks()) == ({'a', 'b'}, {'c'})
    assert (first.acquire_locks(), first.acquired_locks) == (set(), {'a', 'b'})
    assert (first.should_reacquire_locks, second.should_reacquire_locks) == (False, False)
    second.lock_acquisition_time -= timedelta(seconds=121)  # type: ignore[operator]
    assert second.should_reacquire_locks
    redis.expire(keys.scheduler_lock('a'), 5)
    redis.set(keys.scheduler_lock('b'), 'somebody', ex=61)
    first.heartbeat()
    assert (redis.ttl(keys.scheduler_lock('a')), first.acquired_locks) == (61, {'a'})
    first.release_locks()
    assert (redis.exists(keys.scheduler_lock('a')), redis.get(keys.scheduler_lock('b'))) == (0, b'somebody')


def test_due_jobs_of_the_queues_that_it_has_locked_are_queued(redis: Redis) -> None:
    mine, others = Queue('mine', connection=redis), Queue('others', connection=redis)
    other = scheduler(redis, 'others')
    other.acquire_locks()
    for queue in (mine, others):
        for number in range(3):
            queue.enqueue_at(PAST, 'os.getcwd', job_id=f'{queue.name}-{number}')
        queue.enqueue_at(FUTURE, 'os.getcwd')
    one = scheduler(redis, 'mine', 'others')
    one.enqueue_scheduled_jobs()
    assert (mine.count, others.count) == (0, 0)
    one.acquire_locks()
    one.enqueue_scheduled_jobs()
    assert (mine.job_ids, others.count) == (['mine-0', 'mine-1', 'mine-2'], 0)
    assert (len(mine.scheduled_job_registry), len(others.scheduled_job_registry)) == (1, 4)
    assert [registry.name for registry in one._scheduled_job_registries] == ['mine']


def test_it_has_a_record_while_it_lives(redis: Redis) -> None:
    one = scheduler(redis, 'b', 'a', name='one')
    assert one.status is SchedulerStatus.STOPPED
    one.register_birth()
    one.acquire_locks()
    assert (one.status, redis.ttl(one.key)) == (SchedulerStatus.STARTED, 61)
    found = RQScheduler.fetch('one', redis)
    assert (found.name, found.pid, found.hostname, found.created_at, found.last_heartbeat, found._queue_names) == (
        'one', one.pid, one.hostname, one.created_at, one.last_heartbeat, {'a', 'b'},
    )  # fmt: skip
    assert Queue('a', connection=redis).scheduler_pid == one.pid
    one.stop()
    assert (one.register_death(), one.register_death(), one.status) == (True, False, SchedulerStatus.STOPPED)
    assert Queue('a', connection=redis).scheduler_pid is None
    with pytest.raises(SchedulerNotFound, match="Scheduler with name 'one' not found"):
        RQScheduler.fetch('one', redis)


PROGRAM = """
import sys
from redis import Redis
from rq.scheduler import RQScheduler
scheduler = RQScheduler(['q'], Redis.from_url(sys.argv[1]), interval=0.1)
if sys.argv[2] == 'work':
    scheduler.work()
else:
    print(scheduler.acquire_locks(auto_start=True), flush=True)
    scheduler._process.join()
"""


@pytest.mark.parametrize('way', ['work', 'auto_start'])
def test_it_works_until_it_is_told_to_stop(redis: Redis, redis_url: str, processes: Processes, way: str) -> None:
    queue = Queue('q', connection=redis)
    process = processes.python('-c', PROGRAM, redis_url, way)
    wait_for(lambda: queue.scheduler_pid)
    queue.enqueue_at(PAST, 'os.getcwd')
    wait_for(lambda: queue.count == 1)
    pid = queue.scheduler_pid
    assert pid is not None and (pid == process.pid) is (way == 'work')
    (processes.started[0] if way == 'work' else process.children()[0]).send_signal(signal.SIGTERM)
    assert process.wait() == 0
    assert not redis.keys('rq:scheduler*')
    assert 'has stopped' in process.output


@pytest.mark.serial
def test_it_goes_on_when_redis_is_back(other_server: Callable[..., EmbeddedServer], processes: Processes) -> None:
    server = other_server()
    process = processes.python('-c', PROGRAM, server.url, 'work')
    process.wait_for_output('Acquired scheduler lock')
    port = server.port
    server.kill()
    process.wait_for_output('Redis is away')
    server = other_server(port=port)
    with Redis.from_url(server.url) as redis:
        queue = Queue('q', connection=redis)
        queue.enqueue_at(PAST, 'os.getcwd')
        wait_for(lambda: queue.count == 1)
    process.terminate()
    assert process.wait() == 0


def test_a_time_without_a_zone_is_local_with_the_offset_of_that_day(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('TZ', 'Europe/Prague')
    time.tzset()
    try:
        queue = Queue('q', connection=redis)
        for naive, aware in [
            ('2035-07-15T12:00', '2035-07-15T10:00Z'),
            ('2035-01-15T12:00', '2035-01-15T11:00Z'),
            ('2030-03-31T02:30', '2030-03-31T01:30Z'),  # the clock skips it: as if it did not
            ('2030-10-27T02:30', '2030-10-27T00:30Z'),  # it comes twice: the first time
        ]:
            job = queue.enqueue_at(datetime.fromisoformat(naive), 'os.getcwd')
            assert queue.scheduled_job_registry.get_scheduled_time(job) == datetime.fromisoformat(aware)
    finally:
        monkeypatch.undo()
        time.tzset()
