"""The allow-list: what a job and its callbacks may name, asked before anything is imported."""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from rq import Callback, Queue, SimpleWorker, Worker
from rq.allow import AllowList, allow_list
from rq.exceptions import FunctionNotAllowed
from rq.job import Job
from tests.security.conftest import Plant
from tests.security.jobs import Mailer, add, boom, note_call
from tests.security.reading import reason
from tests.worker.conftest import WorkerMaker

JOBS = ['tests.security.jobs.*']
DEEP = ['tests.**', 'time.sleep']


@pytest.mark.parametrize(
    ('patterns', 'name'),
    [
        (JOBS, 'tests.security.jobs.add'),
        (['tests.security.jobs.add'], 'tests.security.jobs.add'),
        (['tests.security.jobs.a*'], 'tests.security.jobs.add'),
        (['tests.*.jobs.add'], 'tests.security.jobs.add'),
        (DEEP, 'tests.security.jobs.add'),
        (DEEP, 'tests.security.jobs.Mailer.count'),
        (DEEP, 'time.sleep'),  # named in full
    ],
)
def test_what_a_pattern_opens(patterns: list[str], name: str) -> None:
    assert callable(AllowList(patterns).find(name))


@pytest.mark.parametrize(
    ('patterns', 'name'),
    [
        (JOBS, 'tests.security.jobs.Mailer.count'),  # a * is one name
        (JOBS, 'tests.security.jobs.more.add'),
        (JOBS, 'tests.security.jobsxadd'),
        (JOBS, 'tests.security.jobs.add.'),
        (JOBS, 'xtests.security.jobs.add'),
        (JOBS, 'tests.security.jobs.system'),  # imported there from os
        (JOBS, 'tests.security.jobs.run'),  # and from subprocess
        (DEEP, 'tests.security.jobs.os.system'),  # through a module that it imports
        (DEEP, 'tests.security.jobs.os.environ.clear'),
        (DEEP, 'tests.security.jobs.add.__globals__.clear'),
        (DEEP, 'tests.security.jobs.Mailer.__subclasses__'),
        (DEEP, 'tests.security.jobs.MARK.join'),
        (DEEP, 'time.time'),
        (['**.*'], 'time.sleep'),
        (['**.*', 'os.system'], 'os.system'),
        (['subprocess.*'], 'subprocess.run'),
        (['builtins.*'], 'builtins.eval'),
        (['**.*'], 'eval'),
        (['importlib.import_module'], 'importlib.import_module'),
        (['**.*'], 'posix.system'),
        (['**.*'], 'rq.utils.import_attribute'),
        ([], 'tests.security.jobs.add'),
    ],
)
def test_what_is_refused(patterns: list[str], name: str) -> None:
    with pytest.raises(FunctionNotAllowed, match='in this worker, which runs: ') as caught:
        AllowList(patterns).find(name)
    assert name in str(caught.value) and (', '.join(patterns) or 'nothing') in str(caught.value)


def test_methods_are_known_by_their_class() -> None:
    found = AllowList(['tests.security.jobs.Mailer.*'])
    assert found.find('send', Mailer())('a') == 'a'
    assert found.find('count', Mailer)() == 1
    for name, instance in [('join', ','), ('__class__', Mailer()), ('popen', os), ('append', []), ('send', add)]:
        with pytest.raises(FunctionNotAllowed):
            found.find(name, instance)
    with pytest.raises(ValueError, match='nothing_such'):
        found.find('nothing_such', Mailer())


@pytest.mark.parametrize('pattern', ['', '*', 'add', 'shop.jobs.', 'a b.c', 'shop/jobs.*', '.x', 'a..b', '(a+)+.x'])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match='is no pattern of a function'):
        AllowList([pattern])


def test_an_attack_on_the_pattern_takes_no_time() -> None:
    found = AllowList(['a.**.**.**.b', '*a*a*a*a*a.b'])
    for name in ('a.' + 'a.' * 200 + 'c', 'a' * 400 + '.c'):
        with pytest.raises(FunctionNotAllowed):
            found.check(name)


