"""The classic way: a worker class that overrides RQ's methods gets them called as RQ calls them, and loses nothing."""

from __future__ import annotations

import os
import time

import psutil
import pytest
from redis import Redis

from rq import Queue, Retry, SimpleWorker, Worker
from rq.job import JobStatus
from rq.store import keys
from rq.worker.classes import OURS
from rq.worker.classic import OVERRIDABLE, is_classic
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import Journal, WorkerMaker

KINDS = 'tests.worker.kinds.'
OVERRIDDEN = 'PACKHORSE_TEST_OVERRIDES'


def calls(journal: Journal) -> list[str]:
    return [line for line in journal.lines if line.split()[0] in ('worker', 'horse')]


def is_in_order(expected: list[str], found: list[str]) -> bool:
    rest = iter(found)
    return all(line in rest for line in expected)


def test_each_method_is_called_where_rq_calls_it(queue: Queue, burst: WorkerMaker, journal: Journal) -> None:
    job = queue.enqueue(jobs.say, 1)
    burst('-w', KINDS + 'All')
    assert job.return_value() == 1
    worker = [
        'register_birth', 'check_for_suspension', 'run_maintenance_tasks', 'dequeue_job_and_maintain_ttl',
        'reorder_queues', 'execute_job', 'prepare_execution', 'fork_work_horse', 'monitor_work_horse',
        'wait_for_horse', 'check_for_suspension', 'dequeue_job_and_maintain_ttl', 'teardown', 'register_death',
    ]  # fmt: skip
    horse = [
        'main_work_horse',
        'setup_work_horse_signals',
        'prepare_job_execution',
        'perform_job',
        'handle_execution_ended',
        'handle_job_success',
    ]
    found = calls(journal)
    assert is_in_order([f'worker {name}' for name in worker], found), found
    assert is_in_order([f'horse {name}' for name in horse], found), found


def test_a_failure_passes_through_the_handlers_in_the_horse(queue: Queue, burst: WorkerMaker, journal: Journal) -> None:
    job = queue.enqueue(jobs.fail)
    burst('-w', KINDS + 'All')
    assert job.get_status() is JobStatus.FAILED and job in queue.failed_job_registry
    expected = ['horse perform_job', 'horse handle_exception', 'horse handle_job_failure']
    assert is_in_order(expected, calls(journal)), journal.lines
    assert 'ValueError: broken' in (job.latest_result().exc_string or '')  # type: ignore[union-attr]


@pytest.mark.parametrize('name', [name for name in OVERRIDABLE if hasattr(Worker, name)])
def test_one_overridden_method_is_enough(name: str) -> None:
    kind = type('Kind', (Worker,), {name: lambda self, *args, **kwargs: None})
    worker = kind('default', connection=Redis())
    assert is_classic(worker, OURS) and not is_classic(Worker('default', connection=Redis()), OURS)


def test_a_method_set_on_the_object_or_patched_on_the_class_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker('default', connection=Redis())
    worker.execute_job = lambda job, queue: None  # type: ignore[method-assign]
    assert is_classic(worker, OURS)
    monkeypatch.setattr(Worker, 'execute_job', lambda self, job, queue: None)
    assert is_classic(Worker('default', connection=Redis()), OURS)


def test_what_tools_patch_leaves_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Worker, 'perform_job', lambda self, *args: True)
    assert not is_classic(Worker('default', connection=Redis()), OURS)
    assert not is_classic(SimpleWorker('default', connection=Redis()), OURS)


def test_a_simple_workers_execute_job_is_called_and_the_job_is_settled_after_it(
    queue: Queue, burst: WorkerMaker, journal: Journal
) -> None:
    job = queue.enqueue(jobs.say, 2)
    burst('-w', KINDS + 'Simple')
    assert journal.lines == [f'execute {job.id}', 'say 2', 'status finished']


@pytest.mark.parametrize('kind', ['As212', 'Fast212'])
def test_methods_written_for_rq_212_work(queue: Queue, burst: WorkerMaker, journal: Journal, kind: str) -> None:
    good, bad = queue.enqueue(jobs.say, 2), queue.enqueue(jobs.fail)
    burst('-w', KINDS + kind)
    assert (good.get_status(), bad.get_status()) == (JobStatus.FINISHED, JobStatus.FAILED)
    assert [line for line in journal.lines if line not in ('execute', 'monitor')] == [
        'perform', 'say 2', 'success', 'perform', 'failure',
    ]  # fmt: skip
    assert journal.lines.count('execute') == (2 if kind == 'As212' else 0)


