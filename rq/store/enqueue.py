"""Jobs into queues: one by one, many, at a time, and what becomes due. One round trip each."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError
from redis.exceptions import TimeoutError as RedisTimeoutError

from . import keys
from .script import Script
from .wire import Wire, as_bytes, can_wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ['CHUNK', 'Entry', 'Promoted', 'enqueue', 'enqueue_many', 'enqueue_when_ready', 'promote_due', 'schedule']

_enqueue = Script('enqueue')
_enqueue_when_ready = Script('enqueue_when_ready')
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
    waits: bool = False  # its hash names what it waits for: other jobs, a rate limit
    durable: str | None = None  # how safe it is to be when the call returns (durable.py)


def _flat(fields: Mapping[str, Any]) -> list[Any]:
    return [part for item in fields.items() for part in item]


def enqueue(connection: Any, queue: str, entry: Entry) -> Any:
    """b'QUEUED', b'AGAIN' (this call had been here, or the id was waiting), or b'DUPLICATE' (unique, and it exists)."""
    where = ('front' if entry.at_front else 'back') if entry.push else 'none'
    unique = '1' if entry.unique else ''
    args = (queue, entry.id, entry.call, unique, where, entry.ttl)
    return _enqueue(connection, keys.queue(queue), *args, *_flat(entry.fields))


def enqueue_when_ready(connection: Any, queue: str, entry: Entry) -> Any:
    """Puts a job where it waits: b'QUEUED', b'DEFERRED' (for other jobs) or b'RATE_LIMITED' (for a slot).

    b'AGAIN': this call had been here, and it waits for neither any more. b'CYCLE': a job that it would wait for waits
    for it, and nothing was done.
    """
    args = (queue, entry.id, entry.call, entry.ttl)
    return _enqueue_when_ready(connection, keys.queue(queue), *args, *_flat(entry.fields))


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


def _request(queue: str, group: list[Entry], named: str) -> list[Any]:
    """The arguments of one script: what all jobs have alike is said once. `named`: the group they all belong to, or ''."""
    alike = {
        name: value
        for name, value in group[0].fields.items()
        if len(group) > 1 and all(entry.fields.get(name) == value for entry in group)
    }
    args: list[Any] = [queue, named, len(alike), *_flat(alike)]
    for entry in group:
        own = [part for item in entry.fields.items() if item[0] not in alike for part in item]
        where = 'waits' if entry.waits else 'front' if entry.at_front else 'back'
        args += (entry.id, entry.call, where, entry.ttl, len(own) // 2)
        args += own
    return args


def enqueue_many(connection: Any, queue: str, entries: Iterable[Entry], group: str = '') -> list[bytes]:
    """Puts jobs in a queue in their order, a hundred a request; answers where each is, as `enqueue_when_ready` does.

    The first requests go one by one; where more come, a connection of their own pays, on which one is always under way
    while the next is packed. Raises redis-py's errors: what had been sent is queued then. In a pipeline no answers.
    """
    key = keys.queue(queue)
    left: Iterable[list[Any]] = (_request(queue, some, group) for some in _groups(entries))
    answers: list[bytes] = []
    for args in islice(left, GROUPS_ALONE):
        _collect(answers, _enqueue_many(connection, key, *args))
    if can_wire(connection):
        left = _send_ahead(connection, key, iter(left), answers)
    for args in left:
        _collect(answers, _enqueue_many(connection, key, *args))
    return answers


def _collect(answers: list[bytes], found: Any) -> None:
    if isinstance(found, list):
        answers += found


def _send_ahead(connection: Any, key: str, requests: Iterator[list[Any]], answers: list[bytes]) -> Iterator[list[Any]]:
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
            _collect(answers, wire.receive())
            waiting.popleft()
        _collect(answers, wire.receive())
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


def schedule(connection: Any, queue: str, entry: Entry, due: float) -> Any:
    """As `enqueue`, but the job waits until `due` (epoch seconds)."""
    args = (queue, entry.id, entry.call, '1' if entry.unique else '', due, entry.ttl)
    return _schedule(connection, keys.queue(queue), *args, *_flat(entry.fields))


class Promoted(NamedTuple):
    """What a promotion did."""

    moved: int  # jobs moved to where they wait next
    wait: float | None  # seconds until the next is due
    releasing: int  # ended jobs whose dependents are still to be told (depend.release_dependents)


def promote_due(connection: Any, queues: Sequence[str], most: int = 1000) -> Promoted:
    """Moves due jobs of some queues, at most `most` in all."""
    moved, wait, releasing = _promote_due(connection, keys.queue(queues[0]), most, *queues)
    return Promoted(moved, int(wait) / 1000 if wait else None, releasing)
