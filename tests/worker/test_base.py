"""What a worker does with one job, by the methods that subclasses override and tools replace."""

from __future__ import annotations

import gc
import operator
import os
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from rq import Queue, Retry, SimpleWorker, Worker, get_current_job
from rq.job import Job, JobStatus
from rq.store import keys
from rq.worker import BaseWorker
from tests.worker import jobs
from tests.worker.conftest import Journal
from tests.worker.watching import last_line

Run = Callable[..., bool]


@pytest.fixture
def journal(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """As elsewhere, for jobs of this very process and its forks."""
    monkeypatch.setenv(jobs.JOURNAL, str(tmp_path / 'journal'))
    return Journal(tmp_path / 'journal')


@pytest.fixture
def run(queue: Queue, redis: Redis) -> Run:
    """Work off the queue with a worker of this class."""

    def work(worker_class: type[BaseWorker], **options: Any) -> bool:
        return worker_class([queue], connection=redis, **options).work(burst=True)

    return work


# --- what is called, and when


def noted(kind: type[BaseWorker]) -> type[BaseWorker]:
    """A subclass that notes every call of a hook."""

    class Noted(kind):  # type: ignore[valid-type,misc]
        def perform_job(self, job: Job, queue: Queue, *args: Any) -> bool:
            seen = job.started_at is not None, job.ended_at is None
            jobs.note('perform', job._status.value, self.is_horse, get_current_job() is None, len(args), *seen)
            found = super().perform_job(job, queue, *args)
            jobs.note('performed', found, job._status.value)
            return bool(found)

        def handle_job_success(self, **told: Any) -> None:
            job = told['job']
            jobs.note('success', *sorted(told), job._status.value, job._result, job.ended_at >= job.started_at)
            super().handle_job_success(**told)

        def handle_job_failure(self, **told: Any) -> None:
            job = told['job']
            jobs.note('failure', *sorted(told), job._status.value, told['exc_string'].splitlines()[-1])
            super().handle_job_failure(**told)
            jobs.note('told', job._exc_info == told['exc_string'])

        def handle_exception(self, job: Job, *exc_info: Any) -> None:
            seen = exc_info[2] is not None, job.ended_at >= job.started_at
            jobs.note('exception', job._status.value, exc_info[0].__name__, exc_info[1], *seen)
            super().handle_exception(job, *exc_info)

    return Noted


def test_each_job_passes_through_the_methods_of_its_class_as_in_rq_3(kind: type[BaseWorker], queue: Queue, run: Run, journal: Journal) -> None:  # fmt: skip
    queue.enqueue(len, 'abc')
    queue.enqueue(jobs.fail)
    assert run(noted(kind))
    horse = issubclass(kind, Worker)
    assert journal.lines == [
        f'perform started {horse} True 1 True True',
        'success execution job queue started_job_registry finished 3 True',
        'performed True finished',
        f'perform started {horse} True 1 True True',
        'exception failed ValueError broken True True',
        'failure exc_string execution job queue started_job_registry failed ValueError: broken',
        'told True',
        'performed False failed',
    ]


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch, journal: Journal) -> None:
    """Methods replaced on the class, as Sentry's integration does it."""
    perform, exception = BaseWorker.perform_job, BaseWorker.handle_exception

    def perform_job(self: Any, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> Any:
        jobs.note('transaction', job.func_name, job.meta.get('trace'))
        return perform(self, job, queue, *args, **kwargs)

    def handle_exception(self: Any, job: Job, *exc_info: Any, **kwargs: Any) -> Any:
        retry = bool(getattr(job, 'retries_left', None))
        if (job._status == JobStatus.FAILED or job.is_failed) and not retry:
            jobs.note('captured', exc_info[0].__name__)
        return exception(self, job, *exc_info, **kwargs)

    monkeypatch.setattr(BaseWorker, 'perform_job', perform_job)
    monkeypatch.setattr(BaseWorker, 'handle_exception', handle_exception)


@pytest.mark.usefixtures('patched')
def test_methods_may_be_replaced_on_the_class_as_sentry_does(
    kind: type[BaseWorker], queue: Queue, run: Run, journal: Journal
) -> None:
    queue.enqueue(jobs.fail, meta={'trace': 'abc'})
    queue.enqueue(len, 'abc')
    run(kind)
    assert journal.lines == [
        'transaction tests.worker.jobs.fail abc',
        'captured ValueError',
        'transaction builtins.len None',
    ]


def test_subclasses_that_take_nothing_down_neither_lose_a_job_nor_turn_its_end_round(
    kind: type[BaseWorker], queue: Queue, run: Run
) -> None:
    class Silent(kind):  # type: ignore[valid-type,misc]
        def handle_job_success(self, **told: Any) -> None: ...
        def handle_job_failure(self, **told: Any) -> None: ...
        def handle_exception(self, *told: Any) -> None: ...

    good, bad = queue.enqueue(len, 'abc'), queue.enqueue(jobs.fail)
    run(Silent)
    assert good.is_finished and bad.is_failed
    assert last_line(bad) == 'ValueError: broken'


@pytest.mark.parametrize(('answer', 'status'), [(True, 'finished'), (None, 'finished'), (False, 'failed')])
def test_a_perform_job_of_its_own_decides_by_its_answer(
    kind: type[BaseWorker], queue: Queue, run: Run, answer: Any, status: str
) -> None:
    class Own(kind):  # type: ignore[valid-type,misc]
        def perform_job(self, job: Job, queue: Queue, *args: Any) -> Any:
            return answer

    job = queue.enqueue(len, 'abc')
    run(Own)
    assert job.get_status() == status


@pytest.mark.parametrize('place', ['before', 'after'])
@pytest.mark.parametrize('method', ['perform_job', 'handle_job_success', 'handle_job_failure', 'handle_exception'])
def test_a_method_that_raises_is_seen_and_what_the_function_did_counts(
    kind: type[BaseWorker],
    queue: Queue,
    run: Run,
    method: str,
    place: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def breaks(self: Any, *args: Any, **kwargs: Any) -> Any:
        if place == 'before':
            raise RuntimeError('in the hook')
        getattr(kind, method)(self, *args, **kwargs)
        raise SystemExit('in the hook')

    good, bad = queue.enqueue(jobs.pid), queue.enqueue(jobs.fail)
    worker = type('Breaks', (kind,), {method: breaks})
    run(worker)
    spoils_success = place == 'before' and method in ('perform_job', 'handle_job_success')
    assert good.get_status() == ('failed' if spoils_success else 'finished')
    assert bad.get_status() == 'failed'
    never_ran = method == 'perform_job' and place == 'before'
    assert last_line(bad) == ('RuntimeError: in the hook' if never_ran else 'ValueError: broken')
    if issubclass(kind, SimpleWorker) and (
        place == 'after' or method == 'handle_exception'
    ):  # the horse's log is not here
        assert 'exception raised after its end' in caplog.text


def test_a_result_over_the_limit_is_a_failure_as_any_other(
    kind: type[BaseWorker], queue: Queue, run: Run, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('rq.limits.LIMITS.result', 1000)
    large, small = queue.enqueue(operator.mul, b'x', 1000), queue.enqueue(operator.mul, b'x', 10)
    run(kind, exception_handlers=handlers(None))
    assert last_line(large).startswith('rq.exceptions.ResultTooLarge: The result takes 1')
    assert small.return_value() == b'x' * 10
    assert [line.split()[:3] for line in journal.lines] == [['0', '_operator.mul', 'ResultTooLarge']]


# --- exception handlers


def handlers(*answers: Any) -> list[Callable[..., Any]]:
    def handler(number: int, answer: Any) -> Callable[..., Any]:
        def handle(job: Job, kind: type[BaseException], value: BaseException, trace: Any) -> Any:
            jobs.note(number, job.func_name, kind.__name__, value)
            return answer

        return handle

    return [handler(number, answer) for number, answer in enumerate(answers)]


@pytest.mark.parametrize(
    ('answers', 'called'), [((None, True, 1), [0, 1, 2]), ((None, False, None), [0, 1]), ((0, None, None), [0])]
)
def test_exception_handlers_are_asked_in_their_order_until_one_says_no(
    kind: type[BaseWorker], queue: Queue, run: Run, journal: Journal, answers: tuple[Any, ...], called: list[int]
) -> None:
    job = queue.enqueue(jobs.fail)
    run(kind, exception_handlers=handlers(*answers))
    assert journal.lines == [f'{number} tests.worker.jobs.fail ValueError broken' for number in called]
    assert job.is_failed


def test_without_the_default_handler_only_the_status_tells_of_a_failure(
    kind: type[BaseWorker], redis: Redis, queue: Queue, run: Run, journal: Journal, disorder: None
) -> None:
    once, twice = queue.enqueue(jobs.fail), queue.enqueue(jobs.fail, retry=Retry(max=1), failure_ttl=60)
    run(kind, exception_handlers=handlers(None), disable_default_exception_handler=True)
    assert len(journal.lines) == 3
    for job in (once, twice):
        assert job.get_status() is JobStatus.FAILED and job not in queue.failed_job_registry
        assert job.latest_result() is None and redis.ttl(job.key) > 0  # in RQ it stays for ever
    assert redis.zcard(keys.wip('default')) == 0


def test_without_the_default_handler_a_handler_may_put_the_job_elsewhere(
    kind: type[BaseWorker], redis: Redis, queue: Queue, run: Run
) -> None:
    def bury(job: Job, *exc_info: Any) -> bool:
        Queue('graveyard', connection=job.connection).enqueue_job(job)
        return False

    job = queue.enqueue(jobs.fail)
    run(kind, exception_handlers=[bury], disable_default_exception_handler=True)
    assert Queue('graveyard', connection=redis).job_ids == [job.id] and job.get_status() is JobStatus.QUEUED
    assert redis.zcard(keys.wip('default')) == 0


def test_exception_handlers_may_be_one_and_may_be_pushed_and_popped(redis: Redis) -> None:
    one, two = handlers(None, None)
    worker = SimpleWorker('default', connection=redis, exception_handlers=one)
    worker.push_exc_handler(two)
    assert worker._exc_handlers == [one, two]
    assert worker.pop_exc_handler() is two and worker.pop_exc_handler() is one


def test_an_exception_handler_that_fails_leaves_the_job_with_its_own_cause(
    kind: type[BaseWorker], queue: Queue, run: Run, journal: Journal
) -> None:
    def broken(*args: Any) -> None:
        raise KeyboardInterrupt('in the handler')

    bad, good = queue.enqueue(jobs.fail), queue.enqueue(jobs.say, 'good')
    run(kind, exception_handlers=[broken])
    assert last_line(bad) == 'ValueError: broken'
    assert good.is_finished


# --- the current job


def current() -> Any:
    job = get_current_job()
    assert job is not None
    job.meta['seen'] = True
    job.save_meta()
    return job.id, job.origin, job.worker_name, job.get_status(refresh=False).value, os.environ.get('RQ_WORKER_ID')


async def current_of_a_coroutine() -> Any:
    return current()


@pytest.mark.parametrize('function', [current, current_of_a_coroutine])
def test_a_job_knows_itself_and_may_keep_notes(
    kind: type[BaseWorker], queue: Queue, run: Run, redis: Redis, function: Callable[[], Any]
) -> None:
    job = queue.enqueue(function)
    run(kind, name='me')
    assert job.return_value() == (job.id, 'default', 'me', 'started', 'me')
    assert Job.fetch(job.id, redis).meta == {'seen': True}
    assert get_current_job() is None


def test_the_process_that_runs_jobs_is_another_one_and_of_a_simple_worker_this_one(
    kind: type[BaseWorker], queue: Queue, run: Run
) -> None:
    job = queue.enqueue(jobs.pid)
    run(kind)
    assert (job.return_value() == os.getpid()) is (issubclass(kind, SimpleWorker))


def test_this_process_is_left_as_it_was(kind: type[BaseWorker], queue: Queue, run: Run) -> None:
    import signal
    import threading

    def state() -> tuple[Any, ...]:
        gc.collect()  # what other tests have left
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD)
        return (
            [signal.getsignal(number) for number in numbers],
            {name: value for name, value in os.environ.items() if name.startswith('RQ_')},
            os.getcwd(),
            threading.active_count(),
            len(os.listdir('/proc/self/fd')) if os.path.exists('/proc/self/fd') else 0,
        )

    queue.enqueue(len, 'abc')
    run(kind)  # what is opened once for all
    before = state()
    queue.enqueue(len, 'abc')
    run(kind)
    assert state() == before
