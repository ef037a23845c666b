"""When a worker ends by itself, what it does not take, in which order it takes, and who may have its name."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from redis import Redis

from rq import Queue, Worker
from rq.exceptions import WorkerNameTaken
from rq.store import admin, keys
from rq.suspension import resume, suspend
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import Journal, WorkerMaker


def enqueue(queue: Queue, count: int) -> None:
    data = [Queue.prepare_data(jobs.say, args=(f'{queue.name} {number}',)) for number in range(count)]
    queue.enqueue_many(data)


# --- burst


def test_a_burst_worker_works_off_what_is_there_and_ends(queue: Queue, burst: WorkerMaker, journal: Journal) -> None:
    enqueue(queue, 150)
    process = burst()
    assert journal.lines == [f'say default {number}' for number in range(150)]
    assert process.stdout.splitlines()[-1].endswith('done, quitting')


def test_a_burst_worker_ends_at_once_where_nothing_waits(burst: WorkerMaker) -> None:
    assert 'done, quitting' in burst('high', 'low').stdout


def test_a_burst_worker_runs_what_its_jobs_enqueue(queue: Queue, burst: WorkerMaker, journal: Journal) -> None:
    queue.enqueue(enqueue_more, 5)
    burst()
    assert journal.lines == [f'say {number}' for number in (5, 4, 3, 2, 1)]


@pytest.mark.parametrize('kind', ['rq.Worker', 'rq.SimpleWorker', 'rq.SpawnWorker'])
def test_a_burst_worker_runs_all_of_the_many_that_wait_for_one_job(
    queue: Queue, burst: WorkerMaker, journal: Journal, kind: str
) -> None:
    """More than are told of its end in one step; and what is due by the time it would end."""
    first = queue.enqueue(jobs.say, 'first')
    data = [Queue.prepare_data(jobs.say, args=(number,), depends_on=first) for number in range(201)]
    many = Queue('many', connection=queue.connection)
    many.enqueue_many(data)
    burst('-w', kind, 'default', *(() if kind == 'rq.SpawnWorker' else ('many',)))
    assert len(many) == (201 if kind == 'rq.SpawnWorker' else 0)
    assert many.deferred_job_registry.count == 0


def enqueue_more(number: int) -> None:
    from rq import get_current_job

    job = get_current_job()
    assert job is not None
    jobs.say(number)
    if number > 1:
        Queue(job.origin, connection=job.connection).enqueue(enqueue_more, number - 1)


def test_work_says_whether_it_did_any(redis: Redis, queue: Queue) -> None:
    worker = Worker([queue], connection=redis)
    assert worker.work(burst=True) is False
    queue.enqueue(len, 'abc')
    assert Worker([queue], connection=redis).work(burst=True) is True


# --- a number of jobs, a time of idleness


@pytest.mark.parametrize(
    ('most', 'options'), [(1, ()), (7, ()), (130, ()), (1, ('--fork-per-job',)), (7, ('--fork-per-job',))]
)
def test_a_worker_runs_exactly_as_many_jobs_as_it_may(
    queue: Queue, worker: WorkerMaker, journal: Journal, most: int, options: tuple[str, ...]
) -> None:
    enqueue(queue, 200)
    process = worker('--max-jobs', str(most), *options)
    assert process.wait() == 0
    assert journal.lines == [f'say default {number}' for number in range(most)]
    assert queue.count == 200 - most


def test_jobs_that_end_their_horse_count_as_well(queue: Queue, worker: WorkerMaker, journal: Journal) -> None:
    for _ in range(5):
        queue.enqueue(jobs.die, 9)
    assert worker('--max-jobs', '3').wait() == 0
    assert journal.lines == ['dies'] * 3
    assert queue.count == 2


@pytest.mark.serial
def test_a_worker_ends_after_so_much_idleness_since_its_last_job(
    queue: Queue, worker: WorkerMaker, journal: Journal
) -> None:
    process = worker('--max-idle-time', '1')
    process.wait_for_output('Listening')
    began = time.monotonic()
    for _ in range(3):
        time.sleep(0.5)
        queue.enqueue(jobs.say, 1)
    assert process.wait() == 0
    assert 2.3 < time.monotonic() - began < 4
    assert len(journal.lines) == 3


@pytest.mark.serial
def test_the_time_of_a_job_is_not_idleness(queue: Queue, worker: WorkerMaker, journal: Journal) -> None:
    queue.enqueue(jobs.sleep, 1.2)
    process = worker('--max-idle-time', '1')
    wait_for(lambda: 'woke 1.2' in journal.lines)
    queue.enqueue(jobs.say, 1)
    assert process.wait() == 0
    assert journal.lines[-1] == 'say 1'


# --- suspension


@pytest.mark.serial
def test_while_all_are_suspended_no_job_begins_and_after_it_they_do(
    redis: Redis, queue: Queue, worker: WorkerMaker, journal: Journal
) -> None:
    process = worker()
    process.wait_for_output('Listening')
    running = queue.enqueue(jobs.sleep, 0.3)
    wait_for(lambda: journal.lines)
    suspend(redis)
    waiting = queue.enqueue(jobs.say, 'later')
    wait_for(lambda: running.get_status() == 'finished')
    wait_for(lambda: redis.hget(keys.worker(name_of(redis)), 'state') in (b'idle', b'suspended'))
    assert waiting.get_status() == 'queued'
    began = time.monotonic()
    resume(redis)
    wait_for(lambda: waiting.get_status() == 'finished')
    assert time.monotonic() - began < 1


def name_of(redis: Redis) -> str:
    [worker] = Worker.all(redis)
    return str(worker.name)


@pytest.mark.serial
def test_a_queue_that_is_suspended_waits_while_the_others_are_served(
    redis: Redis, worker: WorkerMaker, journal: Journal
) -> None:
    high, low = Queue('high', connection=redis), Queue('low', connection=redis)
    admin.suspend(redis, None, queue='high')
    process = worker('high', 'low')
    process.wait_for_output('Listening')
    held, free = high.enqueue(jobs.say, 'high'), low.enqueue(jobs.say, 'low')
    wait_for(lambda: free.get_status() == 'finished')
    assert held.get_status() == 'queued'
    admin.resume(redis, queue='high')
    wait_for(lambda: held.get_status() == 'finished')
    assert journal.lines == ['say low', 'say high']


def test_a_burst_worker_ends_when_its_queues_are_suspended_meanwhile(
    redis: Redis, queue: Queue, burst: WorkerMaker, journal: Journal
) -> None:
    queue.enqueue(suspend_all)
    queue.enqueue(jobs.say, 'never')
    burst()
    assert journal.lines == [] and queue.count == 1


def suspend_all() -> None:
    from rq import get_current_job

    job = get_current_job()
    assert job is not None
    suspend(job.connection)


def test_a_burst_worker_serves_the_queues_that_are_not_suspended(
    redis: Redis, burst: WorkerMaker, journal: Journal
) -> None:
    admin.suspend(redis, None, queue='high')
    for name in ('high', 'low'):
        Queue(name, connection=redis).enqueue(jobs.say, name)
    burst('high', 'low')
    assert journal.lines == ['say low']


# --- order


@pytest.mark.parametrize(
    ('strategy', 'expected'),
    [
        ('default', ['a'] * 40 + ['b'] * 40 + ['c'] * 2),
        ('round_robin', ['a', 'b', 'c'] * 2 + ['a', 'b'] * 38),
    ],
)
def test_queues_are_served_in_the_order_asked_for(
    redis: Redis, burst: WorkerMaker, journal: Journal, strategy: str, expected: list[str]
) -> None:
    for name, count in (('a', 40), ('b', 40), ('c', 2)):
        enqueue(Queue(name, connection=redis), count)
    burst('a', 'b', 'c', '--dequeue-strategy', strategy)
    assert [line.split()[1] for line in journal.lines] == expected
    for name, count in (('a', 40), ('b', 40), ('c', 2)):
        assert [line for line in journal.lines if f' {name} ' in line] == [f'say {name} {n}' for n in range(count)]


def test_at_random_the_queues_mix(redis: Redis, burst: WorkerMaker, journal: Journal) -> None:
    for name in ('a', 'b'):
        enqueue(Queue(name, connection=redis), 60)
    burst('a', 'b', '--dequeue-strategy', 'random')
    names = [line.split()[1] for line in journal.lines]
    changes = sum(one != other for one, other in pairwise(names))
    assert len(names) == 120 and changes > 15


def test_an_urgent_job_overtakes_those_that_wait_in_later_queues(
    redis: Redis, burst: WorkerMaker, journal: Journal
) -> None:
    low = Queue('low', connection=redis)
    low.enqueue(enqueue_high)
    enqueue(low, 3)
    burst('high', 'low')
    assert journal.lines == ['say urgent', *(f'say low {number}' for number in range(3))]


def enqueue_high() -> None:
    from rq import get_current_job

    job = get_current_job()
    assert job is not None
    Queue('high', connection=job.connection).enqueue(jobs.say, 'urgent')


# --- names


def test_the_name_of_a_living_worker_is_taken(redis: Redis, worker: WorkerMaker) -> None:
    worker('--name', 'me').wait_for_output('Listening')
    second = worker('--name', 'me')
    assert second.wait() != 0
    assert "There exists an active worker named 'me' already" in second.stderr
    assert 'Traceback' not in second.stderr
    with pytest.raises(WorkerNameTaken):
        Worker('default', name='me', connection=redis).register_birth()
    assert Worker.count(redis) == 1


def test_the_name_of_a_worker_that_has_ended_is_free(redis: Redis, burst: WorkerMaker) -> None:
    for _ in range(2):
        burst('--name', 'me')


@pytest.mark.serial
def test_the_name_of_a_worker_that_was_killed_is_free_once_its_lease_has_run_out(
    redis: Redis, queue: Queue, worker: WorkerMaker, journal: Journal
) -> None:
    process = worker('--name', 'me')
    process.wait_for_output('Listening')
    process.kill()
    assert worker('--name', 'me').wait() != 0
    redis.pexpire(keys.lease('me'), 10)
    wait_for(lambda: not redis.exists(keys.lease('me')))
    queue.enqueue(jobs.say, 'again')
    assert worker('--name', 'me', '--burst').wait() == 0
    assert journal.lines == ['say again']


@pytest.mark.parametrize('name', ['with\nline', 'with\rreturn'])
def test_a_name_with_line_breaks_is_refused(redis: Redis, name: str) -> None:
    with pytest.raises(ValueError, match='line breaks'):
        Worker('default', name=name, connection=redis)


def test_a_worker_without_queues_or_connection_is_refused(redis: Redis, queue: Queue) -> None:
    with pytest.raises(ValueError, match='at least one queue'):
        Worker([], connection=redis)
    with pytest.raises(TypeError, match='connection'):
        Worker(['default'])
    with pytest.raises(TypeError):
        Worker([3], connection=redis)  # type: ignore[list-item]
    assert Worker([queue]).connection is redis, 'the one of its queue'
