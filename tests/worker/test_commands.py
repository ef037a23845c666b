"""Commands to real workers, ours and RQ's, in both directions."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from redis import Redis

from bench.systems import prepare
from rq import Queue, SimpleWorker, Worker
from rq.command import (
    send_command,
    send_kill_horse_command,
    send_shutdown_command,
    send_stop_execution_command,
    send_stop_job_command,
)
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.results import Result
from rq.server import EmbeddedServer
from rq.store import keys
from tests.support.processes import Process, Processes
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import Journal, WorkerMaker
from tests.worker.test_hearing import GARBAGE
from tests.worker.watching import begun, ready, says

TEXT = 'Job stopped by user, work-horse terminated.'


@pytest.fixture
def at_work(worker: WorkerMaker, redis: Redis) -> Process:
    """A worker named w1 that listens for commands."""
    process = worker('--name', 'w1')
    ready(redis)
    return process


# --- to send


def test_a_command_for_a_job_that_does_not_run_is_refused(redis: Redis, queue: Queue) -> None:
    with pytest.raises(NoSuchJobError):
        send_stop_job_command(redis, 'nobody')
    job = queue.enqueue(jobs.say)
    with pytest.raises(InvalidJobOperation, match='Job is not currently executing'):
        send_stop_job_command(redis, job.id)
    with pytest.raises(InvalidJobOperation, match='Execution is not running'):
        send_stop_execution_command(redis, job.id, 'f' * 32)
    SimpleWorker([queue], connection=redis).work(burst=True)
    with pytest.raises(InvalidJobOperation, match='Job is not currently executing'):
        send_stop_job_command(redis, job.id)


def test_commands_are_on_the_wire_as_rqs(redis: Redis, queue: Queue) -> None:
    job = queue.enqueue(jobs.say)
    redis.hset(job.key, mapping={'status': 'started', 'worker_name': 'w1', 'execution': 'e1'})
    redis.lrem(keys.queue('default'), 0, job.id)
    with redis.pubsub() as heard:
        heard.subscribe('rq:pubsub:w1')
        heard.get_message(timeout=5)
        send_command(redis, 'w1', 'own', number=1, text='ů')
        send_shutdown_command(redis, 'w1')
        send_kill_horse_command(redis, 'w1')
        send_stop_job_command(redis, job.id)
        send_stop_execution_command(redis, job.id, 'e1')
        told = [json.loads(heard.get_message(timeout=5)['data']) for _ in range(5)]
    assert told == [
        {'command': 'own', 'number': 1, 'text': 'ů'},
        {'command': 'shutdown', 'call': told[1]['call']},
        {'command': 'kill-horse', 'call': told[2]['call']},
        {'command': 'stop-job', 'job_id': job.id},
        {'command': 'stop-execution', 'job_id': job.id, 'execution_id': 'e1'},
    ]
    redis.delete(job.key)


# --- shutdown and kill-horse


def test_shutdown_lets_the_job_end_and_then_the_worker(
    at_work: Process, redis: Redis, queue: Queue, journal: Journal
) -> None:
    job = queue.enqueue(jobs.sleep, 0.5)
    begun(journal)
    send_shutdown_command(redis, 'w1')
    assert at_work.wait(5) == 0
    assert job.get_status() == 'finished'
    assert 'Warm shut down requested' in at_work.output
    assert Worker.all(connection=redis) == []


def test_a_second_shutdown_a_second_later_is_a_cold_one(
    at_work: Process, redis: Redis, queue: Queue, journal: Journal
) -> None:
    job = queue.enqueue(jobs.sleep, 60)
    begun(journal)
    send_shutdown_command(redis, 'w1')
    at_work.wait_for_output('Warm shut down')
    time.sleep(1.1)
    send_shutdown_command(redis, 'w1')
    at_work.wait(5)
    assert job.get_status() == 'failed'


def test_I6_a_copy_of_a_command_does_nothing_more(
    at_work: Process, redis: Redis, queue: Queue, journal: Journal
) -> None:
    """redis-py sends one again when its reply was lost: it killed the next job, or the one that was to be finished."""
    queue.enqueue(jobs.sleep, 60)
    begun(journal)
    redis.publish('rq:pubsub:w1', json.dumps({'command': 'kill-horse', 'call': 'one'}))
    job = queue.enqueue(jobs.sleep, 2)
    wait_for(lambda: len([line for line in journal.lines if line.startswith('sleep')]) == 2)
    redis.publish('rq:pubsub:w1', json.dumps({'command': 'kill-horse', 'call': 'one'}))
    redis.publish('rq:pubsub:w1', json.dumps({'command': 'shutdown', 'call': 'two'}))
    at_work.wait_for_output('Warm shut down')
    time.sleep(1.1)
    redis.publish('rq:pubsub:w1', json.dumps({'command': 'shutdown', 'call': 'two'}))
    assert at_work.wait(10) == 0
    assert job.get_status() == 'finished'


def test_kill_horse_fails_the_running_job_and_the_worker_goes_on(
    at_work: Process, redis: Redis, queue: Queue, journal: Journal
) -> None:
    job, after = queue.enqueue(jobs.sleeps_with_child), queue.enqueue(jobs.say, 'after')
    begun(journal)
    child = psutil.Process(int(journal.lines[0].split()[1]))
    send_kill_horse_command(redis, 'w1')
    says(job, 'failed')
    says(after, 'finished')
    assert 'signal 9' in str(job.latest_result().exc_string)  # type: ignore[union-attr]
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    send_kill_horse_command(redis, 'w1')
    at_work.wait_for_output('kill horse command ignored')
    says(queue.enqueue(jobs.say), 'finished')


# --- stop


@pytest.mark.parametrize('function', [jobs.swallow_everything, jobs.sleep, jobs.c_loop_with_child])
def test_a_running_job_is_stopped_whatever_it_does(
    at_work: Process, redis: Redis, queue: Queue, journal: Journal, function: Callable[..., Any]
) -> None:
    """A Python loop that catches everything, and C code."""
    job = queue.enqueue(function, *([60] if function is jobs.sleep else []))
    after = queue.enqueue(jobs.say, 'after')
    says(job, 'started')
    if function is not jobs.swallow_everything:
        begun(journal)
    send_stop_job_command(redis, job.id)
    says(job, 'stopped')
    says(after, 'finished')
    result = job.latest_result()
    assert result is not None and (result.type, result.exc_string) == (Result.Type.STOPPED, TEXT)
    assert job.id in queue.failed_job_registry
    assert f'Job {job.id} stopped by user' in at_work.output


def test_one_run_is_stopped_by_its_own_id_and_by_no_other(
    at_work: Process, redis: Redis, queue: Queue, journal: Journal
) -> None:
    job = queue.enqueue(jobs.sleep, 60)
    begun(journal)
    send_command(redis, 'w1', 'stop-execution', job_id=job.id, execution_id='f' * 32)
    at_work.wait_for_output('not working on execution')
    [execution] = wait_for(job.get_executions)
    assert job.get_status() == 'started'
    send_stop_execution_command(redis, job.id, execution.id)
    says(job, 'stopped')


# --- what is no command


def test_a_storm_of_garbage_costs_a_worker_little_and_hides_no_command_for_long(
    at_work: Process, redis: Redis, queue: Queue, journal: Journal
) -> None:
    job = queue.enqueue(jobs.sleep, 60)
    begun(journal)
    pipeline = redis.pipeline(transaction=False)
    for number in range(4_000):
        pipeline.publish('rq:pubsub:w1', GARBAGE[number % 20])
    pipeline.execute()
    send_stop_job_command(redis, job.id)
    before = time.monotonic()
    quick = [queue.enqueue(jobs.say, number) for number in range(5)]
    says(job, 'stopped', 30)
    for one in quick:
        says(one, 'finished')
    assert time.monotonic() - before < 15
    assert at_work.output.count('\n') < 100, 'it does not fill the disk either'
    assert at_work.running


def test_commands_reach_a_worker_after_an_outage_and_after_its_connection_was_cut(
    worker: WorkerMaker, other_server: Callable[..., EmbeddedServer], tmp_path: Any
) -> None:
    server = other_server(data_dir=tmp_path / 'data')
    process = worker('--name', 'w1', '--url', server.url)
    with Redis.from_url(server.url) as redis:
        ready(redis)
        for client in redis.client_list(_type='pubsub'):
            redis.client_kill(client['addr'])
        wait_for(lambda: not redis.client_list(_type='pubsub'))
        ready(redis)
    server.kill()
    process.wait_for_output('Redis trouble')
    server.start()
    with Redis.from_url(server.url) as redis:
        ready(redis)
        send_shutdown_command(redis, 'w1')
        assert process.wait(10) == 0


def test_a_worker_that_may_not_listen_works_and_says_so_once(
    worker: WorkerMaker, redis: Redis, redis_url: str, queue: Queue
) -> None:
    redis.execute_command('ACL', 'SETUSER', 'mute', 'on', '>secret', '~*', 'resetchannels', '+@all')
    process = worker('--name', 'w1', '--url', redis_url.replace('redis://', 'redis://mute:secret@'))
    process.wait_for_output('cannot be told commands')
    time.sleep(1)
    says(queue.enqueue(jobs.say), 'finished')
    assert process.output.count('cannot be told commands') == 1
    process.terminate()
    assert process.wait(5) == 0
    redis.execute_command('ACL', 'DELUSER', 'mute')


def test_commands_are_heard_by_the_newer_protocol_too(
    worker: WorkerMaker, redis: Redis, redis_url: str, queue: Queue, journal: Journal
) -> None:
    process = worker('--name', 'w1', '--url', f'{redis_url}?protocol=3')
    ready(redis)
    job = queue.enqueue(jobs.sleep, 60)
    begun(journal)
    redis.publish('rq:pubsub:w1', 'garbage')
    send_stop_job_command(redis, job.id)
    says(job, 'stopped')
    send_shutdown_command(redis, 'w1')
    assert process.wait(5) == 0


# --- subclasses


def test_a_subclass_may_take_commands_of_its_own_and_listen_to_none(
    redis: Redis, processes: Processes, redis_url: str
) -> None:
    program = """
