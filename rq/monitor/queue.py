"""One queue: its numbers, and a page of its jobs in one state, with what they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rq.store import admin, view_jobs
from rq.store import view_queues as store

from . import matching, queues, room

if TYPE_CHECKING:
    from .matching import Row
    from .queues import Queue

__all__ = ['LOOKED_AT', 'Item', 'Page', 'page']

# Jobs whose functions are counted: those next to run, or the newest of a registry.
LOOKED_AT = 200
FUNCTIONS = 8


@dataclass(frozen=True, slots=True)
class Item:
    """A job in the list of its queue."""

    row: Row
    due: datetime | None  # of a scheduled one


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a queue."""

    queue: Queue
    all_paused: bool
    jobs: tuple[Item, ...]
    total: int  # jobs in this state
    gone: int  # ids on this page whose job has expired
    functions: tuple[tuple[str, int], ...]  # the most frequent of those looked at
    looked_at: int
    weight: int | None  # bytes that all jobs of this state take, an estimate; None: not told


def page(connection: Any, name: str, state: str, offset: int, most: int) -> Page:
    """The numbers of a queue, and jobs of it in a state. About fifteen round trips."""
    found = queues.one(connection, name)
    members = store.stretch(connection, name, state, offset, most)
    stored = view_jobs.fetch(connection, [job_id for job_id, _ in members], data=True)
    items = [
        Item(matching.row(job, state), _due(score) if state == 'scheduled' else None)
        for job, (_, score) in zip(stored, members, strict=True)
        if job is not None
    ]
    functions, looked_at = _functions(connection, name, state)
    total = _total(found, state)
    return Page(
        queue=found,
        all_paused=admin.is_suspended(connection),
        jobs=tuple(items),
        total=total,
        gone=len(members) - len(items),
        functions=functions,
        looked_at=looked_at,
        weight=room.weight(connection, name, state) * total if total else None,
    )


def _total(found: Queue, state: str) -> int:
    return int(getattr(found, {'queued': 'waiting', 'started': 'running'}.get(state, state)))


def _functions(connection: Any, name: str, state: str) -> tuple[tuple[tuple[str, int], ...], int]:
    ids = [job_id for job_id, _ in store.stretch(connection, name, state, 0, LOOKED_AT)]
    stored = [job for job in view_jobs.fetch(connection, ids, data=True) if job is not None]
    counted = Counter(matching.function_of(job) for job in stored)
    return tuple(counted.most_common(FUNCTIONS)), len(stored)


def _due(score: float | None) -> datetime | None:
    try:
        return None if score is None else datetime.fromtimestamp(score, UTC)
    except (ValueError, OverflowError, OSError):
        return None
