"""`rq requeue`: failed jobs go back to their queues, all or some, and what is unknown is said."""

from __future__ import annotations

import re
import sys

import pytest
from redis import Redis

from rq.store import keys
from tests.cli.conftest import AddJobs, Run
from tests.support.processes import Processes
from tests.support.terminal import on_terminal

BAR = '  [####################################]  100%\n'


def waiting(redis: Redis, queue: str) -> list[str]:
    return [job_id.decode() for job_id in redis.lrange(keys.queue(queue), 0, -1)]


def failed(redis: Redis, queue: str) -> set[str]:
    return {job_id.decode() for job_id in redis.zrange(keys.failed(queue), 0, -1)}


def test_without_ids_and_all_there_is_nothing_to_do(run: Run, redis: Redis, add_jobs: AddJobs) -> None:
    ids = add_jobs('low', 2, failed=True)
    result = run('requeue')
    assert (result.exit_code, result.output) == (0, 'Nothing to do\n')
    assert failed(redis, 'low') == set(ids)


def test_all_when_none_has_failed_is_nothing_to_do(run: Run, add_jobs: AddJobs) -> None:
    add_jobs('low', 2)
    assert run('requeue', '--all').output == 'Nothing to do\n'


def test_all_requeues_those_of_every_queue_under_a_bar(run: Run, redis: Redis, add_jobs: AddJobs) -> None:
    low, high = add_jobs('low', 2, failed=True), add_jobs('high', 1, failed=True)
    result = run('requeue', '--all')
    assert (result.exit_code, result.output) == (0, f'Requeueing 3 jobs from failed queue\n{BAR}')
    assert (set(waiting(redis, 'low')), waiting(redis, 'high')) == (set(low), high)
    assert failed(redis, 'low') == failed(redis, 'high') == set()


def test_all_of_a_queue_leaves_the_others(run: Run, redis: Redis, add_jobs: AddJobs) -> None:
    add_jobs('low', 2, failed=True)
    kept = add_jobs('high', 1, failed=True)
    assert run('requeue', '-a', '--queue', 'low').output.startswith('Requeueing 2 jobs from failed queue\n')
    assert failed(redis, 'high') == set(kept)


def test_named_jobs_are_requeued_wherever_they_failed(run: Run, redis: Redis, add_jobs: AddJobs) -> None:
    low, high = add_jobs('low', 2, failed=True), add_jobs('high', 1, failed=True)
    result = run('requeue', low[0], high[0], low[0])
    assert (result.exit_code, result.output) == (0, f'Requeueing 2 jobs from failed queue\n{BAR}')
    assert (waiting(redis, 'low'), waiting(redis, 'high')) == (low[:1], high)
    assert failed(redis, 'low') == {low[1]}


def test_what_is_not_among_the_failed_is_said_and_the_rest_is_requeued(
    run: Run, redis: Redis, add_jobs: AddJobs
) -> None:
    low, [queued] = add_jobs('low', 1, failed=True), add_jobs('low')
    expired = add_jobs('low', 1, failed=True)
    redis.delete(keys.job(expired[0]))
    result = run('requeue', 'bogus', low[0], queued, expired[0], 'a:b', '')
    assert result.exit_code == 3
    assert result.stdout == f'Requeueing 6 jobs from failed queue\n{BAR}'
    assert set(result.stderr.splitlines()) == {
        *(f'Not among the failed jobs: {job_id}' for job_id in ('bogus', queued, expired[0], 'a:b', '')),
        '5 of 6 ids were not requeued',
    }
    assert waiting(redis, 'low') == [queued, low[0]]


def test_a_job_that_failed_in_another_queue_is_not_among_those_of_this_one(
    run: Run, redis: Redis, add_jobs: AddJobs
) -> None:
    [job_id] = add_jobs('low', 1, failed=True)
    add_jobs('high')
    result = run('requeue', '--queue', 'high', job_id)
    assert result.exit_code == 3
    assert failed(redis, 'low') == {job_id}


def test_an_unknown_queue_is_said_to_be_unknown(run: Run) -> None:
    result = run('requeue', '--all', '--queue', 'nosuch')
    assert (result.exit_code, result.stdout) == (0, 'Nothing to do\n')
    assert result.stderr == "No queue 'nosuch' is known yet: no job was put in it\n"


def test_ids_beside_all_are_a_contradiction(run: Run, redis: Redis, add_jobs: AddJobs) -> None:
    [job_id] = add_jobs('low', 1, failed=True)
    result = run('requeue', '--all', job_id)
    assert result.exit_code == 2 and 'not both' in result.stderr
    assert failed(redis, 'low') == {job_id}


def test_jobs_that_had_expired_are_counted(run: Run, redis: Redis, add_jobs: AddJobs) -> None:
    ids = add_jobs('low', 3, failed=True)
    redis.delete(keys.job(ids[0]))
    result = run('requeue', '--all')
    assert (result.exit_code, result.stderr) == (0, '1 of them had expired\n')
    assert sorted(waiting(redis, 'low')) == sorted(ids[1:])
    assert failed(redis, 'low') == set()


def test_thousands_are_requeued_in_steps_of_a_thousand(run: Run, redis: Redis, add_jobs: AddJobs) -> None:
    ids = add_jobs('low', 2500, failed=True)
    redis.config_resetstat()
    assert run('requeue', '--all').exit_code == 0
    assert sorted(waiting(redis, 'low')) == sorted(ids)
    stats = redis.info('commandstats')
    calls = sum(stats.get(name, {'calls': 0})['calls'] for name in ('cmdstat_evalsha', 'cmdstat_eval'))
    assert 3 <= calls <= 4, 'one more when the script was not known yet'
    assert stats['cmdstat_zrange']['calls'] == 4


def test_thousands_of_named_jobs_too(run: Run, redis: Redis, add_jobs: AddJobs) -> None:
    ids = add_jobs('low', 1500, failed=True)
    add_jobs('a-queue-before')
    assert run('requeue', *ids).exit_code == 0
    assert waiting(redis, 'low') == ids


@pytest.mark.parametrize('number', [1, 1500])
def test_on_a_terminal_the_bar_ends_at_a_hundred_percent(
    processes: Processes, redis_url: str, add_jobs: AddJobs, number: int
) -> None:
    add_jobs('low', number, failed=True)
    process = processes.start(
        *on_terminal(sys.executable, '-P', '-m', 'rq.cli', 'requeue', '--all', '-u', redis_url), env={'TERM': 'xterm'}
    )
    assert process.wait() == 0
    assert process.stdout.startswith(f'Requeueing {number} jobs from failed queue\n')
    assert re.search(r'  \[#{36}\]  100%', process.stdout)
