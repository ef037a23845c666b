"""Workers as Redis knows them: birth, lease, heartbeat, announcements, death; and what the living do for all."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from redis.client import Pipeline
from redis.exceptions import RedisError

from . import keys
from .fields import text
from .imitation import is_imitation
from .read import hashes
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .claim import Lease

__all__ = [
    'add_field',
    'add_run',
    'adopt',
    'announce',
    'beat',
    'bury',
    'count_job',
    'count_run',
    'enlist',
    'end_run',
    'evicts',
    'write_run',
    'fetch',
    'fetch_many',
    'is_known',
    'is_ours',
    'known',
    'nudge',
    'reap',
    'register',
    'renew',
    'retire',
    'running',
    'server_uptime',
    'set_fields',
    'silent',
    'strike_off',
]

_register = Script('register')
_retire = Script('retire')
_renew = Script('renew')
_announce = Script('announce')
_reap = Script('reap')
_adopt = Script('adopt')
_nudge = Script('nudge')
_bury = Script('bury')

# Fields of a worker's hash that change while it lives: bytes of memory and seconds of CPU of its processes, and how many
# horses it has started.
VITALS = ('rss', 'cpu', 'horses')
# Milliseconds a worker's lease lives without renewal.
LEASE_MS = 30_000
# Seconds without renewal after which a lease is looked at: renewals come every 15 s, so a living worker's never is.
UNRENEWED = 25
# Jobs a call: 30 us each at worst (measured), so that nobody waits longer than 5 ms for the server.
REAPED = 150


def register(
    connection: Any, name: str, incarnation: str, queues: Sequence[str], fields: Mapping[str, Any], ttl: int
) -> int | None:
    """Redis time in microseconds, or None when a living worker has this name."""
    flat = [part for item in fields.items() for part in item]
    answer = _register(connection, keys.worker(name), name, incarnation, ttl, LEASE_MS, len(queues), *queues, *flat)
    return int(answer[1]) if answer[0] else None


def retire(connection: Any, name: str, incarnation: str, queues: Sequence[str]) -> None:
    """Takes a worker out of the sets; its hash tells of its death for 60 s."""
    _retire(connection, keys.worker(name), name, incarnation, *queues)


def renew(
    connection: Any, name: str, incarnation: str, ttl: int, leases: Sequence[Lease], fields: Mapping[str, Any]
) -> bool:
    """Whether the name is still this incarnation's. Renews the worker's lease, its hash and the leases it holds.

    Of `fields` those of VITALS are written, the others only where the hash was lost.
    """
    members = [part for lease in leases for part in (lease.queue, lease.member)]
    vitals = [part for item in fields.items() if item[0] in VITALS for part in item]
    flat = [part for item in fields.items() if item[0] not in VITALS for part in item]
    args = (name, incarnation, ttl, LEASE_MS, len(leases), *members, len(vitals) // 2, *vitals, *flat)
    return bool(_renew(connection, keys.worker(name), *args)[0])


def announce(connection: Any, name: str, lease: Lease, started: float, ttl: int) -> bool:
    """Shows readers that a job runs (told again: renews). False when its lease is gone. `started`: epoch seconds."""
    args = (name, lease.queue, lease.id, lease.execution, f'{started:.6f}', ttl)
    return bool(_announce(connection, keys.job(lease.id), *args))


def reap(
    connection: Any, queue: str, reason: bytes, most: int = REAPED, idle: int | None = None, handlers: bool = False
) -> list[tuple[str, ...]]:
    """(id, what became of it, worker) of each job taken from the dead, `most` at most. `reason`: base64 of zlib of the text.

    `handlers`: a note is left of every job, since the caller has user code for the dead.
    """
    flags = (UNRENEWED if idle is None else idle, '1' if handlers else '')
    flat = [text(part) for part in _reap(connection, keys.queue(queue), queue, most, reason, *flags)]
    return list(zip(flat[::3], flat[1::3], flat[2::3], strict=True))


def adopt(
    connection: Any, queue: str, reason: bytes, most: int = REAPED, handlers: bool = False
) -> list[tuple[str, ...]]:
    """(id, what became of it) of each job that another RQ's worker popped, and did not start within 60 s of two looks."""
    flag = '1' if handlers else ''
    flat = [text(part) for part in _adopt(connection, keys.intermediate(queue), queue, most, reason, flag)]
    return list(zip(flat[::2], flat[1::2], strict=True))


def nudge(connection: Any, who: str, queues: Iterable[str], milliseconds: int, leaving: bool = False) -> int:
    """Milliseconds until somebody else's right to nudge may end; 0: we have it, and tokens are out for what waits."""
    return int(_nudge(connection, keys.nudge(), who, milliseconds, '1' if leaving else '', *queues))


def bury(connection: Any, most: int = 1000) -> list[str]:
    """Names of the workers found dead, which no reader is shown any more; looks at `most` of the registered ones."""
    return [name.decode('utf-8', 'backslashreplace') for name in _bury(connection, keys.workers(), most)]


def known(connection: Any, queue: str | None = None) -> list[str]:
    """Keys of the registered workers, of one queue or of all."""
    found = connection.smembers(keys.workers_of(queue) if queue is not None else keys.workers())
    return sorted(text(key) if isinstance(key, bytes) else key for key in found)


