"""What one side does to a job that runs at the other: stale saves, cancels, deletes, a second enqueue of the same id."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis

from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job
from tests.compat.fleet import PATIENCE, Fleet

Running = Callable[[str], None]


@pytest.fixture
def running(fleet: Fleet, redis: Redis) -> Running:
    """Enqueues a job that waits for 'go', and returns once it runs."""
    queue = Queue('q', connection=redis)

    def start(job_id: str) -> None:
        queue.enqueue('compat_jobs.wait', fleet.url, 'go', job_id=job_id)
        fleet.theirs.run(f'stale = Job.fetch({job_id!r}, connection=redis)')
        fleet.processes.wait_for(lambda: redis.hget(f'rq:job:{job_id}', 'status') == b'started', PATIENCE)

    return start


def idle(fleet: Fleet, redis: Redis) -> None:
    """Lets the job end, and waits until its run has left nothing."""
    redis.rpush('go', 1)
    fleet.processes.wait_for(lambda: not redis.exists('rq:wip:q') and not redis.exists('go'), PATIENCE)


@pytest.mark.parametrize('worker', ['ours', 'theirs'])
def test_a_stale_save_of_the_other_costs_no_result(fleet: Fleet, redis: Redis, running: Running, worker: str) -> None:
    process = fleet.our_rq('worker', 'q') if worker == 'ours' else fleet.their_rq('worker', 'q')
    running('a')
    if worker == 'ours':
        fleet.theirs.run('stale._status = "queued"; stale.meta["x"] = 1; stale.save()')
    else:
        job = Job.fetch('a', connection=redis)
        job.meta['x'] = 1
        job.save()
    idle(fleet, redis)
    job = Job.fetch('a', connection=redis)
    fleet.processes.wait_for(lambda: job.get_status() == 'finished', PATIENCE)
    assert (len(job.results()), job.get_meta(), redis.llen('rq:queue:q')) == (1, {'x': 1}, 0)
    fleet.stop(process)


def test_they_cancel_and_delete_what_runs_at_ours(fleet: Fleet, redis: Redis, running: Running) -> None:
    process = fleet.our_rq('worker', 'q')
    running('canceled')
    fleet.theirs("Job.fetch('canceled', connection=redis).cancel()")
    idle(fleet, redis)
    assert Job.fetch('canceled', connection=redis).get_status() == 'canceled'
    running('deleted')
    fleet.theirs("Job.fetch('deleted', connection=redis).delete()")
    idle(fleet, redis)
    with pytest.raises(NoSuchJobError):
        Job.fetch('deleted', connection=redis)
    assert [key for key in redis.scan_iter('*deleted*') if not key.startswith(b'rq:gone')] == []
    running('next')
    idle(fleet, redis)
    fleet.processes.wait_for(lambda: Job.fetch('next', connection=redis).is_finished, PATIENCE)
    fleet.stop(process)


def test_we_cancel_and_delete_what_runs_at_theirs(fleet: Fleet, redis: Redis, running: Running) -> None:
    process = fleet.their_rq('worker', 'q')
    running('deleted')
    Job.fetch('deleted', connection=redis).delete()
    redis.rpush('go', 1)
    running('canceled')
    Job.fetch('canceled', connection=redis).cancel()
    redis.rpush('go', 1)
    running('next')
    idle(fleet, redis)
    fleet.processes.wait_for(lambda: Job.fetch('next', connection=redis).is_finished, PATIENCE)
    fleet.stop(process)


def test_an_id_that_runs_at_ours_and_is_enqueued_anew_by_theirs_runs_anew(
    fleet: Fleet, redis: Redis, running: Running
) -> None:
    process = fleet.our_rq('worker', 'q')
    running('a')
    fleet.theirs("Queue('q', connection=redis).enqueue('compat_jobs.add', 1, 2, job_id='a').id")
    fleet.our_burst('q')
    job = Job.fetch('a', connection=redis)
    assert (job.get_status(), job.return_value()) == ('finished', 3)
    redis.rpush('go', 1)  # the end of the old run, which is nobody's any more
    fleet.processes.wait_for(lambda: not redis.exists('go'), PATIENCE)
    fleet.stop(process)
    assert (job.get_status(), job.return_value(refresh=True)) == ('finished', 3)
    assert not redis.exists('rq:wip:q') and not redis.exists('rq:queue:q')
