"""The log lines of jobs: the same text by the cheap way and by `logging`, in the order of the jobs' own output."""

from __future__ import annotations

import logging
import logging.config
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from rq import Queue
from tests.worker import jobs
from tests.worker.conftest import WorkerMaker

ID = r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'


def shape(text: str) -> list[str]:
    """The lines without times, ids, file names and the worker's own first and last lines."""
    lines = []
    for line in text.replace('\r\n', '\n').splitlines():
        plain = re.sub(r'^\d\d:\d\d:\d\d ', '', re.sub(ID, 'ID', line))
        if not re.search(r"Worker 'rq:worker|\*\*\* Listening|Cleaning registries|[Ss]ubscribing |^  ", plain):
            lines.append(plain)
    return lines


def ran(call: str, *said: str) -> list[str]:
    """What the log shows of one good job."""
    return [f'default: {call} (ID)', *said, 'default: Job OK (ID)', 'Result is kept for 500 seconds']


def failed(call: str, name: str, error: str) -> list[str]:
    """What the log shows of one that failed."""
    raised = f'[Job ID]: exception raised while executing ({name})'
    return [
        f'default: {call} (ID)',
        raised,
        'Traceback (most recent call last):',
        error,
        "Moving job to 'failed' queue",
    ]


# --- jobs


def speak() -> None:
    """Says something in every way there is."""
    print('printed')
    print('printed as an error', file=sys.stderr)
    sys.stdout.writelines(['one\n', 'two\n'])
    sys.stdout.flush()
    sys.stdout.buffer.write(b'buffered\n')
    sys.stdout.buffer.flush()
    os.write(1, b'written\n')
    subprocess.run(['/bin/echo', 'said by a child'], check=True)


SPOKEN = ['printed', 'printed as an error', 'one', 'two', 'buffered', 'written', 'said by a child']


def say_number(number: int) -> None:
    print('number', number)


def say_much(number: int) -> int:
    print('x' * 200_000)
    return number


def set_up_logging() -> None:
    """What an application does at its import, which silences every logger that it does not name."""
    logging.config.dictConfig({'version': 1, 'disable_existing_loggers': True})


def add_handler() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter('also: %(message)s'))
    logging.getLogger('rq.worker').addHandler(handler)


# --- order


@pytest.mark.parametrize('way', ['file', 'pipe', 'verbose', 'terminal', 'levels'])
def test_lines_stand_in_the_order_of_the_jobs_own_output(
    queue: Queue, burst: WorkerMaker, worker: WorkerMaker, way: str, redis_url: str
) -> None:
    queue.enqueue(speak)
    queue.enqueue(jobs.fail, 'no\nway')
    for number in range(3):
        queue.enqueue(say_number, number)
    options = {
        'file': {'shell': '2>&1'},
        'pipe': {'shell': '2>&1 | cat'},
        'verbose': {'shell': '2>&1'},
        'terminal': {'terminal': True, 'env': {'NO_COLOR': '1'}},
        'levels': {'shell': '2>&1'},
    }[way]
    arguments = {'verbose': ['--verbose'], 'levels': ['--logging_level', 'info']}.get(way, [])
    expected = [
        *ran('tests.worker.test_log.speak()', *SPOKEN),
        *failed("tests.worker.jobs.fail('no\\nway')", 'tests.worker.jobs.fail', 'ValueError: no'),
        *(line for number in range(3) for line in ran(f'tests.worker.test_log.say_number({number})', f'number {number}')),
    ]  # fmt: skip
    expected.insert(expected.index('ValueError: no') + 1, 'way')
    assert shape(burst(*arguments, **options).stdout) == expected


def test_hundreds_of_short_jobs_that_print_do_not_mix(queue: Queue, burst: WorkerMaker) -> None:
    queue.enqueue_many([Queue.prepare_data(say_number, args=(number,)) for number in range(500)])
    process = burst(shell='2>&1')
    assert shape(process.stdout) == [
        line for number in range(500) for line in ran(f'tests.worker.test_log.say_number({number})', f'number {number}')
    ]


