"""The ground on which `rq bench` measures: keys of its own below the prefix, which it leaves as empty as it found them."""

from __future__ import annotations

import time
from typing import Any

from . import keys

__all__ = ['NAMESPACE', 'clear', 'release', 'reserve', 'round_trips']

# The process that measures runs with RQ_KEY_PREFIX='rq:bench'. Below the user's own prefix, where he may write.
NAMESPACE = ':bench'
# One that died leaves its reservation for so long; then the next one clears up after it.
RESERVED_SECONDS = 120


def _on_its_own_ground() -> None:
    if not keys.PREFIX.endswith(NAMESPACE):
        raise RuntimeError(f'rq bench may not touch keys that begin with {keys.PREFIX!r}')


def reserve(connection: Any, who: str) -> bool:
    """Whether the ground is ours now; False while another measures on this server. Raises redis-py's errors."""
    _on_its_own_ground()
    return bool(connection.set(keys.trial(), who, nx=True, ex=RESERVED_SECONDS))


def release(connection: Any, who: str) -> None:
    """Clears the ground and gives it up, if it is ours still."""
    _on_its_own_ground()
    if connection.get(keys.trial()) == who.encode():
        clear(connection)
        connection.delete(keys.trial())


def clear(connection: Any) -> int:
    """How many keys of earlier work on this ground were deleted; the reservation stays."""
    _on_its_own_ground()
    gone, some = 0, []
    for key in connection.scan_iter(match=f'{keys.PREFIX}:*', count=5000):
        if key != keys.trial().encode():
            some.append(key)
        if len(some) == 1000:
            gone += connection.unlink(*some)
            some = []
    return gone + (connection.unlink(*some) if some else 0)


def round_trips(connection: Any, seconds: float) -> list[float]:
    """How long each of the PINGs took that fit into so many seconds, in seconds; sorted."""
    connection.ping()  # connecting is not what a round trip takes
    took = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        connection.ping()
        took.append(time.perf_counter() - began)
    return sorted(took)
