"""Job: why it does not run, what it has gone through, what it was called with and what came of it; its parts as text."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from flask import Response, current_app

from rq.dashboard.connect import connection_of
from rq.dashboard.page import Missing, page
from rq.monitor import job as reader
from rq.monitor.why import why

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Blueprint
    from redis import Redis

    from rq.dashboard.page import View

__all__ = ['commands', 'install', 'job', 'raw']

PARTS = ('fields', 'call', 'meta', 'result', 'error')


@page('/job/<rq:job_id>', 'job', title='Job', nav='Jobs')
def job(view: View, job_id: str) -> Mapping[str, Any]:
    """All about one job."""
    found = reader.page(view.connection, job_id)
    if found is None:
        raise Missing(why(view.connection, job_id).sentence)
    return {'job': found, 'commands': commands(view.connection, job_id)}


def commands(connection: Redis, job_id: str) -> dict[str, str]:
    """What one may type in a terminal about this job."""
    named, server = (json.dumps(one, ensure_ascii=False) for one in (job_id, _server(connection)))
    code = f'from redis import Redis; from rq.job import Job; print(Job.fetch({named}, Redis.from_url({server})).perform())'
    name = shlex.quote(job_id)
    dash = '-- ' if job_id.startswith('-') else ''
    return {'why': f'rq why {dash}{name}', 'stack': f'rq stack {dash}{name}', 'run': f'python -c {shlex.quote(code)}'}


def _server(connection: Redis) -> str:
    """The URL of the server, without its password."""
    told = connection.connection_pool.connection_kwargs
    if told.get('path'):
        return f'unix://{told["path"]}?db={told.get("db", 0)}'
    secret = ':PASSWORD@' if told.get('password') else ''
    return f'redis://{secret}{told.get("host", "localhost")}:{told.get("port", 6379)}/{told.get("db", 0)}'


def install(blueprint: Blueprint) -> None:
    """Adds the raw views."""
    blueprint.add_url_rule('/raw/<rq:job_id>/<part>', 'raw', raw)


def raw(job_id: str, part: str) -> Response:
    """One part of a job as plain text."""
    text = reader.raw(connection_of(current_app), job_id, part) if part in PARTS else None
    if text is None:
        raise Missing('There is no such part of a job')
    return Response(text.encode('utf-8', 'replace'), mimetype='text/plain; charset=utf-8')