@pytest.mark.parametrize('kind', ['InProcess', 'OwnFork', 'OwnHorse', 'Threads', 'ByHand'])
def test_jobs_of_a_worker_that_does_it_in_another_way_are_settled(
    redis: Redis, queue: Queue, burst: WorkerMaker, kind: str
) -> None:
    good = [queue.enqueue(jobs.say, number) for number in range(3)]
    bad, again = queue.enqueue(jobs.fail), queue.enqueue(jobs.fail, retry=Retry(max=1))
    burst('-w', KINDS + kind, '-n', 'w')
    if kind == 'Threads':  # the queue was empty before the thread put the job back
        burst('-n', 'w')
    assert [job.return_value() for job in good] == [0, 1, 2]
    assert (bad.get_status(), again.get_status()) == (JobStatus.FAILED, JobStatus.FAILED)
    assert not redis.zcard(keys.wip('default')) and not redis.exists(keys.worker_executions('w'))


def test_counters_are_kept(redis: Redis, queue: Queue, burst: WorkerMaker) -> None:
    for call in (jobs.say, jobs.say, jobs.fail):
        queue.enqueue(call)
    burst('-w', KINDS + 'OwnHorse', '-n', 'w')
    found = redis.hgetall(keys.worker('w'))
    assert (found[b'successful_job_count'], found[b'failed_job_count']) == (b'2', b'1')
    assert 0 < float(found[b'total_working_time']) < 5


def test_a_job_that_a_worker_leaves_out_goes_back(queue: Queue, worker: WorkerMaker, journal: Journal) -> None:
    job = queue.enqueue(jobs.say, 1)
    process = worker('-w', KINDS + 'Picky')
    wait_for(lambda: job.get_status() is JobStatus.FINISHED, message=process.report)
    assert journal.lines == [f'left out {job.id}', 'say 1']


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_horse_that_dies_fails_its_job_with_the_signal(queue: Queue, burst: WorkerMaker, journal: Journal) -> None:
    job, after = queue.enqueue(jobs.die, 9), queue.enqueue(jobs.say)
    burst('-w', KINDS + 'All')
    assert 'signal 9, SIGKILL' in (job.latest_result().exc_string or '')  # type: ignore[union-attr]
    assert job in queue.failed_job_registry and after.get_status() is JobStatus.FINISHED
    expected = ['worker handle_work_horse_killed', 'worker handle_job_failure']
    assert is_in_order(expected, calls(journal)), journal.lines


def test_a_horse_that_leaves_without_a_word_fails_its_job(queue: Queue, burst: WorkerMaker) -> None:
    job = queue.enqueue(jobs.leave, 0)
    burst('-w', KINDS + 'OwnHorse')
    assert job.get_status() is JobStatus.FAILED


def test_a_dead_horses_job_is_tried_again(queue: Queue, burst: WorkerMaker, journal: Journal) -> None:
    job = queue.enqueue(jobs.die, 9, retry=Retry(max=2))
    burst('-w', KINDS + 'All')
    assert calls(journal).count('worker handle_work_horse_killed') == 3
    assert job.get_status() is JobStatus.FAILED


def test_a_job_that_cannot_be_stopped_is_killed_with_its_group(
    queue: Queue, burst: WorkerMaker, journal: Journal
) -> None:
    job = queue.enqueue(jobs.c_loop_with_child, job_timeout=1)
    burst('-w', KINDS + 'All', settings={'HARD_GRACE': 0.5})
    assert 'maximum timeout value (1 seconds)' in (job.latest_result().exc_string or '')  # type: ignore[union-attr]
    assert 'worker kill_horse' in journal.lines
    child = int(next(line.split()[1] for line in journal.lines if line.startswith('child')))
    wait_for(lambda: not os.path.exists(f'/proc/{child}'))


def test_an_ordinary_timeout_is_raised_in_the_job(queue: Queue, burst: WorkerMaker, journal: Journal) -> None:
    job = queue.enqueue(jobs.cleans_up, 30, job_timeout=1)
    burst('-w', KINDS + 'OwnHorse')
    assert 'JobTimeoutException' in (job.latest_result().exc_string or '')  # type: ignore[union-attr]
    assert journal.lines == ['cleaned up']


