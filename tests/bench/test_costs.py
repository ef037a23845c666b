"""What a job costs in things that can be counted, so that no noise of a machine can hide that it has become more.

A job that calls nothing, with default options; by `INFO` and `MEMORY USAGE` of the server and `sys.setprofile`. The
bounds are a little above what is counted today; one that is passed is either a mistake or worth a word in the commit.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from bench.measure.traffic import measure_worker_traffic
from bench.server import Server, read_usage
from bench.systems import OURS
from rq import Queue
from rq.store import keys
from tests.bench.counting import Counter, begin, end, noop
from tests.support.processes import ROOT, Processes

JOBS = 1000


@pytest.fixture
def queue(redis: Redis) -> Queue:
    return Queue('q', connection=redis)


def calls(count: int) -> list[object]:
    return [Queue.prepare_data(noop) for _ in range(count)]


# --- on the wire ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('options', 'round_trips', 'commands', 'wire_bytes'),
    [((), 0.08, 12, 700), (('-w', 'rq.worker.SimpleWorker'), 2, 33, 950)],
    ids=['rq worker', 'SimpleWorker'],
)
def test_a_job_costs_the_worker_and_the_server_so_much_at_most(
    redis_url: str, options: tuple[str, ...], round_trips: float, commands: float, wire_bytes: float
) -> None:
    spent = measure_worker_traffic(Server(redis_url, ''), OURS, JOBS, *options)
    assert spent['round_trips'] <= round_trips, spent
    assert spent['commands'] <= commands, spent
    assert spent['wire_bytes'] <= wire_bytes, spent


def test_an_enqueue_costs_so_much_at_most(redis: Redis, queue: Queue) -> None:
    queue.enqueue(noop)
    start = read_usage(redis)
    for _ in range(100):
        queue.enqueue(noop)
    spent = (read_usage(redis) - start).per(100)
    assert spent.round_trips <= 1.05  # and the reading itself, which is a hundredth
    assert spent.commands <= 9.05, spent
    assert spent.bytes_in + spent.bytes_out <= 570, spent


def test_enqueueing_many_costs_so_much_a_job_at_most(redis: Redis, queue: Queue) -> None:
    queue.enqueue_many(calls(10))
    start = read_usage(redis)
    queue.enqueue_many(calls(JOBS))
    spent = (read_usage(redis) - start).per(JOBS)
    assert spent.commands <= 2.2, spent
    assert spent.bytes_in + spent.bytes_out <= 110, spent


# --- in memory --------------------------------------------------------------------------------------------------------


def held(redis: Redis, *names: str) -> int:
    """Bytes of these keys, every member counted."""
    return sum(int(redis.memory_usage(name, samples=0) or 0) for name in names)


def test_a_waiting_job_takes_so_many_bytes_at_most(redis: Redis, queue: Queue) -> None:
    jobs = queue.enqueue_many(calls(100))
    assert held(redis, queue.key, *(job.key for job in jobs)) / 100 <= 355


def test_a_finished_job_takes_so_many_bytes_at_most(
    redis: Redis, redis_url: str, queue: Queue, processes: Processes
) -> None:
    jobs = queue.enqueue_many(calls(100))
    assert processes.rq('worker', '--burst', 'q', url=redis_url, cwd=ROOT).wait() == 0
    names = [name for job in jobs for name in (job.key, keys.results(job.id))]
    assert held(redis, keys.finished('q'), *names) / 100 <= 1050


# --- in Python --------------------------------------------------------------------------------------------------------


@pytest.fixture
def counter() -> Iterator[Counter]:
    made = Counter()
    yield made
    made.stop()


def test_an_enqueue_calls_so_many_functions_at_most(queue: Queue, counter: Counter) -> None:
    queue.enqueue(noop)
    assert counter.of(lambda: [queue.enqueue(noop) for _ in range(50)]) / 50 <= 152
    assert counter.of(lambda: queue.enqueue_many(calls(500))) / 500 <= 142


def test_a_job_calls_so_many_functions_of_the_worker_at_most(
    redis: Redis, redis_url: str, queue: Queue, processes: Processes
) -> None:
    queue.enqueue_many([Queue.prepare_data(begin), *calls(JOBS)])
    last = queue.enqueue(end)
    assert processes.rq('worker', '--burst', 'q', url=redis_url, cwd=ROOT).wait() == 0
    counted = last.return_value()
    # About 15 of them count the job for the dashboard (worker/tally.py), most of them once a pack.
    assert JOBS < counted <= 235 * JOBS, counted / JOBS
