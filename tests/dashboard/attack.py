"""What the tests of the dashboard's security share: every route that there is, and requests as attackers make them."""

from __future__ import annotations

import re
import socket
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.test import TestResponse

from rq.dashboard.access import OPEN
from rq.dashboard.actions.deeds import ACTIONS

__all__ = [
    'HEADERS', 'METRICS', 'OTHER_TOKEN', 'PASSWORD', 'SAME', 'TOKEN', 'Route',
    'ask', 'basic', 'bearer', 'check_headers', 'raw', 'routes',
]  # fmt: skip

TOKEN, OTHER_TOKEN, METRICS = 'token-of-ann-1234567890', 'token-of-bob-1234567890', 'token-of-prometheus-123'
PASSWORD = 'correct horse battery'

# As a browser says it of a form on our own page.
SAME = {'Origin': 'http://localhost', 'Sec-Fetch-Site': 'same-origin'}
HEADERS = {
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
}


class Route(NamedTuple):
    """An address, by a method."""

    method: str
    path: str
    endpoint: str

    @property
    def open(self) -> bool:
        """Whether it asks for no login."""
        return self.endpoint.rpartition('.')[2] in OPEN


def routes(app: Flask) -> list[Route]:
    """Every route of the application by each of its methods, actions one by one; nothing is listed by hand."""
    return sorted(set(_routes(app)))


def _routes(app: Flask) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        names = sorted(ACTIONS) if rule.endpoint.endswith('.do') else ['x']
        for name in names:
            path = re.sub(r'<[^>]+>', 'dashboard.css' if rule.endpoint.endswith('static') else name, rule.rule)
            for method in sorted((rule.methods or set()) - {'OPTIONS', 'HEAD'}):
                yield Route(method, path, rule.endpoint)


def check_headers(answer: TestResponse) -> None:
    """The headers that every answer has, whatever it is."""
    where = f'{answer.request.method} {answer.request.path}: {answer.status}'
    for name, value in HEADERS.items():
        assert answer.headers.get_all(name) == [value], where
    policy = dict(part.strip().partition(' ')[::2] for part in answer.headers['Content-Security-Policy'].split(';'))
    assert policy['default-src'] == "'none'" and policy['frame-ancestors'] == "'none'", where
    assert policy['form-action'] == "'self'" and policy['base-uri'] == "'none'", where
    assert 'unsafe' not in str(policy) and '*' not in str(policy) and 'http' not in str(policy), where
    static = answer.request.path.startswith('/assets/') and answer.status_code < 400
    assert answer.headers['Cache-Control'] == ('private, no-cache' if static else 'no-store'), where
    assert not [name for name, _ in answer.headers if name.lower().startswith('access-control')], where
    if answer.status_code >= 400:  # a page of a job or an error shows those of jobs
        assert 'Traceback' not in answer.text and 'site-packages' not in answer.text, where


def raw(url: str, data: bytes) -> bytes:
    """All that the server answers to these bytes, until it closes or has nothing more to say for a second."""
    host, _, port = url.removeprefix('http://').strip('/').partition(':')
    found = b''
    with socket.create_connection((host, int(port)), timeout=1) as connection:
        connection.sendall(data)
        try:
            while part := connection.recv(65536):
                found += part
        except TimeoutError:
            pass
    return found


def ask(client: Any, route: Route, **options: Any) -> TestResponse:
    """The answer to a request by that route."""
    answer: TestResponse = client.open(route.path, method=route.method, buffered=True, **options)
    return answer


def basic(name: str, password: str) -> dict[str, str]:
    """The header of who logs in by name and password."""
    return {'Authorization': 'Basic ' + b64encode(f'{name}:{password}'.encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    """The header of who logs in by a token."""
    return {'Authorization': f'Bearer {token}'}
