"""Registries' keys: sorted sets of job ids, read without writing; cleaning is the reaper's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['add', 'count', 'counts', 'drop_expired', 'has', 'ids', 'remove', 'score', 'scores']


def count(connection: Any, key: str, alive_after: float | None = None) -> int:
    """How many members, of those that have not expired by `alive_after` (epoch) when it is given; score -1 never does."""
    if alive_after is None:
        return int(connection.zcard(key))
    gone = int(connection.zcount(key, 0, alive_after))
    return int(connection.zcard(key)) - gone


def counts(connection: Any, keys: Sequence[str]) -> list[int]:
    """How many members of each, one round trip."""
    pipeline = connection.pipeline(transaction=False)
    for key in keys:
        pipeline.zcard(key)
    return [int(found) for found in pipeline.execute()]


def ids(connection: Any, key: str, start: int = 0, end: int = -1, desc: bool = False) -> list[str]:
    """Members by score."""
    return [entry.decode() for entry in connection.zrange(key, start, end, desc=desc)]


def scores(connection: Any, key: str, low: float | str, high: float | str, most: int = 1000) -> list[str]:
    """Members with a score from `low` to `high`, at most `most`."""
    return [entry.decode() for entry in connection.zrangebyscore(key, low, high, start=0, num=most)]


def score(connection: Any, key: str, member: str) -> float | None:
    """The score of a member, or None."""
    found: float | None = connection.zscore(key, member)
    return found


def has(connection: Any, key: str, member: str) -> bool:
    """Whether it is a member."""
    return connection.zscore(key, member) is not None


def add(connection: Any, key: str, member: str, score: float, only_update: bool = False) -> Any:
    """Adds a member or gives it a new score."""
    return connection.zadd(key, {member: score}, xx=only_update)


def remove(connection: Any, key: str, member: str) -> Any:
    """How many members went (0 or 1)."""
    return connection.zrem(key, member)


def drop_expired(connection: Any, key: str, now: float) -> int:
    """How many members with a score from 0 to `now` went: their hashes have expired. -1 and +inf stay."""
    return int(connection.zremrangebyscore(key, 0, now))
