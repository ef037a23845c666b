"""What `rq info` knows: queues and workers, read in a constant number of round trips; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rq.store import admin, fields, keys, registry
from rq.store import queue as queues
from rq.store import worker as workers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis import Redis

__all__ = ['FAILED', 'QueueRow', 'Survey', 'WorkerRow', 'survey']

# The article's readers look for their failed jobs under this name; RQ 3.0 keeps them in a registry per queue.
FAILED = 'failed'


@dataclass(frozen=True, slots=True)
class QueueRow:
    """How many jobs of a queue are where."""

    name: str
    waiting: int
    executing: int
    finished: int
    failed: int


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker as its hash tells; '' and '?' where it does not."""

    name: str
    hostname: str
    pid: str
    ip_address: str
    state: str
    queues: list[str]
    finished: str
    failed: str


@dataclass(frozen=True, slots=True)
class Survey:
    """Queues in the order asked for, else by name. `failed`: of all queues, None where it is not to be shown."""

    queues: list[QueueRow]
    failed: int | None
    workers: list[WorkerRow]
    suspended: bool
    unknown: list[str]  # names asked for that no job and no worker has ever used


def survey(connection: Redis, names: Sequence[str] = ()) -> Survey:
    """The state of these queues and their workers, or of all. At most six round trips, whatever their number."""
    known = queues.names(connection)
    asked = list(dict.fromkeys(names))
    # A queue of one's own with the name `failed` is shown as a queue while jobs wait in it.
    rows = _rows(connection, list(dict.fromkeys([*asked, *known])))
    view = None
    if not asked or FAILED in asked:
        own = rows.get(FAILED)
        if own is None or not own.waiting:
            total = sum(rows[name].failed for name in known)
            view = total if total or FAILED in asked else None
    shown = [rows[name] for name in asked or known if not (name == FAILED and view is not None)]
    everybody = _workers(connection)
    wanted = set(asked)
    used = {*known, FAILED, *(name for worker in everybody for name in worker.queues)}
    return Survey(
        queues=shown,
        failed=view,
        workers=[worker for worker in everybody if not asked or wanted.intersection(worker.queues)],
        suspended=admin.is_suspended(connection),
        unknown=[name for name in asked if name not in used],
    )


def _rows(connection: Redis, names: list[str]) -> dict[str, QueueRow]:
    lengths = queues.lengths(connection, names)
    places = (keys.wip, keys.finished, keys.failed)
    counts = registry.counts(connection, [place(name) for name in names for place in places])
    rows = (
        QueueRow(name, length, *counts[3 * at : 3 * at + 3])
        for at, (name, length) in enumerate(zip(names, lengths, strict=True))
    )
    return {row.name: row for row in rows}


def _workers(connection: Redis) -> list[WorkerRow]:
    names = [keys.worker_name(key) for key in workers.known(connection)]
    hashes = workers.fetch_many(connection, names)
    found = [_worker(name, told) for name, told in zip(names, hashes, strict=True) if told and b'death' not in told]
    return sorted(found, key=lambda worker: (worker.hostname, worker.pid.zfill(10), worker.name))


def _worker(name: str, told: Mapping[bytes, bytes]) -> WorkerRow:
    def text(field: bytes, default: str = '') -> str:
        return fields.text(told.get(field, b'')) or default

    return WorkerRow(
        name=name,
        hostname=text(b'hostname'),
        pid=text(b'pid'),
        ip_address=text(b'ip_address', 'unknown'),
        state=text(b'state', '?'),
        queues=text(b'queues').split(',') if told.get(b'queues') else [],
        finished=text(b'successful_job_count', '0'),
        failed=text(b'failed_job_count', '0'),
    )
