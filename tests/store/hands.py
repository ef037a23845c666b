"""Short ways to say what the tests of the store do: put jobs in, claim them, look at them."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from redis import Redis

from rq.store import claim, enqueue, keys, wire, worker
from tests.support.keyspace import difference, snapshot

__all__ = [
    'FORTYTWO',
    'TRACEBACK',
    'Horse',
    'age',
    'all_keys',
    'entry',
    'fields',
    'hold',
    'ids',
    'put',
    'put_many',
    'sent_twice_is_sent_once',
    'status',
    'tokens',
    'waiting',
]

FORTYTWO = b'gASVAgAAAAAAAABLKi4='  # pickle of 42, base64
TRACEBACK = base64.b64encode(zlib.compress(b'Traceback ...\nValueError: no'))


def fields(queue: str = 'default', **more: Any) -> dict[str, Any]:
    """A job's hash as an enqueue writes it; `None` leaves a field out."""
    plain = {
        'created_at': '2026-11-23T05:24:25.947771Z',
        'data': b'\x80\x05(\x8c\x05mod.f\x94N)}t.',
        'status': 'queued',
        'origin': queue,
        'enqueued_at': '2026-11-23T05:24:25.947771Z',
        'timeout': 180,
    }
    return {name: value for name, value in (plain | more).items() if value is not None}


def entry(job_id: str, queue: str = 'default', **more: Any) -> enqueue.Entry:
    """An entry; options of Entry by their names, all else are fields of the hash."""
    options = {name: more.pop(name) for name in ('call', 'ttl', 'at_front', 'unique', 'push', 'waits') if name in more}
    if options.get('ttl'):
        more.setdefault('ttl', options['ttl'])  # as the domain does: in the hash, too
    return enqueue.Entry(job_id, fields(queue, **more), **options)


def put(redis: Redis, job_id: str, queue: str = 'default', **more: Any) -> bytes:
    """The answer of an enqueue."""
    answer: bytes = enqueue.enqueue(redis, queue, entry(job_id, queue, **more))
    return answer


def put_many(redis: Redis, job_ids: Iterable[str], queue: str = 'default', **more: Any) -> None:
    """Enqueues in bulk."""
    enqueue.enqueue_many(redis, queue, [entry(job_id, queue, **more) for job_id in job_ids])


class Horse:
    """A horse of a registered worker: numbered requests over a wire of its own."""

    def __init__(
        self, redis: Redis, name: str = 'w1', queues: Sequence[str] = ('default',), incarnation: str | None = None
    ) -> None:
        self.redis = redis
        self.name = name
        self.queues = list(queues)
        self.incarnation = incarnation or hashlib.sha1(name.encode()).hexdigest()[:16]
        now = worker.register(redis, name, self.incarnation, self.queues, self.birth(), 480)
        assert now is not None
        self.seq = now
        self.wire = wire.Wire(redis)

    def birth(self) -> dict[str, Any]:
        return {'birth': '2026-11-23T05:24:25.947771Z', 'queues': ','.join(self.queues), 'state': 'started'}

    def request(
        self, room: int = 64, limit: int = 64, outcomes: Sequence[claim.Outcome] = (), **more: Any
    ) -> claim.Claim:
        """The next numbered request; `queues` are names, or (name, limit)."""
        self.seq = more.pop('seq', self.seq + 1)
        queues = [item if isinstance(item, tuple) else (item, limit) for item in more.pop('queues', self.queues)]
        return claim.Claim(
            self.name.encode(),
            self.incarnation,
            self.seq,
            [(queue.encode(), size) for queue, size in queues],
            room,
            [outcome.packed() for outcome in outcomes],
            **more,
        )

    def ask(self, room: int = 64, limit: int = 64, outcomes: Sequence[claim.Outcome] = (), **more: Any) -> claim.Answer:
        """The answer of the next request."""
        return claim.exchange(self.wire, self.request(room, limit, outcomes, **more))

    def again(self, request: claim.Claim) -> claim.Answer:
        """The answer of a request sent before."""
        return claim.exchange(self.wire, request)

    def lease(self, job: claim.Claimed) -> claim.Lease:
        return claim.Lease(self.queues[job.queue], job.id.decode(), job.execution.decode())

    def outcome(
        self, job: claim.Claimed, kind: str = 'F', ttl: int = 500, payload: bytes | None = None
    ) -> claim.Outcome:
        """An outcome of a claimed job; its run took 0.1 s and began at the number of its request."""
        told = payload if payload is not None else FORTYTWO if kind == 'F' else TRACEBACK
        began = int(job.execution[16:30], 16)
        return claim.Outcome(kind, self.lease(job), began, began + 100_000, ttl, told)

    def one(self, **more: Any) -> claim.Claimed:
        """The one job that a claim brings."""
        (job,) = self.ask(**more).jobs
        return job


def ids(answer: claim.Answer) -> list[str]:
    """Ids of the claimed jobs in their order."""
    return [job.id.decode() for job in answer.jobs]


def all_keys(redis: Redis) -> list[bytes]:
    """Every key of the database, sorted, but for what calls have answered, which is kept for two minutes."""
    return sorted(key for key in redis.scan_iter(count=1000) if not key.startswith(keys.said('').encode()))


def waiting(redis: Redis, queue: str = 'default') -> list[str]:
    """Ids on the list, head first."""
    return [job_id.decode() for job_id in redis.lrange(keys.queue(queue), 0, -1)]


def status(redis: Redis, job_id: str) -> str:
    """The status in the hash, '' when there is none."""
    return (redis.hget(keys.job(job_id), 'status') or b'').decode()


def tokens(redis: Redis, queue: str = 'default') -> int:
    """How many tokens the marker of a queue holds."""
    return int(redis.llen(keys.wake(queue)))


def age(redis: Redis, seconds: float, queue: str = 'default') -> None:
    """Lets the leases of a queue be so much older."""
    for member, score in redis.zrange(keys.wip(queue), 0, -1, withscores=True):
        redis.zadd(keys.wip(queue), {member: score - seconds})


def hold(redis: Redis, job_id: str, execution: str, score: float, queue: str = 'default') -> None:
    """A lease as another RQ writes it."""
    redis.zadd(keys.wip(queue), {f'{job_id}:{execution}': score})


def sent_twice_is_sent_once(redis: Redis, send: Callable[[], Any]) -> tuple[Any, Any]:
    """Both answers; the second sending has changed nothing (I6)."""
    first = send()
    before = snapshot(redis)
    second = send()
    assert difference(before, snapshot(redis)) == {}
    return first, second
