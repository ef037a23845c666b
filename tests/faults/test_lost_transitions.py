"""Fault 11, on a caller's side: redis-py sends again what had no reply. What people ask of jobs is done once, and answered
as if nothing had been lost (I6).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry as Retrying

from rq import Queue, Repeat, SimpleWorker
from rq.cron import control
from rq.job import Dependency, Job
from rq.rate_limit import RateLimit
from rq.registry import CanceledJobRegistry
from rq.suspension import resume, suspend
from tests.faults import jobs
from tests.support.faults import drop_reply
from tests.support.invariants import violations
from tests.support.proxy import Proxy

UUID = re.compile('[0-9a-f]{8}-[0-9a-f-]{27}')
LATER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    with Proxy(redis_url) as proxy:
        yield proxy


class Transition(NamedTuple):
    """What somebody asks for, of a job `a` that `prepare` has made, and what the answer must be."""

    prepare: Callable[[Queue], Any]
    ask: Callable[[Queue], Any]
    answer: Any


def fetch(queue: Queue, job_id: str = 'a') -> Job:
    return Job.fetch(job_id, connection=queue.connection)


def waits(queue: Queue) -> None:
    queue.enqueue(jobs.noop, job_id='a')


def is_off_its_list(queue: Queue) -> None:
    waits(queue)
    queue.remove('a')


def fails(queue: Queue) -> None:
    queue.enqueue(jobs.fails, 1, job_id='a')
    SimpleWorker([queue], connection=queue.connection).work(burst=True, logging_level='CRITICAL')
    assert fetch(queue).get_status() == 'failed'


def is_waited_for(queue: Queue) -> None:
    waits(queue)
    queue.enqueue(jobs.noop, job_id='b', depends_on='a')


def is_canceled(queue: Queue) -> None:
    waits(queue)
    fetch(queue).cancel()


def three_wait(queue: Queue) -> None:
    for _ in range(3):
        queue.enqueue(jobs.noop)


def three_wait_by_name(queue: Queue) -> None:
    for name in '012':
        queue.enqueue(jobs.noop, job_id=name)


def is_suspended(queue: Queue) -> None:
    suspend(queue.connection)


def is_paused(queue: Queue) -> None:
    control.pause('nightly', queue.connection)


def nothing(queue: Queue) -> None:
    """No job at all."""


def status(job: Job) -> str:
    return str(job.get_status(refresh=False).value)


TRANSITIONS = {
    'requeue': Transition(fails, lambda q: status(fetch(q).requeue()), 'queued'),
    'requeue from the registry': Transition(fails, lambda q: status(q.failed_job_registry.requeue('a')), 'queued'),
    'requeue a canceled one': Transition(
        is_canceled, lambda q: CanceledJobRegistry(queue=q).requeue('a').id, 'a'
    ),
    'cancel': Transition(waits, lambda q: fetch(q).cancel(), {}),
    'cancel and release': Transition(
        is_waited_for, lambda q: fetch(q).cancel(enqueue_dependents=True), {'default': ['b']}
    ),
    'release': Transition(is_waited_for, lambda q: q.enqueue_dependents(fetch(q)), {'default': ['b']}),
    'delete': Transition(waits, lambda q: fetch(q).delete(), None),
    'empty': Transition(three_wait, lambda q: q.empty(), 3),
    'pop an id': Transition(three_wait_by_name, lambda q: q.pop_job_id(), '0'),
    'take an id': Transition(
        three_wait_by_name, lambda q: Queue.lpop([q.key], None, connection=q.connection), ('rq:queue:default', b'0')
    ),
    'push an id': Transition(is_off_its_list, lambda q: q.push_job_id('a'), 1),
    'enqueue': Transition(nothing, lambda q: status(q.enqueue(jobs.noop)), 'queued'),
    'enqueue an id': Transition(nothing, lambda q: status(q.enqueue(jobs.noop, job_id='a')), 'queued'),
    'enqueue a unique id': Transition(
        nothing, lambda q: status(q.enqueue(jobs.noop, job_id='a', unique=True)), 'queued'
    ),
    'defer': Transition(waits, lambda q: status(q.enqueue(jobs.noop, depends_on=Dependency(['a']))), 'deferred'),
    'defer many': Transition(
        waits,
        lambda q: [status(job) for job in q.enqueue_many([Queue.prepare_data(jobs.noop, depends_on='a')] * 2)],
        ['deferred'] * 2,
    ),
    'wait for a slot': Transition(
        lambda q: q.enqueue(jobs.noop, rate_limit=RateLimit('k', 1)),
        lambda q: status(q.enqueue(jobs.noop, rate_limit=RateLimit('k', 1))),
        'rate_limited',
    ),
    'schedule': Transition(nothing, lambda q: status(q.enqueue_at(LATER, jobs.noop)), 'scheduled'),
    'schedule a unique id': Transition(
        nothing, lambda q: status(q.enqueue_at(LATER, jobs.noop, job_id='a', unique=True)), 'scheduled'
    ),
    'repeat': Transition(nothing, lambda q: status(q.enqueue(jobs.noop, repeat=Repeat(2))), 'queued'),
    'suspend': Transition(nothing, lambda q: suspend(q.connection), None),
    'resume': Transition(is_suspended, lambda q: resume(q.connection), True),
    'pause a cron job': Transition(nothing, lambda q: control.pause('nightly', q.connection), True),
    'resume a cron job': Transition(is_paused, lambda q: control.resume('nightly', q.connection), True),
    'run a cron job': Transition(nothing, lambda q: control.run_now('nightly', q.connection), None),
}  # fmt: skip


def lengths(redis: Redis) -> Counter[tuple[str, int]]:
    """How much is in each list, set and sorted set, whatever jobs' ids are."""
    sizes = {'list': redis.llen, 'set': redis.scard, 'zset': redis.zcard, 'stream': redis.xlen}
    found = {key: redis.type(key).decode() for key in redis.scan_iter() if not key.startswith(b'rq:worker')}
    return Counter((UUID.sub('', key.decode()), sizes[kind](key)) for key, kind in found.items() if kind in sizes)


@pytest.mark.parametrize('name', TRANSITIONS)
def test_I6_whichever_reply_of_a_transition_is_lost_it_is_done_once_and_answered_truly(
    redis: Redis, proxy: Proxy, name: str
) -> None:
    prepare, ask, answer = TRANSITIONS[name]
    after = None
    for k in range(12):  # 0: none is lost
        redis.flushall()
        prepare(Queue(connection=redis))
        with Redis.from_url(proxy.url, retry=Retrying(NoBackoff(), 2)) as client:
            client.ping()  # the handshake is no part of it
            lost = proxy.on('', drop_reply(), k=k) if k else None
            assert ask(Queue(connection=client)) == answer, f'reply {k} lost'
        proxy.reset()
        after = after or lengths(redis)
        assert lengths(redis) == after, f'reply {k} lost'
        assert [text for text in violations(redis) if not re.match('I1: 0 is queued and in no place', text)] == []
        if lost is not None and not lost.fired:
            redis.flushall()  # who takes an id by hand leaves its job in no place
            assert k > 1, 'no reply was lost'
            return
    raise AssertionError('it takes more than 12 requests')
