"""Rate limits: who holds a slot of a key, and who waits for one."""

from __future__ import annotations

from typing import Any

from . import keys
from .fields import integer, text
from .script import Script

__all__ = ['add_waiter', 'admit', 'concurrency', 'holders', 'names', 'set_concurrency', 'sweep', 'waiters']

_admit = Script('admit')
_sweep_limits = Script('sweep_limits')


def names(connection: Any) -> list[str]:
    """The rate limit keys in use, sorted."""
    return sorted(text(name) for name in connection.smembers(keys.limits()))


def concurrency(connection: Any, name: str) -> int | None:
    """How many jobs of a key may be queued or running; None for a key that nobody uses."""
    return integer(connection.hget(keys.limit(name), 'concurrency') or b'')


def holders(connection: Any, name: str) -> list[str]:
    """Ids of the jobs that hold a slot, the longest holding first."""
    return [text(entry) for entry in connection.zrange(keys.limit_holders(name), 0, -1)]


def waiters(connection: Any, name: str) -> list[str]:
    """Ids of the jobs that wait for a slot, the next one first."""
    return [text(entry) for entry in connection.zrange(keys.limit_waiters(name), 0, -1)]


def sweep(connection: Any, most: int = 20) -> int:
    """How many slots were given back that were held for nothing, of `most` keys; unused keys are dropped."""
    return int(_sweep_limits(connection, keys.limits(), most))


def admit(connection: Any, name: str, leaves: str = '', only_stale: bool = False) -> list[str]:
    """Ids of the waiting jobs that were queued by this; in a pipeline that. `leaves`: gives its slot or place up first.

    `only_stale`: only if it holds its slot for nothing.
    """
    answer = _admit(connection, keys.limits(), name, leaves, '1' if only_stale else '')
    return [text(entry) for entry in answer] if isinstance(answer, list) else answer


def set_concurrency(connection: Any, name: str, most: int) -> None:
    """Stores how many jobs of a key may be queued or running."""
    connection.sadd(keys.limits(), name)
    connection.hset(keys.limit(name), 'concurrency', most)


def add_waiter(connection: Any, name: str, job_id: str, score: float) -> None:
    """Puts an id among those who wait for a slot, as is."""
    connection.zadd(keys.limit_waiters(name), {job_id: score})