def test_where_the_list_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    assert allow_list(None) is None
    assert allow_list([]).patterns == ()  # type: ignore[union-attr]
    assert allow_list('a.b').patterns == ('a.b',)  # type: ignore[union-attr]
    monkeypatch.setenv('RQ_ALLOW', 'shop.jobs.*, mail.**')
    assert Worker(['q'], connection=Redis()).allow.patterns == ('shop.jobs.*', 'mail.**')  # type: ignore[union-attr]
    assert Worker(['q'], connection=Redis(), allow=['a.b']).allow.patterns == ('a.b',)  # type: ignore[union-attr]
    assert pickle.loads(pickle.dumps(AllowList(['a.*']))).patterns == ('a.*',)


def run(queue: Queue, **options: Any) -> None:
    SimpleWorker([queue], connection=queue.connection, **options).work(burst=True, logging_level='WARNING')


def test_jobs_and_callbacks_are_held_to_it_and_the_worker_goes_on(
    redis: Redis, queue: Queue, plant: Plant, mark: Path
) -> None:
    evil = queue.enqueue('tests.security.planted.loads', b'')  # whose module does something as it is imported
    shell = queue.enqueue('os.system', f'echo boom >> {mark}')
    callback = queue.enqueue(add, 1, on_success=Callback('tests.security.planted.loads'))
    failing = queue.enqueue('os.listdir', on_failure=Callback('tests.security.planted.loads'))
    good = queue.enqueue(add, 1, on_success=Callback(note_call))
    run(queue, allow=JOBS)
    for job, name in ((evil, 'planted.loads'), (shell, 'os.system'), (callback, 'planted'), (failing, 'planted')):
        assert reason(job).startswith('rq.exceptions.FunctionNotAllowed: ')
        assert name in reason(job) and reason(job).endswith('in this worker, which runs: tests.security.jobs.*')
    assert good.return_value() == 2
    assert mark.read_text() == 'callback\n'
    assert 'tests.security.planted' not in sys.modules


def test_json_that_names_what_runs_is_held_to_it(redis: Redis, queue: Queue, plant: Plant, mark: Path) -> None:
    call = ['os.system', None, [f'echo boom >> {mark}'], {}]
    plant('shell', data=json.dumps(call))
    plant('method', data=json.dumps(['format', 'text', [], {}]))
    plant('good', data=json.dumps(['tests.security.jobs.add', None, [1], {'b': 4}]))
    run(queue, allow=JOBS, serializer='json-only')
    assert 'FunctionNotAllowed' in reason(Job.fetch('shell', connection=redis))
    assert 'FunctionNotAllowed' in reason(Job.fetch('method', connection=redis))
    assert Job.fetch('good', connection=redis, serializer='json').return_value() == 5
    assert not mark.exists()


@pytest.mark.parametrize(
    'how', [('--allow', 'tests.security.jobs.*'), ('-w', 'rq.SpawnWorker', '--allow', JOBS[0]), ('-c', 'settings.py')]
)
def test_a_worker_process_is_held_to_it(queue: Queue, burst: WorkerMaker, tmp_path: Path, how: tuple[str, ...]) -> None:
    (tmp_path / 'settings.py').write_text(f'ALLOW = {JOBS!r}\n')
    settings = [str(tmp_path / word) if word == 'settings.py' else word for word in how]
    evil, good = queue.enqueue('os.getcwd'), queue.enqueue(add, 1)
    burst(*settings, 'q')
    assert 'os.getcwd' in reason(evil) and 'FunctionNotAllowed' in reason(evil)
    assert good.return_value() == 2


def test_the_command_says_what_is_no_pattern(burst: WorkerMaker, worker: WorkerMaker) -> None:
    process = worker('--burst', '--allow', 'everything', 'q')
    assert process.wait(30) == 2
    assert '--allow' in process.stderr and "'everything' is no pattern of a function" in process.stderr


def test_without_a_list_everything_runs(queue: Queue) -> None:
    job = queue.enqueue('os.getcwd')
    run(queue)
    assert job.return_value() == os.getcwd()
    assert boom
