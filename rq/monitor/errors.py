"""Failures by kind: how many, since when, in which functions and from which version on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rq.store import errors as store
from rq.store import stats

from .lenient import clamped

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['SPANS', 'FailedJob', 'Group', 'Groups', 'One', 'group', 'groups']

# Spans of the small charts -> seconds, and seconds of a step.
SPANS = {'1h': (3600, 60), '24h': (86400, 3600), '7d': (7 * 86400, 6 * 3600), '90d': (90 * 86400, 86400)}


@dataclass(frozen=True, slots=True)
class Group:
    """Failures that look alike."""

    fingerprint: str
    type: str  # '': told without an exception
    message: str  # of a late one
    place: str  # the functions where it was raised, innermost last
    count: int  # since it was first seen
    recent: int  # in the span
    first: datetime
    last: datetime
    functions: tuple[str, ...]
    version: str  # of the code that failed so first
    last_version: str
    muted: bool
    spark: tuple[int, ...]  # over the span

    @property
    def title(self) -> str:
        """What it is called."""
        return self.type or self.message or 'Failure without a word'


@dataclass(frozen=True, slots=True)
class Groups:
    """A page of groups, those that failed last first."""

    span: str
    groups: tuple[Group, ...]
    total: int


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that failed so; by now it may have been run again, or be gone."""

    id: str
    failed: datetime


@dataclass(frozen=True, slots=True)
class One:
    """All about one group."""

    span: str
    group: Group
    traceback: str  # of a late one
    step: int
    times: tuple[int, ...]
    counts: tuple[int, ...]
    jobs: tuple[FailedJob, ...]
    job_total: int


def groups(connection: Any, span: str = '24h', offset: int = 0, most: int = 25) -> Groups:
    """A page of the groups. Raises KeyError for a span that is not one of SPANS. Five round trips."""
    names = store.fingerprints(connection, offset, most)
    now = stats.server_time(connection)
    _, counts = _counts(connection, names, now, span)
    rows = zip(store.fetch_many(connection, names), counts, strict=True)
    found = tuple(_group(stored, row) for stored, row in rows if stored is not None)
    return Groups(span, found, store.count(connection))


def group(connection: Any, fingerprint: str, span: str = '24h', offset: int = 0, most: int = 25) -> One | None:
    """All about one group, with a page of its jobs, the latest first; None when there is none. Five round trips."""
    found = store.fetch(connection, fingerprint)
    if found is None:
        return None
    stored, traceback = found
    starts, [counts] = _counts(connection, [fingerprint], stats.server_time(connection), span)
    jobs = tuple(FailedJob(job_id, clamped(at)) for job_id, at in store.jobs(connection, fingerprint, offset, most))
    total = store.job_count(connection, fingerprint)
    return One(span, _group(stored, counts), traceback, SPANS[span][1], tuple(starts), tuple(counts), jobs, total)


def _counts(connection: Any, names: Sequence[str], now: float, span: str) -> tuple[list[int], list[list[int]]]:
    """The starts of the steps, and of each fingerprint its count in each. A step may be several buckets."""
    seconds, step = SPANS[span]
    fine = max(size for size in stats.STEPS if step % size == 0)
    starts = stats.buckets(now, fine, seconds)
    rows = store.counts(connection, names, now, fine, seconds)
    if fine == step:
        return starts, rows
    steps = stats.buckets(now, step, seconds)
    place = {start: number for number, start in enumerate(steps)}
    merged = [[0] * len(steps) for _ in rows]
    for sums, row in zip(merged, rows, strict=True):
        for start, count in zip(starts, row, strict=True):
            sums[place.get(start // step * step, 0)] += count
    return steps, merged


def _group(stored: store.Group, counts: Sequence[int]) -> Group:
    return Group(
        fingerprint=stored.fingerprint,
        type=stored.type,
        message=stored.message,
        place=stored.place,
        count=stored.total,
        recent=sum(counts),
        first=clamped(stored.first),
        last=clamped(stored.last),
        functions=stored.functions,
        version=stored.version,
        last_version=stored.last_version,
        muted=stored.muted,
        spark=tuple(counts),
    )
