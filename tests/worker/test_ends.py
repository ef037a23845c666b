"""What follows a job's end in its worker: callbacks, retries on error and on demand, repeats, dependents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from rq import Callback, Queue, Repeat, Retry, SimpleWorker, Worker
from rq.job import Dependency, Job, JobStatus
from rq.results import Result
from rq.worker import BaseWorker
from tests.worker import ends, jobs
from tests.worker.conftest import Journal, WorkerMaker
from tests.worker.watching import last_line

Run = Callable[..., bool]


@pytest.fixture(params=[Worker, SimpleWorker])
def run(request: pytest.FixtureRequest, queue: Queue, redis: Redis) -> Run:
    """Work off the queue, once by each kind of worker."""
    kind: type[BaseWorker] = request.param

    def work(**options: Any) -> bool:
        return kind([queue], connection=redis, **options).work(burst=True)

    return work


@pytest.fixture
def journal(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """As elsewhere, for jobs of this very process and its forks."""
    monkeypatch.setenv(jobs.JOURNAL, str(tmp_path / 'journal'))
    return Journal(tmp_path / 'journal')


def result_of(job: Job) -> Result:
    found = job.latest_result()
    assert found is not None
    return found


# --- callbacks --------------------------------------------------------------------------------------------------------


def test_a_success_is_told_before_it_is_stored_as_rq_does(queue: Queue, run: Run, journal: Journal) -> None:
    job = queue.enqueue(ends.give, 7, on_success=Callback(ends.on_success), on_failure=Callback(ends.on_failure))
    run()
    assert journal.lines == [f'success {job.id} finished started 7 True']
    assert job.return_value() == 7


def test_a_failure_is_told_at_each_try_and_then_the_handlers(queue: Queue, run: Run, journal: Journal) -> None:
    job = queue.enqueue(ends.fail, retry=Retry(1), on_failure=Callback('tests.worker.ends.on_failure', timeout='1m'))
    run(exception_handlers=[ends.handle])
    told = f'failure {job.id} failed ValueError no True True'
    assert journal.lines == [told, f'handler {job.id} ValueError'] * 2
    assert job.get_status() is JobStatus.FAILED


def test_a_success_callback_that_raises_makes_the_job_a_failure(queue: Queue, run: Run, journal: Journal) -> None:
    job = queue.enqueue(ends.give, on_success=Callback(ends.stumble), on_failure=Callback(ends.on_failure))
    run()
    assert job.get_status() is JobStatus.FAILED
    assert journal.lines == [f'failure {job.id} failed RuntimeError callback True True']
    assert last_line(job) == 'RuntimeError: callback'


def test_a_failure_callback_that_raises_is_told_with_what_it_was_called_for(
    queue: Queue, run: Run, journal: Journal
) -> None:
    job = queue.enqueue(ends.fail, on_failure=Callback(ends.stumble))
    run(exception_handlers=[ends.handle])
    assert last_line(job) == 'RuntimeError: callback'
    assert 'ValueError: no' in str(result_of(job).exc_string)
    assert journal.lines == [f'handler {job.id} RuntimeError']


@pytest.mark.parametrize('name', ['nowhere.at_all', 'tests.worker.ends.nothing', 'tests.worker.ends'])
def test_a_callback_that_cannot_be_imported_or_called_fails_the_job_and_the_worker_goes_on(
    queue: Queue, run: Run, name: str
) -> None:
    job, next_one = queue.enqueue(ends.give, on_success=Callback(name)), queue.enqueue(ends.give)
    run()
    assert (job.get_status(), next_one.get_status()) == (JobStatus.FAILED, JobStatus.FINISHED)
    assert name in str(result_of(job).exc_string) or 'not callable' in str(result_of(job).exc_string)


@pytest.mark.parametrize('option', ['on_success', 'on_failure'])
def test_a_callback_that_takes_too_long_is_ended_by_its_own_timeout(queue: Queue, run: Run, option: str) -> None:
    function = ends.give if option == 'on_success' else ends.fail
    job = queue.enqueue(function, **{option: Callback(ends.take_long, timeout=1)})
    run()
    assert job.get_status() is JobStatus.FAILED
    assert 'Task exceeded maximum timeout value (1 seconds)' in last_line(job)


def test_a_callback_has_its_own_time_whatever_the_job_has_used_of_its(
    queue: Queue, burst: WorkerMaker, journal: Journal
) -> None:
    """The supervisor's hard limit, too, counts from the callback's begin."""
    job = queue.enqueue(jobs.sleep, 0.9, job_timeout=1, on_success=Callback('tests.worker.ends.wait_and_note'))
    burst(settings={'HARD_GRACE': 0.2})
    assert job.get_status() is JobStatus.FINISHED
    assert journal.lines[-1] == 'waited'


def test_a_callback_that_is_killed_for_its_time_is_told_with_its_own(queue: Queue, burst: WorkerMaker) -> None:
    """It was told with the seconds since the job's begin, as if the function had run too long."""
    spins = Callback('tests.worker.ends.loop_in_c', timeout=1)
    job = queue.enqueue(jobs.sleep, 1.2, job_timeout=30, on_success=spins)
    burst(settings={'HARD_GRACE': 0.5})
    assert job.get_status() is JobStatus.FAILED
    first = str(result_of(job).exc_string).splitlines()[0]
    assert 'Callback exceeded its timeout (1 seconds) and did not end within' in first


