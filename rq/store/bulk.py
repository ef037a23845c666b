"""Many jobs changed at once, each only if it is still where it was seen; and deleted jobs, which can be brought back.

A list is walked to find an id, so a script is given fewer ids the longer the list is, unless it is told where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import time
from typing import TYPE_CHECKING, Any

from . import keys, view_queues
from .fields import text
from .read import hash_fields, many
from .script import Script, nonce

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
# Places of lists that one script may walk: 3 ms. Of a list of a million one id a script is looked for ...
WALK = 400_000
# ... but of a list longer than this, the places of more than so many ids are found first, by reading the list.
LONG, MANY = 20_000, 20
WINDOW, WINDOWS = 1_000, 20
# Places within which ids go by one script: what lib/pluck.lua looks at, less what may have moved meanwhile.
SPAN = 500
# Seconds for which deleted jobs can be brought back.
KEEP = 86_400
# A record outlives what it tells of.
RECORD_TTL = KEEP + 7_200
# Seconds after which who works on a bulk counts as dead.
RUNNER_TTL = 15
# Bytes of a field of a record that are read: a filter, its longest, has up to 2,000 characters.
LONGEST = 10_000


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


Send = Callable[[Sequence[str], Seen], Sequence[Any]]


def _sent(connection: Any, job_ids: Sequence[str], seen: Seen, send: Send, again: bool = False) -> list[str]:
    """What `send` answers for each id, given as many at once as one script may be given."""
    answers: dict[str, str] = {}
    missed: list[str] = []
    for some, where in _chunks(connection, job_ids, seen, not again):
        answers.update(zip(some, map(text, send(some, where)), strict=True))
        missed += [job_id for job_id in some if answers[job_id] == 'MISSED']
    if missed:  # workers took so many meanwhile that they are somewhere else: the list is walked for each
        found = _sent(connection, missed, replace(seen, place=None), send, again=True)
        answers.update(zip(missed, found, strict=True))
    return [answers[job_id] for job_id in job_ids]


def _chunks(connection: Any, job_ids: Sequence[str], seen: Seen, by_place: bool) -> Iterator[tuple[list[str], Seen]]:
    """The ids, as many as one script may be given; those on a long list by their places."""
    left = list(dict.fromkeys(job_ids))
    size = CHUNK
    if seen.place is None and seen.home in ('', 'queued'):
        queues = _lists(connection, left, seen)
        for queue, some in queues.items():
            length = view_queues.lengths(connection, [queue], 'waiting')[0]
            if by_place and length > LONG and len(some) > MANY:
                groups = _groups(_places(connection, queue, set(some), length))
                yield from ((group, replace(seen, place=place)) for place, group in groups)
                done = {job_id for _, group in groups for job_id in group}
                left = [job_id for job_id in left if job_id not in done]
            else:
                size = max(1, min(size, WALK // max(1, length)))
    for at in range(0, len(left), size):
        yield left[at : at + size], seen


def _lists(connection: Any, job_ids: Sequence[str], seen: Seen) -> dict[str, list[str]]:
    """Those that are on lists, by queue, as far as their hashes tell."""
    found: dict[str, list[str]] = {}
    rows = hash_fields(connection, map(keys.job, job_ids), 'status', 'origin')
    for job_id, (status, origin) in zip(job_ids, rows, strict=True):
        if status in (None, b'queued') and (seen.queue or origin):
            found.setdefault(text(origin) if origin else seen.queue, []).append(job_id)
    return found


def _places(connection: Any, queue: str, wanted: set[str], length: int) -> dict[str, int]:
    """Where they are on the list now, looked for from its end: those that are found by a filter are the newest."""
    found: dict[str, int] = {}
    starts = range(max(0, (length - 1) // WINDOW * WINDOW), -1, -WINDOW)
    for at in range(0, len(starts), WINDOWS):
        some = starts[at : at + WINDOWS]
        answers = many(connection, [('LRANGE', keys.queue(queue), start, start + WINDOW - 1) for start in some])
        for start, answer in zip(some, answers, strict=True):
            for place, entry in enumerate(answer if isinstance(answer, list) else (), start):
                if (job_id := text(entry)) in wanted:
                    found[job_id] = place
        if len(found) == len(wanted):
            break
    return found


def _groups(places: Mapping[str, int]) -> list[tuple[int, list[str]]]:
    """(the first place, ids) of neighbours, the last ones first: what leaves then moves none of those to come."""
    groups: list[tuple[int, list[str]]] = []
    for job_id in sorted(places, key=places.__getitem__, reverse=True):
        place = places[job_id]
        if groups and places[groups[-1][1][0]] - place < SPAN and len(groups[-1][1]) < CHUNK:
            groups[-1][1].append(job_id)
            groups[-1] = (place, groups[-1][1])
        else:
            groups.append((place, [job_id]))
    return [(place, ids[::-1]) for place, ids in groups]


def discard(
    connection: Any, job_ids: Sequence[str], seen: Seen = Seen(), bulk: str = '', room: int = 0
) -> tuple[int, list[str]]:
    """The bytes kept, and KEPT, DELETED, GONE, LATER or the status for which it was left alone for each id.

    `bulk`: under which they can be brought back; what exceeds `room` bytes cannot.
    """
    kept = 0

    def send(some: Sequence[str], where: Seen) -> Sequence[Any]:
        nonlocal kept
        args = (bulk, KEEP, *where.args, where.at, where.queue, room - kept, nonce())
        found, *codes = _discard(connection, keys.queues(), *args, *some)
        kept += int(found)
        return list(codes)

    answers = _sent(connection, job_ids, seen, send)
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

    def send(some: Sequence[str], where: Seen) -> Sequence[Any]:
        answer: Sequence[Any] = _cancel_many(connection, keys.queues(), *where.args, where.at, nonce(), *some)
        return answer

    return _sent(connection, job_ids, seen, send)


def move(connection: Any, queue: str, jobs: Sequence[tuple[str, bytes, bytes]], seen: Seen = Seen()) -> list[str]:
    """MOVED, SAME, SIGNED, LATER, GONE, BROKEN or the status for which it was left alone, for each job.

    A job: its id, its signature as it was read, and the one for the other queue; b'' for none.
    """
    told = {job_id: (old, new) for job_id, old, new in jobs}

    def send(some: Sequence[str], where: Seen) -> Sequence[Any]:
        flat = [part for job_id in some for part in (job_id, *told[job_id])]
        answer: Sequence[Any] = _move(connection, keys.queue(queue), queue, *where.args, where.at, nonce(), *flat)
        return answer

    return _sent(connection, [job_id for job_id, _, _ in jobs], seen, send)


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
    sizes = [record.get('bytes', '') for count, record in found if count]
    return sum(int(size) for size in sizes if size.isdecimal() and len(size) < 16)  # a record is anybody's to write


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
    return {text(name): text(value[:LONGEST]) for name, value in connection.hgetall(keys.bulk(bulk)).items()}


def read_many(connection: Any, bulks: Sequence[str], *names: str) -> list[dict[str, str]]:
    """Some fields of some records. One round trip."""
    pipeline = connection.pipeline(transaction=False)
    for bulk in bulks:
        pipeline.hmget(keys.bulk(bulk), names)
    rows = pipeline.execute()
    return [{name: text(v[:LONGEST]) for name, v in zip(names, row, strict=True) if v is not None} for row in rows]


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
