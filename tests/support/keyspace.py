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


def _ask(pipeline: Any, kind: str, key: bytes) -> None:
    """Puts the command that reads a key of this type into a pipeline."""
    if kind == 'list':
        pipeline.lrange(key, 0, -1)
    elif kind == 'zset':
        pipeline.zrange(key, 0, -1, withscores=True)
    elif kind == 'stream':
        pipeline.xrange(key)
    else:
        {'string': pipeline.get, 'set': pipeline.smembers, 'hash': pipeline.hgetall}[kind](key)


def snapshot(redis: Redis) -> dict[bytes, Key]:
    """Every key of the database. Three round trips, in which nobody should write."""
    names = sorted(redis.scan_iter(count=10_000))
    pipeline = redis.pipeline(transaction=False)
    for key in names:
        pipeline.type(key)
    kinds = [kind.decode() for kind in pipeline.execute()]
    alive = [(key, kind) for key, kind in zip(names, kinds, strict=True) if kind != 'none']  # else expired just now
    for key, kind in alive:
        pipeline.pttl(key)
        _ask(pipeline, kind, key)
    answers = pipeline.execute()
    found = {}
    for (key, kind), left, value in zip(alive, answers[::2], answers[1::2], strict=True):
        plain = dict(value) if kind == 'zset' else value
        if left != -2:
            found[key] = Key(kind, plain, None if left < 0 else left / 1000)
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
