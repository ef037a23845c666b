"""Registries, results, requeue and the commands of one side on the data of the other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from redis import Redis

from rq import Queue, Worker, requeue_job
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.results import Result
from tests.compat.fleet import PATIENCE, Fleet

PRODUCE = """
q = Queue('{side}', connection=redis)
for job_id in ('a', 'b', 'c'):
    q.enqueue('compat_jobs.add', 1, 2, job_id='{side}-' + job_id)
q.enqueue('compat_jobs.fail', 'text', job_id='{side}-bad')
q.enqueue('compat_jobs.fail', 'text', job_id='{side}-bad2')
q.enqueue_at(datetime(2100, 1, 1, tzinfo=UTC), 'compat_jobs.add', 1, 2, job_id='{side}-later')
q.enqueue('compat_jobs.add', 1, 2, job_id='{side}-canceled').cancel()
"""

LOOK = """
def look(name):
    q = Queue(name, connection=redis)
    kinds = ('started', 'finished', 'failed', 'deferred', 'scheduled', 'canceled')
    registries = {kind: getattr(q, f'{kind}_job_registry') for kind in kinds}
    return {
        'queued': q.job_ids, 'count': len(q), 'of': [job.func_name for job in q.jobs],
        'ids': {kind: sorted(registry.get_job_ids()) for kind, registry in registries.items()},
        'counts': {kind: [registry.count, len(registry), registry.get_job_count(cleanup=False)]
                   for kind, registry in registries.items()},
        'expire': [round(registries[kind].get_expiration_time(Job.fetch(job_id, connection=redis)).timestamp()) for kind in ('finished', 'failed')
                   for job_id in sorted(registries[kind].get_job_ids())],
        'queues': sorted(queue.name for queue in Queue.all(connection=redis)),
    }
"""


@pytest.fixture
def ours(redis: Redis) -> dict[str, Any]:
    """What our side may name in its questions."""
    return {'redis': redis, 'Queue': Queue, 'datetime': datetime, 'UTC': UTC, 'Job': Job, 'Result': Result}


@pytest.fixture
def filled(fleet: Fleet, redis: Redis, ours: dict[str, Any]) -> Fleet:
    """Each side has enqueued into a queue of its own name; the other side's worker worked it off."""
    exec(PRODUCE.format(side='ours'), ours)
    fleet.theirs.run(PRODUCE.format(side='theirs'))
    workers = [fleet.their_rq('worker', '--burst', 'ours'), fleet.our_rq('worker', '--burst', 'theirs')]
    for worker in workers:
        fleet.work_off(worker)
    for side in ('ours', 'theirs'):
        Queue(side, connection=redis).enqueue('compat_jobs.add', 5, 6, job_id=f'{side}-waits')
    return fleet


def test_both_read_the_same(filled: Fleet, ours: dict[str, Any]) -> None:
    look_at_queues_and_registries(filled, ours)
    look_at_results(filled, ours)
    look_by_rq_info(filled)


def look_at_queues_and_registries(filled: Fleet, ours: dict[str, Any]) -> None:
    filled.theirs.run(LOOK)
    exec(LOOK, ours)
    for side in ('ours', 'theirs'):
        seen = ours['look'](side)
        assert filled.theirs(f'look({side!r})') == seen
        assert seen['ids'] == {
            'started': [], 'deferred': [], 'finished': [f'{side}-a', f'{side}-b', f'{side}-c'],
            'failed': [f'{side}-bad', f'{side}-bad2'], 'scheduled': [f'{side}-later'], 'canceled': [f'{side}-canceled'],
        }  # fmt: skip
        assert (seen['queued'], seen['of']) == ([f'{side}-waits'], ['compat_jobs.add'])


def look_by_rq_info(filled: Fleet) -> None:
    said = [filled.work_off(command('info', '--raw')) for command in (filled.their_rq, filled.our_rq)]
    lines = [sorted(line for line in text.splitlines() if line.startswith('queue')) for text in said]
    assert lines[0] == lines[1] == [f'queue {side} 1, 0 executing, 3 finished, 2 failed' for side in ('ours', 'theirs')]
    for text in (filled.work_off(filled.their_rq('info')), filled.work_off(filled.our_rq('info'))):
        assert '1, 0 executing, 3 finished, 2 failed' in text
        assert '0 workers' in text


