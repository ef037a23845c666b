"""`rq enqueue`: what its words become, and what is said about those that become nothing."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from redis import Redis

from bench.systems import prepare
from rq import Queue
from rq.cli.helpers import parse_function_arg, parse_function_args, parse_schedule
from rq.exceptions import TimeoutFormatError
from rq.job import Job
from tests.cli.conftest import Run
from tests.support.processes import ROOT


def enqueued(run: Run, *words: str) -> str:
    """The id of the job that the command says it has made."""
    result = run('enqueue', *words)
    assert result.exit_code == 0, result.output
    return result.stdout.rpartition("with job-id '")[2].removesuffix("'.\n")


def fetch(redis: Redis, job_id: str) -> Job:
    return Job.fetch(job_id, connection=redis)


@pytest.mark.parametrize(
    ('word', 'value'),
    [
        ('text', (None, 'text')),
        ('', (None, '')),
        ('a:b', (None, 'a:b')),
        ('key=text', ('key', 'text')),
        ('key=', ('key', '')),
        ('key=a=b', ('key', 'a=b')),
        ('=text', (None, '=text')),
        (':{"a": [1, null]}', (None, {'a': [1, None]})),
        (':"a=b"', (None, 'a=b')),
        ('key:=2', ('key', 2)),
        ('%(1, {2})', (None, (1, {2}))),
        ("key%=b'x'", ('key', b'x')),
    ],
)
def test_a_word_is_an_argument_as_in_rq(word: str, value: Any) -> None:
    assert parse_function_arg(word, 1) == value


@pytest.mark.parametrize(
    'word', [':', ':nope', 'key:=nope', ':=1', '%', '%open()', 'key%=x', '%=1', ':' + '[' * 100_000]
)
def test_a_word_that_is_no_value_is_refused_and_named(word: str) -> None:
    with pytest.raises(click.BadParameter, match=r'^Unable to (parse|eval) (7\. non keyword argument|key) as '):
        parse_function_arg(word, 7)


@pytest.mark.parametrize(
    ('word', 'value'),
    [('@{}', (None, '[1]\n')), (':@{}', (None, [1])), ('%@{}', (None, [1])), ('key=@{}', ('key', '[1]\n')), ('key:=@{}', ('key', [1]))],
)  # fmt: skip
def test_a_value_can_be_in_a_file(tmp_path: Path, word: str, value: Any) -> None:
    (tmp_path / 'file').write_text('[1]\n')
    assert parse_function_arg(word.format(tmp_path / 'file'), 1) == value


def test_a_file_that_cannot_be_read_ends_it_with_1(run: Run, tmp_path: Path) -> None:
    (tmp_path / 'binary').write_bytes(b'\xff\xfe\x00')
    for name in ('nosuch', str(tmp_path), str(tmp_path / 'binary')):
        result = run('enqueue', 'f', f'@{name}')
        assert (result.exit_code, result.stderr.count('\n')) == (1, 1)
        assert result.stderr.startswith(f'Error: Could not open file {name!r}: ')


WORDS_SCRIPT = """
import json, random, sys
from rq.cli.helpers import parse_function_arg

def meaning(word):
    try:
        return repr(parse_function_arg(word, 2))
    except Exception as error:
        return f'{type(error).__name__}: {error}'

