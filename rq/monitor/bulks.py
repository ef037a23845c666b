"""How far an action on many jobs is, and what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rq.store import bulk as store

from .audit import undo_id

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['Progress', 'progress']


@dataclass(frozen=True, slots=True)
class Progress:
    """An action on many jobs."""

    id: str
    action: str
    what: str
    user: str
    state: str  # running, done, halted or failed
    total: int
    done: int
    counts: dict[str, int]  # code of the store -> how many
    said: str
    began: datetime
    ended: datetime | None
    is_stuck: bool  # it says that it runs, and nobody works on it
    kept: int  # deleted jobs that can be brought back
    until: datetime | None
    undo: str


def progress(connection: Redis, bulk: str) -> Progress | None:
    """The action, or None when there is none of this id. Four round trips."""
    record = store.read(connection, bulk)
    if not record:
        return None
    (kept,) = store.trashed_count(connection, [bulk])
    state = record.get('state', 'running')
    return Progress(
        id=bulk,
        action=record.get('action', ''),
        what=record.get('what', ''),
        user=record.get('user', ''),
        state=state,
        total=int(record.get('total') or 0),
        done=int(record.get('done') or 0),
        counts=json.loads(record.get('counts') or '{}'),
        said=record.get('said', ''),
        began=_moment(record.get('began')) or datetime.now(UTC),
        ended=_moment(record.get('ended')),
        is_stuck=state == 'running' and not store.is_worked_on(connection, bulk),
        kept=kept,
        until=_moment(record.get('until')),
        undo=undo_id(bulk, kept),
    )


def _moment(at: str | None) -> datetime | None:
    return datetime.fromtimestamp(float(at), UTC) if at else None
