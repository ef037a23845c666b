"""What is said of jobs that a worker of another RQ runs; and that it is not disturbed by what only ours understand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis

from rq import Queue
from rq.command import send_command, send_dump_stack_command
from rq.exceptions import InvalidJobOperation
from rq.monitor.job import page
from rq.monitor.why import why
from tests.compat.fleet import PATIENCE, Fleet
from tests.support.waiting import wait_for


@pytest.mark.parametrize('peer', ['3.0.0'], indirect=True)
def test_a_job_in_a_worker_of_another_rq_is_told_and_that_worker_is_left_alone(fleet: Fleet, redis: Redis) -> None:
    queue = Queue('q', connection=redis)
    job = queue.enqueue('compat_jobs.sleep', 1)
    later = queue.enqueue_in(timedelta(hours=1), 'compat_jobs.add', 1, 2)
    worker = fleet.their_rq('worker', '--name', 'theirs', 'q')
    wait_for(lambda: why(redis, job.id).kind == 'running-foreign', PATIENCE, lambda: str(why(redis, job.id)))
    assert 'a worker of another RQ, whose lease on it is alive' in why(redis, job.id).sentence
    waiting = queue.enqueue('compat_jobs.add', 1, 2)
    assert why(redis, waiting.id).kind == 'all-busy'
    assert why(redis, later.id).kind == 'due-unserved'
    assert 'none of them has its scheduler' in why(redis, later.id).sentence
    found = page(redis, job.id)
    assert found is not None and not found.worker_is_ours
    with pytest.raises(InvalidJobOperation, match='a worker of another RQ'):
        send_dump_stack_command(redis, job.id)
    for _ in range(20):  # though nobody sends them
        send_command(redis, 'theirs', 'dump-stack', job_id=job.id)
    wait_for(lambda: job.get_status() == 'finished', PATIENCE)
    wait_for(lambda: waiting.get_status() == 'finished', PATIENCE)
    result = page(redis, job.id)
    assert result is not None and [one.ended for one in result.attempts] == ['finished']
    assert worker.running
