"""Who did what by the dashboard, and which deleted jobs can be brought back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rq.store import audit as store
from rq.store import bulk as bulks

from .lenient import clamped, real, whole

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['Audit', 'Entry', 'Kept', 'listing', 'undo_id']

# Entries looked at for a filter, a page.
LOOKED_AT = 2_000
STEP = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that somebody did."""

    at: datetime
    user: str
    role: str
    address: str
    action: str
    on: str
    count: int
    said: str
    bulk: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Deleted jobs that can be brought back."""

    id: str
    at: datetime
    until: datetime
    user: str
    what: str
    kept: int
    bytes: int
    undo: str  # the id of the undo: to ask for it twice is to ask for it once


@dataclass(frozen=True, slots=True)
class Audit:
    """A page of it."""

    entries: tuple[Entry, ...]
    kept: tuple[Kept, ...]
    actions: tuple[str, ...]  # to choose from
    user: str
    action: str
    before: str
    next: str  # '' where there are no more
    looked_at: int
    total: int


def listing(
    connection: Redis, number: int, before: str = '', user: str = '', action: str = '', actions: tuple[str, ...] = ()
) -> Audit:
    """The newest entries of a user (part of the name) and an action; '' any. A few round trips."""
    found: list[Entry] = []
    looked_at, last, more = 0, before, True
    while more and len(found) < number and looked_at < LOOKED_AT:
        page = store.newest(connection, min(STEP, number if not (user or action) else STEP), last)
        more = bool(page)
        for entry in page:
            looked_at, last = looked_at + 1, entry.id
            one = _entry(entry)
            if user.lower() in one.user.lower() and action in ('', one.action):
                found.append(one)
                if len(found) == number:
                    break
    return Audit(
        entries=tuple(found),
        kept=_kept(connection),
        actions=actions,
        user=user,
        action=action,
        before=before,
        next=last if more and found else '',
        looked_at=looked_at,
        total=store.length(connection),
    )


def _entry(entry: store.Entry) -> Entry:
    told = entry.fields
    return Entry(
        at=clamped(entry.at),
        user=told.get('user', ''),
        role=told.get('role', ''),
        address=told.get('from', ''),
        action=told.get('action', ''),
        on=told.get('on', ''),
        count=whole(told.get('count')),
        said=told.get('said', ''),
        bulk=told.get('bulk', ''),
    )


def _kept(connection: Redis) -> tuple[Kept, ...]:
    ids = bulks.kept(connection, 50)
    if not ids:
        return ()
    counts = bulks.trashed_count(connection, ids)
    records = bulks.read_many(connection, ids, 'until', 'user', 'what', 'bytes', 'began')
    return tuple(
        Kept(
            id=bulk,
            at=clamped(real(record.get('began')) or 0.0),
            until=clamped(real(record.get('until')) or 0.0),
            user=record.get('user', ''),
            what=record.get('what', ''),
            kept=count,
            bytes=whole(record.get('bytes')),
            undo=undo_id(bulk, count),
        )
        for bulk, count, record in zip(ids, counts, records, strict=True)
        if count
    )


def undo_id(bulk: str, count: int) -> str:
    """The id of the undo of a bulk of which so many jobs can be brought back."""
    return hashlib.blake2b(f'{bulk}:{count}'.encode(), digest_size=8).hexdigest()
