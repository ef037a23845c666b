"""Jobs into queues: one by one, many, at a time, and what becomes due. One round trip each."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError
from redis.exceptions import TimeoutError as RedisTimeoutError

from . import keys
from .script import Script
from .wire import Wire, as_bytes, can_wire

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
# Requests before a second connection is made: its handshake takes as long as four of them.
GROUPS_ALONE = 4


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


def _groups(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The entries by the hundred, fewer where their payloads are large."""
    group: list[Entry] = []
    room = CHUNK_BYTES
    for entry in entries:
        payload = len(entry.fields.get('data', b'')) + len(entry.fields.get('meta', b''))
        if group and (payload > room or len(group) == CHUNK):
            yield group
            group, room = [], CHUNK_BYTES
        room -= payload
        group.append(entry)
    if group:
        yield group


def _request(queue: str, group: list[Entry]) -> list[Any]:
    """The arguments of one script: what all jobs have alike is said once."""
    alike = {
        name: value
        for name, value in group[0].fields.items()
        if len(group) > 1 and all(entry.fields.get(name) == value for entry in group)
    }
    args: list[Any] = [queue, len(alike), *_flat(alike)]
    for entry in group:
        own = [part for item in entry.fields.items() if item[0] not in alike for part in item]
        args += (entry.id, entry.call, 'front' if entry.at_front else 'back', entry.ttl, len(own) // 2)
        args += own
    return args


def enqueue_many(connection: Any, queue: str, entries: Iterable[Entry]) -> None:
    """Puts jobs in a queue in their order, a hundred a request.

    The first requests go one by one; where more come, a connection of their own pays, on which one is always under way
    while the next is packed. Raises redis-py's errors: what had been sent is queued then.
    """
    key = keys.queue(queue)
    left: Iterable[list[Any]] = (_request(queue, group) for group in _groups(entries))
    for args in islice(left, GROUPS_ALONE):
        _enqueue_many(connection, key, *args)
    if can_wire(connection):
        left = _send_ahead(connection, key, iter(left))
    for args in left:
        _enqueue_many(connection, key, *args)


def _send_ahead(connection: Any, key: str, requests: Iterator[list[Any]]) -> Iterator[list[Any]]:
    """Sends requests one ahead of their answers. Gives those that are not known to have arrived, to be sent again."""
    first = next(requests, None)
    if first is None:
        return
    wire, waiting = Wire(connection), deque([first])
    try:
        _send(wire, key, first)
        for args in requests:
            waiting.append(args)
            _send(wire, key, args)
            wire.receive()
            waiting.popleft()
        wire.receive()
        waiting.popleft()
    except (RedisConnectionError, RedisTimeoutError, NoScriptError, OSError):
        pass  # the ordinary client sends them again, with its own retries
    finally:
        wire.close()
    yield from waiting
    yield from requests


def _send(wire: Wire, key: str, args: list[Any]) -> None:
    packed = [keys.PREFIX.encode(), *map(as_bytes, args)]
    wire.send_script(_enqueue_many, key.encode(), len(packed), Wire.pack(packed))


def schedule(connection: Any, queue: str, entry: Entry, due: int) -> Any:
    """As `enqueue`, but the job waits until `due` (epoch seconds)."""
    args = (queue, entry.id, entry.call, '1' if entry.unique else '', due, entry.ttl)
    return _schedule(connection, keys.queue(queue), *args, *_flat(entry.fields))


def promote_due(connection: Any, queues: Sequence[str], most: int = 1000) -> tuple[int, int | None]:
    """How many due jobs were moved to their queues (at most `most` in all), and the epoch when the next is due."""
    moved, soonest = _promote_due(connection, keys.queue(queues[0]), most, *queues)
    return moved, int(soonest) if soonest else None
