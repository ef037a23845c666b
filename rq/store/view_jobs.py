"""Jobs for lists and searches: which containers there are, stretches of them, and the fields that a list shows. Only reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from . import keys
from .fields import text
from .read import MOST_NAME, hash_fields, many, names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    'FIELDS',
    'MOST_CONTAINERS',
    'MOST_MEMBERS',
    'MOST_NAME',
    'MOST_QUEUES',
    'SMALL',
    'STATES',
    'Container',
    'Stored',
    'containers',
    'error_container',
    'fetch',
    'group_container',
    'ids_at',
    'limit_containers',
    'limit_names',
    'one',
    'queue_names',
    'sizes',
]

# Of this many queues the names are read, about 5 ms; of this many containers the sizes, about 6 ms.
MOST_QUEUES = 10_000
MOST_CONTAINERS = 3_000
# Calls and meta data of up to so many bytes are read for a list; of a pack of larger ones the description's beginning.
SMALL = 16_384
# ... as long as a thousand of them are not more than this.
PACK = 4_000_000
MOST_KEYS = 1_000
MOST_MEMBERS = 50_000

# What a list shows of a job, besides its call.
FIELDS = (
    'status', 'origin', 'created_at', 'enqueued_at', 'started_at', 'ended_at', 'worker_name', 'group_id', 'rate_limit_key',
    'number_of_retries', 'losses', 'timeout',
)  # fmt: skip

# States by what holds their jobs, as they are listed.
_KEYS = {
    'started': keys.wip,
    'queued': keys.queue,
    'failed': keys.failed,
    'scheduled': keys.scheduled,
    'deferred': keys.deferred,
    'canceled': keys.canceled,
    'finished': keys.finished,
}


STATES = tuple(_KEYS)


class Container(NamedTuple):
    """A key that holds ids of jobs, and how it is read."""

    kind: str  # a state, limited, holders, group or error
    name: str  # of the queue, limit, group or error
    key: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What was read of one job. `large`: its call or its meta data were asked for, and left out for their size."""

    id: str
    fields: Mapping[str, bytes]
    data: bytes | None
    meta: bytes | None
    description: bytes | None  # where the call is too large
    size: int  # bytes of its call
    large: bool


def queue_names(connection: Any) -> tuple[list[str], int]:
    """The names of all queues, of very many a part; and how many are left out. One round trip."""
    return names(connection, keys.queues(), MOST_QUEUES, keys.queue(''))


def containers(queues: Sequence[str], states: Sequence[str]) -> list[Container]:
    """Where the jobs of these queues and states are, a state after the other."""
    return [Container(state, queue, _KEYS[state](queue)) for state in states for queue in queues]


def limit_names(connection: Any) -> list[str]:
    """The names of rate limits in use, 1,000 at most. One round trip."""
    return names(connection, keys.limits(), MOST_KEYS)[0]


def limit_containers(limits: Sequence[str], holders: bool) -> list[Container]:
    """Where the jobs are that wait for a slot of these limits, or have one."""
    if holders:
        return [Container('holders', name, keys.limit_holders(name)) for name in limits]
    return [Container('rate_limited', name, keys.limit_waiters(name)) for name in limits]


def group_container(name: str) -> Container:
    """Where the jobs of a group are."""
    return Container('group', name, keys.group(name))


def one(job_id: str) -> Container:
    """A single job, wherever it is."""
    return Container('id', job_id, keys.job(job_id))


def error_container(fingerprint: str) -> Container:
    """Where the jobs are that failed with a fingerprint."""
    return Container('error', fingerprint, keys.error_jobs(fingerprint))


def sizes(connection: Any, asked: Sequence[Container]) -> list[int]:
    """How many ids each holds; 0 where another type of key is in its place."""
    command = {'queued': 'LLEN', 'group': 'SCARD', 'id': 'EXISTS'}
    found = many(connection, [(command.get(one.kind, 'ZCARD'), one.key) for one in asked])
    return [size if isinstance(size, int) else 0 for size in found]


