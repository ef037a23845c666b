"""Edited code is live for the next jobs."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rq import Queue
from rq.job import Job
from rq.worker.reload import SourceWatch
from tests.support.processes import Process
from tests.support.waiting import wait_for
from tests.worker.conftest import WorkerMaker

TASKS = 'import os, time\n{}\ndef version():\n    return {!r}, os.getpid()\ndef slow():\n    time.sleep(0.4)\n'


def write(path: Path, version: str, more: str = '') -> None:
    # Of another length each time: Python itself takes a file of the same second and length for the one it compiled.
    path.write_text(TASKS.format(more, version) + '#' * (time.monotonic_ns() // 1000 % 5000))


class Shop:
    """A folder with modules, and a worker that runs their functions."""

    def __init__(self, folder: Path, queue: Queue, worker: WorkerMaker) -> None:
        self.folder = folder
        self.queue = queue
        self.worker = worker

    def start(self, *options: str) -> Process:
        return self.worker(*options, cwd=self.folder)

    def run(self, function: str = 'tasks.version') -> Any:
        return ended(self.queue.enqueue(function)).return_value()


def ended(job: Job) -> Job:
    wait_for(lambda: job.get_status() in ('finished', 'failed'))
    return job


@pytest.fixture
def shop(tmp_path: Path, queue: Queue, worker: WorkerMaker) -> Shop:
    write(tmp_path / 'tasks.py', 'one')
    return Shop(tmp_path, queue, worker)


def test_an_idle_worker_runs_the_edited_code_and_only_then_has_a_new_horse(shop: Shop) -> None:
    shop.start()
    version, pid = shop.run()
    assert version == 'one'
    assert [shop.run() for _ in range(3)] == [('one', pid)] * 3
    write(shop.folder / 'tasks.py', 'two')
    version, other = shop.run()
    assert (version, other != pid) == ('two', True)
    assert shop.run() == ('two', other)


@pytest.mark.parametrize(
    'helper', ['helper.py', 'package/__init__.py', 'package/inner.py', 'package/below/deep.py'], ids=str
)
def test_a_helper_of_the_module_counts_as_well(shop: Shop, helper: str) -> None:
    for folder in ('package', 'package/below'):
        (shop.folder / folder).mkdir()
        (shop.folder / folder / '__init__.py').write_text('')
    path = shop.folder / helper
    path.write_text('VALUE = 1\n')
    name = helper.removesuffix('.py').removesuffix('/__init__').replace('/', '.')
    (shop.folder / 'tasks.py').write_text(f'import {name}\ndef value():\n    return {name}.VALUE\n')
    shop.start()
    assert shop.run('tasks.value') == 1
    path.write_text('VALUE = 1000\n')
    assert shop.run('tasks.value') == 1000


def test_a_file_that_is_edited_while_its_first_job_runs_is_noticed(shop: Shop) -> None:
    shop.start()
    slow = shop.queue.enqueue('tasks.slow')
    wait_for(lambda: slow.get_status() == 'started' and shop.queue.started_job_registry.count)
    wait_for(lambda: slow.get_executions(), message='it runs, so it is imported')
    write(shop.folder / 'tasks.py', 'two')
    ended(slow)
    assert shop.run()[0] == 'two'


@pytest.mark.serial
def test_a_worker_that_is_never_idle_runs_the_edited_code_within_about_a_second(shop: Shop) -> None:
    data = [Queue.prepare_data('tasks.version', result_ttl=60) for _ in range(300)]
    first = shop.queue.enqueue_many(data)
    shop.start()
    ended(first[100])
    found = []
    write(shop.folder / 'tasks.py', 'two')
    began = time.monotonic()
    while time.monotonic() - began < 4 and (not found or found[-1] == 'one'):
        more = shop.queue.enqueue_many(data)
        wait_for(lambda: shop.queue.count < 200)
        found.append(ended(more[0]).return_value()[0])
    assert found[-1] == 'two'
    assert time.monotonic() - began < 2


def test_a_worker_that_does_not_reload_keeps_what_it_imported(shop: Shop) -> None:
    shop.start('--no-reload')
    before = shop.run()
    write(shop.folder / 'tasks.py', 'two')
    assert shop.run() == before


def test_an_edit_that_cannot_be_imported_fails_jobs_until_it_is_mended(shop: Shop) -> None:
    shop.start()
    assert shop.run()[0] == 'one'
    (shop.folder / 'tasks.py').write_text('def version(:\n')
    broken = ended(shop.queue.enqueue('tasks.version'))
    assert 'SyntaxError' in broken.latest_result().exc_string  # type: ignore[union-attr]
    write(shop.folder / 'tasks.py', 'mended')
    assert shop.run()[0] == 'mended'


def test_a_module_that_appears_later_is_found(shop: Shop) -> None:
    shop.start()
    missing = ended(shop.queue.enqueue('later.version'))
    assert missing.is_failed
    write(shop.folder / 'later.py', 'here')
    assert shop.run('later.version')[0] == 'here'


def test_a_file_that_is_gone_changes_nothing(shop: Shop) -> None:
    shop.start()
    before = shop.run()
    (shop.folder / 'tasks.py').unlink()
    assert shop.run() == before


def test_no_job_is_lost_or_run_twice_while_horses_change(shop: Shop) -> None:
    (shop.folder / 'tasks.py').write_text(
        'import os, pathlib\ndef edit(number):\n'
        '    os.write(os.open("ran", os.O_WRONLY | os.O_APPEND | os.O_CREAT), b"%d\\n" % number)\n'
        '    if number % 10 == 0:\n'
        '        path = pathlib.Path("tasks.py"); path.write_text(path.read_text() + "#\\n")\n'
    )
    numbers = range(100)
    shop.queue.enqueue_many([Queue.prepare_data('tasks.edit', args=(number,)) for number in numbers])
    assert shop.start('--burst').wait() == 0
    assert (shop.folder / 'ran').read_text().split() == [str(number) for number in numbers]


# --- the watch itself


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Path]]:
    """Import a new module; its file."""
    monkeypatch.syspath_prepend(tmp_path)
    made = []

    def make(name: str, age: float = 60) -> Path:
        path = tmp_path / f'{name}.py'
        path.write_text('VALUE = 1\n')
        os.utime(path, (time.time() - age,) * 2)
        importlib.invalidate_caches()
        importlib.import_module(name)
        made.append(name)
        return path

    yield make
    for name in made:
        sys.modules.pop(name, None)


def test_what_was_imported_before_is_not_watched(module: Callable[[str], Path]) -> None:
    path = module('rq_test_early')
    watch = SourceWatch()
    watch.learn()
    path.write_text('VALUE = 2000\n')
    assert not watch.changed(now=True)


def test_a_busy_worker_looks_once_a_second(module: Callable[[str], Path]) -> None:
    watch = SourceWatch()
    path = module('rq_test_busy')
    watch.learn()
    assert not watch.changed(now=False)
    path.write_text('VALUE = 2000\n')
    assert not watch.changed(now=False)
    assert watch.changed(now=True)
    assert watch.changed(now=False), 'and does not forget'


def test_a_file_from_the_future_is_no_reason_to_begin_anew_for_ever(module: Callable[..., Path]) -> None:
    watch = SourceWatch()
    module('rq_test_future', age=-1000)
    watch.learn()
    assert not watch.changed(now=True)


def test_neither_the_library_nor_the_package_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = SourceWatch()
    for name in ('colorsys', 'rq.suspension'):
        monkeypatch.delitem(sys.modules, name, raising=False)
        watch._base.discard(name)
        importlib.import_module(name)
    watch._known = 0
    watch.learn()
    assert watch._stamps == {}
