"""Everything that a server holds, as plain values: to compare two moments of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from redis import Redis

__all__ = ['Key', 'difference', 'snapshot']

# Two snapshots are milliseconds apart, and a request sent twice may set the same TTL twice.
TTL_SLACK = 5.0


class Key(NamedTuple):
    """One key: its type, its value, and the seconds it has left (None: it does not expire)."""

    type: str
    value: Any
    ttl: float | None


def _value(redis: Redis, kind: str, key: bytes) -> Any:
    if kind == 'string':
        return redis.get(key)
    if kind == 'list':
        return redis.lrange(key, 0, -1)
    if kind == 'set':
        return redis.smembers(key)
    if kind == 'zset':
        return dict(redis.zrange(key, 0, -1, withscores=True))
    if kind == 'hash':
        return redis.hgetall(key)
    assert kind == 'stream', kind
    return redis.xrange(key)


def snapshot(redis: Redis) -> dict[bytes, Key]:
    """Every key of the database."""
    found = {}
    for key in sorted(redis.scan_iter(count=1000)):
        kind = redis.type(key).decode()
        left = redis.pttl(key)
        if left != -2:  # gone since
            found[key] = Key(kind, _value(redis, kind, key), None if left < 0 else left / 1000)
    return found


def _same(one: Key, other: Key) -> bool:
    if one[:2] != other[:2] or (one.ttl is None) != (other.ttl is None):
        return False
    return one.ttl is None or other.ttl is None or abs(one.ttl - other.ttl) < TTL_SLACK


def difference(before: dict[bytes, Key], after: dict[bytes, Key]) -> dict[bytes, tuple[Key | None, Key | None]]:
    """Keys that are not as they were: (before, after), None where there was or is none. TTLs may differ by seconds."""
    return {
        key: (before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if key not in before or key not in after or not _same(before[key], after[key])
    }
