"""Commands to workers that take one job at a time: SimpleWorker, in a thread too, and the classic way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from rq import Callback, Queue, Retry
from rq.command import (
    send_command,
    send_kill_horse_command,
    send_shutdown_command,
    send_stop_job_command,
)
from tests.support.processes import Process, Processes
from tests.support.waiting import wait_for
from tests.worker import callbacks, jobs
from tests.worker.conftest import Journal
from tests.worker.watching import begun, ready, says

SIMPLE = """
import sys
from redis import Redis
from rq import SimpleWorker
SimpleWorker(['default'], connection=Redis.from_url(sys.argv[1]), name='w1').work(logging_level='INFO')
"""
IN_A_THREAD = """
import sys, threading
from redis import Redis
from rq import SimpleWorker
worker = SimpleWorker(['default'], connection=Redis.from_url(sys.argv[1]), name='w1')
thread = threading.Thread(target=lambda: worker.work(logging_level='INFO'))
thread.start()
thread.join()
"""


@pytest.fixture
def start_simple(processes: Processes, redis: Redis, redis_url: str, journal: Journal) -> Callable[[str], Process]:
    """A SimpleWorker named w1 in a process of its own."""

    def start(program: str) -> Process:
        env = {jobs.JOURNAL: str(journal.path)}
        process = processes.python('-P', '-c', program, redis_url, name='simple', env=env)
        ready(redis)
        return process

    return start


def test_a_simple_workers_job_is_stopped_and_the_worker_goes_on_until_it_is_shut_down(
    start_simple: Callable[[str], Process], redis: Redis, queue: Queue, journal: Journal
) -> None:
    process = start_simple(SIMPLE)
    options: dict[str, Any] = {'retry': Retry(3), 'on_stopped': Callback(callbacks.stopped)}
    for timeout in (180, -1):
        job = queue.enqueue(jobs.sleep, 60, job_timeout=timeout, on_failure=Callback(callbacks.failed), **options)
        says(job, 'started')
        wait_for(job.get_executions)
        send_stop_job_command(redis, job.id)
        says(job, 'stopped')
        after = queue.enqueue(jobs.say)
        says(after, 'finished')
        wait_for(lambda job=job: f'stopped {job.id} stopped {process.pid}' in journal.lines)  # type: ignore[misc]
    assert not [line for line in journal.lines if line.startswith('failed')]
    last = queue.enqueue(jobs.sleep, 0.4)
    says(last, 'started')
    send_command(redis, 'w1', 'stop-job', job_id=after.id)
    send_shutdown_command(redis, 'w1')
    assert process.wait(10) == 0
    assert last.get_status() == 'finished'


def test_a_simple_worker_in_a_thread_says_what_it_cannot_do(
    start_simple: Callable[[str], Process], redis: Redis, queue: Queue
) -> None:
    process = start_simple(IN_A_THREAD)
    job = queue.enqueue(jobs.sleep, 1)
    says(job, 'started')
    send_stop_job_command(redis, job.id)
    process.wait_for_output(f'Job {job.id} cannot be stopped')
    send_kill_horse_command(redis, 'w1')
    process.wait_for_output('kill horse command ignored')
    send_shutdown_command(redis, 'w1')
    assert process.wait(10) == 0
    assert job.get_status() == 'finished'


# --- the classic way

CLASSIC = """
import sys
from redis import Redis
from rq import Worker
from tests.worker.callbacks import handler, killed
class Mine(Worker):
    def execute_job(self, job, queue):
        super().execute_job(job, queue)
options = {'exception_handlers': [handler], 'work_horse_killed_handler': killed}
Mine(['default'], connection=Redis.from_url(sys.argv[1]), name='w1', **options).work()
"""


def test_a_worker_in_the_classic_way_obeys_as_well(
    start_simple: Callable[[str], Process], redis: Redis, queue: Queue, journal: Journal
) -> None:
    process = start_simple(CLASSIC)
    job = queue.enqueue(jobs.c_loop_with_child, on_stopped=Callback(callbacks.stopped), retry=Retry(2))
    begun(journal)
    send_stop_job_command(redis, job.id)
    says(job, 'stopped')
    wait_for(lambda: [line for line in journal.lines if line.startswith(f'stopped {job.id} stopped')])
    lost = queue.enqueue(jobs.sleep, 60, on_failure=Callback(callbacks.failed))
    begun(journal, 'sleep')
    wait_for(lost.get_executions)
    send_kill_horse_command(redis, 'w1')
    says(lost, 'failed')
    wait_for(lambda: [line for line in journal.lines if line.startswith(f'failed {lost.id}')])
    assert len([line for line in journal.lines if line.startswith(f'killed {lost.id}')]) == 1
    last = queue.enqueue(jobs.sleep, 0.3)
    says(last, 'started')
    send_shutdown_command(redis, 'w1')
    assert process.wait(10) == 0
    assert last.get_status() == 'finished'
