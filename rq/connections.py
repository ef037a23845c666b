"""Connections like another one: the same server, user and TLS, with time limits of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from redis import Redis

__all__ = [
    'REDIS_RUNTIME_CONNECTION_KWARGS',
    'NoRedisConnectionException',
    'clone',
    'get_connection_kwargs',
    'parse_connection',
]

# What redis-py keeps in a pool's arguments for itself: objects bound to the old pool, and values it works out anew.
REDIS_RUNTIME_CONNECTION_KWARGS = (
    'maint_notifications_pool_handler',
    'maint_notifications_config',
    'himport_registry',
    'event_dispatcher',
    'orig_host_address',
    'orig_socket_timeout',
    'orig_socket_connect_timeout',
    'oss_cluster_maint_notifications_handler',
)


class NoRedisConnectionException(Exception):
    """Kept for `except` clauses: what needs a connection raises TypeError where it is made without one."""


def get_connection_kwargs(connection: Redis) -> dict[str, Any]:
    """The arguments with which a connection like this one is made."""
    return {
        name: value
        for name, value in connection.connection_pool.connection_kwargs.items()
        if name not in REDIS_RUNTIME_CONNECTION_KWARGS
    }


def parse_connection(connection: Redis) -> tuple[type[Redis], type[Any], dict[str, Any]]:
    """The classes of client and connection, and the arguments with which one like this is made."""
    pool = connection.connection_pool
    return type(connection), pool.connection_class, get_connection_kwargs(connection)


def clone(connection: Redis, timeout: float) -> Redis:
    """A client of the same server with a pool of its own: no retries, no call longer than `timeout` seconds."""
    from redis import Redis

    arguments = get_connection_kwargs(connection)
    arguments.update(
        socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0), health_check_interval=0
    )
    pool = ConnectionPool(connection_class=connection.connection_pool.connection_class, **arguments)
    return Redis(connection_pool=pool)
