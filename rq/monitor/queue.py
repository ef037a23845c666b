"""One queue: its numbers, and a page of its jobs in one state, with what they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rq import inert
from rq.store import admin, view_jobs
from rq.store import view_queues as store

from . import matching, queues, room
from .lenient import moment
from .progress import progress

if TYPE_CHECKING:
    from datetime import datetime

    from rq.store.view_jobs import Stored

    from .matching import Row
    from .queues import Queue

__all__ = ['LOOKED_AT', 'Item', 'Page', 'page']

# Jobs whose functions are counted: those next to run, or the newest of a registry.
LOOKED_AT = 200
MOST = 8  # functions, and keys of limits, that are told

Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A job in the list of its queue."""

    row: Row
    due: datetime | None  # of a scheduled one
    progress: float | None  # of a running one that says it in its meta data, from 0 to 1


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a queue."""

    queue: Queue
    all_paused: bool
    jobs: tuple[Item, ...]
    total: int  # jobs in this state
    gone: int  # ids on this page whose job has expired
    functions: Counts  # the most frequent of those looked at
    limits: Counts  # the most frequent keys of limits of those looked at
    looked_at: int
    weight: int | None  # bytes that all jobs of this state take, an estimate; None: not told


def page(connection: Any, name: str, state: str, offset: int, most: int) -> Page:
    """The numbers of a queue, and jobs of it in a state. About fifteen round trips."""
    found = queues.one(connection, name)
    members = store.stretch(connection, name, state, offset, most)
    ids = [job_id for job_id, _ in members]
    stored = view_jobs.fetch(connection, ids, data=True, meta=state == 'started')
    items = [
        Item(matching.row(job, state), moment(score) if state == 'scheduled' else None, _progress(job))
        for job, (_, score) in zip(stored, members, strict=True)
        if job is not None
    ]
    first = [job_id for job_id, _ in store.stretch(connection, name, state, 0, LOOKED_AT)]
    functions, limits, looked_at = _breakdown(connection, first)
    total = _total(found, state)
    return Page(
        queue=found,
        all_paused=admin.is_suspended(connection),
        jobs=tuple(items),
        total=total,
        gone=len(members) - len(items),
        functions=functions,
        limits=limits,
        looked_at=looked_at,
        weight=room.mean(connection, first) * total if total else None,
    )


def _total(found: Queue, state: str) -> int:
    return int(getattr(found, {'queued': 'waiting', 'started': 'running'}.get(state, state)))


def _progress(job: Stored) -> float | None:
    return progress(inert.mapping(job.meta)) if job.meta else None


def _breakdown(connection: Any, ids: list[str]) -> tuple[Counts, Counts, int]:
    """How many jobs there are of each function and of each key of a limit, among how many that were looked at."""
    stored = [job for job in view_jobs.fetch(connection, ids, data=True) if job is not None]
    functions = Counter(matching.function_of(job) for job in stored)
    limits = Counter(key for job in stored if (key := matching.limit_of(job)))
    return tuple(functions.most_common(MOST)), tuple(limits.most_common(MOST)), len(stored)
