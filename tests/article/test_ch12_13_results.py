"""Chapters 12 and 13: results, for those jobs that have run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from redis import Redis

from rq import Queue
from tests.article.reader import ID, SCRIPTS, Reader

ONE = """
from redis import Redis
from rq import Queue
from worker import do_work

q = Queue(connection=Redis())

job = q.enqueue(do_work, 42)

result = job.result

print(result)
"""


def test_the_result_of_a_job_that_was_just_enqueued_is_none(reader: Reader, tmp_path: Path) -> None:
    script = tmp_path / 'read_at_once.py'
    script.write_text(ONE)
    (tmp_path / 'worker.py').write_text((SCRIPTS / 'example04' / 'worker.py').read_text())
    printed = reader.run(sys.executable, script, folder=tmp_path)
    assert printed.splitlines()[-1] == 'None'


@pytest.mark.serial
def test_after_seven_seconds_three_results_of_the_served_queue_are_there(reader: Reader, redis: Redis) -> None:
    reader.worker('high', folder='example04')
    printed = reader.python('example04/deque_work_results.py')
    # RQ 3.0 warns on standard error that `job.result` is old; the article's lines are what is left.
    lines = printed[printed.index('Zzz') :].splitlines()
    lines = [line for line in lines if re.match(r'Zzz|Reading|<Job|[\d.]+$', line)]
    expected: list[str] = []
    for number in range(10):
        expected += [f'worker.do_work({number})>'] * 2
        expected += [['1.0'], ['0.5'], ['0.3333333333333333'], []][min(number, 3)]
    assert lines[:2] == ['Zzz', 'Reading job results']
    assert [re.sub(rf'^<Job {ID}: ', '', line) for line in lines[2:]] == expected
    first = re.findall(ID, printed)[1]
    assert 400 < redis.ttl(Queue('high', connection=redis).fetch_job(first).key) <= 500  # type: ignore[union-attr]
