"""Who waits for whom, and how far groups are, as they are read."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from rq import Queue, SimpleWorker
from rq.group import Group
from rq.job import Job
from rq.monitor import dependencies, groups
from rq.store import keys
from tests.monitor import work
from tests.support.reads import reading


def test_jobs_that_wait_are_told_with_what_they_wait_for(redis: Redis) -> None:
    queue, other = Queue('q', connection=redis), Queue('other', connection=redis)
    queue.enqueue(work.add, 1, 2, job_id='first')
    queue.enqueue(work.add, 1, 2, job_id='second', depends_on='first')
    other.enqueue(work.add, 1, 2, job_id='third', depends_on=['first', 'second'])
    found = dependencies.waiting(redis)
    assert found.total == 2 and dict(found.queues) == {'q': 1, 'other': 1}
    rows = {one.job.id: one for one in found.jobs}
    assert [(one.id, one.state) for one in rows['third'].waits_for] == [('first', 'queued'), ('second', 'deferred')]
    assert (rows['second'].dependents, rows['third'].dependents, rows['second'].stuck) == (1, 0, False)
    assert [(one.other.id, one.waiting) for one in found.blockers] == [('first', 2), ('second', 1)]
    assert rows['second'].since is not None and datetime.now(UTC) - rows['second'].since < timedelta(minutes=1)
    assert [one.job.id for one in dependencies.waiting(redis, 'other').jobs] == ['third']


def test_what_waits_for_a_failed_or_lost_job_is_stuck(redis: Redis) -> None:
    queue = Queue('q', connection=redis)
    queue.enqueue(work.fail, 'no', job_id='bad')
    queue.enqueue(work.add, 1, 2, job_id='stuck', depends_on='bad')
    queue.enqueue(work.add, 1, 2, job_id='lost', depends_on='bad')
    SimpleWorker([queue], connection=redis).work(burst=True)
    found = dependencies.waiting(redis)
    assert [one.stuck for one in found.jobs] == [True, True] and found.jobs[0].waits_for[0].state == 'failed'
    redis.delete(keys.job('bad'))
    assert dependencies.waiting(redis).jobs[0].waits_for[0].state == 'gone'


def test_a_chain_is_followed_both_ways_and_a_circle_ends(redis: Redis) -> None:
    queue = Queue('q', connection=redis)
    queue.enqueue(work.add, 1, 2, job_id='j0')
    for number in range(1, 7):
        queue.enqueue(work.add, 1, 2, job_id=f'j{number}', depends_on=f'j{number - 1}')
    chain = dependencies.chain(redis, 'j3')
    assert [[one.id for one in level] for level in chain.before] == [['j0'], ['j1'], ['j2']]
    assert [[one.id for one in level] for level in chain.after] == [['j4'], ['j5'], ['j6']] and not chain.cut
    assert dependencies.chain(redis, 'j6').cut and len(dependencies.chain(redis, 'j6').before) == 4
    redis.sadd(keys.dependencies('j0'), 'j6')
    redis.sadd(keys.dependents('j6'), 'j0')
    circle = dependencies.chain(redis, 'j3')
    assert len(circle.before) == len(circle.after) == 3  # each job once
    assert dependencies.chain(redis, 'nobody').job.state == 'gone'


@pytest.mark.serial
def test_of_many_dependents_a_few_are_read(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = redis.pipeline(transaction=False)
    for number in range(20_000):
        pipeline.zadd(keys.deferred('q'), {f'd{number}': number})
        pipeline.hset(keys.job(f'd{number}'), mapping={'status': 'deferred', 'origin': 'q'})
        pipeline.sadd(keys.dependencies(f'd{number}'), 'one')
        pipeline.sadd(keys.dependents('one'), f'd{number}')
    pipeline.sadd(keys.queues(), keys.queue('q'))
    pipeline.sadd(keys.dependencies('d0'), *(f'x{number}' for number in range(5_000)))
    pipeline.execute()
    began = time.process_time()
    with reading(redis, monkeypatch) as cost:
        found = dependencies.waiting(redis, most=200)
        chain = dependencies.chain(redis, 'one')
    assert cost.trips <= 17 and time.process_time() - began < 0.15
    assert found.total == 20_000 and found.jobs[0].more == 4_996 and len(found.jobs[0].waits_for) == 5
    assert chain.cut and len(chain.after[0]) == 12
    with reading(redis, monkeypatch) as cost:
        assert dependencies.waiting(redis, offset=19_990).jobs[-1].job.id == 'd19999'
    assert cost.trips <= 9


# --- groups


def test_groups_are_told_with_how_far_they_are(redis: Redis) -> None:
    queue = Queue('q', connection=redis)
    Group.create(redis, name='import').enqueue_many(
        queue, [Queue.prepare_data(work.fail if number == 2 else work.add, ('x',) if number == 2 else (1, 2), result_ttl=500)
                for number in range(5)])  # fmt: skip
    Group.create(redis, name='nightly').enqueue_many(queue, [Queue.prepare_data(work.add, (1, 2))])
    SimpleWorker([queue], connection=redis).work(burst=True, max_jobs=4)
    found = groups.listing(redis)
    first, second = found.groups
    assert (first.name, first.total, first.ended, first.exact) == ('import', 5, 4, True)
    assert dict(first.states) == {'finished': 3, 'failed': 1, 'queued': 1}
    assert (second.name, second.ended) == ('nightly', 0) and found.total == 2
    assert [one.name for one in groups.listing(redis, 'IMP').groups] == ['import']
    job_id = sorted(redis.smembers(keys.group('import')))[0].decode()
    redis.delete(keys.job(job_id))
    assert dict(groups.listing(redis, 'import').groups[0].states)['gone'] == 1
    assert Job.exists('none', redis) is False


@pytest.mark.serial
def test_ten_thousand_groups_of_many_jobs_cost_a_page(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = redis.pipeline(transaction=False)
    for number in range(10_000):
        pipeline.sadd(keys.groups(), f'group-{number:05d}')
        pipeline.sadd(keys.group(f'group-{number:05d}'), f'g{number}')
    pipeline.sadd(keys.group('group-00000'), *(f'm{number}' for number in range(50_000)))
    pipeline.execute()
    took = []
    for offset in (0, 9_990, 20_000):
        began = time.process_time()
        with reading(redis, monkeypatch) as cost:
            found = groups.listing(redis, '', offset)
        took.append(time.process_time() - began)
        assert cost.trips <= 5 and found.total == 10_000 and len(found.groups) == min(25, max(0, 10_000 - offset))
    assert min(took) < 0.08
    large = groups.listing(redis).groups[0]
    assert (large.total, large.looked_at, large.exact) == (50_001, 80, False)
    assert groups.listing(redis, 'group-00000').groups[0].looked_at == 2_000


def test_keys_of_a_wrong_type_hide_only_themselves(redis: Redis) -> None:
    redis.sadd(keys.queues(), keys.queue('q'), keys.queue('bad'))
    redis.set(keys.deferred('bad'), 'x')
    redis.zadd(keys.deferred('q'), {'a': float('inf'), b'\xff': 1})
    redis.hset(keys.job('a'), 'status', 'deferred')
    redis.set(keys.dependencies('a'), 'x')
    found = dependencies.waiting(redis)
    assert [one.job.id for one in found.jobs] == ['a'] and found.jobs[0].since is None
    redis.sadd(keys.groups(), 'x', b'\xff')
    redis.set(keys.group('x'), 'no set')
    assert [one.total for one in groups.listing(redis).groups] == [0, 0]
    redis.delete(keys.groups())
    redis.set(keys.groups(), 'no set')
    assert groups.listing(redis).groups == ()
