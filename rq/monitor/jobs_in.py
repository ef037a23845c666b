"""The jobs of one queue in one state: how many, and which."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rq.store import keys
from rq.store import queue as queues
from rq.store import registry as registries
from rq.store.job import time

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['REGISTRIES', 'STATES', 'count', 'ids']

REGISTRIES: dict[str, Callable[[str], str]] = {
    'started': keys.wip,
    'scheduled': keys.scheduled,
    'deferred': keys.deferred,
    'failed': keys.failed,
    'finished': keys.finished,
    'canceled': keys.canceled,
}
STATES = ('queued', *REGISTRIES)
# Those whose members expire, and stay until a worker cleans.
EXPIRING = ('failed', 'finished')


def count(connection: Redis, queue: str, state: str) -> tuple[int, float]:
    """How many jobs there are, and when that was (epoch, by Redis's clock)."""
    at = time(connection)
    if state == 'queued':
        return queues.length(connection, queue), at
    counted = registries.living_count if state in EXPIRING else registries.count
    return counted(connection, REGISTRIES[state](queue)), at


def ids(connection: Redis, queue: str, state: str, start: int, number: int) -> list[str]:
    """Ids from a place on: of those that wait the next one first, of others in the order of their registry."""
    if state == 'queued':
        return queues.ids(connection, queue, start, start + number - 1)
    found = registries.ids(connection, REGISTRIES[state](queue), start, start + number - 1)
    return [member.rpartition(':')[0] or member for member in found] if state == 'started' else found
