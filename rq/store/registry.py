"""Registries' keys: sorted sets of job ids, read without writing; cleaning is the reaper's.

A score is the epoch at which a member expires (and its hash with it); -1 and +inf never do. Expired members that nobody
has cleaned away yet are told apart here, by the server's clock, so that readers need not clean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .fields import text
from .keys import queue as queue_key
from .keys import queues
from .queue import names_of
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    'add',
    'clean',
    'count',
    'count_everywhere',
    'counts',
    'drop_expired',
    'expire',
    'forget',
    'has',
    'ids',
    'ids_everywhere',
    'living_count',
    'living_ids',
    'move',
    'remove',
    'score',
    'scores',
]

_clean = Script('clean')


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


def living_count(connection: Any, key: str) -> int:
    """How many members have not expired. One round trip, two where some have."""
    pipeline = connection.pipeline(transaction=False)
    pipeline.time().zcard(key).zrangebyscore(key, 0, '+inf', start=0, num=1, withscores=True)
    (now, _), total, soonest = pipeline.execute()
    if not soonest or soonest[0][1] > now:
        return int(total)
    return count(connection, key, now)


def ids(connection: Any, key: str, start: int = 0, end: int = -1, desc: bool = False) -> list[str]:
    """Members by score."""
    return [text(entry) for entry in connection.zrange(key, start, end, desc=desc)]


def living_ids(connection: Any, key: str, start: int = 0, end: int = -1, desc: bool = False) -> list[str]:
    """Members by score that have not expired: a page of what is left when those are gone. One round trip as a rule."""
    pipeline = connection.pipeline(transaction=False)
    pipeline.time().zrangebyscore(key, 0, '+inf', start=0, num=1, withscores=True).zrange(key, start, end, desc=desc)
    (now, _), soonest, page = pipeline.execute()
    if not soonest or soonest[0][1] > now:
        return [text(entry) for entry in page]
    pipeline.zcard(key).zcount(key, '-inf', '(0').zcount(key, 0, now)
    total, before, gone = pipeline.execute()
    first, last = _page(total - gone, start, end, desc)
    # The expired lie between the members that never expire by -1 and all others.
    for low, high in ((first, min(last, before - 1)), (max(first, before) + gone, last + gone)):
        if low <= high:
            pipeline.zrange(key, low, high)
    found = [text(entry) for part in pipeline.execute() for entry in part]
    return found[::-1] if desc else found


def _page(total: int, start: int, end: int, desc: bool) -> tuple[int, int]:
    """The first and the last place, counted upwards from 0, of what ZRANGE would answer on so many members."""
    first = max(start + total, 0) if start < 0 else start
    last = end + total if end < 0 else min(end, total - 1)
    return (total - 1 - last, total - 1 - first) if desc else (first, last)


def scores(connection: Any, key: str, low: float | str, high: float | str, most: int = 1000) -> list[str]:
    """Members with a score from `low` to `high`, at most `most`."""
    return [text(entry) for entry in connection.zrangebyscore(key, low, high, start=0, num=most)]


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


def expire(connection: Any, key: str, seconds: int) -> None:
    """Lets the whole of it expire."""
    connection.expire(key, seconds)


def forget(connection: Any, key: str) -> None:
    """Deletes the whole of it."""
    connection.delete(key)


def move(connection: Any, key: str, member: str, into: Callable[[Any], Any]) -> None:
    """Takes a member out and does what `into` puts into the pipeline it is given, in one step."""
    pipeline = connection.pipeline()
    pipeline.zrem(key, member)
    into(pipeline)
    pipeline.execute()


def clean(connection: Any, names: Sequence[str], most: int = 1000) -> int:
    """How many expired members of the finished and failed jobs of some queues were dropped, `most` of them."""
    return int(_clean(connection, queue_key(names[0]), most, *names))


def drop_expired(connection: Any, key: str, now: float) -> Any:
    """How many members with a score from 0 to `now` went: their hashes have expired. -1 and +inf stay."""
    return connection.zremrangebyscore(key, 0, now)


# --- one kind of registry, of all queues that are known ---------------------------------------------------------------


def count_everywhere(connection: Any, key_of: Callable[[str], str]) -> int:
    """How many members have not expired, in this registry of all queues. Two round trips."""
    now, found = _queues(connection)
    pipeline = connection.pipeline(transaction=False)
    for name in found:
        pipeline.zcard(key_of(name)).zcount(key_of(name), 0, now)
    answers = pipeline.execute()
    return int(sum(answers[::2]) - sum(answers[1::2]))


def ids_everywhere(connection: Any, key_of: Callable[[str], str], most: int | None = None) -> list[str]:
    """Members of this registry of all queues: the soonest to expire first, those that never do last. Two round trips."""
    now, found = _queues(connection)
    pipeline = connection.pipeline(transaction=False)
    page = {} if most is None else {'start': 0, 'num': most}
    for name in found:
        pipeline.zrangebyscore(key_of(name), f'({now}', '+inf', withscores=True, **page)
        pipeline.zrangebyscore(key_of(name), '-inf', '(0', withscores=True, **page)
    members = [(score if score >= 0 else float('inf'), entry) for part in pipeline.execute() for entry, score in part]
    members.sort(key=lambda member: member[0])
    return [text(entry) for _, entry in members[:most]]


def _queues(connection: Any) -> tuple[int, list[str]]:
    pipeline = connection.pipeline(transaction=False)
    (now, _), found = pipeline.time().smembers(queues()).execute()
    return now, names_of(found)
