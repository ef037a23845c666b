"""Waiting until a write is safe: on a replica, or on the server's disk. The write and the wait share a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError, ResponseError

from rq.exceptions import NotDurable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ['DURABILITY', 'confirm', 'durably']

# How safe a write may be asked to be.
DURABILITY = ('replica', 'fsync')
# Milliseconds to wait for it. A client's own timeout may be shorter: then half of that, since the reply must come in time.
PATIENCE = 5000


def durably(connection: Any, how: str, write: Callable[[Any], Any]) -> Any:
    """What `write` answers, once it is as safe as asked. Raises NotDurable where it is not; the write has been done.

    `write` is given a pipeline for its one command. Sent again by redis-py after a lost reply, it waits for the first one
    too: a server waits for all that came before on any connection.
    """
    patience = _patience(connection)
    with connection.pipeline(transaction=False) as pipeline:
        write(pipeline)
        if how == 'replica':
            pipeline.execute_command('WAIT', 1, patience)
        else:
            pipeline.execute_command('WAITAOF', 1, 0, patience)
        answer, safe = pipeline.execute(raise_on_error=False)
    if isinstance(answer, Exception):
        raise answer
    if answer in (b'DUPLICATE', b'CYCLE'):
        return answer  # nothing was written
    if isinstance(safe, ResponseError):
        raise NotDurable(_reason(how, str(safe)))
    if isinstance(safe, RedisError):
        raise safe
    if not (safe if how == 'replica' else safe[0]):
        what = 'no replica has confirmed it' if how == 'replica' else 'the server has not written it to its disk'
        raise NotDurable(f'The job is queued, but {what} within {patience / 1000:g} seconds')
    return answer


def confirm(connection: Any, how: Collection[str | None]) -> None:
    """Waits until all that was written so far, on any connection, is as safe as asked. Raises NotDurable."""
    for kind in DURABILITY:
        if kind in how:
            durably(connection, kind, lambda pipeline: pipeline.time())


def _patience(connection: Any) -> int:
    pool = getattr(connection, 'connection_pool', None)
    limit = getattr(pool, 'connection_kwargs', {}).get('socket_timeout')
    return min(PATIENCE, max(1, int(limit * 500))) if limit else PATIENCE


def _reason(how: str, said: str) -> str:
    if how == 'fsync' and 'unknown command' in said.lower():
        return 'The job is queued, but durable="fsync" needs Valkey or Redis 7.2: this server has no WAITAOF'
    if 'appendonly' in said.lower():
        return 'The job is queued, but durable="fsync" needs a server with appendonly yes: this one keeps no such file'
    return f'The job is queued, but durable={how!r} cannot be had from this server: {said}'
