"""What programs ask: /healthz (this process answers), /readyz (Redis answers, in time), /metrics (Prometheus)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Response, current_app
from redis.exceptions import RedisError

from rq.dashboard.connect import connection_of
from rq.store.server import answers

if TYPE_CHECKING:
    from flask import Blueprint

__all__ = ['install']

# Seconds after which an answer of Redis comes too late for a page that is to be shown in a tenth of one.
IN_TIME = 1.0


def install(blueprint: Blueprint) -> None:
    """The three routes."""
    blueprint.add_url_rule('/healthz', 'healthz', _healthz)
    blueprint.add_url_rule('/readyz', 'readyz', _readyz)
    blueprint.add_url_rule('/metrics', 'metrics', _metrics)


def _healthz() -> Response:
    return Response('ok\n', mimetype='text/plain')


def _readyz() -> Response:
    began = time.monotonic()
    try:
        answers(connection_of(current_app))
    except (RedisError, OSError):
        return Response('Redis does not answer\n', 503, mimetype='text/plain')
    if time.monotonic() - began > IN_TIME:
        return Response('Redis answers too late\n', 503, mimetype='text/plain')
    return Response('ok\n', mimetype='text/plain')


def _metrics() -> Response:
    from rq.dashboard import prometheus

    text, kind = prometheus.exposition(connection_of(current_app))
    return Response(text, content_type=kind)
