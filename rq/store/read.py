"""Reading many keys at once: one round trip per 1,000, and a key of another type hides only itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from .fields import text
from .replies import Trouble, classify

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ['MOST_NAME', 'hash_fields', 'hashes', 'many', 'names', 'pairs', 'scored']

# So many commands travel in one request: no call of ours holds the server for more than a few milliseconds.
MOST = 1000
# Bytes of a name or an id; what is longer was not meant as one, and a page of them would be megabytes.
MOST_NAME = 1_000


def many(connection: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The answers to commands (name, arguments ...), in their order; an error of the server is an answer.

    Raises the error of a server that cannot be asked now: while it loads its data, nothing is empty.
    """
    found: list[Any] = []
    for at in range(0, len(commands), MOST):
        pipeline = connection.pipeline(transaction=False)
        for command in commands[at : at + MOST]:
            pipeline.execute_command(*command)
        found += pipeline.execute(raise_on_error=False)
    for answer in found:
        if isinstance(answer, RedisError) and classify(answer) is Trouble.TRANSIENT:
            raise answer
    return found


def hashes(connection: Any, keys: Iterable[str]) -> list[dict[bytes, bytes]]:
    """The hashes at these keys; empty where there is none, or something else."""
    answers = many(connection, [('HGETALL', key) for key in keys])
    return [answer if isinstance(answer, dict) else {} for answer in answers]


def hash_fields(connection: Any, keys: Iterable[str], *fields: str) -> list[list[bytes | None]]:
    """Some fields of the hashes at these keys; None for each that is not there."""
    answers = many(connection, [('HMGET', key, *fields) for key in keys])
    return [answer if isinstance(answer, list) else [None] * len(fields) for answer in answers]


def names(connection: Any, key: str, most: int, start: str = '') -> tuple[list[str], int]:
    """The names in a set, sorted, of very many a part; and how many are left out. One round trip.

    `start`: what each begins with there, and here does not.
    """
    # With a count, each name is answered once.
    total, found = many(connection, [('SCARD', key), ('SRANDMEMBER', key, most)])
    if not isinstance(found, (list, set)):
        return [], 0
    first = start.encode()
    told = [text(name[len(first) :]) for name in found if len(name) <= MOST_NAME and name.startswith(first)]
    return sorted(told), int(total) - len(told)


def pairs(found: Any) -> list[tuple[bytes, float]]:
    """The members and scores of a range, in either version of the protocol; none of what is no range."""
    if not isinstance(found, list):
        return []
    rows = found if found and isinstance(found[0], (list, tuple)) else zip(found[::2], found[1::2], strict=True)
    return [(member, float(score)) for member, score in rows]


def scored(found: Any) -> list[tuple[str, float]]:
    """The members and scores of a range, without members too long to be a name or an id."""
    return [(text(member), score) for member, score in pairs(found) if len(member) <= MOST_NAME]
