"""Cron files: how they are found, and what becomes of those that are wrong."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from rq import cron
from rq.cron import CronScheduler, _job_data_registry, create_cron, register
from rq.exceptions import CronConfigError
from tests.cron.work import note

GOOD = """
from rq import cron
from tests.cron.work import note, other
cron.register(note, 'q', interval=5)
cron.register(other, 'q', cron='0 3 * * *', name='nightly', tz='Europe/Prague', misfire='once', jitter=9)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the current one and on the path, with modules that are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    (tmp_path / 'pkg').mkdir()
    (tmp_path / 'pkg' / '__init__.py').touch()
    for name in ('crons.py', 'pkg/crons.py'):
        (tmp_path / name).write_text(GOOD)
    yield tmp_path  # type: ignore[misc]
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], '__file__', None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]
    _job_data_registry.clear()


def loaded(path: str) -> CronScheduler:
    scheduler = CronScheduler(connection=None, logging_level='ERROR')  # type: ignore[arg-type]
    scheduler.load_config_from_file(path)
    return scheduler


@pytest.mark.parametrize(
    'path', ['crons.py', 'crons', './crons.py', 'pkg/crons.py', 'pkg.crons', '{}/crons.py', 'pkg/../crons.py']
)
def test_a_file_is_found_by_its_path_or_as_a_module_as_often_as_it_is_loaded(folder: Path, path: str) -> None:
    path = path.format(folder)
    for _ in range(2):
        scheduler = loaded(path)
        assert [job.name for job in scheduler.get_jobs()] == ['tests.cron.work.note', 'nightly']
        assert scheduler.config_file == path
    job = scheduler.get_jobs()[1]
    assert (job.tz, job.misfire, job.jitter) == ('Europe/Prague', 'once', 9)
    assert _job_data_registry == []


@pytest.mark.parametrize(
    ('text', 'error', 'words'),
    [
        ('1/0', CronConfigError, r"importing 'wrong' \(from 'wrong.py'\): division by zero \(line 1 of .*wrong.py\)"),
        ('import sys\nsys.exit(3)', CronConfigError, r'it ends the process \(exit code 3\) \(line 2 of'),
        ('def (:', CronConfigError, 'invalid syntax'),
        ('import nothing_of_this_name', ImportError, "Failed to import configuration module 'wrong'"),
        ('open("/nothing/here")', CronConfigError, r'No such file or directory.*line 1'),
        ('from rq import cron\ncron.register()', CronConfigError, 'missing 2 required positional arguments'),
        ('raise Exception', CronConfigError, 'Exception'),
        ('\0', CronConfigError, 'null bytes'),
    ],
)
def test_a_file_that_raises_says_what_and_where(folder: Path, text: str, error: type[Exception], words: str) -> None:
    (folder / 'wrong.py').write_text(text)
    with pytest.raises(error, match=words):
        loaded('wrong.py')


@pytest.mark.parametrize(
    ('path', 'error', 'words'),
    [
        ('nothing', ImportError, "Failed to import configuration module 'nothing'"),
        ('nothing.py', ImportError, "Failed to import configuration module 'nothing'"),
        ('/nothing/here.py', FileNotFoundError, "Configuration file not found at '/nothing/here.py'"),
        ('/tmp', IsADirectoryError, 'Configuration path points to a directory'),
        ('../nothing_here.py', FileNotFoundError, 'Configuration file not found'),
        ('', CronConfigError, 'Empty module name'),
    ],
)
def test_a_file_that_is_not_there_is_said_to_be_missing(
    folder: Path, path: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        loaded(path)


def test_what_a_failed_file_had_registered_is_in_no_other(folder: Path) -> None:
    (folder / 'wrong.py').write_text(f'{GOOD}\n1/0')
    with pytest.raises(CronConfigError):
        loaded('wrong.py')
    assert len(loaded('crons.py').get_jobs()) == 2


def test_a_wrong_registration_is_left_out_with_a_line_in_the_log(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger('rq.cron'), 'propagate', True)
    (folder / 'crons.py').write_text(f"{GOOD}\ncron.register(note, 'q', cron='0 0 30 2 *')\ncron.register(note, 'q')")
    assert len(loaded('crons.py').get_jobs()) == 2
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 2
    assert errors[0].startswith("Left out of crons.py: note: cron='0 0 30 2 *' cannot be read, or never comes")
    assert errors[1] == 'Left out of crons.py: note: Must specify either interval or cron parameter'


def test_a_subclass_may_take_fewer_arguments(folder: Path) -> None:
    """django-rq's scheduler: made without a connection, and a `register` without `webhooks` and `name`."""

    class Narrow(CronScheduler):
        def __init__(self, connection=None, logging_level=logging.ERROR, name=''):  # type: ignore[no-untyped-def]
            super().__init__(connection=connection, logging_level=logging_level, name=name)

        def register(  # type: ignore[no-untyped-def, override]
            self, func, queue_name, args=None, kwargs=None, interval=None, cron=None, job_timeout=None,
            result_ttl=500, ttl=None, failure_ttl=None, meta=None,
        ):  # fmt: skip
            return super().register(
                func, queue_name, args, kwargs, interval, cron, job_timeout, result_ttl, ttl, failure_ttl, meta
            )

    (folder / 'crons.py').write_text(
        'from rq import cron\nfrom tests.cron.work import note\ncron.register(note, "q", interval=5)\n'
        'cron.register(note, "q", cron="0 3 * * *", tz="Europe/Prague", misfire="once", jitter=5)\n'
        'cron.register(note, "q", cron="0 3 * * *", misfire="never")\ncron.register(note, "q", interval=6)\n'
    )
    scheduler = Narrow()
    scheduler.load_config_from_file('crons.py')
    told = [(job.interval, job.tz, job.misfire, job.jitter) for job in scheduler.get_jobs()]
    assert told == [(5, None, 'skip', 0), (None, 'Europe/Prague', 'once', 5), (6, None, 'skip', 0)]


def test_what_was_registered_waits_for_the_scheduler_that_takes_it() -> None:
    _job_data_registry.clear()
    told = register(note, 'q', interval=5)
    assert set(told) == {
        'func', 'queue_name', 'args', 'kwargs', 'interval', 'cron', 'job_timeout', 'result_ttl', 'ttl', 'failure_ttl',
        'meta', 'webhooks', 'name',
    }  # fmt: skip
    assert cron._job_data_registry == [told]
    assert [job.interval for job in create_cron(None).get_jobs()] == [5]  # type: ignore[arg-type]
    assert _job_data_registry == []
    register(note, 'q')
    with pytest.raises(ValueError, match='Must specify'):
        create_cron(None)  # type: ignore[arg-type]
