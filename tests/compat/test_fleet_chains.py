"""Dependencies, retries, repeats and stops across the two: a parent run by one, its dependent or next attempt by the other."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

from rq import Callback, Queue, Repeat, Retry, Worker
from rq.command import send_stop_job_command
from rq.job import Dependency, Job
from tests.compat.fleet import PATIENCE, Fleet

# Who enqueues: the text is run by either side. `parents` and `children` are worked by different ones.
CHAINS = """
parents, children = Queue('parents', connection=redis), Queue('children', connection=redis)
for job_id in ('good', 'other'):
    parents.enqueue('compat_jobs.add', 1, 2, job_id=job_id)
parents.enqueue('compat_jobs.fail', job_id='bad')
parents.enqueue('compat_jobs.fail_until', 2, job_id='tried', retry=Retry(1))
for name, on in (('one', 'good'), ('two', ['good', 'other']), ('retried', 'tried'), ('strict', 'bad'),
                 ('lenient', Dependency(['bad', 'good'], allow_failure=True))):
    children.enqueue('compat_jobs.add', 3, 4, job_id=name, depends_on=on)
children.enqueue('compat_jobs.add', 3, 4, job_id='front', depends_on=Dependency(['good'], enqueue_at_front=True))
parents.enqueue('compat_jobs.add', 5, 6, job_id='grandchild', depends_on='one')
"""
FREED = ['front', 'lenient', 'one', 'retried', 'two']


@pytest.fixture
def ours(redis: Redis) -> dict[str, Any]:
    """What our side may name."""
    return {'redis': redis, 'Queue': Queue, 'Retry': Retry, 'Dependency': Dependency, 'Job': Job}


@pytest.mark.parametrize('producer', ['ours', 'theirs'])
@pytest.mark.parametrize('runner', ['ours', 'theirs'])
def test_a_dependent_is_freed_by_whoever_runs_its_parents(
    fleet: Fleet, redis: Redis, ours: dict[str, Any], producer: str, runner: str
) -> None:
    exec(CHAINS, ours) if producer == 'ours' else fleet.theirs.run(CHAINS)
    first, second = (fleet.our_burst, fleet.their_burst) if runner == 'ours' else (fleet.their_burst, fleet.our_burst)
    children = Queue('children', connection=redis)
    waiting = "sorted(Queue('children', connection=redis).deferred_job_registry.get_job_ids())"
    assert fleet.theirs(waiting) == eval(waiting, ours) == sorted([*FREED, 'strict'])
    first('parents')
    assert children.job_ids[0] == 'front'
    assert sorted(children.job_ids) == FREED
    assert fleet.theirs(waiting) == eval(waiting, ours) == ['strict']
    second('children')
    assert Job.fetch('grandchild', connection=redis).get_status() == 'queued'
    first('parents')
    told = '{job.id: [job.get_status().value, job.return_value()] for job in Job.fetch_many(%r, connection=redis)}'
    wanted = {
        **{job_id: ['finished', 7] for job_id in FREED},
        'grandchild': ['finished', 11],
        'strict': ['deferred', None],
    }
    assert fleet.theirs(told % list(wanted)) == eval(told % list(wanted), ours) == wanted


def test_a_parent_that_failed_is_requeued_and_frees_its_dependent_at_the_other(fleet: Fleet, redis: Redis) -> None:
    q = Queue('q', connection=redis)
    for name in ('a', 'b'):
        q.enqueue('compat_jobs.fail_until', 2, job_id=f'{name}-parent')
        q.enqueue('compat_jobs.add', 1, 2, job_id=f'{name}-child', depends_on=f'{name}-parent')
    fleet.their_burst('q')
    Job.fetch('a-parent', connection=redis).requeue()
    fleet.our_burst('q')
    fleet.theirs("requeue_job('b-parent', connection=redis).id")
    fleet.our_burst('q')
    assert sorted(q.finished_job_registry.get_job_ids()) == ['a-child', 'a-parent', 'b-child', 'b-parent']


@pytest.mark.parametrize('producer', ['ours', 'theirs'])
def test_attempts_and_repeats_may_be_anybodys(fleet: Fleet, redis: Redis, ours: dict[str, Any], producer: str) -> None:
    produce = (
        "q = Queue('q', connection=redis)\n"
        "q.enqueue('compat_jobs.fail_until', 4, job_id='tried', retry=Retry(max=5))\n"
        "q.enqueue('compat_jobs.ask_again', 3, job_id='asks')\n"
        "q.enqueue('compat_jobs.about_myself', job_id='repeated', repeat=Repeat(times=3))\n"
    )
    exec(produce, {**ours, 'Repeat': Repeat}) if producer == 'ours' else fleet.theirs.run(produce)
    # Each takes the three jobs once, in turn.
    for burst in (fleet.our_burst, fleet.their_burst, fleet.our_burst, fleet.their_burst):
        burst('q', options=('--max-jobs', '3'))
    tried, asks, repeated = (Job.fetch(name, connection=redis) for name in ('tried', 'asks', 'repeated'))
    assert (tried.get_status(), tried.return_value(), tried.retries_left) == ('finished', 4, 2)
    assert asks.get_status() == 'failed'
    assert [result.type.name for result in asks.results()] == ['MAX_RETRIES_EXCEEDED', 'RETRIED', 'RETRIED', 'RETRIED']
    assert (repeated.get_status(), len(repeated.results()), repeated.repeats_left) == ('finished', 4, 0)
    assert (
        fleet.theirs("[r.type.name for r in Job.fetch('asks', connection=redis).results()]")[0]
        == 'MAX_RETRIES_EXCEEDED'
    )
    assert Queue('q', connection=redis).count == 0


def test_a_job_is_stopped_by_the_command_of_the_other(fleet: Fleet, redis: Redis) -> None:
    both = {'theirs': fleet.their_rq('worker', 'theirs'), 'ours': fleet.our_rq('worker', 'ours')}
    for name in both:
        Queue(name, connection=redis).enqueue(
            'compat_jobs.wait', fleet.url, 'go', job_id=name, on_stopped=Callback('compat_jobs.on_stopped')
        )
    fleet.processes.wait_for(
        lambda: {worker.get_current_job_id() for worker in Worker.all(connection=redis)} == set(both), PATIENCE
    )
    for name in both:  # RQ says which job it has before it has started it
        fleet.processes.wait_for(lambda name=name: Job.fetch(name, connection=redis).is_started, PATIENCE)
    send_stop_job_command(redis, 'theirs')
    fleet.theirs("send_stop_job_command(redis, 'ours')")
    for name in both:
        job = Job.fetch(name, connection=redis)
        fleet.processes.wait_for(lambda job=job: job.get_status() == 'stopped', PATIENCE, name)
        assert fleet.theirs(f'Job.fetch({name!r}, connection=redis).get_status().value') == 'stopped'
        assert Queue(name, connection=redis).failed_job_registry.get_job_ids() == [name]
    fleet.processes.wait_for(lambda: redis.llen('callbacks') == 2, PATIENCE)
    Queue('theirs', connection=redis).enqueue('compat_jobs.add', 1, 2, job_id='next-theirs')
    Queue('ours', connection=redis).enqueue('compat_jobs.add', 1, 2, job_id='next-ours')
    for name in both:
        fleet.processes.wait_for(lambda name=name: Job.fetch(f'next-{name}', connection=redis).is_finished, PATIENCE)
    fleet.stop(*both.values())


def test_a_worker_is_shut_down_by_the_command_of_the_other(fleet: Fleet, redis: Redis) -> None:
    them, us = fleet.their_rq('worker', 'q', '--name', 'them'), fleet.our_rq('worker', 'q', '--name', 'us')
    fleet.processes.wait_for(lambda: redis.pubsub_numsub('rq:pubsub:them', 'rq:pubsub:us') ==
                             [(b'rq:pubsub:them', 1), (b'rq:pubsub:us', 1)], PATIENCE)  # fmt: skip
    from rq.command import send_shutdown_command

    send_shutdown_command(redis, 'them')
    fleet.theirs("send_shutdown_command(redis, 'us')")
    assert [them.wait(), us.wait()] == [0, 0]