def test_no_line_is_lost_when_the_horse_dies(queue: Queue, burst: WorkerMaker) -> None:
    queue.enqueue_many([Queue.prepare_data(jobs.say, args=(number,)) for number in range(300)])
    queue.enqueue(jobs.die, signal.SIGKILL)
    queue.enqueue(say_number, 7)
    process = burst(shell='2>&1')
    lines = shape(process.stdout)
    assert lines[: 300 * 3] == [line for n in range(300) for line in ran(f'tests.worker.jobs.say({n})')]
    begun, death, *rest = lines[300 * 3 :]
    assert begun == f'default: tests.worker.jobs.die({signal.SIGKILL!r}) (ID)'
    assert 'Work-horse terminated unexpectedly' in death
    assert rest[-4:] == ran('tests.worker.test_log.say_number(7)', 'number 7')


@pytest.mark.serial
def test_the_line_of_a_job_that_runs_is_there_before_it_ends(queue: Queue, worker: WorkerMaker) -> None:
    queue.enqueue_many([Queue.prepare_data(jobs.say, args=(number,)) for number in range(200)])
    queue.enqueue(jobs.sleep, 1)
    process = worker('--burst')
    process.wait_for_output('tests.worker.jobs.sleep(1)')
    assert len(re.findall('Job OK', process.stdout)) == 200
    assert process.wait() == 0


def test_what_a_job_prints_is_there_when_it_has_ended_however_little_is_logged(
    queue: Queue, worker: WorkerMaker
) -> None:
    queue.enqueue(say_number, 1)
    queue.enqueue(jobs.fail)
    process = worker('--quiet')
    process.wait_for_output('number 1')
    process.wait_for_output('ValueError: broken')
    assert shape(process.stdout) == ['number 1']
    assert shape(process.stderr)[0] == '[Job ID]: exception raised while executing (tests.worker.jobs.fail)'


# --- formats


@pytest.mark.parametrize('verbose', [False, True], ids=['cheap', 'ordinary'])
@pytest.mark.parametrize(
    ('options', 'pattern'),
    [
        (['--log-format', '%(message)s'], r'default: {}'),
        (['--log-format', '%(levelname)s %(message)s'], r'INFO default: {}'),
        (['--date-format', '%Y'], r'20\d\d default: {}'),
        (['--date-format', '%%(message)s %H'], r'%\(message\)s \d\d default: {}'),
        (['--date-format', ''], r'\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d,\d\d\d default: {}'),
        (['--log-format', '[%(asctime)s] %(name)s %(message)s'], r'\[\d\d:\d\d:\d\d\] rq.worker default: {}'),
        (['--disable-job-desc-logging'], r'\d\d:\d\d:\d\d default: \({id}\)'),
    ],
    ids=lambda value: '_'.join(value) if isinstance(value, list) else '',
)
def test_formats_are_kept(queue: Queue, burst: WorkerMaker, options: list[str], pattern: str, verbose: bool) -> None:
    queue.enqueue(len, 'abc')
    process = burst(*options, *(['--verbose'] if verbose else []))
    wanted = pattern.format(rf'builtins\.len\(.abc.\) \({ID}\)', id=ID)
    assert re.search(f'^{wanted}$', process.stdout, re.MULTILINE)
    assert process.stderr == ''


def test_a_terminal_gets_colours_and_nothing_else_does(queue: Queue, burst: WorkerMaker) -> None:
    queue.enqueue(len, 'abc')
    queue.enqueue(jobs.fail)
    coloured = burst(terminal=True, env={'NO_COLOR': None}).stdout
    assert f'\x1b[32mdefault\x1b[39;49;00m: \x1b[34mbuiltins.len' in coloured  # noqa: F541
    assert '\x1b[31m' in coloured, 'errors in red'
    queue.enqueue(len, 'abc')
    assert '\x1b' not in burst(terminal=True, env={'NO_COLOR': '1'}).stdout
    queue.enqueue(len, 'abc')
    assert '\x1b' not in burst(env={'NO_COLOR': None}).stdout


