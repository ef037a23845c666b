"""Schedulers in RQ's sense: a lock on each queue that they serve, and a record for readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ['OURS', 'fetch', 'forget', 'lock', 'pid', 'show', 'unlock']

_lock_queues = Script('lock_queues')
_unlock_queues = Script('unlock_queues')

# In the record of our schedulers: supervisors go on promoting in the queues that these have locked (promote_due.lua).
OURS = {'packhorse': '1'}


def lock(connection: Any, name: str, queues: Sequence[str], ttl: int) -> tuple[set[str], set[str]]:
    """The queues that are locked for a scheduler now, and those of them that were not before."""
    if not queues:
        return set(), set()
    answers = _lock_queues(connection, keys.scheduler(name), name, ttl, *queues)
    found = list(zip(queues, answers, strict=True))
    return {queue for queue, got in found if got != b'OTHERS'}, {queue for queue, got in found if got == b'NEW'}


def unlock(connection: Any, name: str, queues: Sequence[str]) -> int:
    """How many of its locks were given up."""
    return int(_unlock_queues(connection, keys.scheduler(name), name, *queues)) if queues else 0


def show(connection: Any, name: str, fields: Mapping[str, Any], ttl: int) -> None:
    """Writes fields of the record; in a pipeline as part of it."""
    connection.hset(keys.scheduler(name), mapping={**fields, **OURS})
    connection.expire(keys.scheduler(name), ttl)


def forget(connection: Any, name: str) -> bool:
    """Whether there was a record to delete."""
    return bool(connection.delete(keys.scheduler(name)))


def fetch(connection: Any, name: str) -> dict[bytes, bytes]:
    """The record, empty when there is none."""
    found: dict[bytes, bytes] = connection.hgetall(keys.scheduler(name))
    return found


def pid(connection: Any, queue: str) -> int | None:
    """The process that has locked a queue: of the scheduler that the lock names, or of an old lock, which is a pid."""
    holder = connection.get(keys.scheduler_lock(queue))
    if not holder:
        return None
    found = connection.hget(keys.scheduler(text(holder)), 'pid') or holder
    return int(found) if found.isdigit() else None
