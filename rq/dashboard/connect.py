"""The application's Redis, and the settings it was made with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from redis import Redis

from rq.connections import get_connection_kwargs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

__all__ = ['all_settings_of', 'connection_of', 'set_up', 'settings_of']

EXTENSION = 'rq_dashboard'
URL = 'RQ_DASHBOARD_REDIS_URL'
PREFIX = 'RQ_DASHBOARD_'
SECRETS = {'redis_url', 'password', 'users', 'token', 'tokens', 'metrics_token'}
# Seconds: a page that waits longer for Redis than this says so.
CONNECTING = 3
ANSWERING = 10


def set_up(app: Flask, connection: Redis | str | None, settings: Mapping[str, Any]) -> None:
    """Gives the application its Redis, and `RQ_DASHBOARD_<NAME>` for each setting. Nothing is asked of Redis yet."""
    for name, value in settings.items():
        app.config[PREFIX + name.upper()] = value
    if isinstance(connection, str):
        app.config[URL] = connection
    elif connection is not None:
        app.extensions[EXTENSION] = _of_bytes(connection)


def connection_of(app: Flask) -> Redis:
    """The application's Redis: the one it was given, else of its `RQ_DASHBOARD_REDIS_URL`. Made once."""
    if EXTENSION not in app.extensions:
        url = app.config.get(URL) or 'redis://localhost:6379'
        first = url if isinstance(url, str) else next(iter(url))
        app.extensions[EXTENSION] = Redis.from_url(first, socket_connect_timeout=CONNECTING, socket_timeout=ANSWERING)
    return cast(Redis, app.extensions[EXTENSION])


def all_settings_of(app: Flask) -> dict[str, Any]:
    """The settings without their prefix, in small letters, secrets too."""
    return {name[len(PREFIX) :].lower(): value for name, value in app.config.items() if name.startswith(PREFIX)}


def settings_of(app: Flask) -> dict[str, Any]:
    """The settings that pages and actions are given: a secret is none of them."""
    return {name: value for name, value in all_settings_of(app).items() if name not in SECRETS}


def _of_bytes(connection: Redis) -> Redis:
    """A client that answers bytes: what is stored need not be text."""
    arguments = get_connection_kwargs(connection)
    if not arguments.get('decode_responses'):
        return connection
    from redis import ConnectionPool

    arguments['decode_responses'] = False
    pool = ConnectionPool(connection_class=connection.connection_pool.connection_class, **arguments)
    return Redis(connection_pool=pool)
