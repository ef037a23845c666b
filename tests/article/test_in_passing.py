"""What the article says in passing, in its chapters 1, 4, 5 and 7."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from rq.server import EmbeddedServer
from tests.article.reader import Reader, begin, in_order, ok, wait_for_log
from tests.support.processes import Processes

TASKS = """
from redis import Redis
from rq import Queue
from rq.decorators import job


@job('low', connection=Redis())
def add(a, b):
    print('add', a, b)
    return a + b


def more():
    Queue('high', connection=Redis()).enqueue(leaf)


def leaf():
    print('leaf')
"""
ENQUEUE = """
from redis import Redis
from rq import Queue
from tasks import add, more

print(add.delay(3, 4))
print(Queue('high', connection=Redis()).enqueue(more))
"""


def test_the_decorator_names_the_queue_and_a_job_may_enqueue_jobs(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / 'tasks.py').write_text(TASKS)
    (tmp_path / 'enqueue.py').write_text(ENQUEUE)
    assert 'tasks.add(3, 4)' in reader.run(sys.executable, 'enqueue.py', folder=tmp_path)
    log = reader.rq('worker', '--burst', 'high', 'low', folder=tmp_path)
    in_order(log, begin('high', 'tasks.more()'), ok('high'))
    in_order(log, begin('high', 'tasks.leaf()'), '^leaf$', ok('high'))
    in_order(log, begin('low', 'tasks.add(3, 4)'), '^add 3 4$', ok('low'))


def test_jobs_survive_a_crash_of_the_server(
    processes: Processes, other_server: Callable[..., EmbeddedServer], tmp_path: Path
) -> None:
    server = other_server(data_dir=tmp_path / 'data')
    reader = Reader(processes, server.port)
    reader.python('example02/enqueue_work.py')
    server.kill()
    assert 'Connection refused' in reader.rq('info', code=1)
    server.start()
    in_order(reader.rq('info'), r'^default +\|█+ 1\b')
    log = reader.rq('worker', '--burst', folder='example02')
    in_order(log, begin('default', 'worker.do_work(0)'), '^Working, received parameter 0$', ok('default'))


def test_suspended_workers_take_nothing_until_they_are_resumed(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / 'worker.py').write_text('def do_work():\n    print("Working")\n')
    worker = reader.worker(folder=tmp_path)
    reader.rq('suspend')
    reader.python('example01/enqueue_more_work.py')
    in_order(reader.rq('info'), r'^default +\|█+ 10\b', r'^1 workers, 1 queues$')
    assert not re.search(begin('default', 'worker.do_work()'), worker.stdout, re.MULTILINE)
    reader.rq('resume')
    wait_for_log(worker, ok('default'), times=10)
