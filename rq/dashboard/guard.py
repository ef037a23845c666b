"""What is refused before anything is read: names that are not ours, methods, bodies, requests that another site made.

Also the headers of every answer. docs/dashboard.md has the threats, one by one, and the tests that hold them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import Forbidden, HTTPException, MethodNotAllowed, RequestEntityTooLarge

if TYPE_CHECKING:
    from flask import Request, Response

__all__ = [
    'LARGEST_BODY', 'Hosts', 'Misdirected', 'add_headers', 'check_method', 'check_origin', 'host_of', 'is_loopback', 'is_own_path',
]  # fmt: skip

# Bytes of a request's body: a selection of 200 ids is 10 KB, a filter less.
LARGEST_BODY = 1_000_000
METHODS = ('GET', 'HEAD', 'POST')
HOST = re.compile(r'(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?')
OWN_PATH = re.compile(r'/(?![/\\])[\x21-\x5b\x5d-\x7e]*')
PORTS = {'http': 80, 'https': 443}
# Seconds after which the page that says that Redis is away looks again, without JavaScript too.
RELOAD = 5

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Content-Security-Policy': POLICY,
}


class Misdirected(HTTPException):
    """The request is for a name that this dashboard does not go by."""

    code = 421
    description = (
        'The dashboard is not served under this name. If it should be, start it with --allow-host NAME, '
        'or add the name to RQ_DASHBOARD_HOSTS.'
    )

    @property
    def name(self) -> str:
        """The words that go with the number."""
        return 'Misdirected request'


class Hosts:
    """The names that a request may ask for: those of this machine's loopback, and those that were added.

    A page of another site can make a browser send requests here by letting its own name point to our address (DNS
    rebinding); the name in `Host` is then still that site's. A number in `Host` is nobody's name, so with `numbers`
    every address may be asked for. `None` for the names: any name may, since others look after that.
    """

    def __init__(self, names: Iterable[str] | None = (), numbers: bool = False) -> None:
        self.any = names is None or '*' in (names := tuple(names))
        self.names = frozenset(_bare(name) for name in names or ())
        self.numbers = numbers

    def check(self, asked: Request) -> None:
        """Nothing for a request to one of them; raises Misdirected."""
        if not self.any and not self.knows(host_of(asked)):
            raise Misdirected

    def knows(self, name: str) -> bool:
        """Whether the name, without a port, is one of them."""
        name = _bare(name)
        if is_loopback(name) or name in self.names:
            return True
        return self.numbers and _number(name)


def host_of(asked: Request) -> str:
    """The name that the request is for, without its port; '' for what is none."""
    found = HOST.fullmatch(asked.environ.get('HTTP_HOST', '').lower())
    return found[1] if found else ''


def is_loopback(name: str) -> bool:
    """Whether a host of this name is this machine, seen from itself."""
    try:
        return name == 'localhost' or ip_address(name).is_loopback
    except ValueError:
        return False


def _bare(name: str) -> str:
    return name.lower().strip('[]').removesuffix('.')


def _number(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return False


def check_method(asked: Request) -> None:
    """Nothing for a method that we have, and a body of a size that we need; raises 405 and 413."""
    if asked.method not in METHODS:
        raise MethodNotAllowed(METHODS)
    if (asked.content_length or 0) > LARGEST_BODY:
        raise RequestEntityTooLarge
    try:
        asked.max_content_length = LARGEST_BODY  # of a body whose length is not told
    except AttributeError:  # Flask 3.0: the limit is the app's
        pass


def check_origin(asked: Request, tokens: bool = False) -> None:
    """Nothing for a POST that a page of ours has sent, or a program; raises Forbidden for what another site may have.

    Every browser of today tells both `Origin` and `Sec-Fetch-Site`, older ones `Origin`; each has to be right if it is
    there. A request with neither is a program's. Where tokens are asked for (`tokens`), one in `Authorization` is enough:
    no browser adds it by itself, as it does cookies and passwords. Else a program has to send the `Origin` it means.
    """
    if asked.method in ('GET', 'HEAD'):
        return
    origin, site = asked.headers.get('Origin'), asked.headers.get('Sec-Fetch-Site')
    if origin is None and site is None:
        if tokens and asked.headers.get('Authorization', '').lower().startswith('bearer '):
            return
        raise Forbidden('The request does not say which page it is from (Origin). A program sends a token, or Origin.')
    if site not in (None, 'same-origin') or (origin is not None and not _ours(origin, asked)):
        raise Forbidden('The request comes from a page of another site.')
    if origin is None:
        raise Forbidden('The request does not say which page it is from (Origin).')


def _ours(origin: str, asked: Request) -> bool:
    """Whether an Origin is that of our pages: the host and port that the request itself is for."""
    try:
        parts = urlsplit(origin)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        return False
    if parts.path or parts.query or parts.fragment or '@' in parts.netloc:
        return False
    if asked.is_secure and parts.scheme != 'https':
        return False
    host = HOST.fullmatch(asked.environ.get('HTTP_HOST', '').lower())
    if host is None or parts.hostname is None:
        return False
    # Behind a proxy with TLS we are asked by http, without a port; the page knows its scheme, and so its port.
    return host[1].strip('[]') == parts.hostname and int(host[2] or PORTS[parts.scheme]) == port


def is_own_path(path: str) -> bool:
    """Whether it is an address on this very site: `//elsewhere` and `/\\elsewhere` are other sites to a browser."""
    return OWN_PATH.fullmatch(path) is not None


def add_headers(response: Response, lasting: bool = False) -> Response:
    """The answer with our headers; `lasting` is for files that are the same for everybody."""
    response.headers.update(HEADERS)
    response.headers['Cache-Control'] = 'private, no-cache' if lasting else 'no-store'
    if response.status_code == 503 and request.method != 'POST':
        response.headers['Refresh'] = str(RELOAD)
        response.headers['Retry-After'] = str(RELOAD)
    return response
