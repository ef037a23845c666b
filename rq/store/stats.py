"""Counters of what workers did, in buckets of a minute, ten minutes, an hour and a day. Written in batches, read by name.

A batch has a number: sent again after a lost reply it is counted once. A worker that is killed takes what it has not
sent yet with it, at most about a second's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from . import keys
from .fields import text
from .job import time as server_time
from .read import hash_fields
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .wire import Wire

__all__ = [
    'ALL', 'HEAVY', 'OTHER', 'SLOW', 'STEPS', 'WEEK', 'Batch', 'Deploy', 'Execution', 'FunctionCounts', 'QueueCounts', 'buckets',
    'clean_name', 'counts_of', 'deploys', 'descriptions', 'functions', 'one_function', 'mark_deploy', 'packed', 'queues', 'record', 'record_text', 'sample_waiting',
    'server_time', 'stored', 'sums_of', 'tops', 'waiting',
]  # fmt: skip

_record = Script('record')
_sample_waiting = Script('sample_waiting')

# Seconds of a bucket -> seconds for which it is kept after its end: the twin of lua/lib/bucket.lua.
STEPS = {60: 7200, 600: 26 * 3600, 3600: 8 * 86400, 86400: 92 * 86400}
# Functions have buckets of a week as well, kept as long as those of a day.
WEEK = 7 * 86400
# A field for the sum of all queues, and one for those for whose names a bucket had no room.
ALL, OTHER = '*', '~'
# Characters of a name; what is longer is cut, and told apart by a digest.
NAME = 200
# Numbers of a histogram: two for each of its bars.
BARS = 1_000
SLOW, HEAVY = 'slowest', 'heaviest'
DEPLOYS, DEPLOYS_KEPT = 100, 400 * 86400


class QueueCounts(NamedTuple):
    """What ended on a queue. `started` counts runs; a job that failed and is tried again is `retried`."""

    started: int = 0
    done: int = 0
    failed: int = 0
    retried: int = 0
    lost: int = 0  # its process died
    stopped: int = 0
    run_us: int = 0
    wait_us: int = 0  # from enqueue to start


class FunctionCounts(NamedTuple):
    """What the runs of one function came to. Histograms: index (see rq.durations) -> runs."""

    runs: int = 0
    failures: int = 0
    run_us: int = 0
    wait_us: int = 0
    cpu_us: int = 0
    peak_kb: int = 0  # the highest memory of a process that rose while it ran this function; 0: unknown
    run_histogram: Mapping[int, int] = MappingProxyType({})
    wait_histogram: Mapping[int, int] = MappingProxyType({})


class Execution(NamedTuple):
    """One of the slowest (microseconds) or heaviest (kB) runs of a function."""

    value: int
    ended: int  # epoch
    job_id: str


class Deploy(NamedTuple):
    """A version of the code that workers run, and when the first worker with it was seen (epoch)."""

    version: str
    first_seen: float


@dataclass(slots=True)
class Batch:
    """What one writer has counted; the rows are those of lua/record.lua."""

    queues: list[Sequence[Any]] = field(default_factory=list)
    functions: list[Sequence[Any]] = field(default_factory=list)
    tops: list[Sequence[Any]] = field(default_factory=list)
    errors: list[Sequence[Any]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.queues or self.functions or self.tops or self.errors)

    def json(self) -> str:
        """As the script reads it."""
        rows = {'queues': self.queues, 'functions': self.functions, 'tops': self.tops, 'errors': self.errors}
        return json.dumps(rows, separators=(',', ':'), ensure_ascii=False)


# --- writing


def clean_name(name: str) -> str:
    """A name as it can be counted by: valid text without line breaks, of bounded length."""
    clean = name.encode('utf-8', 'backslashreplace').decode().replace('\n', ' ').replace('\r', ' ')
    if len(clean) <= NAME:
        return clean
    return f'{clean[: NAME - 9]}~{sha256(clean.encode()).hexdigest()[:8]}'


def record(connection: Any, writer: str, number: int, batch: Batch) -> bool:
    """Whether the batch was new: its number larger than the writer's last. Raises redis-py's errors: then send it again."""
    return record_text(connection, writer, number, batch.json())


def record_text(connection: Any, writer: str, number: int, batch: str) -> bool:
    """As `record`, with the batch as JSON."""
    return text(_record(connection, keys.recorded(writer), number, batch)) == 'OK'


def packed(wire: Wire, writer: str, number: int, batch: str) -> bool:
    """As `record`, over a horse's own connection and with the batch as JSON."""
    args = (keys.PREFIX.encode(), b'%d' % number, batch.encode('utf-8', 'backslashreplace'))
    key = keys.recorded(writer).encode()
    return bool(wire.run(_record, key, len(args), wire.pack(args)) == b'OK')


def sample_waiting(connection: Any) -> int:
    """How many jobs wait on all queues; it is taken down, queue by queue, for this minute."""
    return int(_sample_waiting(connection, keys.queues()))


def descriptions(connection: Any, job_ids: Sequence[str]) -> list[str]:
    """What the jobs say of themselves; '' of one that is gone, or no job. One round trip per 1,000."""
    return [text(row[0] or b'') for row in hash_fields(connection, map(keys.job, job_ids), 'description')]


