"""What the server says about itself: which one it is, what it forgets, what it keeps over a restart."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

__all__ = ['ServerFacts', 'facts']


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server; what it does not tell is '' or None."""

    kind: str  # 'Redis' or 'Valkey'
    version: tuple[int, ...]
    maxmemory: int  # bytes; 0: no limit
    policy: str  # which keys it forgets when it is full
    aof: bool | None  # whether each command is kept
    snapshots: bool | None  # whether all is kept from time to time
    round_trip: float  # seconds

    @property
    def name(self) -> str:
        """Kind and version."""
        return f'{self.kind} {".".join(map(str, self.version))}'


def facts(connection: Any) -> ServerFacts:
    """What the server tells; two round trips. Raises redis-py's errors."""
    from redis.exceptions import ResponseError

    connection.ping()  # connecting is not what a round trip takes
    began = time.monotonic()
    told = connection.info()
    took = time.monotonic() - began
    try:
        saves: bool | None = bool(connection.config_get('save').get('save'))
    except ResponseError:  # managed servers do not let one look
        saves = None
    valkey = told.get('server_name') == 'valkey'
    version = str(told.get('valkey_version' if valkey else 'redis_version', ''))
    aof = told.get('aof_enabled')
    return ServerFacts(
        kind='Valkey' if valkey else 'Redis',
        version=tuple(int(part) for part in version.split('.') if part.isdigit()),
        maxmemory=int(told.get('maxmemory', 0)),
        policy=str(told.get('maxmemory_policy', '')),
        aof=None if aof is None else bool(aof),
        snapshots=saves,
        round_trip=took,
    )