def ids_at(connection: Any, asked: Sequence[tuple[Container, int, int]]) -> list[list[str]]:
    """Of each container so many ids (at most 1,000) from a place on: newest first, of scheduled jobs the soonest due."""
    answers = many(connection, [_range(*row) for row in asked])
    return [_ids(*row, answer) for row, answer in zip(asked, answers, strict=True)]


def _range(one: Container, start: int, count: int) -> tuple[Any, ...]:
    if one.kind == 'queued':
        return 'LRANGE', one.key, -start - count, -start - 1
    if one.kind == 'id':
        return 'EXISTS', one.key
    if one.kind == 'group':
        # A set has no places: it is read whole (of larger ones a part), and sorted.
        return 'SRANDMEMBER', one.key, MOST_MEMBERS
    order = 'ZRANGE' if one.kind in ('scheduled', 'rate_limited', 'holders') else 'ZREVRANGE'
    return order, one.key, start, start + count - 1


def _ids(one: Container, start: int, count: int, answer: Any) -> list[str]:
    if one.kind == 'id':
        return [one.name]
    if not isinstance(answer, list):
        return []
    found = [text(member) for member in answer if len(member) <= MOST_NAME]
    if one.kind == 'queued':
        found.reverse()
    elif one.kind == 'group':
        found = sorted(found)[start : start + count]
    elif one.kind == 'started':
        found = [member.rpartition(':')[0] or member for member in found]  # job:execution
    return found


def fetch(connection: Any, ids: Sequence[str], data: bool = False, meta: bool = False) -> list[Stored | None]:
    """What a list shows of jobs, None for those that are gone. A round trip per 1,000; with calls or meta data two."""
    calls = _sizes(connection, ids, 'data') if data else [0] * len(ids)
    metas = _sizes(connection, ids, 'meta') if meta else [0] * len(ids)
    most = _most([*calls, *metas])
    commands: list[tuple[Any, ...]] = []
    for job_id, call_size, meta_size in zip(ids, calls, metas, strict=True):
        call = ('data',) if data and call_size <= most else ()
        commands.append(('HMGET', keys.job(job_id), *FIELDS, *call, *(('meta',) if meta and meta_size <= most else ())))
    answers = many(connection, commands)
    told = _descriptions(connection, [job_id for job_id, size in zip(ids, calls, strict=True) if size > most])
    found: list[Stored | None] = []
    for place, (job_id, command, answer) in enumerate(zip(ids, commands, answers, strict=True)):
        stored = _stored(job_id, command[2:], answer, told.get(job_id), calls[place])
        large = calls[place] > most or metas[place] > most
        found.append(replace(stored, large=True) if large and stored is not None else stored)
    return found


def _stored(job_id: str, asked: Sequence[str], answer: Any, told: bytes | None, size: int) -> Stored | None:
    if not isinstance(answer, list) or all(value is None for value in answer):
        return None
    fields = {name: value for name, value in zip(asked, answer, strict=True) if value is not None}
    return Stored(job_id, fields, fields.pop('data', None), fields.pop('meta', None), told, size, False)


def _sizes(connection: Any, ids: Sequence[str], field: str) -> list[int]:
    answers = many(connection, [('HSTRLEN', keys.job(job_id), field) for job_id in ids])
    return [size if isinstance(size, int) else 0 for size in answers]


def _most(found: Sequence[int]) -> int:
    """Bytes up to which they are read: less where many are large."""
    for most in (SMALL, 2_048):
        if sum(size for size in found if size <= most) <= PACK:
            return most
    return 512


def _descriptions(connection: Any, ids: Sequence[str]) -> dict[str, bytes]:
    """The descriptions of jobs that have one of a bearable length; two round trips, if there are any."""
    if not ids:
        return {}
    lengths = _sizes(connection, ids, 'description')
    short = [job_id for job_id, length in zip(ids, lengths, strict=True) if 0 < length <= 2_048]
    rows = hash_fields(connection, map(keys.job, short), 'description')
    return {job_id: row[0] for job_id, row in zip(short, rows, strict=True) if row[0] is not None}
