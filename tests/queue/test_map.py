"""Queue.map: a function over an iterable, by jobs that real workers run."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from rq import Queue, Retry, SimpleWorker
from rq.exceptions import InvalidFunction, JobFailed
from rq.queue import mapping
from rq.store import keys
from tests.domain.work import add, ask_twice, cancel_me, fail, fail_at, fail_first, give, sleep_and_give, until_there
from tests.support.processes import ROOT, Processes
from tests.support.proxy import Proxy


@pytest.fixture
def worker(processes: Processes, redis_url: str) -> None:
    processes.rq('worker', 'q', url=redis_url, cwd=ROOT)


@pytest.fixture
def two_workers(worker: None, processes: Processes, redis_url: str) -> None:
    processes.rq('worker', 'q', url=redis_url, cwd=ROOT)


def counted(last: int, taken: list[int]) -> Iterator[int]:
    for number in range(last):
        taken.append(number)
        yield number


def nothing_is_left(redis: Redis) -> bool:
    return not [key for key in redis.keys('rq:*') if b':job:' in key or b':results:' in key]


def test_results_come_in_the_order_of_the_items_and_the_jobs_go(redis: Redis, queue: Queue, two_workers: None) -> None:
    assert list(queue.map(give, range(1234))) == list(range(1234))
    assert nothing_is_left(redis)
    assert queue.finished_job_registry.count == 0
    assert list(queue.map(add, [1, 2, 3], itertools.count(10))) == [11, 13, 15]
    assert list(queue.map(add, ['a'], kwargs={'b': 'z'}, result_ttl=60)) == ['az']
    assert queue.finished_job_registry.count == 1  # as it was asked for


def test_results_may_come_as_they_come(queue: Queue, two_workers: None, tmp_path: Path) -> None:
    gate = tmp_path / 'gate'
    results = queue.map(until_there, [str(gate), *[''] * 50], ordered=False)
    assert [next(results) for _ in range(50)] == [''] * 50
    gate.touch()
    assert list(results) == [str(gate)]


def test_an_iterable_may_have_no_end_and_is_read_so_far_ahead(redis: Redis, queue: Queue, worker: None) -> None:
    taken: list[int] = []
    results = queue.map(give, counted(10**9, taken), in_flight=40, chunk=7)
    for number, result in enumerate(itertools.islice(results, 300)):
        assert result == number
        assert len(taken) <= number + 40 + 1
    results.close()
    queue.connection.ping()
    assert queue.count == 0


def test_it_costs_few_round_trips_and_no_poll(proxied: Redis, proxy: Proxy, redis: Redis, worker: None) -> None:
    queue = Queue('q', connection=proxied)
    assert len(list(queue.map(give, range(100)))) == 100
    proxy.reset()
    assert len(list(queue.map(give, range(2000)))) == 2000
    assert proxy.commands.keys() <= {'EVALSHA', 'XREAD'}
    assert proxy.round_trips <= 2000 * 0.1, proxy.commands
    proxy.reset()
    assert list(queue.map(sleep_and_give, [0.7])) == [0.7]
    assert proxy.round_trips <= 4, proxy.commands


def test_a_failure_ends_it_and_what_has_not_begun_goes(redis: Redis, queue: Queue, worker: None) -> None:
    results = queue.map(fail_at, itertools.count(), kwargs={'number': 3})
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(JobFailed, match=r'Job \S+ failed: ValueError: 3$') as caught:
        next(results)
    assert caught.value.arguments == (3,)
    assert 'in fail_at' in (caught.value.exc_string or '')
    assert queue.failed_job_registry.get_job_ids() == [caught.value.job_id]
    assert queue.count == 0
    assert list(results) == []


def test_failures_may_come_in_the_place_of_results(queue: Queue, worker: None) -> None:
    found = list(queue.map(fail_at, range(5), kwargs={'number': 3}, errors='return'))
    assert found[:3] + found[4:] == [0, 1, 2, 4]
    assert isinstance(found[3], JobFailed)
    assert [str(error).split(maxsplit=2)[2] for error in queue.map(fail, ['so'], errors='return')] == [
        'failed: ValueError: so'
    ]


def test_a_job_that_is_run_again_is_waited_for(queue: Queue, worker: None) -> None:
    assert list(queue.map(ask_twice, ['a'])) == ['a']
    assert list(queue.map(fail_first, ['a', 'b'], retry=Retry(max=2))) == ['a', 'b']
    with pytest.raises(JobFailed):
        next(queue.map(fail, ['x'], retry=Retry(max=2)))


def test_jobs_that_end_without_a_result_are_failures(
    redis: Redis, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapping, 'SILENCE_SECONDS', 0.05)

    def canceled() -> Iterator[int]:
        yield 1
        queue.jobs[0].cancel()
        yield 2

    def deleted() -> Iterator[int]:
        yield 1
        queue.jobs[0].delete()
        yield 2

    for items, what in ((canceled, 'was canceled'), (deleted, 'is gone')):
        with pytest.raises(JobFailed, match=what):
            list(queue.map(give, items(), chunk=1))
        assert queue.count == 0


def test_a_job_that_is_canceled_while_it_runs_is_one(
    queue: Queue, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapping, 'SILENCE_SECONDS', 0.2)
    with pytest.raises(JobFailed, match='was canceled'):
        list(queue.map(cancel_me, [1]))


def test_a_result_that_takes_too_long_is_a_timeout_and_the_jobs_go(redis: Redis, queue: Queue) -> None:
    start = time.monotonic()
    with pytest.raises(TimeoutError, match='3 jobs are under way'):
        next(queue.map(give, range(3), timeout=0.2))
    assert 0.2 <= time.monotonic() - start < 2
    assert queue.count == 0
    assert nothing_is_left(redis)


def test_a_slow_iterable_does_not_hold_up_its_first_job(queue: Queue, worker: None) -> None:
    seen: list[int] = []

    def slow() -> Iterator[int]:
        for number in range(3):
            yield number
            time.sleep(0.3)
            seen.append(len(arrived))

    arrived: list[int] = []
    queue.enqueue(give).latest_result(timeout=10)  # the worker is there
    arrived.extend(queue.map(give, slow()))
    assert arrived == [0, 1, 2]
    assert seen == [0, 1, 2]  # each when the iterable had given the next one


def test_where_later_ones_come_first_the_oldest_do_not_hide_them(
    redis: Redis, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapping, 'WINDOW', 2)
    results = queue.map(give, range(6), ordered=False, chunk=6, in_flight=24, timeout=5)

    def last_first() -> None:
        ids = queue.job_ids
        redis.delete(queue.key)
        queue.push_job_id(ids[-1])
        SimpleWorker([queue], connection=redis).work(burst=True, logging_level='WARNING')
        for job_id in ids[:-1]:
            queue.push_job_id(job_id)

    monkeypatch.setattr(mapping, 'NARROW_SECONDS', 0.01)
    original = mapping.store.wait_results
    done: list[bool] = []

    def after_the_first(*args: Any) -> Any:
        if not done and queue.count == 6:
            done.append(True)
            last_first()
        return original(*args)

    monkeypatch.setattr(mapping.store, 'wait_results', after_the_first)
    assert next(results) == 5
    results.close()
    assert queue.count == 0


def test_a_queue_that_runs_its_jobs_at_once_can_map(redis: Redis) -> None:
    queue = Queue('q', connection=redis, is_async=False)
    taken: list[int] = []
    results = queue.map(give, counted(5, taken))
    assert (next(results), taken) == (0, [0])
    assert list(results) == [1, 2, 3, 4]
    with pytest.raises(JobFailed, match='ValueError: x'):
        next(queue.map(fail, ['x']))


def test_however_large_a_chunk_is_scripts_are_given_no_more_ids_than_they_take(redis: Redis, queue: Queue) -> None:
    flight = mapping.Flight(queue, give, iter(()), True, {'in_flight': 40_000, 'chunk': 10_000})
    flight._read = [str(number) for number in range(9_000)]
    pipeline = redis.pipeline(transaction=False)
    for job_id in flight._read:
        pipeline.hset(keys.job(job_id), mapping={'status': 'finished', 'origin': queue.name})
    pipeline.execute()
    flight.land()
    assert nothing_is_left(redis)


def test_nothing_is_enqueued_before_a_result_is_asked_for(redis: Redis, queue: Queue, unchanged: Any) -> None:
    with unchanged():
        results = queue.map(give, range(5))
        results.close()
        assert list(queue.map(give, [])) == []


@pytest.mark.parametrize(
    ('call', 'error', 'words'),
    [
        (lambda queue: queue.map(lambda: None, [1]), InvalidFunction, 'lambda'),
        (lambda queue: queue.map(give), TypeError, 'an iterable'),
        (lambda queue: queue.map(give, 5), TypeError, 'iter'),
        (lambda queue: queue.map(give, [1], errors='no'), ValueError, 'raise'),
        (lambda queue: queue.map(give, [1], in_flight=0), ValueError, 'in_flight=0'),
        (lambda queue: queue.map(give, [1], chunk='x'), ValueError, "chunk='x'"),
        (lambda queue: queue.map(give, [1], depends_on='x'), TypeError, "no option 'depends_on'"),
        (lambda queue: queue.map(give, [1], result_ttl=0), ValueError, 'result_ttl=0'),
    ],
)
def test_what_cannot_be_is_said_at_once(queue: Queue, unchanged: Any, call: Any, error: Any, words: str) -> None:
    with unchanged(), pytest.raises(error, match=words):
        call(queue)


def test_a_result_that_cannot_be_read_is_a_failure(redis: Redis, queue: Queue) -> None:
    def items() -> Iterator[int]:
        yield 1
        job_id = queue.job_ids[0]
        redis.xadd(keys.results(job_id), {'type': '1', 'return_value': 'no'})
        redis.expire(keys.results(job_id), 60)
        yield 2

    with pytest.raises(JobFailed, match='cannot be read'):
        list(queue.map(give, items(), chunk=1))
