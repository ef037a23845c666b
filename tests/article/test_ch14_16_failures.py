"""Chapters 14 to 16: jobs that fail, where they are found, how they run again, and burst mode."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from tests.article.reader import ID, SCRIPTS, STAMP, Reader, begin, in_order, ok, rq, wait_for_log
from tests.support.terminal import on_terminal

TIME = r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+(?:\+00:00)?$'
TRACEBACK = (
    r'^Traceback \(most recent call last\):$',
    r'^  File ".*worker\.py", line 7, in do_work$',
    r'^    assert False$',
    r'^AssertionError$',
)
MOVED = rf'{STAMP}.*[Mm]ov(?:ing|ed) .*failed'


def test_failed_jobs_are_kept_shown_and_run_again_once_the_function_is_repaired(reader: Reader, tmp_path: Path) -> None:
    folder = tmp_path / 'example05'
    shutil.copytree(SCRIPTS / 'example05', folder)
    worker = reader.worker(folder=folder)
    ids = re.findall(ID, reader.python('example01/enqueue_work.py') + reader.python('example01/enqueue_work.py'))
    log = wait_for_log(worker, MOVED, times=2)
    for job_id in ids:
        in_order(log, begin('default', 'worker.do_work()', job_id), '^Working$', *TRACEBACK, MOVED)
    assert '\nDone\n' not in log

    info = reader.wait_for_info(rf'^\S+\.{worker.pid} idle: default\b')
    in_order(info, r'^failed +\|█+ 2\b')
    in_order(info, r'^default +\| 0\b')
    in_order(info, r'^2 queues, 2 jobs total$')

    printed = reader.run(sys.executable, 'get_failures.py', folder=folder)
    assert printed.startswith('Reading failed jobs\n[')
    assert sorted(re.findall(ID, printed.splitlines()[1])) == sorted(ids)
    for job_id in ids:
        in_order(printed, rf'^{job_id}$', '^default$', TIME, TIME, TIME, *TRACEBACK)
    worker.terminate()
    assert worker.wait() == 0

    assert 'Nothing to do' in reader.rq('requeue')
    in_order(reader.rq('info'), r'^failed +\|█+ 2\b')
    assert 'Requeueing 2 jobs from failed queue' in reader.rq('requeue', '--all')
    info = reader.rq('info')
    in_order(info, r'^default +\|█+ 2\b')
    in_order(info, r'^1 queues, 2 jobs total$')

    shutil.copy(SCRIPTS / 'example01' / 'worker.py', folder / 'worker.py')
    repaired = reader.rq('worker', '--burst', 'high', 'low', 'default', folder=folder)
    listening = (STAMP + r'\*\*\* Listening on high, low, default\.\.\.$',)
    cleaning = tuple(rf'{STAMP}.*[Cc]leaning registries for queue: {name}$' for name in ('high', 'low', 'default'))
    for job_id in ids:
        in_order(repaired, *listening, *cleaning, begin('default', 'worker.do_work()', job_id), ok('default', job_id))
    assert repaired.count('\nDone\n') == 2

    nothing = reader.rq('worker', '--burst', 'high', 'low', 'default', folder=folder)
    in_order(nothing, *listening, *cleaning, STAMP + r'.*done, quitting$')
    assert 'do_work' not in nothing


def test_requeueing_shows_a_bar_that_ends_at_a_hundred_percent_on_a_terminal(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / 'worker.py').write_text('def do_work():\n    raise ValueError("no")\n')
    reader.python('example01/enqueue_work.py')
    reader.rq('worker', '--burst', folder=tmp_path)
    printed = reader.run(*on_terminal(*rq(), 'requeue', '--all'))
    in_order(printed, r'^Requeueing 1 jobs from failed queue\r?$', r'\[#+\]  100%')
