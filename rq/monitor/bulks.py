"""How far an action on many jobs is, and what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rq.store import bulk as store

from .audit import undo_id
from .lenient import moment, whole

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
        total=whole(record.get('total')),
        done=whole(record.get('done')),
        counts=_counts(record.get('counts')),
        said=record.get('said', ''),
        began=moment(record.get('began')) or datetime.now(UTC),
        ended=moment(record.get('ended')),
        is_stuck=state == 'running' and not store.is_worked_on(connection, bulk),
        kept=kept,
        until=moment(record.get('until')),
        undo=undo_id(bulk, kept),
    )


def _counts(stored: str | None) -> dict[str, int]:
    try:
        found = json.loads(stored or '{}')
    except (ValueError, RecursionError):
        return {}
    known = found if isinstance(found, dict) else {}
    return {name[:100]: count for name, count in known.items() if isinstance(count, int)}
