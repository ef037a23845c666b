"""Workers as readers find them: ours, and other versions of RQ where they are installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from bench.systems import prepare
from rq import Queue, SimpleWorker, Worker
from rq.job import Job
from rq.store import keys
from rq.version import VERSION
from tests.support.processes import Process
from tests.support.waiting import wait_for
from tests.worker import jobs
from tests.worker.conftest import Journal, WorkerMaker

LOOK = """
import json, sys
from redis import Redis
import rq
from rq import Queue, Worker
from rq.registry import StartedJobRegistry
redis = Redis.from_url(sys.argv[1])
found = []
for worker in Worker.all(redis):
    job = worker.get_current_job()
    found.append({
        'name': worker.name, 'state': worker.get_state(), 'job': worker.get_current_job_id(),
        'fetched': job and job.id, 'queues': worker.queue_names(), 'pid': worker.pid, 'version': worker.version,
        'done': worker.successful_job_count, 'failed': worker.failed_job_count, 'time': worker.total_working_time,
        'born': worker.birth_date is not None, 'alive': worker.last_heartbeat is not None,
    })
started = StartedJobRegistry('default', connection=redis)
status = job.get_status() if found and job else None
print(json.dumps([rq.VERSION, found, Worker.count(redis), started.count, started.get_job_ids(), status]))
"""


def read(python: str, url: str, folder: Path) -> Any:
    """What another Python, with its own rq, sees."""
    env = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    command = [python, '-W', 'ignore', '-c', LOOK, url]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env, timeout=60)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def running(worker: WorkerMaker, queue: Queue, journal: Journal) -> tuple[Process, Job]:
    """A worker that has done some jobs and is at one that runs until it is told to stop."""
    for _ in range(4):
        queue.enqueue(len, 'abc')
    queue.enqueue(jobs.fail)
    job = queue.enqueue(jobs.sleep, 1.5)
    process = worker('default', 'low', '--name', 'me')
    wait_for(lambda: journal.lines and queue.connection.exists(keys.worker_executions('me')))
    return process, job


@pytest.mark.serial
def test_a_busy_worker_is_seen_with_its_job_and_its_counts(
    redis: Redis, queue: Queue, worker: WorkerMaker, journal: Journal
) -> None:
    process, job = running(worker, queue, journal)
    [found] = Worker.all(connection=redis)
    assert type(found) is Worker and found.name == 'me' and found.key == 'rq:worker:me'
    assert found.get_state() == found.state == 'busy'
    assert found.get_current_job_id() == job.id and found.get_current_job() == job
    assert found.queue_names() == ['default', 'low']
    assert (found.pid, found.version, found.python_version) == (process.pid, VERSION, sys.version)
    assert found.hostname and found.birth_date <= found.last_heartbeat
    assert (found.successful_job_count, found.failed_job_count) == (4, 1)
    assert 0 < found.total_working_time < 1
    assert found.current_execution_count == 1
    [run] = found.get_current_executions()
    run.refresh()
    assert (run.job_id, run.worker_name) == (job.id, 'me')
    assert job.get_status() == 'started' and job.worker_name is None
    job.refresh()
    assert job.worker_name == 'me' and job.started_at is not None
    assert Worker.count(redis) == Worker.count(queue=queue) == 1
    assert Worker.count(queue=Queue('elsewhere', connection=redis)) == 0
    assert Worker.all(queue=Queue('low', connection=redis)) == [found]
    assert Worker.all_keys(redis) == ['rq:worker:me']
    wait_for(lambda: redis.hget(keys.worker('me'), 'state') == b'idle')
    found.refresh()
    assert found.get_state() == 'idle' and found.get_current_job() is None and found.current_execution_count == 0
    wait_for(lambda: found.refresh() or found.successful_job_count == 5)
    assert 1.5 <= found.total_working_time < 3


@pytest.mark.serial
@pytest.mark.parametrize('version', ['3.0.0', '2.12.0'])
def test_other_versions_of_rq_see_a_busy_worker_and_its_job(
    redis: Redis, redis_url: str, queue: Queue, worker: WorkerMaker, journal: Journal, tmp_path: Path, version: str
) -> None:
    python = str(prepare(version))
    process, job = running(worker, queue, journal)
    found_version, [found], count, started, ids, status = read(python, redis_url, tmp_path)
    assert found_version == version
    assert re.fullmatch(r'[\d.]+', str(found.pop('time')))
    assert found == {
        'name': 'me',
        'state': 'busy',
        'job': job.id,
        'fetched': job.id,
        'queues': ['default', 'low'],
        'pid': process.pid,
        'version': VERSION,
        'done': 4,
        'failed': 1,
        'born': True,
        'alive': True,
    }
    assert (count, started, ids, status) == (1, 1, [job.id], 'started')
    process.terminate()
    assert process.wait() == 0
    assert job.is_finished, 'reading did it no harm'
    assert read(python, redis_url, tmp_path)[1:] == [[], 0, 0, [], None]


@pytest.mark.serial
def test_a_worker_that_has_ended_is_gone_from_the_lists_and_its_record_tells_of_its_death(
    redis: Redis, queue: Queue, burst: WorkerMaker
) -> None:
    queue.enqueue(len, 'abc')
    burst('--name', 'me')
    assert Worker.all(redis) == [] and Worker.count(redis) == 0
    found = Worker.find_by_key('rq:worker:me', connection=redis)
    assert found is not None and found.death_date is not None and found.successful_job_count == 1
    redis.delete('rq:worker:me')
    assert Worker.find_by_key('rq:worker:me', connection=redis) is None
    found.refresh()
    assert found.successful_job_count == 1, 'as it was read last'


def test_a_key_that_is_no_workers_is_refused(redis: Redis) -> None:
    with pytest.raises(ValueError, match='rq:queue:default'):
        Worker.find_by_key('rq:queue:default', connection=redis)
    with pytest.raises(ValueError, match='connection or queue'):
        Worker.all()


@pytest.mark.usefixtures('redis')
def test_a_worker_that_works_in_this_process_can_be_asked_as_well(redis: Redis, queue: Queue) -> None:
    worker = SimpleWorker([queue], connection=redis, name='me')
    queue.enqueue(len, 'abc')
    worker.work(burst=True)
    worker.refresh()
    assert worker.successful_job_count == 1 and worker.get_current_job_id() is None
    assert worker.executions_key == 'rq:worker:me:executions' and worker.pubsub_channel_name == 'rq:pubsub:me'
    assert worker.get_redis_server_version() >= (7, 0, 0)


def test_broken_records_hide_no_other_worker(redis: Redis, queue: Queue) -> None:
    worker = SimpleWorker([queue], connection=redis, name='good')
    worker.register_birth()
    redis.hset(
        'rq:worker:bad',
        mapping={
            'birth': 'yesterday',
            'pid': 'one',
            'successful_job_count': '',
            'failed_job_count': 'x',
            'total_working_time': 'nan?',
            'state': b'\xff',
            'last_heartbeat': '',
        },
    )
    redis.sadd(keys.workers(), 'rq:worker:bad', 'rq:worker:gone')
    bad, good = Worker.all(redis)
    assert (bad.name, bad.pid, bad.birth_date, bad.failed_job_count, bad.total_working_time) == (
        'bad',
        None,
        None,
        0,
        0.0,
    )
    assert bad.queue_names() == ['default']
    assert good == worker and good.pid == os.getpid()
    worker.register_death()
    assert [found.name for found in Worker.all(redis)] == ['bad']


def test_two_round_trips_show_all_workers(redis: Redis) -> None:
    workers = [SimpleWorker('default', connection=redis, name=f'w{number}') for number in range(20)]
    for worker in workers:
        worker.register_birth()
    before = redis.info('stats')['total_commands_processed']
    assert len(Worker.all(redis)) == 20
    assert redis.info('stats')['total_commands_processed'] - before <= 1 + 1 + 20
    for worker in workers:
        worker.register_death()


def test_the_state_can_be_written_for_readers(redis: Redis) -> None:
    worker = SimpleWorker('default', connection=redis, name='me')
    worker.register_birth()
    worker.state = 'suspended'
    assert redis.hget(worker.key, 'state') == b'suspended'
    pipeline = redis.pipeline()
    worker.set_state('idle', pipeline=pipeline)
    assert redis.hget(worker.key, 'state') == b'suspended'
    pipeline.execute()
    assert Worker.all(redis)[0].get_state() == 'idle'
    worker.register_death()
