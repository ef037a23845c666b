"""What is known of one job and of those it depends on, for who looks: plain reads in pipelines, never a write.

Each function makes a part of a question; `part.look` asks for some parts in one round trip. What cannot be read (a key of a
wrong type) is as if it were not there, and hides nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .part import Command, Part
from .read import pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    'FIELDS',
    'KINDS',
    'PREFIX_OF_JOBS',
    'Limit',
    'Place',
    'Start',
    'Worker',
    'call',
    'elsewhere',
    'failures',
    'last_result',
    'late_failures',
    'Other',
    'lengths',
    'links',
    'near',
    'people',
    'place',
    'queues',
    'start',
]

# What of a job's hash tells where it stands; short, unless somebody wants to do harm.
FIELDS = (
    'status', 'origin', 'created_at', 'enqueued_at', 'started_at', 'ended_at', 'worker_name', 'execution', 'announced',
    'last_heartbeat', 'timeout', 'ttl', 'result_ttl', 'failure_ttl', 'retries_left', 'retries_used', 'number_of_retries',
    'repeats_left', 'losses', 'rate_limit_key', 'rate_limit_concurrency', 'allow_dependency_failures', 'on_lost',
    'dependency_ids', 'sig', 'expire_at', 'enqueue_at_front',
)  # fmt: skip
KINDS = ('finished', 'failed', 'deferred', 'scheduled', 'canceled', 'ready')
# What a key of a job begins with: somebody may have copied it whole.
PREFIX_OF_JOBS = keys.job('')
# Places looked at from each end of a list, 1 ms each (measured): further inside, a place is not known.
SEARCH = 50_000
# Workers of a queue, workers of all queues, and others that a job waits for, that are looked at.
WORKERS, EVERYBODY, PARENTS = 100, 50, 20
# Queues in which an id without a job is looked for.
QUEUES = 100
OF_WORKER = (
    'queues', 'state', 'hostname', 'pid', 'birth', 'death', 'last_heartbeat', 'current_job', 'incarnation', 'version',
    'successful_job_count', 'failed_job_count', 'total_working_time',
)  # fmt: skip
OF_OTHER = ('status', 'origin', 'enqueued_at', 'started_at', 'ended_at', 'worker_name', 'created_at')
# Bytes of a call of which the name of the function is read, and kinds of failures among which it is looked for.
SHORT_CALL, KINDS_OF_FAILURES = 100_000, 25
# Bytes: results that take more are not fetched to say one line of them.
LARGE = 4_000_000
LONGEST = 2_000  # characters of a field that anybody is told

Fields = dict[str, str]


def _fields(names: Sequence[str], values: list[bytes | None] | None) -> Fields:
    found = zip(names, values or (), strict=False)
    return {name: text(value[: 4 * LONGEST])[:LONGEST] for name, value in found if value is not None}


def _texts(members: Any) -> tuple[str, ...]:
    return tuple(text(member) for member in members or ())


@dataclass(frozen=True, slots=True)
class Start:
    """What is known without knowing the queue."""

    now: float  # Redis time, epoch seconds
    kind: str  # of the key: hash, none, or what somebody has put there
    fields: Fields
    size: int  # bytes of the stored call
    ttl: float | None  # seconds until the hash expires; None: it does not
    gone: bool  # it finished within the last 30 s and was deleted at once
    suspended: float | None  # all queues, for so many seconds: inf until `rq resume`, None: not suspended
    parents: tuple[str, ...]  # some of those it waits for
    parent_count: int
    runs: tuple[str, ...]  # executions that readers are shown
    results: int  # bytes that its results take
    worker_count: int  # registered ones, of all queues
    workers: tuple[str, ...]  # some of their names


def start(job_id: str) -> Part[Start]:
    """What is known of a job without knowing its queue."""

    key, results = keys.job(job_id), keys.results(job_id)
    commands: list[Command] = [
        ('TIME',),
        ('TYPE', key),
        ('HMGET', key, *FIELDS),
        ('HSTRLEN', key, 'data'),
        ('PTTL', key),
        ('EXISTS', keys.gone(job_id)),
        ('PTTL', keys.suspended()),
        ('SRANDMEMBER', keys.dependencies(job_id), PARENTS),
        ('SCARD', keys.dependencies(job_id)),
        ('ZRANGE', keys.executions(job_id), 0, 9),
        ('MEMORY USAGE', results),
        ('SCARD', keys.workers()),
        ('SRANDMEMBER', keys.workers(), EVERYBODY),
    ]

    def parse(told: list[Any]) -> Start:
        (seconds, micros), ttl = told[0], told[4]
        return Start(
            now=seconds + micros / 1e6,
            kind=text(told[1] or b'none'),
            fields=_fields(FIELDS, told[2]),
            size=told[3] or 0,
            ttl=ttl / 1000 if ttl is not None and ttl >= 0 else None,
            gone=bool(told[5]),
            suspended=_for_how_long(told[6]),
            parents=tuple(sorted(_texts(told[7]))),
            parent_count=told[8] or 0,
            runs=_texts(told[9]),
            results=told[10] or 0,
            worker_count=told[11] or 0,
            workers=_names(told[12]),
        )

    return Part(commands, parse)


def _for_how_long(pttl: int | None) -> float | None:
    if pttl is None or pttl == -2:
        return None
    return float('inf') if pttl < 0 else pttl / 1000


def _names(members: Any) -> tuple[str, ...]:
    prefix = keys.worker('')
    return tuple(sorted(name[len(prefix) :] for name in _texts(members) if name.startswith(prefix)))


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate limit and a job's part in it."""

    name: str
    most: int | None
    holders: int
    waiters: int
    first: tuple[tuple[str, float], ...]  # the longest holding: id, since when
    holds_since: float | None
    waits_since: float | None
    rank: int | None  # among those who wait


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job is in its queue and its registries."""

    length: int
    position: int | None  # how many are before it; None: not found
    searched: bool  # whether the whole list was looked at
    entries: int  # how often it was found
    homes: dict[str, float] = field(default_factory=dict)  # registry -> score
    leases: dict[str, float] = field(default_factory=dict)  # execution -> until when, epoch
    popped: bool = False  # another RQ's worker has taken it off the list and not begun
    suspended: float | None = None
    known: bool = True  # the queue is in the list of queues
    worker_count: int = 0
    workers: tuple[str, ...] = ()
    lock: str = ''  # the scheduler that has locked the queue for itself
    limit: Limit | None = None


def place(job_id: str, queue: str, executions: Sequence[str], limit: str = '') -> Part[Place]:
    """Where a job is in a queue, its registries and its rate limit ('': it has none)."""
    line = keys.queue(queue)
    commands: list[Command] = [
        ('LLEN', line),
        ('LPOS', line, job_id, 'COUNT', 3, 'MAXLEN', SEARCH),
        ('LPOS', line, job_id, 'RANK', -1, 'COUNT', 3, 'MAXLEN', SEARCH),
        ('LPOS', keys.intermediate(queue), job_id, 'MAXLEN', 1000),
        ('PTTL', keys.suspended_queue(queue)),
        ('SISMEMBER', keys.queues(), line),
        ('SCARD', keys.workers_of(queue)),
        ('SRANDMEMBER', keys.workers_of(queue), WORKERS),
        ('GET', keys.scheduler_lock(queue)),
        *(('ZSCORE', getattr(keys, kind)(queue), job_id) for kind in KINDS),
        *(('ZSCORE', keys.wip(queue), f'{job_id}:{execution}') for execution in executions),
        *(_of_limit(limit, job_id) if limit else ()),
    ]

    def parse(told: list[Any]) -> Place:
        length, places = told[0] or 0, sorted({*(told[1] or ()), *(told[2] or ())})
        scores, rest = told[9 : 9 + len(KINDS)], told[9 + len(KINDS) :]
        return Place(
            length=length,
            position=places[0] if places else None,
            searched=length <= 2 * SEARCH,
            entries=len(places),
            homes={kind: score for kind, score in zip(KINDS, scores, strict=True) if score is not None},
            leases={run: until for run, until in zip(executions, rest, strict=False) if until is not None},
            popped=told[3] is not None,
            suspended=_for_how_long(told[4]),
            known=bool(told[5]),
            worker_count=told[6] or 0,
            workers=_names(told[7]),
            lock=text(told[8] or b''),
            limit=_limit(limit, rest[len(executions) :]) if limit else None,
        )

    return Part(commands, parse)


def _of_limit(name: str, job_id: str) -> list[Command]:
    holders, waiters = keys.limit_holders(name), keys.limit_waiters(name)
    return [
        ('HGET', keys.limit(name), 'concurrency'),
        ('ZCARD', holders),
        ('ZCARD', waiters),
        ('ZRANGE', holders, 0, 4, 'WITHSCORES'),
        ('ZSCORE', holders, job_id),
        ('ZSCORE', waiters, job_id),
        ('ZRANK', waiters, job_id),
    ]


def _limit(name: str, told: list[Any]) -> Limit:
    most, holders, waiters, first, holds, waits, rank = told
    return Limit(
        name=name,
        most=int(most) if most and most.isdigit() and len(most) < 19 else None,
        holders=holders or 0,
        waiters=waiters or 0,
        first=tuple((text(member), score) for member, score in pairs(first)),
        holds_since=holds,
        waits_since=waits,
        rank=rank,
    )


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker's hash, as far as it says whether it lives and what it does."""

    name: str
    fields: Fields  # empty: it has none any more
    leased: bool  # a sign of life of one of ours within 30 s

    @property
    def ours(self) -> bool:
        """Whether it is one of this package's: they have a lease, other RQs' have none."""
        return 'incarnation' in self.fields

    @property
    def alive(self) -> bool:
        """Whether it lives, as far as one can know: other RQs' hashes expire minutes after their death."""
        return bool(self.fields) and 'death' not in self.fields and (self.leased or not self.ours)

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues on which it listens, in its order."""
        return tuple(name for name in self.fields.get('queues', '').split(',') if name)


@dataclass(frozen=True, slots=True)
class Other:
    """Another job, as far as a job that waits for it must know."""

    id: str
    fields: Fields  # empty: there is no such job
    waits_for: tuple[str, ...]  # some of those that it waits for itself
    results: int  # bytes that its results take


def people(names: Sequence[str]) -> Part[dict[str, Worker]]:
    """Workers by name."""
    commands = [
        command
        for name in names
        for command in (('HMGET', keys.worker(name), *OF_WORKER), ('EXISTS', keys.lease(name)))
    ]

    def parse(told: list[Any]) -> dict[str, Worker]:
        found = zip(names, told[::2], told[1::2], strict=True)
        return {name: Worker(name, _fields(OF_WORKER, values), bool(leased)) for name, values, leased in found}

    return Part(commands, parse)


def links(job_ids: Sequence[str]) -> Part[dict[str, Other]]:
    """Other jobs by id, each with some of those it waits for."""
    commands = [
        command
        for job_id in job_ids
        for command in (
            ('HMGET', keys.job(job_id), *OF_OTHER),
            ('SRANDMEMBER', keys.dependencies(job_id), 5),
            ('MEMORY USAGE', keys.results(job_id)),
        )
    ]

    def parse(told: list[Any]) -> dict[str, Other]:
        found = zip(job_ids, told[::3], told[1::3], told[2::3], strict=True)
        return {
            job_id: Other(job_id, _fields(OF_OTHER, values), tuple(sorted(_texts(waits))), size or 0)
            for job_id, values, waits, size in found
        }

    return Part(commands, parse)


def lengths(queues: Sequence[str]) -> Part[dict[str, int]]:
    """How many wait in each queue."""
    commands: list[Command] = [('LLEN', keys.queue(name)) for name in queues]
    return Part(commands, lambda told: {name: length or 0 for name, length in zip(queues, told, strict=True)})


def last_result(job_id: str, size: int) -> Part[dict[bytes, bytes]]:
    """The fields of the newest result; empty when there is none, or when `size` says that they are large."""
    asked = 0 < size <= LARGE
    commands: list[Command] = [('XREVRANGE', keys.results(job_id), '+', '-', 'COUNT', 1)] if asked else []
    return Part(commands, lambda told: dict(told[0][0][1]) if told and told[0] else {})


def near(job_ids: Sequence[str]) -> Part[list[str]]:
    """Those of some ids that are stored."""
    commands: list[Command] = [('EXISTS', keys.job(job_id)) for job_id in job_ids]
    return Part(commands, lambda told: [job_id for job_id, there in zip(job_ids, told, strict=True) if there])


def queues() -> Part[list[str]]:
    """Names of some queues."""
    prefix = keys.queue('')

    def parse(told: list[Any]) -> list[str]:
        return sorted(key[len(prefix) :] for key in _texts(told[0]) if key.startswith(prefix))

    return Part([('SRANDMEMBER', keys.queues(), QUEUES)], parse)


def elsewhere(job_id: str, names: Sequence[str]) -> Part[list[tuple[str, str]]]:
    """(queue, place) of an id without a hash, in these queues: 'queue' or one of KINDS."""
    places = ('queue', 'queue', *KINDS)
    commands = [
        command
        for name in names
        for command in (
            ('LPOS', keys.queue(name), job_id, 'MAXLEN', 1000),
            ('LPOS', keys.queue(name), job_id, 'RANK', -1, 'MAXLEN', 1000),
            *(('ZSCORE', getattr(keys, kind)(name), job_id) for kind in KINDS),
        )
    ]

    def parse(told: list[Any]) -> list[tuple[str, str]]:
        where = [(name, place) for name in names for place in places]
        return list(dict.fromkeys(at for at, answer in zip(where, told, strict=True) if answer is not None))

    return Part(commands, parse)


def call(job_id: str, size: int) -> Part[bytes]:
    """The stored call; empty for one that is large."""
    commands: list[Command] = [('HGET', keys.job(job_id), 'data')] if 0 < size <= SHORT_CALL else []
    return Part(commands, lambda told: (told[0] or b'') if told else b'')


def late_failures() -> Part[tuple[str, ...]]:
    """The kinds of failures that came last, by fingerprint."""
    return Part([('ZREVRANGE', keys.error_groups(), 0, KINDS_OF_FAILURES - 1)], lambda told: _texts(told[0]))


def failures(fingerprints: Sequence[str]) -> Part[list[Fields]]:
    """Type, message, functions (a line each) and time of some kinds of failures."""
    names = ('type', 'message', 'functions', 'last')
    commands: list[Command] = [('HMGET', keys.error_group(one), *names) for one in fingerprints]
    return Part(commands, lambda told: [_fields(names, values) for values in told])
