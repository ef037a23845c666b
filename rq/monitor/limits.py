"""Rate limits in force: who holds a slot and since when, who waits in which order, and when the next slot comes free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rq.store import view_jobs
from rq.store import view_limits as store

from .lenient import moment, real
from .matching import Row, begun, row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rq.store.view_jobs import Stored

__all__ = ['Limit', 'Limits', 'Slot', 'limit', 'listing']

# Jobs of each side that a list shows, and that the page of one limit does.
LISTED, ALONE = 5, 100


@dataclass(frozen=True, slots=True)
class Slot:
    """A job that holds a slot, or waits for one."""

    id: str
    since: datetime | None
    job: Row | None  # None where it is not stored any more
    until: datetime | None  # its slot is free by then, when its timeout ends it at the latest

    @property
    def stale(self) -> bool:
        """Whether it holds its slot for nothing; workers give such slots back by themselves within a minute or so."""
        return self.job is None or self.job.state in ('finished', 'failed', 'stopped', 'canceled')


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate limit."""

    name: str
    concurrency: int | None
    holders: tuple[Slot, ...]  # the longest holding first
    holder_total: int
    waiters: tuple[Slot, ...]  # the next one first
    waiter_total: int
    next_release: datetime | None  # at the latest, as far as timeouts tell

    @property
    def running(self) -> int:
        """How many of the holders that are shown run."""
        return sum(slot.job is not None and slot.job.state == 'started' for slot in self.holders)


@dataclass(frozen=True, slots=True)
class Limits:
    """A page of the limits, by name."""

    limits: tuple[Limit, ...]
    total: int
    left_out: int


def listing(connection: Any, part: str = '', offset: int = 0, most: int = 25) -> Limits:
    """A page of the limits whose names hold `part`. Four round trips."""
    names, left_out = store.names(connection)
    if part:
        names = [name for name in names if part.casefold() in name.casefold()]
    page = names[offset : offset + most]
    return Limits(tuple(_limits(connection, page, LISTED if len(page) > 1 else ALONE)), len(names), left_out)


def limit(connection: Any, name: str) -> Limit:
    """One limit, a hundred of its jobs on either side; empty for one that nobody uses. Three round trips."""
    return _limits(connection, [name], ALONE)[0]


def _limits(connection: Any, names: Sequence[str], most: int) -> list[Limit]:
    found = store.limits(connection, names, most)
    ids = list(dict.fromkeys(job_id for one in found for job_id, _ in (*one.holders, *one.waiters)))
    stored = dict(zip(ids, view_jobs.fetch(connection, ids, data=True), strict=True))
    return [_limit(one, stored) for one in found]


def _limit(one: store.Limit, stored: dict[str, Stored | None]) -> Limit:
    holders = tuple(_slot(job_id, at, stored[job_id]) for job_id, at in one.holders)
    ends = [slot.until for slot in holders if slot.until is not None]
    told = real(one.concurrency)
    concurrency = None if told is None else int(told)
    full = concurrency is not None and one.holder_total >= concurrency
    return Limit(
        name=one.name,
        concurrency=concurrency,
        holders=holders,
        holder_total=one.holder_total,
        waiters=tuple(_slot(job_id, at, stored[job_id]) for job_id, at in one.waiters),
        waiter_total=one.waiter_total,
        next_release=min(ends) if ends and full and one.waiter_total else None,
    )


def _slot(job_id: str, at: float, stored: Stored | None) -> Slot:
    until = None
    if stored is not None and stored.fields.get('status') == b'started':
        started, timeout = begun(stored), stored.fields.get('timeout', b'')
        if started is not None and timeout.isdigit() and len(timeout) < 10:
            until = started + timedelta(seconds=int(timeout))
    return Slot(job_id, moment(at), None if stored is None else row(stored), until)
