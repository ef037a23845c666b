"""Chapter 7: two workers, whoever is free takes the next job, and killing one harms nothing."""

from __future__ import annotations

import re

from redis import Redis

from rq import Queue
from tests.article.reader import ID, Reader, begin, in_order, ok, wait_for_log
from tests.support.waiting import wait_for

BEGIN = begin('default', 'worker.do_work()')


def test_two_workers_share_the_jobs_and_one_goes_on_when_the_other_is_killed(reader: Reader, redis: Redis) -> None:
    one, other = reader.worker(), reader.worker()
    ids = re.findall(ID, reader.python('example01/enqueue_more_work.py'))
    for worker in (one, other):
        wait_for_log(worker, BEGIN)
    info = reader.rq('info')
    for worker in (one, other):
        in_order(info, rf'^\S+\.{worker.pid} busy: default\b')
    in_order(info, r'^default +\|█+ 8\b', r'^1 queues, 8 jobs total$', r'^2 workers, 1 queues$')

    for worker in (one, other):
        wait_for_log(worker, BEGIN, times=2)
    begun = [re.findall(BEGIN, worker.stdout, re.MULTILINE) for worker in (one, other)]
    assert sorted(begun[0] + begun[1]) == sorted(ids[:4]), 'each job once, in the order of the queue'

    one.kill()
    wait_for_log(other, ok('default'), times=3)
    reader.rq('empty', 'default')
    reader.wait_for_info(rf'^\S+\.{other.pid} idle: default\b')
    # What the dead one had in hand is decided as well, one way or the other (after a lease if its machine is gone).
    queue = Queue(connection=redis)
    wait_for(lambda: queue.started_job_registry.get_job_ids() == [], 45)
    states = {job_id: queue.fetch_job(job_id).get_status() for job_id in begun[0] + begun[1]}  # type: ignore[union-attr]
    assert set(states.values()) <= {'finished', 'failed'}, states
    assert list(states.values()).count('failed') <= 1, 'only what the dead one was doing may have failed'