def is_known(connection: Any, name: str) -> bool:
    """Whether a worker of this name is registered."""
    return bool(connection.sismember(keys.workers(), keys.worker(name)))


def is_ours(connection: Any, name: str) -> bool:
    """Whether a worker is one of this package's: other RQs' have no incarnation."""
    return bool(connection.hexists(keys.worker(name), 'incarnation'))


def fetch(connection: Any, name: str) -> dict[bytes, bytes]:
    """The hash of a worker; empty when there is none."""
    found: dict[bytes, bytes] = connection.hgetall(keys.worker(name))
    return found


def fetch_many(connection: Any, names: Sequence[str]) -> list[dict[bytes, bytes]]:
    """The hashes of workers, one round trip per 1,000."""
    return hashes(connection, map(keys.worker, names))


def silent(connection: Any, names: Sequence[str]) -> list[str]:
    """Those whose lease is over: dead, and not buried yet. Workers of other RQs have none, and are never among them."""
    pipeline = connection.pipeline(transaction=False)
    for name in names:
        pipeline.hexists(keys.worker(name), 'incarnation')
        pipeline.exists(keys.lease(name))
    answers = pipeline.execute()
    return [name for name, ours, leased in zip(names, answers[::2], answers[1::2], strict=True) if ours and not leased]


def running(connection: Any, name: str) -> list[str]:
    """Members `id:execution` of a worker's announced runs."""
    return sorted(text(member) for member in connection.smembers(keys.worker_executions(name)))


def set_fields(connection: Any, name: str, fields: Mapping[str, Any]) -> None:
    """Writes fields of a worker's hash."""
    connection.hset(keys.worker(name), mapping=dict(fields))


def add_field(connection: Any, name: str, field: str, amount: float) -> None:
    """Adds to a number in a worker's hash."""
    connection.hincrbyfloat(keys.worker(name), field, amount)


def beat(connection: Any, name: str, at: str, ttl: int) -> None:
    """A sign of life for readers (RQ's form of the instant); the hash and the set of runs live `ttl` seconds from now."""
    pipeline = connection if isinstance(connection, Pipeline) else connection.pipeline(transaction=False)
    pipeline.hset(keys.worker(name), 'last_heartbeat', at)
    pipeline.expire(keys.worker(name), ttl)
    pipeline.expire(keys.worker_executions(name), ttl)
    if pipeline is not connection:
        pipeline.execute()


def count_job(connection: Any, name: str, field: str) -> None:
    """One more in `successful_job_count` or `failed_job_count`."""
    connection.hincrby(keys.worker(name), field, 1)


def count_run(connection: Any, name: str, field: str, seconds: float) -> None:
    """As `count_job`, and so many more seconds worked; one round trip."""
    pipeline = connection.pipeline(transaction=False)
    count_job(pipeline, name, field)
    add_field(pipeline, name, 'total_working_time', seconds)
    pipeline.execute()


def enlist(connection: Any, name: str, queues: Iterable[str]) -> None:
    """Puts a worker into the sets of registered ones. Its hash, and what else makes it live, is `register`'s."""
    connection.sadd(keys.workers(), keys.worker(name))
    for queue in queues:
        connection.sadd(keys.workers_of(queue), keys.worker(name))


def strike_off(connection: Any, name: str, queues: Iterable[str]) -> None:
    """Takes a worker out of the sets of registered ones, in one step; its hash stays as it is."""
    pipeline = connection if isinstance(connection, Pipeline) else connection.pipeline()
    pipeline.srem(keys.workers(), keys.worker(name))
    for queue in queues:
        pipeline.srem(keys.workers_of(queue), keys.worker(name))
    if pipeline is not connection:
        pipeline.execute()


def write_run(connection: Any, job_id: str, execution: str, fields: Mapping[str, Any], ttl: int) -> None:
    """Fields of the hash of a run, which lives `ttl` seconds from now."""
    connection.hset(keys.execution(job_id, execution), mapping=dict(fields))
    connection.expire(keys.execution(job_id, execution), ttl)


def add_run(connection: Any, name: str, member: str, ttl: int) -> None:
    """Adds `job:execution` to a worker's runs, which live `ttl` seconds from now."""
    connection.sadd(keys.worker_executions(name), member)
    connection.expire(keys.worker_executions(name), ttl)


def end_run(connection: Any, name: str, lease: Lease, keep_lease: bool = False) -> None:
    """Takes away what readers see of a run, and its lease unless that is to stay."""
    connection.delete(keys.execution(lease.id, lease.execution))
    if not keep_lease:
        connection.zrem(keys.wip(lease.queue), lease.member)
    connection.zrem(keys.executions(lease.id), lease.execution)
    connection.srem(keys.worker_executions(name), lease.member)


def evicts(connection: Any) -> str:
    """The policy by which the server forgets keys when it is full; '' when it forgets none, or does not tell."""
    if is_imitation(connection):
        return ''
    try:
        told = connection.info('memory')
    except (RedisError, OSError):
        return ''
    policy = str(told.get('maxmemory_policy', ''))
    return policy if told.get('maxmemory') and policy != 'noeviction' else ''


def server_uptime(connection: Any) -> int:
    """Seconds since the server started."""
    if is_imitation(connection):  # it has no INFO, and never starts anew with what was in it
        return sys.maxsize
    return int(connection.info('server')['uptime_in_seconds'])
