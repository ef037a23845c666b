"""Chapters 4 to 6: jobs that wait, one worker, and `rq info` meanwhile."""

from __future__ import annotations

import re

from tests.article.reader import ID, STAMP, Reader, begin, in_order, kept, ok, wait_for_log

JOB = rf'<Job {ID}: worker\.do_work\(\)>'


def waiting(info: str) -> int:
    [number] = in_order(info, r'^default +\|█* ?(\d+)\b')
    return int(number)


def test_eleven_jobs_wait_for_a_worker_which_then_runs_them_one_by_one(reader: Reader) -> None:
    first = reader.python('example01/enqueue_work.py')
    assert re.fullmatch(JOB + '\n', first)
    in_order(reader.rq('info'), r'^default +\|█+ 1\b', r'^1 queues, 1 jobs total$')
    more = reader.python('example01/enqueue_more_work.py')
    assert re.fullmatch(f'({JOB}\n){{10}}', more)
    in_order(reader.rq('info'), r'^default +\|█+ 11\b', r'^1 queues, 11 jobs total$', r'^0 workers, 1 queues$')
    ids = re.findall(ID, first + more)

    worker = reader.worker()
    wait_for_log(worker, begin('default', 'worker.do_work()'))
    busy = reader.rq('info')
    in_order(busy, rf'^\S+\.{worker.pid} busy: default\b', r'^1 workers, 1 queues$')
    assert waiting(busy) in (9, 10)

    log = wait_for_log(worker, kept(), times=2)
    in_order(
        log,
        STAMP + r'.*[Ww]orker .*\bstarted\b.*, version \S+$',
        STAMP + r'\*\*\* Listening on default\.\.\.$',
        STAMP + r'.*[Cc]leaning registries for queue: default$',
        *one_job(ids[0]),
        *one_job(ids[1]),
    )
    assert waiting(reader.rq('info')) in (7, 8), 'the bar shrinks'

    assert '8 jobs removed from default queue' in reader.rq('empty', 'default')
    info = reader.wait_for_info(rf'^\S+\.{worker.pid} idle: default\b')
    in_order(info, r'^default +\| 0\b', r'^1 queues, 0 jobs total$', r'^1 workers, 1 queues$')
    in_order(worker.stdout, *one_job(ids[2]))


def one_job(job_id: str) -> list[str]:
    """What the log says of one job, its own output between the lines of the worker."""
    return [begin('default', 'worker.do_work()', job_id), '^Working$', '^Done$', ok('default', job_id), kept()]