def test_a_callback_that_ends_the_process_fails_the_job(queue: Queue, run: Run) -> None:
    job = queue.enqueue(ends.give, on_success=Callback(ends.cry))
    run()
    assert (job.get_status(), last_line(job)) == (JobStatus.FAILED, 'SystemExit: 5')


def test_callbacks_run_in_the_callers_process_on_a_sync_queue(redis: Redis, journal: Journal) -> None:
    queue = Queue('sync', connection=redis, is_async=False)
    good = queue.enqueue(ends.give, 3, on_success=Callback(ends.on_success))
    bad = queue.enqueue(ends.fail, on_failure=Callback(ends.on_failure))
    worse = queue.enqueue(ends.fail, on_failure=Callback(ends.stumble))
    assert journal.lines == [
        f'success {good.id} finished started 3 True',
        f'failure {bad.id} failed ValueError no True True',
    ]
    assert last_line(worse) == 'RuntimeError: callback'


# --- retries ----------------------------------------------------------------------------------------------------------


def test_a_returned_retry_runs_the_job_again_and_one_too_many_fails_it(
    queue: Queue, run: Run, journal: Journal
) -> None:
    job = queue.enqueue(ends.ask_again, on_success=Callback(ends.on_success), on_failure=Callback(ends.on_failure))
    run()
    assert journal.lines == ['ran 0', 'ran 1', 'ran 2'], 'and no callback, as in RQ'
    assert job.get_status() is JobStatus.FAILED
    kinds = [result.type for result in job.results()]
    assert kinds == [Result.Type.MAX_RETRIES_EXCEEDED, Result.Type.RETRIED, Result.Type.RETRIED]
    stored = job.results()[0].return_value
    assert isinstance(stored, Retry) and stored.max == 2


def test_a_returned_retry_may_ask_for_a_pause(queue: Queue, run: Run, journal: Journal) -> None:
    job = queue.enqueue(ends.ask_again, 2, 100)
    run()
    assert job.get_status() is JobStatus.SCHEDULED
    assert 95 < (queue.scheduled_job_registry.get_scheduled_time(job) - job.created_at).total_seconds() <= 102
    assert job.return_value() is None