import json, sys
from redis import Redis
from rq import Worker
class Mine(Worker):
    def handle_payload(self, message):
        payload = json.loads(message['data'])
        if payload['command'] == 'hello':
            print('hello', payload['name'], flush=True)
        elif payload['command'] == 'broken':
            raise SystemError('mine')
        else:
            super().handle_payload(message)
class Deaf(Worker):
    def subscribe(self):
        print('deaf', flush=True)
connection = Redis.from_url(sys.argv[1])
Mine(['a'], name='w1', connection=connection).work()
Deaf(['a'], name='w2', connection=connection).work(burst=True)
"""
    process = processes.python('-P', '-c', program, redis_url, name='mine')
    ready(redis)
    send_command(redis, 'w1', 'hello', name='you')
    process.wait_for_output('hello you')
    send_command(redis, 'w1', 'broken')
    send_shutdown_command(redis, 'w1')
    assert process.wait(10) == 0
    assert 'deaf' in process.output


# --- RQ


@pytest.fixture(params=['3.0.0', '2.12.0'])
def rqs_python(request: pytest.FixtureRequest) -> str:
    """The Python of a venv that has a release of RQ."""
    return str(prepare(request.param))


@pytest.fixture
def rqs_worker(
    rqs_python: str, processes: Processes, redis: Redis, redis_url: str, journal: Journal
) -> Iterator[Process]:
    """A worker of RQ named w1."""
    program = (
        'import sys; from redis import Redis; from rq import Worker;'
        "Worker(['default'], name='w1', connection=Redis.from_url(sys.argv[1])).work()"
    )
    process = processes.start(rqs_python, '-c', program, redis_url, name='rq-worker', env={'PYTHONPATH': None})
    ready(redis)
    yield process
    process.send_signal(signal.SIGKILL)


def rq_sends(python: str, url: str, what: str, *arguments: str) -> None:
    """Has RQ send a command."""
    program = f'import sys; from redis import Redis; from rq.command import *; {what}(Redis.from_url(sys.argv[1]), *sys.argv[2:])'
    subprocess.run([python, '-I', '-c', program, url, *arguments], check=True, capture_output=True)


def test_rqs_commands_are_obeyed_by_our_workers(
    at_work: Process, rqs_python: str, redis: Redis, redis_url: str, queue: Queue, journal: Journal
) -> None:
    job = queue.enqueue(jobs.sleep, 60)
    begun(journal)
    rq_sends(rqs_python, redis_url, 'send_stop_job_command', job.id)
    says(job, 'stopped')
    other = queue.enqueue(jobs.sleep, 61)
    begun(journal, 'sleep 61')
    rq_sends(rqs_python, redis_url, 'send_kill_horse_command', 'w1')
    says(other, 'failed')
    rq_sends(rqs_python, redis_url, 'send_shutdown_command', 'w1')
    assert at_work.wait(10) == 0


def test_our_commands_are_obeyed_by_rqs_workers(rqs_worker: Process, redis: Redis, queue: Queue) -> None:
    job = queue.enqueue('time.sleep', 60)
    says(job, 'started')
    wait_for(job.get_executions)
    send_stop_job_command(redis, job.id)
    says(job, 'stopped')
    other = queue.enqueue('time.sleep', 60)
    says(other, 'started')
    time.sleep(0.3)  # RQ forks after it has said so
    send_kill_horse_command(redis, 'w1')
    says(other, 'failed')
    send_shutdown_command(redis, 'w1')
    wait_for(lambda: not rqs_worker.running)
