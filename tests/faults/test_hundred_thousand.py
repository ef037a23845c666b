"""100,000 jobs, worked off by one worker and checked one by one."""

from __future__ import annotations

import base64
import pickle
import time

import pytest
from redis import Redis

from rq import Queue
from rq.results import Result
from rq.store import keys
from tests.faults import jobs
from tests.faults.herd import Herd
from tests.faults.ledger import Ledger

COUNT = 100_000


def immortal(redis: Redis) -> set[bytes]:
    """Keys that never expire."""
    names = list(redis.scan_iter(count=10_000))
    with redis.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.pttl(name)
        return {name for name, left in zip(names, pipeline.execute(), strict=True) if left == -1}


@pytest.mark.serial
def test_each_of_a_hundred_thousand_jobs_runs_once_in_order_and_its_result_is_there(
    redis: Redis, herd: Herd, ledger: Ledger
) -> None:
    queue = Queue(connection=redis)
    began = time.monotonic()
    many = queue.enqueue_many([Queue.prepare_data(jobs.note, (number,)) for number in range(COUNT)])
    enqueued = time.monotonic()
    member = herd.start(work={'burst': True}, level='WARNING', worker={'name': 'one'})
    assert member.wait(60) == 0
    seconds = time.monotonic() - enqueued
    print(f'{COUNT} enqueued in {enqueued - began:.1f} s, worked off in {seconds:.1f} s: {COUNT / seconds:.0f} jobs/s')
    assert ledger.begun() == list(range(COUNT)), 'I7: the order of the list, each once'

    pipeline = redis.pipeline(transaction=False)
    before = b''
    for first in range(0, COUNT, 5_000):
        part = many[first : first + 5_000]
        for job in part:
            pipeline.hmget(keys.job(job.id), 'status', 'started_at', 'ended_at')
            pipeline.xrange(keys.results(job.id))
        replies = pipeline.execute()
        for number, (fields, entries) in enumerate(zip(replies[::2], replies[1::2], strict=True), first):
            status, started, ended = fields
            assert status == b'finished'
            assert before <= started <= ended, number
            before = started
            [(_, entry)] = entries
            assert entry[b'type'] == b'1' and entry[b'worker_name'] == b'one'
            assert pickle.loads(base64.b64decode(entry[b'return_value'])) == number
    for number in range(0, COUNT, 997):
        assert many[number].return_value(refresh=True) == number
        assert many[number].latest_result().type == Result.Type.SUCCESSFUL
    assert redis.zcard(keys.finished('default')) == COUNT
    assert immortal(redis) == {b'rq:queues', b'rq:finished:default'}, 'I15: all other keys expire'
    redis.flushall()  # for the invariants, which are looked at key by key
