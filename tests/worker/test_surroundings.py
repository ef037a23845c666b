"""What a job changes is put back for the next one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType

import pytest
from redis import Redis

from rq import Queue
from rq.worker.surroundings import Surroundings, close_old_connections
from tests.worker import jobs
from tests.worker.conftest import Journal, WorkerMaker

mark: ContextVar[str] = ContextVar('mark', default='')


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Surroundings]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('RQ_TEST_HERE', 'before')
    monkeypatch.setenv('RQ_JOB_ID', 'none')
    yield Surroundings()
    os.environ.pop('RQ_TEST_NEW', None)


def in_a_child(name: str) -> str:
    command = [sys.executable, '-I', '-S', '-c', f'import os; print(os.environ.get({name!r}), end="")']
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_environment_is_put_back_also_for_child_processes(surroundings: Surroundings) -> None:
    os.environ['RQ_TEST_HERE'] = 'after'
    os.environ['RQ_TEST_NEW'] = 'new'
    surroundings.restore()
    assert os.environ['RQ_TEST_HERE'] == in_a_child('RQ_TEST_HERE') == 'before'
    assert 'RQ_TEST_NEW' not in os.environ and in_a_child('RQ_TEST_NEW') == 'None'
    del os.environ['RQ_TEST_HERE']
    surroundings.restore()
    assert in_a_child('RQ_TEST_HERE') == 'before'


def test_an_environment_that_was_emptied_comes_back(surroundings: Surroundings) -> None:
    surroundings.name_job(b'one')
    before = {name: value for name, value in os.environ.items() if not name.startswith('PYTEST_')}
    os.environ.clear()
    surroundings.restore()
    assert before.items() <= os.environ.items()
    assert in_a_child('RQ_TEST_HERE') == 'before' and in_a_child('RQ_JOB_ID') == 'one'


def test_the_id_of_the_job_is_there_for_it_and_its_children_whatever_its_length(surroundings: Surroundings) -> None:
    for job_id in ['a' * 36, 'b' * 36, 'short', 'c' * 36, 'd' * 36, 'e' * 1000]:
        surroundings.name_job(job_id.encode())
        assert os.environ['RQ_JOB_ID'] == in_a_child('RQ_JOB_ID') == job_id
        surroundings.restore()


def test_a_job_that_renames_itself_does_not_name_the_next_one(surroundings: Surroundings) -> None:
    surroundings.name_job(b'aaaa')
    os.environ['RQ_JOB_ID'] = 'bbbb'
    surroundings.restore()
    surroundings.name_job(b'cccc')
    assert os.environ['RQ_JOB_ID'] == in_a_child('RQ_JOB_ID') == 'cccc'
    del os.environ['RQ_JOB_ID']
    surroundings.restore()
    surroundings.name_job(b'dddd')
    assert in_a_child('RQ_JOB_ID') == 'dddd'


def test_an_id_that_no_environment_can_hold_harms_nobody(surroundings: Surroundings) -> None:
    surroundings.name_job(b'with\0zero')
    surroundings.name_job(b'')
    surroundings.name_job(b'\xff\xfe')
    surroundings.restore()


def test_the_folder_is_put_back(surroundings: Surroundings, tmp_path: Path) -> None:
    os.chdir('/')
    surroundings.restore()
    assert os.getcwd() == str(tmp_path)


def test_a_job_whose_folder_was_deleted_leaves_the_next_one_its_own(surroundings: Surroundings, tmp_path: Path) -> None:
    (tmp_path / 'below').mkdir()
    os.chdir('below')
    shutil.rmtree(tmp_path / 'below')
    surroundings.restore()
    assert os.getcwd() == str(tmp_path)


def test_a_worker_whose_own_folder_is_deleted_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / 'below').mkdir()
    monkeypatch.chdir(tmp_path / 'below')
    one = Surroundings()
    shutil.rmtree(tmp_path / 'below')
    one.restore()
    Surroundings().restore()  # nor does one begin there that ends at once
    with pytest.raises(FileNotFoundError):
        os.getcwd()


@pytest.mark.parametrize('name', ['SIGTERM', 'SIGINT', 'SIGALRM', 'SIGCHLD', 'SIGPIPE', 'SIGHUP', 'SIGUSR1'])
def test_signal_handlers_are_put_back(surroundings: Surroundings, name: str) -> None:
    number = getattr(signal, name)
    before = signal.getsignal(number)
    signal.signal(number, lambda *_: None)
    surroundings.restore()
    assert signal.getsignal(number) is before


def test_django_closes_its_old_connections_and_may_fail_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    database = ModuleType('django.db')
    monkeypatch.setitem(sys.modules, 'django.db', database)
    close_old_connections()  # half imported
    database.close_old_connections = lambda: calls.append(1)  # type: ignore[attr-defined]
    close_old_connections()
    assert calls == [1]

    def fails() -> None:
        raise RuntimeError('settings are not configured')

    database.close_old_connections = fails  # type: ignore[attr-defined]
    close_old_connections()


# --- jobs of a real worker


def spoil(folder: str) -> None:
    """Changes all there is."""
    os.chdir(folder)
    os.environ['RQ_TEST_HERE'] = 'after'
    os.environ['RQ_JOB_ID'] = 'somebody else'
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    mark.set('spoilt')
    sys.stdout = open(os.devnull, 'w')  # noqa: SIM115
    sys.stderr.close()


def close_streams() -> None:
    sys.stdout.close()
    sys.stderr.close()


def look() -> dict[str, str | None]:
    """What is there."""
    print('seen')
    return {
        'folder': os.getcwd(),
        'here': os.environ.get('RQ_TEST_HERE'),
        'mark': mark.get(),
        'job': os.environ['RQ_JOB_ID'],
        'job of a child': in_a_child('RQ_JOB_ID'),
        'worker of a child': in_a_child('RQ_WORKER_ID'),
        'pid': str(os.getpid()),
    }


@pytest.mark.parametrize('options', [(), ('--verbose',), ('--quiet',)], ids=['fast', 'verbose', 'quiet'])
def test_a_job_finds_all_as_it_was_before_the_one_before_it(
    redis: Redis, queue: Queue, burst: WorkerMaker, tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / 'here').mkdir()
    (tmp_path / 'gone').mkdir()
    spoils = queue.enqueue(spoil, str(tmp_path / 'gone'))
    looks = queue.enqueue(look)
    shuts = queue.enqueue(close_streams)
    again = queue.enqueue(look)
    process = burst('--name', 'me', *options, cwd=tmp_path / 'here', env={'RQ_TEST_HERE': 'before'})
    assert spoils.is_finished and shuts.is_finished
    first, second = looks.return_value(), again.return_value()
    assert first['pid'] == second['pid'], 'the horse survived it'
    for found, job in ((first, looks), (second, again)):
        assert {**found, 'pid': ''} == {
            'folder': str(tmp_path / 'here'),
            'here': 'before',
            'mark': '',
            'job': job.id,
            'job of a child': job.id,
            'worker of a child': 'me',
            'pid': '',
        }
    assert process.stdout.splitlines().count('seen') == 2


def test_a_job_that_deletes_the_folder_of_its_worker_harms_no_other(
    queue: Queue, burst: WorkerMaker, journal: Journal, tmp_path: Path
) -> None:
    (tmp_path / 'here').mkdir()
    queue.enqueue(shutil.rmtree, str(tmp_path / 'here'))
    queue.enqueue(jobs.say, 1)
    dies = queue.enqueue(jobs.die, signal.SIGKILL)
    last = queue.enqueue(jobs.say, 2)
    burst(cwd=tmp_path / 'here')
    assert dies.is_failed and last.is_finished
