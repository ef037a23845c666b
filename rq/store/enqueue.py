"""Jobs into queues: one by one, many, at a time, and what becomes due. One round trip each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import keys
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ['CHUNK', 'Entry', 'enqueue', 'enqueue_many', 'promote_due', 'schedule']

_enqueue = Script('enqueue')
_enqueue_many = Script('enqueue_many')
_schedule = Script('schedule')
_promote_due = Script('promote_due')

# Jobs a script at most: 100 reach 60,000 jobs/s (design.md) and keep the server's pause under 2 ms.
CHUNK = 100
# Payload a script at most, unless one job has more: a request past 1 GB is refused, and a big one is copied twice.
CHUNK_BYTES = 1_000_000


@dataclass(slots=True)
class Entry:
    """One job as it is put in a queue: its hash and how it is placed."""

    id: str
    fields: Mapping[str, Any]
    call: str = ''  # nonce of this call, for an id that may have been used before
    ttl: int = 0  # seconds; 0: none
    at_front: bool = False
    unique: bool = False
    push: bool = True  # False: only the hash is written


def _flat(fields: Mapping[str, Any]) -> list[Any]:
    return [part for item in fields.items() for part in item]


def enqueue(connection: Any, queue: str, entry: Entry) -> Any:
    """b'QUEUED', b'AGAIN' (this call had been here, or the id was waiting), or b'DUPLICATE' (unique, and it exists)."""
    where = ('front' if entry.at_front else 'back') if entry.push else 'none'
    unique = '1' if entry.unique else ''
    args = (queue, entry.id, entry.call, unique, where, entry.ttl)
    return _enqueue(connection, keys.queue(queue), *args, *_flat(entry.fields))


def _chunks(entries: Iterable[Entry], size: int) -> Iterator[list[Any]]:
    args: list[Any] = []
    count = room = 0
    for entry in entries:
        flat = _flat(entry.fields)
        payload = len(entry.fields.get('data', b'')) + len(entry.fields.get('meta', b''))
        if args and payload > room:
            yield args
            args, count = [], 0
        room = (room if args else CHUNK_BYTES) - payload
        args += (entry.id, entry.call, 'front' if entry.at_front else 'back', entry.ttl, len(flat) // 2)
        args += flat
        count += 1
        if count == size:
            yield args
            args, count = [], 0
    if args:
        yield args


def enqueue_many(connection: Any, queue: str, entries: Iterable[Entry]) -> None:
    """Puts jobs in a queue in their order, a hundred a round trip."""
    for args in _chunks(entries, CHUNK):
        _enqueue_many(connection, keys.queue(queue), queue, *args)


def schedule(connection: Any, queue: str, entry: Entry, due: int) -> Any:
    """As `enqueue`, but the job waits until `due` (epoch seconds)."""
    args = (queue, entry.id, entry.call, '1' if entry.unique else '', due, entry.ttl)
    return _schedule(connection, keys.queue(queue), *args, *_flat(entry.fields))


def promote_due(connection: Any, queues: Sequence[str], most: int = 1000) -> tuple[int, int | None]:
    """How many due jobs were moved to their queues (at most `most` in all), and the epoch when the next is due."""
    moved, soonest = _promote_due(connection, keys.queue(queues[0]), most, *queues)
    return moved, int(soonest) if soonest else None
