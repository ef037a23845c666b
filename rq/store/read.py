"""Reading many keys at once: one round trip per 1,000, and a key of another type hides only itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ['hash_fields', 'hashes', 'many']

# So many commands travel in one request: no call of ours holds the server for more than a few milliseconds.
MOST = 1000


def many(connection: Any, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The answers to commands (name, arguments ...), in their order; an error of the server is an answer."""
    found: list[Any] = []
    for at in range(0, len(commands), MOST):
        pipeline = connection.pipeline(transaction=False)
        for command in commands[at : at + MOST]:
            pipeline.execute_command(*command)
        found += pipeline.execute(raise_on_error=False)
    return found


def hashes(connection: Any, keys: Iterable[str]) -> list[dict[bytes, bytes]]:
    """The hashes at these keys; empty where there is none, or something else."""
    answers = many(connection, [('HGETALL', key) for key in keys])
    return [answer if isinstance(answer, dict) else {} for answer in answers]


def hash_fields(connection: Any, keys: Iterable[str], *fields: str) -> list[list[bytes | None]]:
    """Some fields of the hashes at these keys; None for each that is not there."""
    answers = many(connection, [('HMGET', key, *fields) for key in keys])
    return [answer if isinstance(answer, list) else [None] * len(fields) for answer in answers]
