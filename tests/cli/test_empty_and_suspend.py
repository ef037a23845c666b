"""`rq empty`, `rq suspend` and `rq resume`: what they do, and the line that says so."""

from __future__ import annotations

import pytest
from redis import Redis

from rq.store import keys
from tests.cli.conftest import AddJobs, Run


def test_without_queues_and_all_there_is_nothing_to_do(run: Run, redis: Redis, add_jobs: AddJobs) -> None:
    add_jobs('low', 2)
    result = run('empty')
    assert (result.exit_code, result.output) == (0, 'Nothing to do\n')
    assert redis.llen(keys.queue('low')) == 2


def test_the_named_queues_are_emptied_and_the_others_stay(run: Run, redis: Redis, add_jobs: AddJobs) -> None:
    low = add_jobs('low', 3)
    add_jobs('high', 2)
    kept = add_jobs('low', 1, failed=True)
    result = run('empty', 'low', 'low')
    assert (result.exit_code, result.output) == (0, '3 jobs removed from low queue\n')
    assert redis.llen(keys.queue('high')) == 2
    assert redis.exists(*map(keys.job, low)) == 0
    assert redis.exists(keys.job(kept[0])) == 1


def test_all_empties_every_queue(run: Run, redis: Redis, add_jobs: AddJobs) -> None:
    add_jobs('low', 3)
    add_jobs('high', 1)
    assert run('empty', '--all').output == '1 jobs removed from high queue\n3 jobs removed from low queue\n'
    assert redis.keys('rq:job:*') == []


def test_all_of_an_empty_server_is_nothing_to_do(run: Run) -> None:
    assert run('empty', '-a').output == 'Nothing to do\n'


def test_an_unknown_queue_has_no_jobs_and_is_said_to_be_unknown(run: Run) -> None:
    result = run('empty', 'nosuch')
    assert (result.exit_code, result.stdout) == (0, '0 jobs removed from nosuch queue\n')
    assert result.stderr == "No queue 'nosuch' is known yet: no job was put in it\n"


def test_the_failed_jobs_are_not_a_queue_that_can_be_emptied(run: Run, redis: Redis, add_jobs: AddJobs) -> None:
    [job_id] = add_jobs('low', 1, failed=True)
    result = run('empty', 'failed')
    assert (result.exit_code, result.stdout) == (0, '0 jobs removed from failed queue\n')
    assert 'are kept until they expire' in result.stderr
    assert redis.zscore(keys.failed('low'), job_id)


def test_large_queues_are_emptied_in_steps(run: Run, redis: Redis, add_jobs: AddJobs) -> None:
    add_jobs('low', 1700)
    redis.config_resetstat()
    assert run('empty', 'low').output == '1700 jobs removed from low queue\n'
    assert redis.info('commandstats')['cmdstat_evalsha']['calls'] >= 4


@pytest.mark.parametrize('command', [['empty', ''], ['info', 'a\nb'], ['worker', ''], ['requeue', '--queue', '']])
def test_a_name_that_no_queue_can_have_is_refused(run: Run, command: list[str]) -> None:
    result = run(*command)
    assert result.exit_code == 2
    assert 'a queue name must not be empty or have line breaks' in result.stderr


def test_suspend_and_resume_say_what_they_do(run: Run, redis: Redis) -> None:
    said = run('suspend')
    assert said.exit_code == 0
    assert said.output == 'Suspending workers.  No new jobs will be started.  But current jobs will be completed\n'
    assert redis.ttl(keys.suspended()) == -1
    assert run('resume').output == 'Resuming workers.\n'
    assert not redis.exists(keys.suspended())
    assert run('resume').output == 'Resuming workers. (They were not suspended.)\n'


def test_a_suspension_may_end_by_itself(run: Run, redis: Redis) -> None:
    result = run('suspend', '--duration', '60')
    assert result.exit_code == 0
    assert result.output.startswith('Suspending workers for 60 seconds.')
    assert 55 < redis.ttl(keys.suspended()) <= 60


@pytest.mark.parametrize('duration', ['0', '-1', '99999999999999999999'])
def test_a_duration_that_is_none_is_refused_with_rqs_exit_code(run: Run, redis: Redis, duration: str) -> None:
    result = run('suspend', f'--duration={duration}')
    assert result.exit_code == 1
    assert result.stderr.startswith('Duration must be a whole number of seconds')
    assert not redis.exists(keys.suspended())


def test_a_duration_that_is_no_number_is_a_wrong_command_line(run: Run) -> None:
    assert run('suspend', '--duration', 'soon').exit_code == 2


def test_resume_wakes_workers_for_what_waits(run: Run, redis: Redis, add_jobs: AddJobs) -> None:
    add_jobs('low', 2)
    run('suspend')
    run('resume')
    assert redis.llen(keys.wake('low')) == 1
