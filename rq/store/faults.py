"""Fault points of the store (rq/_faultpoints.py): around every script, and a reply that is lost. Imported by tests' runs only."""

from __future__ import annotations

from typing import Any

from redis.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from rq import _faultpoints

__all__ = ['install']


def install(kind: Any) -> None:
    """From now on each script, of this class, has a point before and after it, and the action `drop` loses the next reply."""
    run = kind.__call__

    def between(script: Any, connection: Any, key: str, *args: Any) -> Any:
        _faultpoints.reach(f'before.{script.name}')
        answer = run(script, connection, key, *args)
        _faultpoints.reach(f'after.{script.name}')
        return answer

    kind.__call__ = between
    _faultpoints.drop = _lose_next_reply


def _lose_next_reply() -> None:
    """The server answers, whoever reads the answer sees a cut connection."""
    read = AbstractConnection.read_response

    def lost(connection: Any, *args: Any, **options: Any) -> Any:
        AbstractConnection.read_response = read  # type: ignore[method-assign]
        read(connection, *args, **options)
        connection.disconnect()
        raise RedisConnectionError('the reply is lost')

    AbstractConnection.read_response = lost  # type: ignore[method-assign,assignment]