random.seed(int(sys.argv[1]))
words = [''.join(random.choices('a=:%1"[] {-', k=random.randint(0, 7))) for _ in range(3000)]
print(json.dumps([[word, meaning(word)] for word in words]))
"""


def test_any_word_means_what_it_means_to_rq() -> None:
    seed = str(random.randrange(10**9))
    said = [
        subprocess.run([python, '-c', WORDS_SCRIPT, seed], cwd=folder, capture_output=True, check=True).stdout
        for python, folder in ((prepare('3.0.0'), prepare('3.0.0').parent), (sys.executable, ROOT))
    ]
    theirs, ours = map(json.loads, said)
    assert [pair for pair in zip(theirs, ours, strict=True) if pair[0] != pair[1]] == [], f'seed {seed}'


def test_words_are_positional_and_keyword_arguments_in_any_order() -> None:
    assert parse_function_args(['a', 'b=1', ':2']) == (['a', 2], {'b': '1'})
    with pytest.raises(click.BadParameter, match='multiple values for the same keyword'):
        parse_function_args(['b=1', 'b=2'])


def test_a_schedule_is_a_wait_or_a_local_time() -> None:
    assert parse_schedule(None, None) is None
    soon = parse_schedule('5m', None)
    assert soon is not None and abs(soon - datetime.now(UTC) - timedelta(minutes=5)) < timedelta(seconds=5)
    assert parse_schedule(None, '2031-05-27T21:45:00') == datetime(2031, 5, 27, 21, 45)  # noqa: DTZ001
    with pytest.raises(TimeoutFormatError):
        parse_schedule('soon', None)
    with pytest.raises(ValueError):
        parse_schedule(None, '2031-05-27')
    with pytest.raises(click.BadArgumentUsage):
        parse_schedule('1s', '2031-05-27T21:45:00')


def test_a_job_is_put_in_its_queue_and_named(run: Run, redis: Redis) -> None:
    result = run('enqueue', 'operator.add', '5', 'x=1', ':[2]', '-q', 'low')
    [job_id] = Queue('low', connection=redis).job_ids
    assert result.stdout == f"Enqueued operator.add('5', [2], x='1') with job-id '{job_id}'.\n"
    job = fetch(redis, job_id)
    assert (job.func_name, job.args, job.kwargs) == ('operator.add', ('5', [2]), {'x': '1'})
    assert run('worker', '--burst', 'low').exit_code == 0
    assert job.is_failed


def test_quietly_it_prints_nothing(run: Run, redis: Redis) -> None:
    result = run('enqueue', '--quiet', 'operator.add')
    assert (result.exit_code, result.output, Queue(connection=redis).count) == (0, '', 1)


def test_the_options_are_those_of_the_job(run: Run, redis: Redis) -> None:
    words = '--timeout 5m --result-ttl 1h --ttl 1d --failure-ttl 5 --job-id mine --retry-max 3 --retry-interval 1'
    job = fetch(redis, enqueued(run, *words.split(), '--retry-interval', '2', '--description', 'a b', 'f', 'timeout=x'))
    assert (job.id, job.timeout, job.result_ttl, job.ttl, job.failure_ttl) == ('mine', 300, 3600, 86400, 5)
    assert (job.retries_left, job.retry_intervals, job.description) == (3, [1, 2], 'a b')
    assert job.kwargs == {'timeout': 'x'}, 'an argument of the function, not an option'


def test_it_goes_to_the_front_of_the_queue_also_when_it_was_scheduled(run: Run, redis: Redis) -> None:
    first = enqueued(run, 'f')
    second = enqueued(run, '--at-front', 'f')
    assert Queue(connection=redis).job_ids == [second, first]
    third = enqueued(run, '--at-front', '--schedule-in', '0s', 'operator.add')
    assert fetch(redis, third).enqueue_at_front
    assert run('worker', '--burst', '--max-jobs', '1').exit_code == 0
    assert Queue(connection=redis).job_ids[0] != third and fetch(redis, third).get_status() != 'queued'


@pytest.mark.parametrize(
    ('local', 'utc'),
    [
        ('2031-01-15T12:00:00', datetime(2031, 1, 15, 11, tzinfo=UTC)),
        ('2031-07-15T12:00:00', datetime(2031, 7, 15, 10, tzinfo=UTC)),
        ('2031-03-30T02:30:00', datetime(2031, 3, 30, 1, 30, tzinfo=UTC)),  # no clock shows it
        ('2031-10-26T02:30:00', datetime(2031, 10, 26, 0, 30, tzinfo=UTC)),  # the first of two
        ('2001-01-15T12:00:00', datetime(2001, 1, 15, 11, tzinfo=UTC)),
    ],
)
def test_a_scheduled_job_waits_for_its_local_time_with_that_days_offset(
    run: Run, redis: Redis, monkeypatch: pytest.MonkeyPatch, local: str, utc: datetime
) -> None:
    monkeypatch.setenv('TZ', 'Europe/Prague')
    time.tzset()
    try:
        job_id = enqueued(run, '--schedule-at', local, 'f')
    finally:
        monkeypatch.delenv('TZ')
        time.tzset()
    assert Queue(connection=redis).scheduled_job_registry.get_scheduled_time(job_id) == utc


def test_a_job_that_was_due_in_the_past_is_run_at_once(run: Run, redis: Redis) -> None:
    job_id = enqueued(run, '--schedule-at', '2001-01-15T12:00:00', 'os.getpid')
    assert run('worker', '--burst').exit_code == 0
    assert fetch(redis, job_id).is_finished


def test_it_waits_for_the_jobs_that_it_depends_on(run: Run, redis: Redis) -> None:
    first, second = enqueued(run, 'os.getpid'), enqueued(run, 'os.getpid')
    last = fetch(redis, enqueued(run, '--depends-on', first, '--depends-on', second, '--at-front', 'os.getpid'))
    assert (last.get_status(), last.dependency_ids) == ('deferred', [first, second])
    assert run('worker', '--burst').exit_code == 0
    assert last.is_finished


def test_an_unknown_job_is_not_waited_for_and_said(run: Run, redis: Redis) -> None:
    result = run('enqueue', '--depends-on', 'nosuch', 'os.getpid')
    assert (result.exit_code, Queue(connection=redis).count) == (0, 1)
    assert result.stderr == "No job 'nosuch' is known (any more): it is not waited for\n"
    assert run('enqueue', '--job-id', 'mine', '--depends-on', 'mine', 'f').exit_code == 2


@pytest.mark.parametrize(
    ('words', 'told'),
    [
        ('--ttl x f', "Invalid value for '--ttl': 'x' is not seconds"),
        ('--ttl 0 f', 'ttl must be greater than 0'),
        ('--timeout 0 f', '0 timeout is not allowed'),
        ('--retry-max -1 f', "Invalid value for '--retry-max'"),
        ('--job-id a:b f', 'letters, numbers, underscores and dashes'),
        ('--schedule-in x f', 'Invalid value for --schedule-in'),
        ('--schedule-in 99999999999d f', 'Invalid value for --schedule-in'),
        ('--schedule-at 2031 f', 'such as 2027-05-27T21:45:00'),
        ('--schedule-in 1s --schedule-at 2031-01-01T00:00:00 f', "You can't specify both"),
        ('-S nosuch.Serializer f', 'Invalid value for --serializer'),
        ('-j nosuch.Job f', 'Invalid value for --job-class'),
        ('f :x', 'Unable to parse 1. non keyword argument as JSON.'),
        ('', "Missing argument 'FUNCTION'"),
    ],
)
def test_what_cannot_be_used_ends_it_with_2_and_enqueues_nothing(run: Run, redis: Redis, words: str, told: str) -> None:
    result = run('enqueue', *words.split())
    assert result.exit_code == 2, result.output
    assert told in result.stderr.splitlines()[-1]
    assert redis.dbsize() == 0


def test_classes_and_serializer_are_used(run: Run, redis: Redis) -> None:
    words = ['-S', 'json', '-j', f'{__name__}.OwnJob', '--queue-class', f'{__name__}.OwnQueue']
    job_id = enqueued(run, *words, 'f', ':{"a": 1}')
    job = Job.fetch(job_id, connection=redis, serializer='json')
    assert job.args == [{'a': 1}]
    assert job.get_meta() == {'queue': 'OwnQueue', 'job': 'OwnJob'}


class OwnJob(Job):
    pass


class OwnQueue(Queue):
    def enqueue_call(self, *args: Any, **kwargs: Any) -> Job:
        return super().enqueue_call(*args, **{**kwargs, 'meta': {'queue': 'OwnQueue', 'job': self.job_class.__name__}})