@pytest.mark.parametrize(('kind', 'text'), [('Broken', 'ValueError: no way'), ('SaysNothing', 'no outcome came')])
def test_a_method_that_fails_or_does_nothing_fails_the_job_and_not_the_worker(
    queue: Queue, burst: WorkerMaker, kind: str, text: str
) -> None:
    one, two = queue.enqueue(jobs.say, job_timeout=1), queue.enqueue(jobs.say, job_timeout=1)
    burst('-w', KINDS + kind, settings={'HARD_GRACE': 0.1})
    for job in (one, two):
        assert job.get_status() is JobStatus.FAILED
        assert kind == 'SaysNothing' or text in (job.latest_result().exc_string or '')  # type: ignore[union-attr]


def test_a_long_job_is_shown_and_its_lease_is_renewed(redis: Redis, queue: Queue, worker: WorkerMaker) -> None:
    job = queue.enqueue(jobs.sleep, 2)
    worker('--burst', '-w', KINDS + 'OwnFork', '-n', 'w', settings={'RENEW_WIP_EVERY': 0.2, 'RENEW_LEASE_EVERY': 0.2})
    wait_for(lambda: redis.hget(keys.worker('w'), 'current_job') == job.id.encode())
    [(_, before)] = redis.zrange(keys.wip('default'), 0, -1, withscores=True)
    wait_for(lambda: redis.zrange(keys.wip('default'), 0, -1, withscores=True)[0][1] > before)
    wait_for(lambda: job.get_status() is JobStatus.FINISHED)


@pytest.mark.parametrize('kind', ['All', 'OwnFork'])
def test_the_first_signal_lets_the_job_end(queue: Queue, worker: WorkerMaker, journal: Journal, kind: str) -> None:
    job, after = queue.enqueue(jobs.sleep, 1), queue.enqueue(jobs.say)
    process = worker('-w', KINDS + kind)
    wait_for(lambda: 'sleep 1' in journal.lines)
    process.terminate()
    assert process.wait(10) == 0
    assert (job.get_status(), after.get_status()) == (JobStatus.FINISHED, JobStatus.QUEUED)
    assert kind != 'All' or is_in_order(['worker request_stop', 'worker handle_warm_shutdown_request'], calls(journal))
    assert 'Warm shut down requested' in process.output


def test_the_second_signal_kills_the_horse(queue: Queue, worker: WorkerMaker, journal: Journal) -> None:
    job = queue.enqueue(jobs.sleep, 30)
    process = worker('-w', KINDS + 'All')
    wait_for(lambda: 'sleep 30' in journal.lines)
    process.terminate()
    wait_for(lambda: 'worker request_stop' in journal.lines)
    time.sleep(1.1)
    process.terminate()
    process.wait(10)
    assert job.get_status() is JobStatus.FAILED
    assert is_in_order(['worker request_force_stop', 'worker kill_horse'], calls(journal))


def test_a_worker_that_is_killed_leaves_its_horse_to_finish(
    queue: Queue, worker: WorkerMaker, journal: Journal
) -> None:
    job = queue.enqueue(jobs.sleep, 1)
    process = worker('-w', KINDS + 'OwnFork')
    wait_for(lambda: 'sleep 1' in journal.lines)
    process.kill()
    wait_for(lambda: job.get_status() is JobStatus.FINISHED)


def test_worker_and_horse_killed_lose_nothing(
    redis: Redis, queue: Queue, worker: WorkerMaker, burst: WorkerMaker, journal: Journal
) -> None:
    job = queue.enqueue(jobs.sleep, 1, retry=Retry(max=1))
    process = worker('-w', KINDS + 'All', '-n', 'dead')
    wait_for(lambda: 'sleep 1' in journal.lines)
    [horse] = psutil.Process(process.pid).children()
    process.kill()
    horse.kill()
    redis.delete(keys.lease('dead'))  # its 30 s are over
    redis.zadd(keys.wip('default'), dict.fromkeys(redis.zrange(keys.wip('default'), 0, -1), 1000000000.0))
    worker('-w', KINDS + 'OwnFork', settings={'LEASE': 0.2, 'REAP_EVERY': 0.2})
    wait_for(lambda: job.get_status() is JobStatus.FINISHED, timeout=20)
