"""`rq worker`: its options reach the worker, its jobs are found, and it starts and ends in good order."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from rq import Queue
from rq.cli.worker import worker as command
from rq.store import admin, keys
from rq.version import PACKHORSE_VERSION
from tests.support.processes import Process, Processes
from tests.support.waiting import wait_for

TASKS = """
import os, time

def ok():
    print('did it', flush=True)
    return 1

def bad():
    raise ValueError('on purpose')

def handle(job, *exc_info):
    print('handled', exc_info[1], flush=True)
"""
# A worker class that prints what it is given instead of working.
RECORDER = """
import json
from dataclasses import asdict
from rq.limits import LIMITS
from rq.worker import Worker

class Recorder(Worker):
    def __init__(self, queues, **options):
        self.given = {name: option for name, option in options.items() if name != 'connection'}
        self.given['queues'] = [queue.name for queue in queues]
        super().__init__(queues, **options)

    def work(self, **options):
        safe = {'allow': self.allow and self.allow.patterns, 'max_result': LIMITS.result}
        safe |= {'counts': self.counts, 'release': self.release}
        given = {**self.given, **options, **asdict(self.horse_options), **safe, **self._terms()}
        print(json.dumps(given, default=lambda one: one.__name__))
"""
AS_RQ = {
    'burst': False, 'queues': ['default'], 'name': None, 'default_result_ttl': 500, 'worker_ttl': 420,
    'maintenance_interval': 600, 'job_monitoring_interval': 30, 'log_job_description': True, 'exception_handlers': [],
    'disable_default_exception_handler': False, 'job_class': 'Job', 'queue_class': 'Queue', 'serializer': None,
    'logging_level': 'INFO', 'date_format': '%H:%M:%S', 'log_format': '%(asctime)s %(message)s', 'max_jobs': None,
    'max_idle_time': None, 'with_scheduler': False, 'dequeue_strategy': 'default',
    'fork_per_job': False, 'max_jobs_per_horse': 0, 'preload': [], 'reload': True,
    'allow': None, 'max_result': 64 << 20, 'counts': True, 'release': f'packhorse {PACKHORSE_VERSION}',
}  # fmt: skip
# Words of the command line -> what differs then.
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ('', {}),
    ('low high', {'queues': ['low', 'high']}),
    ('-b -n me', {'burst': True, 'name': 'me'}),
    ('--results-ttl -1 --worker-ttl 99', {'default_result_ttl': -1, 'worker_ttl': 99}),
    ('--maintenance-interval 7 --job-monitoring-interval 8', {'maintenance_interval': 7, 'job_monitoring_interval': 8}),
    ('--disable-job-desc-logging -d', {'log_job_description': False, 'disable_default_exception_handler': True}),
    ('--exception-handler tasks.handle', {'exception_handlers': ['handle']}),
    ('-v --date-format %S --log-format %(message)s',
     {'logging_level': 'DEBUG', 'date_format': '%S', 'log_format': '%(message)s'}),
    ('-q', {'logging_level': 'WARNING'}),
    ('--logging_level error', {'logging_level': 'ERROR'}),
    ('--max-jobs 3 --max-idle-time 4 -s', {'max_jobs': 3, 'max_idle_time': 4, 'with_scheduler': True}),
    ('-ds Round_Robin', {'dequeue_strategy': 'round_robin'}),
    ('-S json', {'serializer': 'JSONSerializer'}),
    ('--fork-per-job --max-jobs-per-horse 5', {'fork_per_job': True, 'max_jobs_per_horse': 5}),
    ('--on-lost requeue --max-deaths 5', {'on_lost': 'requeue', 'max_deaths': 5}),
    ('--grace 2.5', {'grace': 2.5}),
    ('--no-stats --release 4.2', {'counts': False, 'release': '4.2'}),
    ('--preload tasks --preload json --no-reload', {'preload': ['tasks', 'json'], 'reload': False}),
    ('--allow shop.* --allow mail.send --max-result 5MB', {'allow': ['shop.*', 'mail.send'], 'max_result': 5 << 20}),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / 'tasks.py').write_text(TASKS)
    (tmp_path / 'recorder.py').write_text(RECORDER)
    return tmp_path


@pytest.mark.parametrize(('words', 'different'), OPTIONS, ids=[words for words, _ in OPTIONS])
def test_the_options_reach_the_worker(
    processes: Processes, redis_url: str, folder: Path, words: str, different: dict[str, Any]
) -> None:
    process = processes.rq('worker', '-w', 'recorder.Recorder', *words.split(), url=redis_url, cwd=folder)
    assert process.wait() == 0, process.report()
    assert json.loads(process.stdout) == AS_RQ | different


def test_every_option_of_the_worker_is_tested() -> None:
    tested = {word for words, _ in OPTIONS for word in words.split()} | {'-u', '-c', '-P', '-w', '-j', '--pid', '-h'}
    options = [parameter for parameter in command.params if parameter.param_type_name == 'option']
    missing = [option.name for option in options if not tested & {*option.opts}]
    # The dashboard is a process beside the worker: tests/cli/test_dashboard.py.
    assert missing == ['with_dashboard', 'queue_class', 'connection_class']


def test_what_the_settings_say_is_used_where_the_command_line_is_silent(
    processes: Processes, redis_url: str, folder: Path
) -> None:
    (folder / 'conf.py').write_text("QUEUES = ['low', 'high']\nNAME = 'me'\n")
    words = ('worker', '-w', 'recorder.Recorder', '-c', 'conf')
    silent = processes.rq(*words, url=redis_url, cwd=folder)
    loud = processes.rq(*words, 'other', '-n', 'you', url=redis_url, cwd=folder)
    assert [silent.wait(), loud.wait()] == [0, 0]
    assert json.loads(silent.stdout) == AS_RQ | {'queues': ['low', 'high'], 'name': 'me'}
    assert json.loads(loud.stdout) == AS_RQ | {'queues': ['other'], 'name': 'you'}


def test_logging_is_as_the_settings_say(processes: Processes, redis_url: str, folder: Path) -> None:
    (folder / 'conf.py').write_text(
        "DICT_CONFIG = {'version': 1, 'disable_existing_loggers': False, 'formatters': {'f': {'format': 'MINE %(message)s'}},"
        " 'handlers': {'h': {'class': 'logging.StreamHandler', 'formatter': 'f', 'stream': 'ext://sys.stdout'}},"
        " 'root': {'handlers': ['h'], 'level': 'INFO'}}\n"
    )
    process = processes.rq('worker', '--burst', '-c', 'conf', url=redis_url, cwd=folder)
    assert process.wait() == 0, process.report()
    assert 'MINE *** Listening on default...' in process.stdout


def test_functions_are_found_where_the_worker_was_started_or_on_the_path(
    processes: Processes, redis: Redis, redis_url: str, folder: Path
) -> None:
    queue = Queue(connection=redis)
    for where, words in ((folder, []), ('/', ['-P', str(folder)])):
        job = queue.enqueue('tasks.ok')
        process = processes.rq('worker', '--burst', *words, url=redis_url, cwd=where)
        assert process.wait() == 0, process.report()
        assert 'did it' in process.stdout
        assert job.get_status() == 'finished'


def test_an_exception_handler_is_called(processes: Processes, redis: Redis, redis_url: str, folder: Path) -> None:
    Queue(connection=redis).enqueue('tasks.bad')
    process = processes.rq('worker', '--burst', '--exception-handler', 'tasks.handle', url=redis_url, cwd=folder)
    assert process.wait() == 0
    assert 'handled on purpose' in process.stdout


def test_a_worker_does_not_start_while_all_are_suspended(processes: Processes, redis: Redis, redis_url: str) -> None:
    admin.suspend(redis)
    process = processes.rq('worker', url=redis_url)
    assert process.wait() == 1
    assert process.stderr == 'RQ is currently suspended, to resume job execution run "rq resume"\n'


def started(process: Process) -> Process:
    process.wait_for_output('Listening on')
    wait_for(process.children)  # by then it listens to signals
    return process


def test_a_name_that_is_taken_is_said_in_a_line(processes: Processes, redis_url: str) -> None:
    first = started(processes.rq('worker', '-n', 'twin', url=redis_url))
    second = processes.rq('worker', '-n', 'twin', url=redis_url)
    assert second.wait() == 1
    assert second.stderr == (
        "There exists an active worker named 'twin' already (one that was killed keeps its name for up to 30 seconds)\n"
    )
    first.terminate()
    assert first.wait() == 0


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_the_pid_file_is_there_while_the_worker_is(
    processes: Processes, redis: Redis, redis_url: str, folder: Path, number: int
) -> None:
    Queue(connection=redis).enqueue('tasks.ok')
    file = folder / 'worker.pid'
    process = started(processes.rq('worker', '--pid', str(file), url=redis_url, cwd=folder))
    process.wait_for_output('did it')
    assert file.read_text() == str(process.pid)
    process.send_signal(number)
    assert process.wait() == 0
    assert not file.exists()


def test_the_pid_file_of_another_is_left_alone(processes: Processes, redis_url: str, tmp_path: Path) -> None:
    file = tmp_path / 'worker.pid'
    process = started(processes.rq('worker', '--pid', str(file), url=redis_url))
    file.write_text('1')
    process.terminate()
    assert process.wait() == 0
    assert file.read_text() == '1'


@pytest.mark.parametrize('path', ['no/such/folder/pid', '.'])
def test_a_pid_file_that_cannot_be_written_is_said_in_a_line(processes: Processes, redis_url: str, path: str) -> None:
    process = processes.rq('worker', '--pid', path, url=redis_url)
    assert process.wait() == 1
    assert process.stderr.startswith('The file for the process id cannot be written: ')
    assert process.stderr.count('\n') == 1


def test_a_worker_that_could_not_start_leaves_no_pid_file_and_no_record(
    processes: Processes, redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    process = processes.rq('worker', '--pid', 'pid', '-w', 'nosuch.Worker', url=redis_url, cwd=tmp_path)
    assert process.wait() == 2
    assert not (tmp_path / 'pid').exists()
    assert redis.keys(keys.worker('*')) == []