def mark_deploy(connection: Any, version: str) -> None:
    """Takes down when a version of the workers' code was seen first."""
    now = server_time(connection)
    pipeline = connection.pipeline(transaction=False)
    pipeline.zadd(keys.deploys(), {clean_name(version): now}, nx=True)
    pipeline.zremrangebyrank(keys.deploys(), 0, -DEPLOYS - 1)
    pipeline.expire(keys.deploys(), DEPLOYS_KEPT)
    pipeline.execute()


# --- reading


def buckets(now: float, step: int, span: int) -> list[int]:
    """The starts of the buckets that cover the last `span` seconds, the one of now at the end."""
    last = int(now // step) * step
    return list(range(last - span // step * step, last + 1, step))


def _key(kind: str, step: int, start: int) -> str:
    return keys.stats(kind, f'{step}-{start}')


def _field(name: str) -> str:
    return name if name in (ALL, OTHER) else f'={clean_name(name)}'


def _named(stored: bytes) -> str:
    return text(stored).removeprefix('=')


def _numbers(stored: bytes, count: int) -> list[int]:
    """So many numbers; 0 for what is none, since anybody may have written it."""
    parts = stored[: 20 * count].split()[:count]
    found = [int(part) if part.isdigit() and len(part) < 17 else 0 for part in parts]
    return found + [0] * (count - len(found))


def _many(connection: Any, kind: str, step: int, starts: Iterable[int], names: Sequence[str]) -> list[list[Any]]:
    pipeline = connection.pipeline(transaction=False)
    for start in starts:
        pipeline.hmget(_key(kind, step, start), [_field(name) for name in names])
    found: list[list[Any]] = pipeline.execute()
    return found


def queues(connection: Any, step: int, starts: Sequence[int], names: Sequence[str]) -> list[dict[str, QueueCounts]]:
    """Of each bucket, what ended on each of these queues (ALL: the sum); one round trip."""
    rows = _many(connection, 'queues', step, starts, names) if names and starts else []
    return [
        {
            name: QueueCounts(*_numbers(stored, len(QueueCounts._fields)))
            for name, stored in zip(names, row, strict=True)
            if stored
        }
        for row in rows
    ]


def waiting(
    connection: Any, step: int, starts: Sequence[int], names: Sequence[str]
) -> list[dict[str, tuple[int, int]]]:
    """Of each bucket, how many waited at its last sample and at most; without ALL there was no sample in it."""
    asked = [ALL, *names]
    found = []
    for row in _many(connection, 'waiting', step, starts, asked) if starts else []:
        there = {name: _pair(stored) for name, stored in zip(asked, row, strict=True) if stored}
        found.append({**dict.fromkeys(names, (0, 0)), **there} if ALL in there else {})
    return found


def _pair(stored: bytes) -> tuple[int, int]:
    last, most = _numbers(stored, 2)
    return last, most


def functions(connection: Any, step: int, starts: Sequence[int]) -> list[dict[str, FunctionCounts]]:
    """Of each bucket, what the runs of each function came to (OTHER: those beyond 500); one round trip."""
    return [{name: counts_of(field) for name, field in row.items()} for row in stored(connection, step, starts)]


def stored(connection: Any, step: int, starts: Sequence[int]) -> list[dict[str, bytes]]:
    """As `functions`, as it is stored: a list of all functions needs the sums of all, and histograms only of some."""
    pipeline = connection.pipeline(transaction=False)
    for start in starts:
        pipeline.hgetall(_key('functions', step, start))
    return [{_named(name): field for name, field in row.items()} for row in pipeline.execute()]


def sums_of(field: bytes) -> list[int]:
    """Runs, failures, and so on, of what is stored of a function, without its histograms."""
    return _numbers(field.partition(b';')[0], 6)


def one_function(connection: Any, step: int, starts: Sequence[int], name: str) -> list[FunctionCounts]:
    """Of each bucket, what the runs of one function came to; one round trip."""
    rows = _many(connection, 'functions', step, starts, [name]) if starts else []
    return [counts_of(stored) if stored else FunctionCounts() for [stored] in rows]


def counts_of(stored: bytes) -> FunctionCounts:
    """What is stored of a function."""
    sums, run_times, wait_times = [*stored.split(b';'), b'', b''][:3]
    runs, failures, run_us, wait_us, cpu_us, peak_kb = _numbers(sums, 6)
    histograms = _histogram(run_times), _histogram(wait_times)
    return FunctionCounts(runs, failures, run_us, wait_us, cpu_us, peak_kb, *histograms)


def _histogram(stored: bytes) -> dict[int, int]:
    flat = _numbers(stored, min(len(stored.split()), BARS) // 2 * 2)
    return dict(zip(flat[::2], flat[1::2], strict=True))


def tops(connection: Any, kind: str, step: int, starts: Sequence[int], name: str) -> list[Execution]:
    """The slowest (SLOW) or heaviest (HEAVY) runs of a function, the first of all first; one round trip."""
    rows = _many(connection, kind, step, starts, [name]) if starts else []
    found = []
    for line in b'\n'.join(stored for [stored] in rows if stored).splitlines():
        job_id = line.split(b' ', 2)[-1][:NAME]
        value, ended = _numbers(line, 2)
        found.append(Execution(value, ended, text(job_id)))
    return sorted(found, reverse=True)


def deploys(connection: Any, since: float) -> list[Deploy]:
    """The versions of the workers' code that were seen first after `since` (epoch), the oldest first."""
    found = connection.zrangebyscore(keys.deploys(), since, '+inf', withscores=True)
    return [Deploy(text(name), seen) for name, seen in found]
