"""Webhooks of jobs that real workers run: once for each final outcome, and in nobody's way."""

from __future__ import annotations

import json
import socket
import time

import pytest
from redis import Redis

from rq import Queue, Retry, SimpleWorker, Webhook
from rq.command import send_stop_job_command
from rq.job import Job
from tests.support.waiting import wait_for
from tests.webhook.conftest import Start
from tests.webhook.endpoint import Endpoint
from tests.worker import jobs
from tests.worker.conftest import WorkerMaker, burst, disorder, journal, queue, worker

__all__ = ['burst', 'disorder', 'journal', 'queue', 'worker']


def both(server: Endpoint) -> list[Webhook]:
    """Webhooks for either outcome."""
    return [
        Webhook(f'{server.url}/finished', 'finished', method='POST'),
        Webhook(f'{server.url}/failed', 'failed', method='POST'),
    ]


def told(server: Endpoint) -> list[tuple[str, dict[str, str]]]:
    """Paths and what was told, by path: those of two jobs come in any order."""
    found = []
    for request in server.requests:
        head, _, body = request.partition(b'\r\n\r\n')
        found.append((head.split()[1].decode(), json.loads(body)))
    return sorted(found, key=lambda one: one[0])


def test_an_outcome_is_told_once(queue: Queue, burst: WorkerMaker, endpoint: Start) -> None:
    server = endpoint()
    good = queue.enqueue(jobs.pid, webhooks=both(server))
    bad = queue.enqueue(jobs.fail, webhooks=both(server))
    burst()
    (first, failed), (second, finished) = told(server)
    good.refresh()
    assert (first, second) == ('/failed', '/finished')
    assert finished == {
        'job_id': good.id,
        'func_name': 'tests.worker.jobs.pid',
        'status': 'finished',
        'enqueued_at': good.enqueued_at.isoformat(),  # type: ignore[union-attr]
        'ended_at': good.ended_at.isoformat(),  # type: ignore[union-attr]
    }
    assert (failed['job_id'], failed['status']) == (bad.id, 'failed')
    assert failed['exc_info'] == bad.latest_result().exc_string  # type: ignore[union-attr]


@pytest.mark.parametrize('options', [{'result_ttl': 0}, {'failure_ttl': 0}])
def test_a_job_that_is_not_kept_is_told_all_the_same(
    options: dict[str, int], queue: Queue, burst: WorkerMaker, endpoint: Start
) -> None:
    server = endpoint()
    queue.enqueue(jobs.pid, webhooks=both(server), **options)
    queue.enqueue(jobs.fail, webhooks=both(server), **options)
    burst()
    assert [path for path, _ in told(server)] == ['/failed', '/finished']


def test_a_failure_that_is_tried_again_is_not_told(queue: Queue, burst: WorkerMaker, endpoint: Start) -> None:
    server = endpoint()
    queue.enqueue(jobs.fail, webhooks=both(server), retry=Retry(max=2))
    burst()
    assert [path for path, _ in told(server)] == ['/failed']


def test_a_stopped_job_is_not_told(redis: Redis, queue: Queue, worker: WorkerMaker, endpoint: Start) -> None:
    server = endpoint()
    stopped = queue.enqueue(jobs.sleep, 60, webhooks=both(server))
    after = queue.enqueue(jobs.pid, webhooks=both(server))
    worker()
    wait_for(lambda: stopped.is_started and redis.exists(f'rq:executions:{stopped.id}'))
    send_stop_job_command(redis, stopped.id)
    wait_for(lambda: server.requests)
    assert stopped.is_stopped
    assert [outcome['job_id'] for _, outcome in told(server)] == [after.id]


def test_a_death_is_told(queue: Queue, burst: WorkerMaker, endpoint: Start) -> None:
    server = endpoint()
    queue.enqueue(jobs.die, 9, webhooks=both(server))
    burst()
    ((path, outcome),) = told(server)
    assert path == '/failed'
    assert 'Work-horse terminated unexpectedly' in outcome['exc_info']


def test_a_server_that_is_slow_keeps_no_job_waiting(queue: Queue, worker: WorkerMaker, endpoint: Start) -> None:
    server = endpoint(lambda connection: server.ended.wait())
    queue.enqueue(jobs.pid, webhooks=[Webhook(server.url, 'finished', timeout=30)])
    worker()
    wait_for(lambda: server.requests)
    began = time.monotonic()
    for _ in range(20):
        assert queue.enqueue(jobs.pid).latest_result(timeout=10) is not None
    assert time.monotonic() - began < 10


def test_a_dead_port_is_a_line_in_the_log_of_the_worker(queue: Queue, burst: WorkerMaker) -> None:
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
    queue.enqueue(jobs.pid, job_id='a', webhooks=[Webhook(f'http://127.0.0.1:{port}/s3cret', 'finished')])
    output = burst().output
    (line,) = [line for line in output.splitlines() if 'webhook' in line]
    assert line.endswith(
        f'Failed to send webhook to http://127.0.0.1:{port} for job a: ConnectionRefusedError: [Errno 111] Connection refused'
    )
    assert 'Traceback' not in output


def test_webhooks_that_cannot_be_read_cost_nothing_but_a_line(
    redis: Redis, queue: Queue, burst: WorkerMaker, endpoint: Start
) -> None:
    server = endpoint()
    job = queue.enqueue(jobs.pid, webhooks=both(server))
    stored = [{'url': 'gopher://a', 'job_status': 'finished'}, *(one.to_dict() for one in both(server))]
    redis.hset(job.key, 'webhooks', json.dumps(stored))
    broken = queue.enqueue(jobs.pid, webhooks=both(server))
    redis.hset(broken.key, 'webhooks', '{"')
    output = burst().output
    assert [path for path, _ in told(server)] == ['/finished']
    assert (job.is_finished, broken.is_finished) == (True, True)
    assert 'A stored webhook cannot be read: ValueError: url must be' in output


def test_a_simple_worker_tells_as_well(redis: Redis, queue: Queue, endpoint: Start) -> None:
    server = endpoint()
    queue.enqueue(jobs.pid, webhooks=both(server))
    SimpleWorker([queue], connection=redis).work(burst=True)
    assert [path for path, _ in told(server)] == ['/finished']


def test_a_job_that_runs_in_its_callers_process_tells_as_well(redis: Redis, endpoint: Start) -> None:
    server = endpoint()
    queue = Queue('inline', connection=redis, is_async=False)
    queue.enqueue(jobs.pid, webhooks=both(server))
    queue.enqueue(jobs.fail, webhooks=both(server))
    wait_for(lambda: len(server.requests) == 2)
    assert [path for path, _ in told(server)] == ['/failed', '/finished']


def test_the_stored_webhooks_are_read_again(queue: Queue, redis: Redis) -> None:
    webhooks = [Webhook('http://a/', 'failed', headers={'X': 'y'})]
    job = queue.enqueue(jobs.pid, webhooks=webhooks)
    assert Job.fetch(job.id, connection=redis).webhooks == webhooks


def test_a_job_without_webhooks_has_a_list_to_add_to(queue: Queue, redis: Redis) -> None:
    job = queue.enqueue(jobs.pid)
    assert job.webhooks == Job.fetch(job.id, connection=redis).webhooks == []
    job.webhooks.append(Webhook('http://a/', 'failed'))
    job.save()
    assert Job.fetch(job.id, connection=redis).webhooks == [Webhook('http://a/', 'failed')]
    assert queue.enqueue(jobs.pid).webhooks == []
