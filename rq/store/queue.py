"""Queues' keys: what waits, who is known, taking off and putting on by hand, emptying in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .script import Script, nonce

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    'empty',
    'first_seen',
    'forget',
    'ids',
    'ids_of',
    'length',
    'lengths',
    'lock',
    'move_head',
    'names',
    'names_of',
    'pop',
    'pop_first',
    'position',
    'push',
    'remove',
    'remove_one',
    'set_first_seen',
    'unlock',
]

_empty_chunk = Script('empty_chunk')
_pop = Script('pop')
_push = Script('push')


def names(connection: Any) -> list[str]:
    """Names of the queues that were ever enqueued to, sorted."""
    return names_of(connection.smembers(keys.queues()))


def names_of(found: Iterable[bytes]) -> list[str]:
    """Names of the queues whose full keys these are, sorted; what is no such key is left out."""
    start = keys.queue('')
    return sorted(text(key)[len(start) :] for key in found if text(key).startswith(start))


def length(connection: Any, queue: str) -> int:
    """How many ids wait."""
    return int(connection.llen(keys.queue(queue)))


def lengths(connection: Any, queues: Sequence[str]) -> list[int]:
    """How many ids wait in each, one round trip."""
    pipeline = connection.pipeline(transaction=False)
    for queue in queues:
        pipeline.llen(keys.queue(queue))
    return [int(count) for count in pipeline.execute()]


def ids(connection: Any, queue: str, start: int = 0, end: int = -1) -> list[str]:
    """Ids that wait, head first."""
    return [text(entry) for entry in connection.lrange(keys.queue(queue), start, end)]


def position(connection: Any, queue: str, job_id: str) -> int | None:
    """How many ids are before this one, None when it does not wait. The server walks the list: O(length)."""
    found = connection.lpos(keys.queue(queue), job_id)
    return None if found is None else int(found)


def remove(connection: Any, queue: str, job_id: str) -> Any:
    """Takes an id off the list; answers how many entries went."""
    return connection.lrem(keys.queue(queue), 0, job_id)


def push(connection: Any, queue: str, job_id: str, at_front: bool = False) -> Any:
    """Puts an id on the list, as is."""
    return _push(connection, keys.queue(queue), job_id, 'front' if at_front else 'back', nonce())


def pop(connection: Any, queue: str) -> str | None:
    """Takes the head off the list. Nobody then holds the job: for callers who run it themselves."""
    found = _pop(connection, keys.queue(queue), nonce())
    return None if found is None else text(found)


def pop_first(connection: Any, queue_keys: Sequence[str], seconds: float | None) -> tuple[str, bytes] | None:
    """(key, id) of the head of the first list that has one, waiting so long (None: not at all). Nobody then holds it."""
    if seconds is not None:
        found = connection.blpop(queue_keys, seconds)
        return None if found is None else (text(found[0]), found[1])
    for key in queue_keys:
        job_id = _pop(connection, key, nonce())
        if job_id is not None:
            return key, job_id
    return None


def move_head(connection: Any, queue_key: str, into: str, seconds: float | None) -> bytes | None:
    """The head of a list, moved to the end of another one, waiting so long (None: not at all)."""
    if seconds is None:
        found: bytes | None = connection.lmove(queue_key, into, 'LEFT', 'RIGHT')
    else:
        found = connection.blmove(queue_key, into, seconds, 'LEFT', 'RIGHT')
    return found


def ids_of(connection: Any, key: str) -> list[str]:
    """Ids on a list, head first."""
    return [text(entry) for entry in connection.lrange(key, 0, -1)]


def remove_one(connection: Any, key: str, job_id: str) -> None:
    """Takes the first entry of an id off a list."""
    connection.lrem(key, 1, job_id)


def set_first_seen(connection: Any, key: str, at: float) -> bool:
    """Whether this is the first note of an id on an intermediate list; kept for a day."""
    return bool(connection.set(key, at, nx=True, ex=86400))


def first_seen(connection: Any, key: str) -> float | None:
    """When an id was first seen on an intermediate list (epoch), as noted there."""
    found = connection.get(key)
    try:
        return None if found is None else float(found)
    except ValueError:
        return None


def empty(connection: Any, queue: str) -> int:
    """How many waiting jobs were deleted: as many as there were when it began, 500 a step."""
    left = length(connection, queue)
    gone = 0
    while left > 0:
        chunk = connection.lrange(keys.queue(queue), 0, min(left, 500) - 1)
        if not chunk:
            break
        gone += int(_empty_chunk(connection, keys.queue(queue), nonce(), *chunk))
        left -= len(chunk)
    return gone


def forget(connection: Any, queue: str) -> None:
    """Takes a queue out of the set of known ones and deletes its list."""
    pipeline = connection.pipeline()
    pipeline.srem(keys.queues(), keys.queue(queue))
    pipeline.delete(keys.queue(queue), keys.wake(queue))
    pipeline.execute()


def lock(connection: Any, queue: str, seconds: int) -> bool:
    """Whether RQ's maintenance lock of a queue is now ours."""
    return bool(connection.set(keys.clean_registries(queue), 1, nx=True, ex=seconds))


def unlock(connection: Any, queue: str) -> None:
    """Gives RQ's maintenance lock back."""
    connection.delete(keys.clean_registries(queue))
