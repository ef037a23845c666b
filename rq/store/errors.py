"""Groups of failures that look alike, by fingerprint. `record` of stats.py writes them; here they are read and muted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from . import keys
from .fields import text
from .stats import buckets

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['Group', 'count', 'counts', 'fetch', 'fetch_many', 'fingerprints', 'job_count', 'jobs', 'mute']

FIELDS = (
    'count', 'first', 'last', 'type', 'message', 'place', 'functions', 'version', 'last_version', 'muted',
)  # fmt: skip


class Group(NamedTuple):
    """One kind of failures."""

    fingerprint: str
    total: int
    first: float  # epoch
    last: float
    type: str
    message: str
    place: str  # where it was raised: functions, the innermost last
    functions: tuple[str, ...]
    version: str  # of the worker's code that failed so first
    last_version: str
    muted: bool


def count(connection: Any) -> int:
    """How many groups there are (1,000 at most)."""
    return int(connection.zcard(keys.error_groups()))


# Bytes of a text of a group that are shown, and of its sample: what we write ourselves is shorter.
LONGEST, SAMPLE = 5_000, 100_000


def fingerprints(connection: Any, offset: int, most: int) -> list[str]:
    """Those of the groups that failed last, the latest first."""
    return [text(one) for one in connection.zrevrange(keys.error_groups(), offset, offset + most - 1)]


def fetch_many(connection: Any, asked: Sequence[str]) -> list[Group | None]:
    """The groups; None where there is none. One round trip."""
    pipeline = connection.pipeline(transaction=False)
    for fingerprint in asked:
        pipeline.hmget(keys.error_group(fingerprint), FIELDS)
    return [_group(fingerprint, row) for fingerprint, row in zip(asked, pipeline.execute(), strict=True)]


def fetch(connection: Any, fingerprint: str) -> tuple[Group, str] | None:
    """A group and a sample of its tracebacks; None when there is none."""
    row = connection.hmget(keys.error_group(fingerprint), *FIELDS, 'traceback')
    group = _group(fingerprint, row[:-1])
    return None if group is None else (group, text((row[-1] or b'')[:SAMPLE]))


def _group(fingerprint: str, row: Sequence[bytes | None]) -> Group | None:
    if row[0] is None or row[1] is None or row[2] is None:
        return None
    kind, message, place, functions, version, last_version = (text((part or b'')[:LONGEST]) for part in row[3:9])
    names = tuple(functions.split('\n')) if functions else ()
    try:
        total, first, last = int(row[0][:18]), float(row[1][:40]), float(row[2][:40])
    except ValueError:
        return None  # somebody else has written there
    return Group(fingerprint, total, first, last, kind, message, place, names, version, last_version, bool(row[9]))


def counts(connection: Any, asked: Sequence[str], now: float, step: int, span: int) -> list[list[int]]:
    """Of each fingerprint, how often it came in each bucket of the last `span` seconds; one round trip."""
    starts = buckets(now, step, span)
    pipeline = connection.pipeline(transaction=False)
    for start in starts if asked else ():
        pipeline.hmget(keys.stats('errors', f'{step}-{start}'), [f'={fingerprint}' for fingerprint in asked])
    rows = pipeline.execute()
    return [[_count(row[place]) for row in rows] for place in range(len(asked))]


def _count(stored: bytes | None) -> int:
    return int(stored) if stored and stored.isdigit() and len(stored) <= 17 else 0


def job_count(connection: Any, fingerprint: str) -> int:
    """How many of the jobs that failed this way are known (the newest 10,000; some may have been run again since)."""
    return int(connection.zcard(keys.error_jobs(fingerprint)))


def jobs(connection: Any, fingerprint: str, offset: int, most: int) -> list[tuple[str, float]]:
    """(id, epoch) of jobs that failed this way, the latest first."""
    found = connection.zrevrange(keys.error_jobs(fingerprint), offset, offset + most - 1, withscores=True)
    return [(text(job_id), failed) for job_id, failed in found]


def mute(connection: Any, fingerprint: str, muted: bool) -> bool:
    """Whether there is such a group. A muted one is counted on and shown apart."""
    key = keys.error_group(fingerprint)
    if not connection.hexists(key, 'count'):
        return False
    if muted:
        connection.hset(key, 'muted', '1')
    else:
        connection.hdel(key, 'muted')
    return True