def test_a_returned_retry_may_ask_for_the_head_of_the_queue(queue: Queue, run: Run, journal: Journal) -> None:
    queue.enqueue(ends.ask_again, 1, 0, front=True)
    queue.enqueue(jobs.say, 'other')
    run()
    assert journal.lines[0] == 'ran 0'
    assert set(journal.lines) == {'ran 0', 'ran 1', 'say other'}


@pytest.mark.parametrize(
    ('function', 'retry', 'runs'),
    [
        (ends.raise_oserror, Retry(2, retry_on=OSError), 3),
        (ends.raise_oserror, Retry(2, retry_on=[ValueError, 'builtins.OSError']), 3),
        (ends.raise_oserror, Retry(2, retry_on=ValueError), 1),
        (ends.raise_oserror, Retry(2, give_up_on=OSError), 1),
        (ends.raise_oserror, Retry(2, give_up_on=ValueError), 3),
        (ends.raise_oserror, Retry(2, retry_on=OSError, give_up_on=FileNotFoundError), 1),
    ],
)
def test_a_retry_may_name_what_it_is_for(
    queue: Queue, run: Run, journal: Journal, function: Any, retry: Retry, runs: int
) -> None:
    job = queue.enqueue(function, retry=retry, on_failure=Callback(ends.on_failure))
    run()
    assert len(journal.lines) == runs
    assert job.get_status() is JobStatus.FAILED


# --- repeats ----------------------------------------------------------------------------------------------------------


def test_a_success_is_repeated(queue: Queue, run: Run, journal: Journal) -> None:
    job = queue.enqueue(jobs.say, 'x', repeat=Repeat(times=2), on_success=Callback(ends.on_success))
    run()
    assert len(journal.lines) == 6
    assert job.get_status() is JobStatus.FINISHED
    assert [result.return_value for result in job.results()] == ['x'] * 3
    job.refresh()
    assert job.repeats_left == 0


def test_a_repeat_waits_its_interval(queue: Queue, run: Run) -> None:
    job = queue.enqueue(ends.give, repeat=Repeat(times=2, interval=[100, 200]))
    run()
    assert job.get_status() is JobStatus.SCHEDULED
    job.refresh()
    assert (job.repeats_left, job.repeat_intervals) == (1, [200])


# --- dependents -------------------------------------------------------------------------------------------------------


def test_dependents_run_when_what_they_wait_for_has_ended(
    redis: Redis, queue: Queue, run: Run, journal: Journal
) -> None:
    other = Queue('other', connection=redis)
    first = queue.enqueue(jobs.say, 'first')
    bad = queue.enqueue(ends.fail)
    both = queue.enqueue(jobs.say, 'both', depends_on=[first, bad.id])
    any_end = queue.enqueue(jobs.say, 'any', depends_on=Dependency([first, bad], allow_failure=True))
    elsewhere = other.enqueue(jobs.say, 'elsewhere', depends_on=first)
    chain = queue.enqueue(jobs.say, 'chain', depends_on=any_end)
    run()
    assert journal.lines == ['say first', 'say any', 'say chain']
    assert [job.get_status() for job in (both, elsewhere, chain)] == [
        JobStatus.DEFERRED, JobStatus.QUEUED, JobStatus.FINISHED,
    ]  # fmt: skip


def test_a_job_with_a_dependency_a_callback_and_a_retry_costs_its_worker_no_request_of_its_own(
    redis: Redis, queue: Queue, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the horse sends is one request a pack, whatever the jobs need; the callback's own are its own."""
    count = 60
    for number in range(count):
        parent = queue.enqueue(ends.give, number)
        queue.enqueue(ends.give, depends_on=parent, retry=Retry(3), on_success=Callback(ends.give_back))
    before = redis.info('commandstats')['cmdstat_evalsha']['calls']
    Worker([queue], connection=redis).work(burst=True)
    requests = redis.info('commandstats')['cmdstat_evalsha']['calls'] - before
    assert queue.finished_job_registry.count == 2 * count
    assert requests <= 2 * count, requests
