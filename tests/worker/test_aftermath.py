"""User code for jobs that ended without their process: it runs once, in a process of its own, whatever dies or hangs."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis

from rq import Callback, Queue, Retry, SimpleWorker, Webhook
from rq.command import send_stop_job_command
from rq.job import Job
from rq.store import keys
from tests.faults import jobs as faulty
from tests.faults.ledger import Ledger
from tests.store.hands import age
from tests.support.processes import Process
from tests.support.waiting import wait_for
from tests.webhook.endpoint import Endpoint
from tests.worker import callbacks, jobs
from tests.worker.conftest import Journal, StableMaker, WorkerMaker
from tests.worker.stable import Stable
from tests.worker.watching import ready

TELLING = ('--worker-class', 'tests.worker.callbacks.Telling')


@pytest.fixture
def stable(stable: StableMaker) -> StableMaker:
    """A worker that moves only when the test says so, and forks nothing for notes."""

    def make(**options: Any) -> Stable:
        one = stable(**options)
        one.supervisor.care.on_notes = lambda connection: None
        return one

    return make


def said(journal: Journal, word: str, count: int = 1, timeout: float = 10) -> list[list[str]]:
    """Waits until a callback has noted so many lines that begin with a word; answers what follows in each."""

    def lines() -> list[list[str]]:
        return [line.split()[1:] for line in journal.lines if line.split()[0] == word]

    wait_for(lambda: len(lines()) >= count, timeout, lambda: f'{word}: {journal.lines}')
    return lines()


def notes(redis: Redis, queue: str = 'default') -> list[str]:
    return [member.decode() for member in redis.zrange(keys.aftermath(queue), 0, -1)]


def all_done(redis: Redis) -> None:
    """Waits until no note is left."""
    wait_for(lambda: not notes(redis) and not list(redis.scan_iter(keys.note('*'))))


def make_due(redis: Redis, queue: str = 'default') -> None:
    """The taker of each note has vanished long ago."""
    for member in redis.zrange(keys.aftermath(queue), 0, -1):
        redis.zadd(keys.aftermath(queue), {member: 0})


def lost_with(stable: StableMaker, ledger: Path, **options: Any) -> Job:
    """A job whose horse was killed, and whose worker is no more, but for the note."""
    one = stable()
    one.start()
    job = one.queue.enqueue(faulty.until, 0, str(ledger.parent / 'never'), **options)
    wait_for(lambda: Ledger(ledger).begun())
    os.kill(one.supervisor.horse, signal.SIGKILL)
    one.run_until(lambda: one.status(job.id) != 'started')
    one.close()
    return job


# --- who is told what


def test_a_stopped_callback_runs_once_in_a_process_of_its_own(
    worker: WorkerMaker, redis: Redis, queue: Queue, journal: Journal
) -> None:
    process = worker('--name', 'w1')
    ready(redis, 'w1')
    job = queue.enqueue(jobs.sleep, 60, on_stopped=Callback(callbacks.stopped), on_failure=Callback(callbacks.failed))
    said(journal, 'sleep')
    send_stop_job_command(redis, job.id)
    [[job_id, status, pid]] = said(journal, 'stopped')
    all_done(redis)
    assert (job_id, status) == (job.id, 'stopped')
    assert int(pid) != process.pid
    assert [line.split()[0] for line in journal.lines] == ['sleep', 'stopped'], 'the failure callback is not run'


def test_the_death_of_a_horse_is_told_to_the_handlers_and_to_the_jobs_callback(
    worker: WorkerMaker, redis: Redis, queue: Queue, journal: Journal
) -> None:
    process = worker(*TELLING)
    job = queue.enqueue(jobs.die, signal.SIGKILL, on_failure=Callback(callbacks.failed))
    [killed], [failed], [handler] = (said(journal, word) for word in ('killed', 'failed', 'handler'))
    all_done(redis)
    assert killed[:1] + killed[2:4] == [job.id, '9', 'True']
    assert int(killed[1]) not in (0, process.pid), 'the pid of the horse'
    assert failed[:4] == [job.id, 'AbandonedJobError', 'True', 'None']
    assert 'Work-horse terminated unexpectedly; waitpid returned 9' in ' '.join(failed)
    assert handler[:3] == [job.id, 'AbandonedJobError', 'None']
    assert len({killed[4], failed[4], handler[3]}) == 1 and str(process.pid) not in (killed[4], failed[4])


def test_each_death_of_a_job_that_is_retried_is_told(
    burst: WorkerMaker, redis: Redis, queue: Queue, journal: Journal
) -> None:
    queue.enqueue(jobs.die, signal.SIGKILL, retry=Retry(2))
    burst(*TELLING)
    assert len(said(journal, 'killed', 3)) == len(said(journal, 'handler', 3)) == 3
    assert notes(redis) == []


def test_a_worker_without_handlers_leaves_no_note_of_a_job_without_callbacks(
    burst: WorkerMaker, redis: Redis, queue: Queue
) -> None:
    queue.enqueue(jobs.die, signal.SIGKILL)
    burst()
    assert notes(redis) == [] and list(redis.scan_iter(keys.note('*'))) == []


def test_the_job_of_a_dead_worker_is_told_by_the_one_that_takes_it(
    stable: StableMaker,
    burst: WorkerMaker,
    redis: Redis,
    journal: Journal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dead = stable()
    dead.start()
    job = dead.queue.enqueue(faulty.until, 0, str(tmp_path / 'never'), on_failure=Callback(callbacks.failed))
    wait_for(lambda: Ledger(tmp_path / 'ledger').begun())
    dead.run_until(lambda: redis.hexists(keys.job(job.id), 'announced'))
    dead.close()
    age(redis, 60)
    living = stable(change=lambda worker: worker.push_exc_handler(callbacks.handler))
    living.supervisor.care._reap_from = 0
    monkeypatch.setattr('rq.store.worker.server_uptime', lambda connection: 100)
    living.supervisor.care.reap(time.monotonic())
    assert job.get_status() == 'failed'
    burst(*TELLING)
    [failed] = said(journal, 'failed')
    assert failed[1] == 'AbandonedJobError' and 'the worker that ran this job died' in ' '.join(failed)
    said(journal, 'handler')
    assert not [line for line in journal.lines if line.startswith('killed')], 'nobody saw how it ended'


# --- takeover


def test_what_a_worker_that_was_killed_has_left_another_one_tells_once(
    stable: StableMaker, burst: WorkerMaker, redis: Redis, journal: Journal, tmp_path: Path
) -> None:
    """kill -9 right after the death was settled: the facts in the note are what is known."""
    job = lost_with(stable, tmp_path / 'ledger', on_failure=Callback(callbacks.failed))
    assert notes(redis) != []
    burst(*TELLING)
    [killed] = said(journal, 'killed')
    assert killed[:4] == [job.id, '0', '9', 'True']
    assert len(said(journal, 'failed')) == 1
    assert notes(redis) == []


def test_a_stop_survives_the_death_of_the_worker_right_after_it(
    stable: StableMaker, burst: WorkerMaker, redis: Redis, journal: Journal, tmp_path: Path
) -> None:
    one = stable()
    one.start()
    job = one.queue.enqueue(faulty.until, 0, str(tmp_path / 'never'), on_stopped=Callback(callbacks.stopped))
    wait_for(lambda: Ledger(tmp_path / 'ledger').begun())
    one.supervisor.stop_run(job.id, '')
    one.run_until(lambda: one.status(job.id) == 'stopped')
    one.close()
    burst()
    burst()
    assert [told[:2] for told in said(journal, 'stopped')] == [[job.id, 'stopped']]


def test_a_worker_killed_at_any_moment_after_a_stop_leaves_the_callback_to_another(
    worker: WorkerMaker, redis: Redis, queue: Queue, journal: Journal
) -> None:
    first = worker('--name', 'w1')
    ready(redis, 'w1')
    job = queue.enqueue(jobs.sleep, 60, on_stopped=Callback(callbacks.stopped))
    said(journal, 'sleep')
    send_stop_job_command(redis, job.id)
    wait_for(lambda: job.get_status() == 'stopped', interval=0.0005)
    first.kill()
    worker('--name', 'w2')
    ready(redis, 'w2')
    make_due(redis)
    said(journal, 'stopped')
    all_done(redis)


# --- that do not behave


def broken(job: Job, process: Process, text: str) -> None:
    process.wait_for_output(f'Job {job.id}: its failure callback failed')
    process.wait_for_output(text)


@pytest.mark.parametrize(
    ('callback', 'text'),
    [(callbacks.raises, 'ValueError: of the callback'), (callbacks.leaves, 'SystemExit: 3')],
)
def test_a_callback_that_raises_is_logged_and_done(
    worker: WorkerMaker, redis: Redis, queue: Queue, journal: Journal, callback: Any, text: str
) -> None:
    process = worker()
    job = queue.enqueue(jobs.die, signal.SIGKILL, on_failure=Callback(callback))
    broken(job, process, text)
    all_done(redis)
    assert job.get_status() == 'failed'
    assert len(said(journal, callback.__name__)) == 1


def test_a_callback_that_cannot_be_imported_is_logged_and_done(worker: WorkerMaker, redis: Redis, queue: Queue) -> None:
    process = worker()
    job = queue.enqueue(jobs.die, signal.SIGKILL, on_failure=Callback('no.such.module'))
    broken(job, process, 'no.such')
    all_done(redis)


def test_a_callback_that_sleeps_too_long_ends_with_its_time_limit(
    worker: WorkerMaker, redis: Redis, queue: Queue, journal: Journal
) -> None:
    process = worker()
    job = queue.enqueue(jobs.die, signal.SIGKILL, on_failure=Callback(callbacks.sleeps, timeout=1))
    after = queue.enqueue(jobs.say)
    broken(job, process, 'exceeded maximum timeout value (1 seconds)')
    all_done(redis)
    assert after.get_status() == 'finished', 'meanwhile the worker works'
    assert len(said(journal, 'sleeps')) == 1


def test_a_callback_that_takes_its_process_with_it_is_tried_three_times(
    worker: WorkerMaker, redis: Redis, queue: Queue, journal: Journal
) -> None:
    """Killed by itself, or by the supervisor because nothing else ends it."""
    process = worker(settings={'HARD_GRACE': 0.2})
    dies = queue.enqueue(jobs.die, signal.SIGKILL, on_failure=Callback(callbacks.dies))
    for times in range(1, 4):
        said(journal, 'dies', 1 + times)  # the job says it as well
        wait_for(lambda: notes(redis))
        make_due(redis)
    process.wait_for_output(f'Job {dies.id}: its handlers and callback took 3 processes with them, given up')
    all_done(redis)
    assert len(said(journal, 'dies')) == 4


def test_a_callback_that_nothing_ends_is_killed(
    worker: WorkerMaker, redis: Redis, queue: Queue, journal: Journal
) -> None:
    process = worker(settings={'HARD_GRACE': 0.2})
    queue.enqueue(jobs.die, signal.SIGKILL, on_failure=Callback(callbacks.deaf, timeout=1))
    after = queue.enqueue(jobs.say)
    said(journal, 'deaf')
    process.wait_for_output('a callback did not end in time, its process was killed')
    wait_for(lambda: len(psutil.Process(process.pid).children()) == 1, message='the horse alone')
    assert after.get_status() == 'finished'
    assert len(notes(redis)) == 1, 'for later'
    redis.delete(keys.aftermath('default'))


def test_a_callback_that_hangs_does_not_hold_up_others(
    worker: WorkerMaker, redis: Redis, queue: Queue, journal: Journal
) -> None:
    process = worker()
    queue.enqueue(jobs.die, signal.SIGKILL, on_failure=Callback(callbacks.sleeps))
    said(journal, 'sleeps')
    for _ in range(3):
        queue.enqueue(jobs.die, signal.SIGKILL, on_failure=Callback(callbacks.failed))
    assert len(said(journal, 'failed', 3)) == 3
    wait_for(lambda: len(notes(redis)) == 1)
    process.kill()
    redis.delete(keys.aftermath('default'))


def test_a_note_of_a_job_that_is_gone_is_dropped_with_a_word(
    stable: StableMaker, burst: WorkerMaker, redis: Redis, journal: Journal, tmp_path: Path
) -> None:
    job = lost_with(stable, tmp_path / 'ledger', on_failure=Callback(callbacks.failed))
    job.delete()
    process = burst()
    assert f'Job {job.id} is gone: its handlers and callback cannot be run' in process.output
    assert notes(redis) == []


# --- the end of a worker


def test_a_burst_ends_when_callbacks_are_done_and_what_they_enqueued_too(
    burst: WorkerMaker, redis: Redis, queue: Queue, journal: Journal
) -> None:
    queue.enqueue(jobs.die, signal.SIGKILL, on_failure=Callback(callbacks.enqueues))
    burst()
    assert said(journal, 'say') == [['more']]
    assert notes(redis) == []


def test_a_warm_stop_lets_a_callback_end_and_a_cold_one_does_not(
    worker: WorkerMaker, redis: Redis, queue: Queue, journal: Journal
) -> None:
    warm = worker()
    queue.enqueue(jobs.die, signal.SIGKILL, on_failure=Callback(callbacks.naps))
    said(journal, 'naps')
    warm.terminate()
    assert warm.wait(5) == 0
    said(journal, 'rested')
    assert notes(redis) == []
    cold = worker()
    queue.enqueue(jobs.die, signal.SIGKILL, on_failure=Callback(callbacks.sleeps))
    said(journal, 'sleeps')
    cold.terminate()
    time.sleep(1.1)
    cold.terminate()
    cold.wait(3)
    assert len(notes(redis)) == 1
    redis.delete(keys.aftermath('default'))


# --- SimpleWorker


def test_a_simple_worker_has_told_everybody_when_its_burst_is_over(
    stable: StableMaker, redis: Redis, queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path / 'journal')
    monkeypatch.setenv(jobs.JOURNAL, str(journal.path))
    lost_with(stable, tmp_path / 'ledger', on_failure=Callback(callbacks.enqueues))
    assert SimpleWorker([queue], connection=redis).work(burst=True)
    assert said(journal, 'say') == [['more']]
    assert notes(redis) == []


# --- webhooks


def test_webhooks_are_sent_after_jobs_that_finished_or_failed_for_good(
    burst: WorkerMaker, redis: Redis, queue: Queue
) -> None:
    with Endpoint() as endpoint:
        told = [Webhook(f'{endpoint.url}/{status}', status, method='POST') for status in ('finished', 'failed')]
        good = queue.enqueue(jobs.say, webhooks=told)
        bad = queue.enqueue(jobs.fail, webhooks=told)
        lost = queue.enqueue(jobs.die, signal.SIGKILL, webhooks=told)
        queue.enqueue(jobs.fail, webhooks=told, retry=Retry(1, interval=1000))
        burst()
        requests = [request.decode('latin-1') for request in endpoint.requests]
    heads = sorted(request.split(' HTTP')[0] for request in requests)
    assert heads == ['POST /failed', 'POST /failed', 'POST /finished']
    for job, text in ((good, ''), (bad, 'ValueError: broken'), (lost, 'Work-horse terminated')):
        assert [True for request in requests if job.id in request and text in request] == [True]
    assert notes(redis) == []


def test_a_simple_worker_has_sent_webhooks_when_its_burst_is_over(
    redis: Redis, queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(jobs.JOURNAL, str(tmp_path / 'journal'))
    with Endpoint() as endpoint:
        queue.enqueue(jobs.say, webhooks=[Webhook(endpoint.url, 'finished')], result_ttl=0)
        SimpleWorker([queue], connection=redis).work(burst=True)
        assert endpoint.request.startswith('GET / HTTP')
    assert notes(redis) == []
    assert list(redis.scan_iter(keys.job('*'))) == [], 'its result was not wanted'
