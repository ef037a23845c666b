"""WorkerPool in this process, with real workers as its children."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from rq import Queue, respawn
from rq.worker import Worker
from rq.worker_pool import WorkerData, WorkerPool, run_worker
from tests.pool import work
from tests.support.waiting import wait_for

Make = Callable[..., WorkerPool]
pytestmark = pytest.mark.filterwarnings('ignore:.*multi-threaded.*fork:DeprecationWarning')


@pytest.fixture
def make(redis: Redis) -> Iterator[Make]:
    """`make(['a'], num_workers=2)`: a pool whose workers are killed at the end."""
    pools: list[WorkerPool] = []

    def make_pool(queues: Any = ('default',), **options: Any) -> WorkerPool:
        pools.append(WorkerPool(queues, redis, **options))
        return pools[-1]

    yield make_pool
    for pool in pools:
        for data in pool.worker_dict.values():
            data.process.kill()
            data.process.join()


def all_listen(redis: Redis, number: int) -> None:
    wait_for(lambda: [worker.get_state() for worker in Worker.all(connection=redis)] == ['idle'] * number)


def killed(pool: WorkerPool) -> WorkerData:
    [data, *_] = pool.worker_dict.values()
    os.kill(data.pid, signal.SIGKILL)
    wait_for(lambda: not data.process.is_alive())
    return data


def test_a_new_pool_is_idle_and_knows_its_queues(make: Make, redis: Redis) -> None:
    pool = make(['a', Queue('b', connection=redis)], num_workers=2)
    assert [queue.name for queue in pool.queues] == ['a', 'b']
    assert (pool.status, pool.number_of_active_workers, pool.worker_dict) == (pool.Status.IDLE, 0, {})
    assert pool.all_workers_have_stopped()
    assert [(status.name, status.value) for status in pool.Status] == [('IDLE', 1), ('STARTED', 2), ('STOPPED', 3)]


def test_its_workers_are_processes_that_do_jobs_and_end_when_asked(make: Make, redis: Redis) -> None:
    pool = make(num_workers=2)
    pool.start_workers(burst=False)
    assert pool.number_of_active_workers == 2
    for name, data in pool.worker_dict.items():
        assert (data.name, data.pid, data.process.is_alive()) == (name, data.process.pid, True)
        assert data.process.name == f'Worker {name} (WorkerPool {pool.name})'
    all_listen(redis, 2)
    assert {worker.name for worker in Worker.all(connection=redis)} == set(pool.worker_dict)
    job = Queue(connection=redis).enqueue('operator.add', 1, 2)
    wait_for(lambda: job.return_value(refresh=True) == 3)
    pool.stop_workers()
    wait_for(pool.all_workers_have_stopped)
    assert (pool.worker_dict, Worker.all(connection=redis)) == ({}, [])


def test_one_that_is_killed_is_replaced_at_once(make: Make, redis: Redis) -> None:
    pool = make(num_workers=2)
    pool.start_workers(burst=False)
    all_listen(redis, 2)
    data = killed(pool)
    pool.reap_workers()
    assert pool.number_of_active_workers == 1
    pool.check_workers()
    assert pool.number_of_active_workers == 2 and data.name not in pool.worker_dict


def test_without_respawn_it_is_only_missed(make: Make) -> None:
    pool = make()
    pool.start_worker(burst=False)
    killed(pool)
    pool.check_workers(respawn=False)
    assert pool.number_of_active_workers == 0


def test_those_that_die_at_once_are_started_later_and_later(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(respawn, 'FIRST_PAUSE', 30)
    pool = make(worker_class=work.Unable)
    pool.start_workers(burst=False)
    for expected in (1, 0):  # the first is replaced at once, the second not
        wait_for(lambda: not next(iter(pool.worker_dict.values())).process.is_alive())
        pool.check_workers()
        assert pool.number_of_active_workers == expected


def test_a_worker_that_has_ended_is_asked_nothing(make: Make) -> None:
    pool = make()
    pool.start_worker(burst=True)
    [data] = pool.worker_dict.values()
    data.process.join()
    pool.stop_worker(data)


def test_a_burst_ends_with_the_jobs(make: Make, redis: Redis) -> None:
    jobs = Queue(connection=redis).enqueue_many([Queue.prepare_data('os.getpid') for _ in range(20)])
    pool = make(num_workers=2)
    pool.start(burst=True)
    assert pool.status is pool.Status.STARTED and pool.worker_dict == {}
    assert all(job.is_finished for job in jobs)


def test_its_classes_serializer_and_handlers_are_those_of_its_workers(make: Make, redis: Redis) -> None:
    queue = work.OwnQueue('a', connection=redis, serializer='json', job_class=work.OwnJob)
    job = queue.enqueue('operator.truediv', 1, 0)
    make(
        ['a'],
        worker_class=work.OwnWorker,
        serializer='json',
        job_class=work.OwnJob,
        queue_class=work.OwnQueue,
        exception_handlers=[work.handler],
    ).start(burst=True)
    assert job.is_failed
    assert job.get_meta() == {'run_by': ['OwnWorker', 'OwnQueue', 'OwnJob'], 'handled': True}


def test_a_subclass_that_makes_its_own_processes_is_asked_for_them(redis: Redis) -> None:
    class Named(WorkerPool):
        asked: list[str] = []  # noqa: RUF012

        def get_worker_process(self, name: str, *args: Any, **kwargs: Any) -> Any:
            self.asked.append(name)
            return super().get_worker_process(name, *args, **kwargs)

    Named(['default'], redis, num_workers=2).start(burst=True)
    assert len(Named.asked) == 2


def test_request_stop_ends_a_pool_of_another_thread(make: Make, redis: Redis) -> None:
    pool = make(num_workers=2)
    thread = threading.Thread(target=pool.start)
    thread.start()
    all_listen(redis, 2)
    pool.request_stop()
    thread.join(15)
    assert not thread.is_alive()
    assert pool.status is pool.Status.STOPPED and pool.worker_dict == {}


def test_workers_outlive_the_thread_that_has_started_them(make: Make, redis: Redis) -> None:
    pool = make()
    thread = threading.Thread(target=pool.start_workers, kwargs={'burst': False})
    thread.start()
    thread.join()
    all_listen(redis, 1)
    job = Queue(connection=redis).enqueue('operator.add', 1, 2)
    wait_for(lambda: job.return_value(refresh=True) == 3)


def test_signal_handlers_are_put_back(make: Make) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    make().start(burst=True)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_run_worker_is_a_worker_in_this_process(redis: Redis) -> None:
    from rq.connections import parse_connection

    job = Queue('a', connection=redis).enqueue('operator.add', 1, 2)
    run_worker('w', ['a'], *parse_connection(redis), worker_class=work.OwnWorker)
    assert job.return_value() == 3
    assert job.get_meta()['run_by'][0] == 'OwnWorker'


def test_the_pause_before_a_start_grows_with_deaths_in_a_row_and_ends_with_a_long_life() -> None:
    found = respawn.Respawn()
    pauses = []
    for lived in (0.1, 0.1, 0.1, 0.1, 60):
        found.note_death(lived)
        pauses.append(round(found.pause, 1))
    assert pauses == [0, 0.5, 1, 2, 0]
    for _ in range(20):
        found.note_death(0)
    assert found.pause <= respawn.LONGEST_PAUSE
