"""Where a running job stands: asked of its worker, which answers whatever the job is doing, and disturbs nothing."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from redis import Redis

from rq import Queue, SimpleWorker
from rq.command import send_command, send_dump_stack_command
from rq.exceptions import InvalidJobOperation
from rq.job import Job
from rq.monitor.stack import Stack, wait
from rq.store import keys, stack
from rq.worker import stacks
from rq.worker.report import Stacks
from tests.support.waiting import wait_for
from tests.worker import stacked
from tests.worker.conftest import WorkerMaker

FILE = str(Path(stacked.__file__))


def running(redis: Redis, job: Job) -> None:
    """Waits until the job runs and its worker listens."""
    wait_for(lambda: redis.hget(keys.worker('w1'), 'current_job') == job.id.encode(), 15)


def ask(redis: Redis, job: Job) -> Stack:
    """The answer of a worker that listens."""
    return wait_for(lambda: asked(redis, job), 15)  # type: ignore[return-value]


def asked(redis: Redis, job: Job) -> Stack | None:
    send_dump_stack_command(redis, job.id)
    return wait(redis, job.id, 2)


def asked_until(redis: Redis, job: Job, text: str) -> Stack:
    return wait_for(
        lambda: found if text in (found := ask(redis, job)).text else None, 10, lambda: str(ask(redis, job))
    )  # type: ignore[return-value]


@pytest.mark.parametrize('kind', ['rq.Worker', 'tests.worker.kinds.Classic'])
def test_the_stack_of_a_job_is_its_own_code_with_source_lines(
    queue: Queue, redis: Redis, lasting: WorkerMaker, kind: str
) -> None:
    job = queue.enqueue(stacked.outer, 60)
    process = lasting('--name', 'w1', '-w', kind)
    running(redis, job)
    found = asked_until(redis, job, 'in inner')
    lines = found.text.splitlines()
    assert lines[0] == 'Main thread (most recent call last):'
    assert lines[1].endswith(' calls of the worker)')
    assert lines[2:] == [
        f'  File "{FILE}", line 10, in outer',
        '    return inner(seconds)',
        f'  File "{FILE}", line 14, in inner',
        '    time.sleep(seconds)',
    ]
    assert (found.state, found.worker, found.note) == ('running', 'w1', '')
    assert found.pid in [child.pid for child in process.children()]
    assert 50 < redis.ttl(keys.stack(job.id)) <= 60


def test_a_job_in_c_code_that_holds_the_lock_of_the_interpreter_answers_and_goes_on(
    queue: Queue, redis: Redis, lasting: WorkerMaker
) -> None:
    job = queue.enqueue(stacked.busy_c_code)
    process = lasting('--name', 'w1')
    running(redis, job)
    for _ in range(3):
        assert 'return sum(range(10**12))' in ask(redis, job).text
        threading.Event().wait(stacks.PAUSE)
    assert job.get_status() == 'started'
    assert process.running


def test_the_threads_of_a_job_are_told_as_well_and_sleeps_are_not_cut_short(
    queue: Queue, redis: Redis, lasting: WorkerMaker
) -> None:
    job = queue.enqueue(stacked.threads, 0.8)
    lasting('--name', 'w1')
    running(redis, job)
    found = asked_until(redis, job, 'in in_thread')
    assert 'in threads\n    one.join()' in found.text
    assert found.text.count('(most recent call last):') == 2
    wait_for(lambda: job.get_status() == 'finished', 10)
    assert job.return_value() >= 0.8
    assert not redis.exists(keys.stack('other'))


def test_a_job_that_was_not_begun_or_has_ended_is_elsewhere(queue: Queue, redis: Redis, lasting: WorkerMaker) -> None:
    job, other = queue.enqueue(stacked.outer, 60), queue.enqueue(stacked.outer, 0)
    with pytest.raises(InvalidJobOperation, match='not currently executing'):
        send_dump_stack_command(redis, other.id)
    lasting('--name', 'w1')
    running(redis, job)
    send_command(redis, 'w1', 'dump-stack', job_id=other.id)
    found = wait(redis, other.id, 5)
    assert found == Stack(
        'elsewhere', '', 'This worker does not run it now: it has just ended, or not begun.', 'w1', None, None
    )


def test_many_questions_are_answered_a_few_times_a_second(queue: Queue, redis: Redis, lasting: WorkerMaker) -> None:
    job = queue.enqueue(stacked.outer, 1)
    lasting('--name', 'w1')
    running(redis, job)
    for number in range(500):
        send_command(redis, 'w1', 'dump-stack', job_id=f'x{number}')
    wait_for(lambda: job.get_status() == 'finished', 10)
    assert len(redis.keys(keys.stack('*'))) <= 8


def test_a_simple_worker_tells_its_own_threads(queue: Queue, redis: Redis) -> None:
    job = queue.enqueue(stacked.outer, 1)
    found: list[Stack] = []

    def look() -> None:
        running(redis, job)
        found.append(asked_until(redis, job, 'in inner'))

    asker = threading.Thread(target=look)
    asker.start()
    SimpleWorker([queue], connection=redis, name='w1').work(burst=True)
    asker.join()
    assert '    return inner(seconds)\n' in found[0].text
    assert found[0].pid == os.getpid()
    assert 'rq-keeper' not in found[0].text


def test_a_worker_of_another_rq_is_not_asked(queue: Queue, redis: Redis, disorder: None) -> None:
    job = queue.enqueue(stacked.outer)
    redis.hset(keys.job(job.id), mapping={'status': 'started', 'worker_name': 'theirs'})
    redis.hset(keys.worker('theirs'), 'birth', '2026-11-23T05:24:25.947771Z')
    with pytest.raises(InvalidJobOperation, match='a worker of another RQ, which cannot tell where it stands'):
        send_dump_stack_command(redis, job.id)
    assert stack.get(redis, job.id) is None


def test_a_process_that_would_not_catch_the_signal_is_not_sent_it() -> None:
    pipe = Stacks()
    child = os.fork()
    if child == 0:
        threading.Event().wait(30)
        os._exit(0)
    assert pipe.look(child) == ('', 0)
    assert os.waitpid(child, os.WNOHANG) == (0, 0)
    os.kill(child, 9)
    os.waitpid(child, 0)
    pipe.close()


def test_an_answer_that_is_too_large_is_cut(redis: Redis) -> None:
    stacks.Teller('w1').tell(redis, 'j', {'state': 'running', 'text': 'x' * 1_000_000})
    found = wait(redis, 'j', 1)
    assert found is not None
    assert 30_000 < len(found.text) < stacks.LARGEST
    assert found.note == 'It is longer than this: the end is cut off.'


@pytest.mark.parametrize('stored', [b'', b'[]', b'\xff', b'[' * 100_000, b'{"state": 5, "pid": "x", "seconds": []}'])
def test_what_is_no_answer_is_none(redis: Redis, stored: bytes) -> None:
    redis.set(keys.stack('j'), stored)
    assert wait(redis, 'j', 0) in (None, Stack('5', '', '', '', None, None))