def test_a_description_is_logged_whatever_is_in_it(redis: Redis, queue: Queue, burst: WorkerMaker) -> None:
    for text in ['100 % %s %(message)s', 'příliš žluťoučký', '\udcff']:
        queue.enqueue(len, 'abc', description=text)
    cheap = shape(burst(env={'PYTHONIOENCODING': 'utf-8'}).stdout)
    assert cheap[0] == 'default: 100 % %s %(message)s (ID)'
    assert cheap[3] == 'default: příliš žluťoučký (ID)'
    assert '\\udcff' in cheap[6]
    queue.enqueue(len, 'abc', description='žluťoučký')
    assert shape(burst(env={'PYTHONIOENCODING': 'ascii:backslashreplace'}).stdout)[0] == r'default: \u017elu\u0165ou\u010dk\xfd (ID)'  # fmt: skip


# --- others who log


def test_a_job_that_sets_up_logging_does_not_silence_the_worker(queue: Queue, burst: WorkerMaker) -> None:
    for options in ([], ['--verbose']):
        queue.enqueue(set_up_logging)
        queue.enqueue(jobs.fail)
        queue.enqueue(say_number, 1)
        process = burst(*options)
        assert shape(process.stdout)[-4:] == ran('tests.worker.test_log.say_number(1)', 'number 1')
        assert 'ValueError: broken' in process.stderr


def test_a_handler_that_a_job_adds_gets_the_lines_too(queue: Queue, burst: WorkerMaker) -> None:
    queue.enqueue(add_handler)
    queue.enqueue(say_number, 1)
    lines = shape(burst().stdout)
    call = 'default: tests.worker.test_log.say_number(1) (ID)'
    assert lines[lines.index(call) :][:3] == [call, f'also: {call}', 'number 1']


def test_the_logging_of_the_application_is_used_as_it_is(queue: Queue, burst: WorkerMaker, tmp_path: Path) -> None:
    (tmp_path / 'settings.py').write_text(
        'DICT_CONFIG = {"version": 1, "disable_existing_loggers": False, "formatters": {"mine": {"format": "MINE %(levelname)s %(message)s"}},'
        '"handlers": {"file": {"class": "logging.FileHandler", "filename": "mine.log", "formatter": "mine"}},'
        '"root": {"handlers": ["file"], "level": "INFO"}}\n'
    )
    queue.enqueue(say_number, 1)
    queue.enqueue(jobs.fail)
    process = burst('--config', 'settings', cwd=tmp_path)
    assert process.stdout == 'number 1\n' and process.stderr == ''
    lines = (tmp_path / 'mine.log').read_text().splitlines()
    assert all(line.startswith('MINE ') or not line.startswith('default:') for line in lines)
    assert re.fullmatch(rf'MINE INFO default: Job OK \({ID}\)', next(line for line in lines if 'OK' in line))
    assert any(line.startswith('MINE ERROR [Job') for line in lines)


# --- a reader that is gone, a disk that is full


@pytest.mark.parametrize('target', ['| true', '| true 2>&1', '> /dev/full 2>&1', '> /dev/full'])
@pytest.mark.parametrize('options', [[], ['--verbose'], ['--quiet']], ids=['cheap', 'ordinary', 'quiet'])
def test_jobs_do_not_depend_on_who_reads_what_they_say(
    queue: Queue, burst: WorkerMaker, target: str, options: list[str]
) -> None:
    loud = [queue.enqueue(say_much, number) for number in range(3)]
    short = queue.enqueue_many([Queue.prepare_data(say_number, args=(number,)) for number in range(100)])
    fails = queue.enqueue(jobs.fail)
    if target.startswith('|'):  # the shell would wait for us and answer with the reader's exit code
        target = target.replace('true', 'exec true; exit 0')
    burst(*options, shell=target)
    assert [job.return_value() for job in loud] == [0, 1, 2]
    assert all(job.is_finished for job in short)
    assert fails.latest_result().exc_string.endswith('ValueError: broken\n')
