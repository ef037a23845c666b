"""The server as its page shows it: what it is, how it fares, what is wrong with it, and which commands cost most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rq.store import view_server as store

from .server import findings

if TYPE_CHECKING:
    from redis import Redis

    from .finding import Finding

__all__ = ['ServerState', 'Slow', 'server_state']

# Slow commands that are listed.
MOST_SLOW = 20


@dataclass(frozen=True, slots=True)
class Slow:
    """A command of ours that the server took note of as slow."""

    when: datetime
    seconds: float
    command: str
    key: str


@dataclass(frozen=True, slots=True)
class ServerState:
    """A server; what it does not tell is None or ''. Sizes in bytes, times in seconds."""

    name: str
    mode: str
    role: str
    replicas: int | None
    uptime: float | None
    round_trip: float
    findings: tuple[tuple[str, Finding], ...]
    used: int | None
    peak: int | None
    limit: int | None
    policy: str
    fragmentation: float | None
    clients: int | None
    most_clients: int | None
    blocked: int | None
    commands_per_second: int | None
    appends: bool | None
    appends_well: bool | None
    saved: datetime | None
    saves_well: bool | None
    unsaved: int | None  # changes since then
    evicted: int | None
    keys: int
    slow: tuple[Slow, ...] | None  # None: we may not ask
    usage: tuple[store.Usage, ...]


def server_state(connection: Redis) -> ServerState:
    """The state of this moment. Two round trips."""
    found = store.look(connection)
    told, facts = found.told, found.facts
    return ServerState(
        name=facts.name,
        mode=_text(told, 'server_mode') or _text(told, 'redis_mode'),
        role=_text(told, 'role'),
        replicas=_whole(told, 'connected_slaves'),
        uptime=_whole(told, 'uptime_in_seconds'),
        round_trip=facts.round_trip,
        findings=tuple(findings(facts)),
        used=_whole(told, 'used_memory'),
        peak=_whole(told, 'used_memory_peak'),
        limit=_whole(told, 'maxmemory'),
        policy=facts.policy,
        fragmentation=_real(told, 'mem_fragmentation_ratio'),
        clients=_whole(told, 'connected_clients'),
        most_clients=_whole(told, 'maxclients'),
        blocked=_whole(told, 'blocked_clients'),
        commands_per_second=_whole(told, 'instantaneous_ops_per_sec'),
        appends=facts.aof,
        appends_well=_well(told, 'aof_last_write_status') if facts.aof else None,
        saved=_when(_whole(told, 'rdb_last_save_time')),
        saves_well=_well(told, 'rdb_last_bgsave_status'),
        unsaved=_whole(told, 'rdb_changes_since_last_save'),
        evicted=_whole(told, 'evicted_keys'),
        keys=found.total,
        slow=None if found.slow is None else tuple(map(_slow, found.slow[:MOST_SLOW])),
        usage=found.usage,
    )


def _slow(one: store.Slow) -> Slow:
    return Slow(datetime.fromtimestamp(one.when, UTC), one.seconds, one.command, one.key)


def _text(told: dict[str, Any], name: str) -> str:
    return str(told.get(name, ''))[:100]


def _whole(told: dict[str, Any], name: str) -> int | None:
    value = told.get(name)
    return int(value) if isinstance(value, int | float) else None


def _real(told: dict[str, Any], name: str) -> float | None:
    value = told.get(name)
    return float(value) if isinstance(value, int | float) else None


def _well(told: dict[str, Any], name: str) -> bool | None:
    return None if name not in told else told[name] == 'ok'


def _when(epoch: int | None) -> datetime | None:
    return datetime.fromtimestamp(epoch, UTC) if epoch else None