def test_rq_info_knows_the_others_workers(fleet: Fleet, redis: Redis) -> None:
    Queue('q', connection=redis).enqueue('compat_jobs.add', 1, 2)
    workers = [fleet.their_rq('worker', 'q', '--name', 'them'), fleet.our_rq('worker', 'q', '--name', 'us')]
    fleet.processes.wait_for(
        lambda: {worker.get_state() for worker in Worker.all(connection=redis)} == {'idle'} and redis.scard('rq:workers') == 2,
        20,
    )  # fmt: skip
    for command in (fleet.their_rq, fleet.our_rq):
        text = fleet.work_off(command('info', '--by-queue'))
        assert 'them' in text and 'us' in text and '2 workers' in text, text
    fleet.stop(*workers)


def look_at_results(filled: Fleet, ours: dict[str, Any]) -> None:
    reading = (
        '[[job.return_value(), job.latest_result().type.name, (job.latest_result().exc_string or "")[-17:], '
        'round(job.latest_result().created_at.timestamp()), Result.count(job)] '
        'for job in Job.fetch_many([{ids}], connection=redis)]'
    )
    for side in ('ours', 'theirs'):
        question = reading.format(ids=f"'{side}-a', '{side}-bad'")
        seen = eval(question, ours)
        assert filled.theirs(question) == seen
        assert [row[:2] for row in seen] == [[3, 'SUCCESSFUL'], [None, 'FAILED']]
        assert seen[1][2].strip() == 'ValueError: text'


def test_requeue_of_what_failed_by_the_other(filled: Fleet, redis: Redis) -> None:
    requeue_job('theirs-bad', connection=redis)
    assert filled.theirs("requeue_job('ours-bad', connection=redis).get_status().value") == 'queued'
    filled.work_off(filled.our_rq('requeue', '--queue', 'ours', 'ours-bad2'))
    filled.work_off(filled.their_rq('requeue', '--queue', 'theirs', 'theirs-bad2'))
    for side in ('ours', 'theirs'):
        assert Queue(side, connection=redis).job_ids == [f'{side}-waits', f'{side}-bad', f'{side}-bad2']
        assert not Queue(side, connection=redis).failed_job_registry.get_job_ids()
    workers = [filled.their_rq('worker', '--burst', 'theirs'), filled.our_rq('worker', '--burst', 'ours')]
    for worker in workers:
        filled.work_off(worker)
    for side in ('ours', 'theirs'):
        assert Job.fetch(f'{side}-waits', connection=redis).return_value() == 11
        assert Result.count(Job.fetch(f'{side}-bad', connection=redis)) == 2
        assert filled.theirs(f"Result.count(Job.fetch('{side}-bad2', connection=redis))") == 2


def test_suspending_and_emptying_is_for_both(filled: Fleet, redis: Redis) -> None:
    filled.work_off(filled.their_rq('suspend'))
    refused = filled.our_rq('worker', '--burst', 'ours')
    assert refused.wait(PATIENCE) == 1
    filled.work_off(filled.our_rq('resume'))
    filled.work_off(filled.our_rq('suspend'))
    refused = filled.their_rq('worker', '--burst', 'theirs')
    assert refused.wait(PATIENCE) == 1
    assert Queue('ours', connection=redis).count == Queue('theirs', connection=redis).count == 1
    filled.work_off(filled.our_rq('resume'))
    filled.work_off(filled.our_rq('empty', 'theirs'))
    filled.work_off(filled.their_rq('empty', 'ours'))
    assert Queue('ours', connection=redis).count == Queue('theirs', connection=redis).count == 0
    assert not Job.exists('ours-waits', connection=redis) and not Job.exists('theirs-waits', connection=redis)
    assert StartedJobRegistry('ours', redis).count == 0
