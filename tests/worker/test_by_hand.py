"""A worker's methods called by hand, as users' tests and schedulers of their own do: each leaves Redis as RQ does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from rq import Queue, Retry, SimpleWorker, Worker
from rq.exceptions import InvalidJobOperation, NoSuchJobError, StopRequested
from rq.executions import Execution, cleanup_execution, prepare_execution
from rq.job import Job, JobStatus
from rq.store import keys
from rq.suspension import resume, suspend
from rq.worker import BaseWorker, DequeueStrategy, RandomWorker, RoundRobinWorker, WorkerStatus, signal_name
from tests.support.invariants import violations
from tests.support.waiting import wait_for
from tests.worker import jobs


@pytest.fixture
def worker(redis: Redis, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleWorker]:
    monkeypatch.setenv(jobs.JOURNAL, str(tmp_path / 'journal'))
    made = SimpleWorker('default', connection=redis, name='w')
    made.register_birth()
    yield made
    made.teardown()


def record(redis: Redis) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in redis.hgetall(keys.worker('w')).items()}


# --- one job ----------------------------------------------------------------------------------------------------------


def test_a_job_is_dequeued_claimed_and_executed(redis: Redis, queue: Queue, worker: SimpleWorker) -> None:
    job = queue.enqueue(jobs.say, 3)
    found = worker.dequeue_job_and_maintain_ttl(None)
    assert found is not None and found[0].id == job.id and found[1].name == 'default'
    assert job.get_status() is JobStatus.STARTED and redis.zcard(keys.wip('default')) == 1
    worker.execute_job(*found)
    assert job.return_value() == 3 and not redis.zcard(keys.wip('default')) and violations(redis) == []
    assert (record(redis)['successful_job_count'], record(redis)['state']) == ('1', 'idle')
    assert worker.dequeue_job_and_maintain_ttl(None) is None


def test_an_idle_worker_waits_no_longer_than_it_is_told(redis: Redis, worker: SimpleWorker) -> None:
    began = time.monotonic()
    assert worker.dequeue_job_and_maintain_ttl(1, max_idle_time=1) is None
    assert 0.9 < time.monotonic() - began < 5


@pytest.mark.parametrize('prepared', [True, False])
def test_a_job_that_was_not_claimed_is_taken_as_it_begins(
    redis: Redis, queue: Queue, worker: SimpleWorker, prepared: bool
) -> None:
    job = queue.enqueue(jobs.say, 4)
    execution = worker.prepare_execution(job) if prepared else None
    assert worker.perform_job(job, queue, execution)
    assert job.return_value() == 4 and queue.job_ids == [] and violations(redis) == []


def test_a_job_that_fails_by_hand_has_failed(queue: Queue, worker: SimpleWorker) -> None:
    job = queue.enqueue(jobs.fail)
    assert not worker.perform_job(job, queue)
    assert 'ValueError: broken' in (job.latest_result().exc_string or '')  # type: ignore[union-attr]
    again = queue.enqueue(jobs.fail, retry=Retry(max=1))
    worker.perform_job(again, queue)
    assert again.get_status() is JobStatus.QUEUED and queue.job_ids == [again.id]


def test_its_outcome_can_be_told_by_hand(redis: Redis, queue: Queue, worker: SimpleWorker) -> None:
    one, two = queue.enqueue(jobs.say), queue.enqueue(jobs.say)
    worker.handle_job_failure(one, queue, exc_string='not today')
    two._result = 'told'  # type: ignore[attr-defined]
    worker.handle_job_success(two, queue, queue.started_job_registry)
    assert one in queue.failed_job_registry and 'not today' in (one.latest_result().exc_string or '')  # type: ignore[union-attr]
    assert two.return_value() == 'told' and violations(redis) == []


def test_a_job_that_another_worker_runs_is_not_taken(redis: Redis, queue: Queue, worker: SimpleWorker) -> None:
    queue.enqueue(jobs.say)
    other = SimpleWorker('default', connection=redis)
    found = other.dequeue_job_and_maintain_ttl(None)
    assert found is not None
    with pytest.raises(InvalidJobOperation, match='is run by another worker'):
        worker.perform_job(*found)
    other.perform_job(*found)
    other.teardown()


def test_what_is_no_job_cannot_be_run(redis: Redis, queue: Queue, worker: SimpleWorker) -> None:
    job = Job.create(jobs.say, connection=redis, origin='default')
    with pytest.raises(NoSuchJobError):
        worker.prepare_execution(job)


def test_a_run_is_shown_renewed_and_cleaned_up(redis: Redis, queue: Queue, worker: SimpleWorker) -> None:
    job = queue.enqueue(jobs.say)
    assert worker.execution is None
    run = prepare_execution(worker, job)
    assert worker.execution == run and worker.executions == {run.id: run}
    assert Execution.fetch(run.id, job.id, redis).worker_name == 'w'
    assert worker.get_current_job_id() == job.id and worker.current_execution_count == 1
    assert record(redis)['state'] == 'busy'
    redis.hset(run.key, 'last_heartbeat', 0)
    worker.maintain_heartbeats(job, run)
    assert Execution.fetch(run.id, job.id, redis).last_heartbeat.timestamp() > 1e9
    with redis.pipeline() as pipeline:
        cleanup_execution(worker, job, pipeline)
        pipeline.execute()
    assert worker.execution is None and not redis.exists(run.key)
    # Its lease stays: the outcome is yet to come.
    worker.execute_job(job, queue)
    assert job.get_status() is JobStatus.FINISHED


def test_a_run_of_others_is_cleaned_up_with_its_lease(redis: Redis, queue: Queue, worker: SimpleWorker) -> None:
    job = queue.enqueue(jobs.say)
    with redis.pipeline() as pipeline:
        run = Execution.create(job, 90, pipeline, worker_name='w')
        pipeline.execute()
        worker.execution = run
        worker.cleanup_execution(job, pipeline)
        pipeline.execute()
    assert not redis.exists(run.key, keys.wip('default'), keys.worker_executions('w'))


def test_the_heartbeats_of_a_job_are_good_as_long_as_rqs(redis: Redis, queue: Queue) -> None:
    job, endless = queue.enqueue(jobs.say, job_timeout=180), queue.enqueue(jobs.say, job_timeout=-1)
    forks, simple = Worker('default', connection=redis), SimpleWorker('default', connection=redis)
    assert [forks.get_heartbeat_ttl(job), forks.get_heartbeat_ttl(job, 170.0), forks.get_heartbeat_ttl(endless)] == [
        90, 70, 90,
    ]  # fmt: skip
    assert (simple.get_heartbeat_ttl(job), simple.get_heartbeat_ttl(endless)) == (240, 420)


def test_the_process_of_a_job_can_be_started_watched_and_killed(redis: Redis, queue: Queue, worker: Any) -> None:
    job = queue.enqueue(jobs.sleep, 30)
    heard: list[Any] = []
    forks = Worker('default', connection=redis, work_horse_killed_handler=lambda *told: heard.append(told))
    forks.prepare_execution(job)
    forks.fork_work_horse(job, queue)
    pid = forks.horse_pid
    assert os.getpgid(pid) == pid != os.getpgid(0)
    forks.kill_horse(signal.SIGTERM)
    forks.monitor_work_horse(job, queue)
    assert [(told[0].id, told[1], told[2]) for told in heard] == [(job.id, pid, signal.SIGTERM)]
    assert job.get_status() is JobStatus.FAILED and forks.horse_pid == 0
    assert forks.wait_for_horse() == (None, None, None)
    forks.kill_horse()  # nobody: in RQ that was its own process group


def test_a_system_without_processes_left_is_waited_for(
    redis: Redis, queue: Queue, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    forks = Worker('default', connection=redis)
    real, tries = os.fork, []

    def refuse() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise BlockingIOError('Resource temporarily unavailable')
        return real()

    monkeypatch.setattr(os, 'fork', refuse)
    job = queue.enqueue(jobs.say, 5)
    forks.execute_job(job, queue)
    assert job.return_value() == 5 and len(tries) == 2


def test_a_base_worker_runs_nothing(redis: Redis, queue: Queue) -> None:
    base = BaseWorker('default', connection=redis)
    with pytest.raises(NotImplementedError):
        base.execute_job(queue.enqueue(jobs.say), queue)
    with pytest.raises(NotImplementedError):
        base.dequeue_job_and_maintain_ttl(None)
    base.kill_horse()
    assert base.wait_for_horse() == (None, None, None) and base.horse_pid == 0


def test_signals_have_names() -> None:
    assert [signal_name(number) for number in (9, 15, 2, 0, 99)] == [
        'SIGKILL', 'SIGTERM', 'SIGINT', 'SIG_UNKNOWN', 'SIG_UNKNOWN',
    ]  # fmt: skip


# --- what surrounds the jobs ------------------------------------------------------------------------------------------


def test_a_heartbeat_keeps_the_record(redis: Redis, worker: SimpleWorker) -> None:
    redis.hset(keys.worker('w'), 'last_heartbeat', '')
    worker.heartbeat()
    assert record(redis)['last_heartbeat'] and 470 < redis.ttl(keys.worker('w')) <= 480
    with redis.pipeline() as pipeline:
        worker.heartbeat(10, pipeline)
        pipeline.execute()
    assert redis.ttl(keys.worker('w')) <= 10


def test_counters_count(redis: Redis, worker: SimpleWorker) -> None:
    worker.increment_successful_job_count()
    with redis.pipeline() as pipeline:
        worker.increment_failed_job_count(pipeline)
        worker.increment_total_working_time(timedelta(seconds=1.5), pipeline)
        pipeline.execute()
    found = record(redis)
    counted = [found[name] for name in ('successful_job_count', 'failed_job_count', 'total_working_time')]
    assert counted == ['1', '1', '1.5']


def test_timeouts_are_rqs(worker: SimpleWorker) -> None:
    assert (worker.dequeue_timeout, worker.connection_timeout) == (405, 415)
    assert (worker.exponential_backoff_factor, worker.max_connection_wait_time) == (2.0, 60.0)
    assert worker.scheduler is None and worker.redis_server_version is None


def test_it_tells_who_it_is(worker: SimpleWorker) -> None:
    told = worker.serialize()
    assert list(told) == [
        'birth', 'last_heartbeat', 'queues', 'pid', 'hostname', 'ip_address', 'version', 'python_version',
    ]  # fmt: skip
    assert told['queues'] == 'default' and told['pid'] == os.getpid()


def test_maintenance_is_due_after_its_interval(redis: Redis, worker: SimpleWorker) -> None:
    redis.zadd(keys.finished('default'), {'gone': 1})
    redis.sadd(keys.workers_of('default'), keys.worker('gone'))
    assert worker.should_run_maintenance_tasks
    worker.run_maintenance_tasks()
    assert not worker.should_run_maintenance_tasks and worker.last_cleaned_at is not None
    assert not redis.exists(keys.finished('default'))
    assert redis.smembers(keys.workers_of('default')) == {keys.worker('w').encode()}
    worker.last_cleaned_at -= timedelta(seconds=601)
    assert worker.should_run_maintenance_tasks


def test_while_all_is_suspended_a_burst_ends_and_others_wait(redis: Redis, worker: SimpleWorker) -> None:
    worker.check_for_suspension(burst=True)
    suspend(redis)
    with pytest.raises(StopRequested):
        worker.check_for_suspension(burst=True)
    worker.request_stop(None, None)
    with pytest.raises(StopRequested):
        worker.check_for_suspension(burst=False)
    assert record(redis)['state'] == 'suspended'
    resume(redis)
    worker.check_for_suspension(burst=False)


def test_a_stop_by_hand_is_taken_down(redis: Redis, worker: SimpleWorker) -> None:
    worker.request_stop(signal.SIGTERM, None)
    worker.set_shutdown_requested_date()
    assert worker.shutdown_requested_date is not None and record(redis)['shutdown_requested_date']
    with pytest.raises(SystemExit):
        worker.request_force_stop(signal.SIGTERM, None)
    worker.stop_scheduler()
    worker.set_state(WorkerStatus.IDLE)


@pytest.mark.parametrize('kind', [SimpleWorker, Worker])
def test_a_worker_in_a_thread_can_be_told_to_stop(redis: Redis, queue: Queue, kind: type[BaseWorker]) -> None:
    worker = kind('default', connection=redis, name='w')
    thread = threading.Thread(target=worker.work)
    thread.start()
    wait_for(lambda: redis.hget(keys.worker('w'), 'state') == b'idle')
    worker.request_stop(None, None)
    thread.join(10)
    assert worker.horse_pid == 0
    assert not thread.is_alive() and redis.hexists(keys.worker('w'), 'death')


def test_after_a_job_the_queues_are_put_in_order(redis: Redis) -> None:
    def names(worker: BaseWorker, reference: int) -> list[str]:
        worker.reorder_queues(reference_queue=worker.queues[reference])
        return [queue.name for queue in worker._ordered_queues]

    plain = Worker(['a', 'b', 'c'], connection=redis)
    assert names(plain, 1) == ['a', 'b', 'c']
    plain._dequeue_strategy = DequeueStrategy.ROUND_ROBIN
    turn = RoundRobinWorker(['a', 'b', 'c'], connection=redis)
    for worker in (plain, turn):
        assert names(worker, 0) == ['b', 'c', 'a'] and names(worker, 1) == ['c', 'a', 'b']
    dice = RandomWorker(['a', 'b', 'c'], connection=redis)
    orders = {tuple(names(dice, 0)) for _ in range(200)}
    assert len(orders) == 6


@pytest.mark.parametrize(('kind', 'expected'), [('RoundRobinWorker', 'a0 b0 a1 b1'), ('Worker', 'a0 a1 b0 b1')])
def test_a_round_robin_worker_takes_from_its_queues_in_turn(
    redis: Redis, redis_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, kind: str, expected: str
) -> None:
    journal = tmp_path / 'journal'
    for name in 'ab':
        for number in range(2):
            Queue(name, connection=redis).enqueue(jobs.say, f'{name}{number}')
    command = [
        sys.executable,
        '-m',
        'rq.cli',
        'worker',
        '--burst',
        '-u',
        redis_url,
        '-w',
        f'rq.worker.{kind}',
        'a',
        'b',
    ]
    subprocess.run(command, env=os.environ | {jobs.JOURNAL: str(journal)}, check=True, timeout=30, capture_output=True)
    assert [line.split()[1] for line in journal.read_text().splitlines()] == expected.split()
