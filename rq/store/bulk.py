"""Many jobs changed at once, each only if it is still where it was seen; and deleted jobs, which can be brought back.

A list is walked to find an id, so a script is given fewer ids the longer the list is, unless it is told where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import time
from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .script import Script, nonce

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    'CHUNK',
    'KEEP',
    'RECORD_TTL',
    'Seen',
    'add_bytes',
    'begin',
    'cancel_many',
    'discard',
    'enqueue_now',
    'is_halted',
    'is_worked_on',
    'kept',
    'leave',
    'move',
    'note',
    'read',
    'read_many',
    'restore',
    'stay',
    'take',
    'trash_bytes',
    'trashed_count',
    'trashed_ids',
]

_discard = Script('discard')
_restore = Script('restore')
_cancel_many = Script('cancel_many')
_move = Script('move')
_enqueue_now = Script('enqueue_now')

# Ids a script: 100 deletes are 2 to 4 ms of the server.
CHUNK = 100
# Places of lists that one script may walk: 3 ms. Of a list of a million one id a script is looked for.
WALK = 400_000
# Seconds for which deleted jobs can be brought back.
KEEP = 86_400
# A record outlives what it tells of.
RECORD_TTL = KEEP + 7_200
# Seconds after which who works on a bulk counts as dead.
RUNNER_TTL = 15


@dataclass(frozen=True, slots=True)
class Seen:
    """Where and when somebody saw the jobs to be changed: those that are elsewhere now are left alone."""

    home: str = ''  # a status, `failed` for both kinds of those; '' any
    before: float | None = None  # epoch; who came to its home later is left alone
    place: int | None = None  # on the list, of the first
    queue: str = ''  # whose home

    @property
    def args(self) -> tuple[str, str]:
        """As scripts are told."""
        return self.home, '' if self.before is None else f'{self.before:.6f}'

    @property
    def at(self) -> str:
        """The place, as scripts are told."""
        return '' if self.place is None else str(self.place)


def _chunks(connection: Any, job_ids: Sequence[str], seen: Seen) -> Iterator[tuple[list[str], Seen]]:
    """The ids, as many as one script may be given."""
    size = CHUNK
    if seen.place is None and seen.home in ('', 'queued'):
        size = max(1, min(CHUNK, WALK // max(1, _longest(connection, job_ids, seen))))
    for at in range(0, len(job_ids), size):
        yield list(job_ids[at : at + size]), seen


def _longest(connection: Any, job_ids: Sequence[str], seen: Seen) -> int:
    """The length of the longest list on which one of the jobs may be."""
    names = [seen.queue] if seen.queue else []
    pipeline = connection.pipeline(transaction=False)
    if not names:
        for job_id in job_ids:
            pipeline.hget(keys.job(job_id), 'origin')
        names = sorted({text(name) for name in pipeline.execute(raise_on_error=False) if isinstance(name, bytes)})
    for name in names:
        pipeline.llen(keys.queue(name))
    return max((found for found in pipeline.execute(raise_on_error=False) if isinstance(found, int)), default=0)


def discard(
    connection: Any, job_ids: Sequence[str], seen: Seen = Seen(), bulk: str = '', room: int = 0
) -> tuple[int, list[str]]:
    """The bytes kept, and KEPT, DELETED, GONE, LATER or the status for which it was left alone for each id.

    `bulk`: under which they can be brought back; what exceeds `room` bytes cannot.
    """
    kept, answers = 0, []
    for some, where in _chunks(connection, job_ids, seen):
        args = (bulk, KEEP, *where.args, where.at, where.queue, room - kept, nonce())
        found, *codes = _discard(connection, keys.queues(), *args, *some)
        kept += int(found)
        answers += [text(code) for code in codes]
    return kept, answers


def restore(connection: Any, bulk: str, job_ids: Sequence[str]) -> list[str]:
    """The status that each has now, TAKEN (its id was used again), EXPIRED, BROKEN or GONE."""
    answers: list[str] = []
    for at in range(0, len(job_ids), CHUNK):
        found = _restore(connection, keys.trashed(bulk), bulk, nonce(), *job_ids[at : at + CHUNK])
        answers += [text(code) for code in found]
    return answers


def cancel_many(connection: Any, job_ids: Sequence[str], seen: Seen = Seen()) -> list[str]:
    """CANCELED, GONE, LATER, BROKEN or the status for which it was left alone, for each id."""
    answers: list[str] = []
    for some, where in _chunks(connection, job_ids, seen):
        answers += [
            text(code) for code in _cancel_many(connection, keys.queues(), *where.args, where.at, nonce(), *some)
        ]
    return answers


def move(connection: Any, queue: str, jobs: Sequence[tuple[str, bytes, bytes]], seen: Seen = Seen()) -> list[str]:
    """MOVED, SAME, SIGNED, LATER, GONE, BROKEN or the status for which it was left alone, for each job.

    A job: its id, its signature as it was read, and the one for the other queue; b'' for none.
    """
    answers: list[str] = []
    told = {job_id: (old, new) for job_id, old, new in jobs}
    for some, where in _chunks(connection, list(told), seen):
        flat = [part for job_id in some for part in (job_id, *told[job_id])]
        found = _move(connection, keys.queue(queue), queue, *where.args, where.at, nonce(), *flat)
        answers += [text(code) for code in found]
    return answers


def enqueue_now(connection: Any, job_ids: Sequence[str], seen: Seen = Seen()) -> list[str]:
    """QUEUED, RATE_LIMITED, GONE, LATER, BROKEN or the status for which it was left alone, for each id."""
    answers: list[str] = []
    for at in range(0, len(job_ids), CHUNK):
        found = _enqueue_now(connection, keys.queues(), *seen.args, nonce(), *job_ids[at : at + CHUNK])
        answers += [text(code) for code in found]
    return answers


# --- what can be brought back -----------------------------------------------------------------------------------------


def trashed_ids(connection: Any, bulk: str, start: int, end: int) -> list[str]:
    """Ids that a bulk deleted and that can be brought back."""
    return [text(entry) for entry in connection.lrange(keys.trashed(bulk), start, end)]


def trashed_count(connection: Any, bulks: Sequence[str]) -> list[int]:
    """How many jobs of each bulk can be brought back. One round trip."""
    pipeline = connection.pipeline(transaction=False)
    for bulk in bulks:
        pipeline.llen(keys.trashed(bulk))
    return [int(count) for count in pipeline.execute()]


def kept(connection: Any, most: int = 200) -> list[str]:
    """The bulks whose jobs can be brought back, the newest first."""
    return [text(entry) for entry in connection.zrange(keys.trash(), 0, most - 1, desc=True)]


def trash_bytes(connection: Any) -> int:
    """How many bytes are kept, in all."""
    bulks = kept(connection)
    found = zip(trashed_count(connection, bulks), read_many(connection, bulks, 'bytes'), strict=True)
    return sum(int(record.get('bytes') or 0) for count, record in found if count)


def add_bytes(connection: Any, bulk: str, count: int) -> None:
    """Notes that so many bytes more are kept for a bulk."""
    if count:
        pipeline = connection.pipeline()
        pipeline.hincrby(keys.bulk(bulk), 'bytes', count)
        pipeline.hset(keys.bulk(bulk), 'until', f'{time() + KEEP:.0f}')
        pipeline.expire(keys.bulk(bulk), RECORD_TTL)
        pipeline.execute()


# --- the record of an action on many jobs -----------------------------------------------------------------------------


def begin(connection: Any, bulk: str, fields: Mapping[str, Any]) -> bool:
    """Whether this is the first time that a bulk begins; then its record is written."""
    pipeline = connection.pipeline()
    pipeline.hsetnx(keys.bulk(bulk), 'action', fields['action'])
    pipeline.expire(keys.bulk(bulk), RECORD_TTL)
    first = bool(pipeline.execute()[0])
    if first:
        note(connection, bulk, fields)
    return first


def note(connection: Any, bulk: str, fields: Mapping[str, Any]) -> None:
    """Writes fields of a record."""
    pipeline = connection.pipeline()
    pipeline.hset(keys.bulk(bulk), mapping=dict(fields))
    pipeline.expire(keys.bulk(bulk), RECORD_TTL)
    pipeline.execute()


def read(connection: Any, bulk: str) -> dict[str, str]:
    """The record of a bulk; empty when there is none."""
    return {text(name): text(value) for name, value in connection.hgetall(keys.bulk(bulk)).items()}


def read_many(connection: Any, bulks: Sequence[str], *names: str) -> list[dict[str, str]]:
    """Some fields of some records. One round trip."""
    pipeline = connection.pipeline(transaction=False)
    for bulk in bulks:
        pipeline.hmget(keys.bulk(bulk), names)
    rows = pipeline.execute()
    return [{name: text(v) for name, v in zip(names, row, strict=True) if v is not None} for row in rows]


def take(connection: Any, bulk: str, runner: str) -> bool:
    """Whether `runner` works on a bulk from now on: nobody else does."""
    return bool(connection.set(keys.bulk_runner(bulk), runner, nx=True, ex=RUNNER_TTL))


def stay(connection: Any, bulk: str) -> None:
    """Who works on a bulk says that it lives."""
    connection.expire(keys.bulk_runner(bulk), RUNNER_TTL)


def is_halted(connection: Any, bulk: str) -> bool:
    """Whether somebody asked a bulk to end."""
    return bool(connection.hget(keys.bulk(bulk), 'halt'))


def leave(connection: Any, bulk: str) -> None:
    """Nobody works on a bulk any more."""
    connection.delete(keys.bulk_runner(bulk))


def is_worked_on(connection: Any, bulk: str) -> bool:
    """Whether somebody works on a bulk now."""
    return bool(connection.exists(keys.bulk_runner(bulk)))
