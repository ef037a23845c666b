"""SimpleWorker: jobs in the caller's own process, in its main thread or in another one."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from rq import Queue, SimpleWorker
from rq.job import Job
from rq.server import EmbeddedServer
from rq.store import keys
from rq.suspension import resume, suspend
from rq.timeouts import TimerDeathPenalty
from rq.worker import settings
from tests.support.invariants import violations
from tests.support.processes import Process, Processes
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import Journal

PROGRAM = """
import sys
from redis import Redis
from rq import SimpleWorker
SimpleWorker(sys.argv[2:], connection=Redis.from_url(sys.argv[1]), name='me').work(logging_level='INFO')
"""


@pytest.fixture
def journal(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Journal:
    monkeypatch.setenv(jobs.JOURNAL, str(tmp_path / 'journal'))
    return Journal(tmp_path / 'journal')


@pytest.fixture
def start(processes: Processes, redis_url: str, journal: Journal) -> Callable[..., Process]:
    """A SimpleWorker in a process of its own."""

    def run(*queues: str, url: str = redis_url) -> Process:
        process = processes.python('-P', '-c', PROGRAM, url, *(queues or ('default',)), name='simple')
        process.wait_for_output('Listening')
        return process

    return run


def work(redis: Redis, *queues: str, **told: Any) -> bool:
    return SimpleWorker(list(queues or ('default',)), connection=redis, name='me').work(burst=True, **told)


def in_a_thread(function: Callable[[], Any], wait: float = 20) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join(wait)
    assert found, 'it has not ended'
    return found[0]


# --- jobs


def test_jobs_run_in_order_and_work_says_whether_there_were_any(redis: Redis, queue: Queue, journal: Journal) -> None:
    assert work(redis) is False
    enqueued = [queue.enqueue(jobs.say, number) for number in range(20)]
    assert work(redis) is True
    assert [job.return_value() for job in enqueued] == list(range(20))
    assert journal.lines == [f'say {number}' for number in range(20)]
    assert violations(redis) == []


def test_whatever_a_job_raises_or_returns_the_worker_goes_on(redis: Redis, queue: Queue, journal: Journal) -> None:
    bad = [queue.enqueue(jobs.raise_this, kind) for kind in ('SystemExit', 'KeyboardInterrupt', 'BaseException')]
    odd, deep = queue.enqueue(jobs.raise_odd), queue.enqueue(jobs.recurse)
    unstorable = [queue.enqueue(jobs.unstorable, kind) for kind in ('lambda', 'TypeError', 'recursion')]
    leaves = queue.enqueue(jobs.unstorable, 'SystemExit')
    good = queue.enqueue(jobs.say, 'good')
    work(redis)
    assert all(job.is_failed for job in (*bad, odd, deep, leaves))
    assert all(job.is_finished for job in (*unstorable, good))


@pytest.mark.serial
@pytest.mark.parametrize('where', ['the main thread', 'another thread'])
def test_a_timeout_ends_a_job_and_not_the_worker(redis: Redis, queue: Queue, journal: Journal, where: str) -> None:
    late = queue.enqueue(jobs.swallow, 30, job_timeout=1)
    behind = queue.enqueue(jobs.say, 'good')
    began = time.monotonic()
    if where == 'the main thread':
        work(redis)
    else:
        in_a_thread(lambda: work(redis))
    assert 1 <= time.monotonic() - began < 3
    assert late.is_failed and behind.is_finished
    assert 'JobTimeoutException: Task exceeded maximum timeout value (1 seconds)' in late.latest_result().exc_string


def test_another_thread_works_as_well_and_knows_its_job(redis: Redis, queue: Queue) -> None:
    enqueued = [queue.enqueue(os.getenv, 'RQ_JOB_ID') for _ in range(5)]
    in_a_thread(lambda: work(redis))
    assert [job.return_value() for job in enqueued] == [job.id for job in enqueued]
    assert 'RQ_JOB_ID' not in os.environ and 'RQ_WORKER_ID' not in os.environ


def test_two_threads_share_the_jobs(redis: Redis, queue: Queue, journal: Journal) -> None:
    enqueued = [queue.enqueue(jobs.sleep, 0.01) for _ in range(20)]
    names: list[SimpleWorker] = [SimpleWorker('default', connection=redis) for _ in range(2)]
    threads = [threading.Thread(target=worker.work, kwargs={'burst': True}) for worker in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert all(job.is_finished for job in enqueued)
    assert len(journal.lines) == 40
    assert violations(redis) == []


def test_a_time_limit_of_ones_own_class_is_used(redis: Redis, queue: Queue) -> None:
    seen = []

    class Limit(TimerDeathPenalty):
        def setup_death_penalty(self) -> None:
            seen.append((self._timeout, self._exception.__name__))
            super().setup_death_penalty()

    class Mine(SimpleWorker):
        death_penalty_class = Limit

    queue.enqueue(len, 'abc', job_timeout=77)
    queue.enqueue(len, 'abc', job_timeout=-1)
    Mine('default', connection=redis).work(burst=True)
    assert seen == [(77, 'JobTimeoutException'), (-1, 'JobTimeoutException')]


def test_a_job_that_takes_over_signals_gives_them_back(redis: Redis, queue: Queue, journal: Journal) -> None:
    before = signal.getsignal(signal.SIGTERM)
    queue.enqueue(signal.signal, int(signal.SIGTERM), int(signal.SIG_IGN), result_ttl=0)
    queue.enqueue(jobs.alarm, 100)
    late = queue.enqueue(jobs.sleep, 30, job_timeout=1)
    work(redis)
    assert late.is_failed
    assert signal.getsignal(signal.SIGTERM) is before


# --- limits


def test_it_runs_exactly_as_many_jobs_as_it_may(redis: Redis, queue: Queue, journal: Journal) -> None:
    for number in range(5):
        queue.enqueue(jobs.say, number)
    SimpleWorker('default', connection=redis).work(max_jobs=3)
    assert journal.lines == ['say 0', 'say 1', 'say 2'] and queue.count == 2
    assert violations(redis) == []


@pytest.mark.serial
def test_it_ends_after_so_much_idleness(redis: Redis, queue: Queue) -> None:
    queue.enqueue(len, 'abc')
    began = time.monotonic()
    SimpleWorker('default', connection=redis).work(max_idle_time=1)
    assert 0.9 < time.monotonic() - began < 1.8


@pytest.mark.parametrize(('strategy', 'expected'), [('default', 'aaabbb'), ('round_robin', 'ababab')])
def test_queues_are_served_in_the_order_asked_for(redis: Redis, journal: Journal, strategy: Any, expected: str) -> None:
    for name in 'ab':
        for _ in range(3):
            Queue(name, connection=redis).enqueue(jobs.say, name)
    work(redis, 'a', 'b', dequeue_strategy=strategy)
    assert ''.join(line[-1] for line in journal.lines) == expected


def test_a_burst_runs_what_is_due(redis: Redis, queue: Queue, journal: Journal) -> None:
    due = queue.enqueue_in(timedelta(seconds=-1), jobs.say)
    assert work(redis) is True
    assert due.is_finished


def test_a_burst_ends_where_all_is_suspended(redis: Redis, queue: Queue) -> None:
    suspend(redis)
    queue.enqueue(len, 'abc')
    assert work(redis) is False
    resume(redis)
    assert work(redis) is True


# --- a process of its own: waking, signals, long jobs


@pytest.mark.serial
def test_an_idle_one_picks_a_job_up_at_once_also_after_a_suspension(
    redis: Redis, queue: Queue, start: Callable[..., Process]
) -> None:
    process = start()
    wait_for(lambda: redis.hget(keys.worker('me'), 'state') == b'idle')
    began = time.monotonic()
    wait_finished(queue.enqueue(len, 'abc'))
    assert time.monotonic() - began < 0.4
    suspend(redis)
    job = queue.enqueue(len, 'abc')
    process.wait_for_output('Job OK')
    resume(redis)
    wait_finished(job)
    process.terminate()
    assert process.wait() == 0


def wait_finished(job: Job) -> None:
    wait_for(lambda: job.get_status() == 'finished')


@pytest.mark.serial
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_told_to_stop_it_ends_its_job_and_idle_it_ends_at_once(
    redis: Redis, queue: Queue, start: Callable[..., Process], journal: Journal, number: int
) -> None:
    job, behind = queue.enqueue(jobs.sleep, 0.6), None
    process = start()
    wait_for(lambda: journal.lines)
    behind = queue.enqueue(jobs.say, 'behind')
    process.send_signal(number)
    process.send_signal(number)
    process.wait_for_output('Warm shut down requested', 0.4)
    assert process.wait() == 0
    assert job.is_finished and behind.get_status() == 'queued'
    assert process.stdout.count('Warm shut down requested') == 1
    queue.empty()
    again = start()
    wait_for(lambda: redis.hget(keys.worker('me'), 'state') == b'idle')
    began = time.monotonic()
    again.send_signal(number)
    assert again.wait() == 0
    assert time.monotonic() - began < 0.5
    assert violations(redis) == []


@pytest.mark.serial
def test_told_twice_it_ends_at_once_and_its_job_fails(
    queue: Queue, start: Callable[..., Process], journal: Journal, redis: Redis
) -> None:
    job = queue.enqueue(jobs.sleep, 60)
    process = start()
    wait_for(lambda: journal.lines)
    process.terminate()
    time.sleep(1.05)
    process.terminate()
    assert process.wait(3) == 0
    assert job.is_failed and job.latest_result().exc_string.endswith('SystemExit: Cold shut down\n')
    assert violations(redis) == []


@pytest.mark.serial
def test_a_job_longer_than_its_lease_is_renewed_and_shown_to_readers(
    redis: Redis, queue: Queue, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, 'RENEW_LEASE_EVERY', 0.1)
    monkeypatch.setattr(settings, 'RENEW_WIP_EVERY', 0.2)
    job = queue.enqueue(jobs.sleep, 1.0)
    seen: dict[str, Any] = {}

    def watch() -> None:
        wait_for(lambda: journal.lines)
        [(member, _)] = redis.zrange(keys.wip('default'), 0, -1, withscores=True)
        now = redis.time()[0]
        redis.zadd(keys.wip('default'), {member: now + 1})  # as if it had not been renewed for long
        redis.pexpire(keys.lease('me'), 150)
        wait_for(lambda: redis.zscore(keys.wip('default'), member) > now + 60, 2)
        wait_for(lambda: redis.smembers(keys.worker_executions('me')) == {member}, 2)
        [worker] = SimpleWorker.all(redis)
        seen.update(state=worker.get_state(), job=worker.get_current_job_id(), lease=redis.pttl(keys.lease('me')))

    watcher = threading.Thread(target=watch)
    watcher.start()
    work(redis)
    watcher.join()
    assert seen['state'] == 'busy' and seen['job'] == job.id and seen['lease'] > 1000
    assert job.is_finished
    assert violations(redis) == []


@pytest.mark.serial
def test_an_outage_is_survived_with_the_outcome_and_a_stop_is_heard_in_it(
    other_server: Callable[..., EmbeddedServer], start: Callable[..., Process], journal: Journal
) -> None:
    server = other_server()
    with Redis.from_url(server.url) as redis:
        job = Queue(connection=redis).enqueue(jobs.sleep, 0.3)
        process = start(url=server.url)
        wait_for(lambda: journal.lines)
        os.kill(server.pid, signal.SIGSTOP)
        wait_for(lambda: 'woke 0.3' in journal.lines)
        os.kill(server.pid, signal.SIGCONT)
        wait_finished(job)
        wait_for(lambda: any(client['cmd'] == 'blpop' for client in redis.client_list()))
        server.kill()
        process.terminate()
        assert process.wait(5) == 0


@pytest.mark.serial
def test_an_outcome_that_redis_does_not_take_is_waited_for_and_named_when_it_is_given_up(
    other_server: Callable[..., EmbeddedServer], start: Callable[..., Process], journal: Journal
) -> None:
    server = other_server()
    with Redis.from_url(server.url) as redis:
        job = Queue(connection=redis).enqueue(jobs.sleep, 0.3)
        process = start(url=server.url)
        wait_for(lambda: journal.lines)
        server.kill()
        process.terminate()
        wait_for(lambda: 'woke 0.3' in journal.lines)
        time.sleep(1.1)
        assert process.running
        process.terminate()
        assert process.wait(5) == 1
        assert f'Redis has not taken the outcome of job {job.id}' in process.stderr
        assert 'Traceback' not in process.stderr


def test_it_works_without_alarms_as_on_other_systems(
    redis: Redis, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(signal, 'SIGALRM')
    job = queue.enqueue(len, 'abc')
    work(redis)
    assert job.is_finished
