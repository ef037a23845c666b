"""One HTTP request with one deadline for all of it: the name, the connection, TLS, what is sent and what is answered."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from .address import Refused, Rules, addresses

__all__ = ['Request', 'send']

# Of a reply only its head is wanted; a server that sends more than this before its end wants something else.
REPLY_LIMIT = 64 * 1024

REDIRECTS = {301, 302, 303, 307, 308}
MOST_REDIRECTS = 3

# They describe how the request is sent, which is not the caller's to say: two lengths are a smuggled request.
OURS_TO_SET = {'connection', 'content-length', 'transfer-encoding'}


class _Deadline:
    """One moment for many waits."""

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then. Raises TimeoutError from then on."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


@dataclass(frozen=True)
class Request:
    """What is to be sent, and where."""

    method: str
    url: str
    headers: dict[str, Any] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def host(self) -> str:
        """The host as DNS, TLS and the Host header want it."""
        return (urlsplit(self.url).hostname or '').encode('idna').decode()

    @property
    def secure(self) -> bool:
        """Whether it goes through TLS."""
        return urlsplit(self.url).scheme == 'https'

    @property
    def port(self) -> int:
        """The port to connect to. Raises ValueError for one that there cannot be."""
        port = urlsplit(self.url).port
        return (443 if self.secure else 80) if port is None else port

    @property
    def target(self) -> str:
        """Path and query with all that a request line cannot hold, as a line break, percent-encoded."""
        parts = urlsplit(self.url)
        whole = (parts.path or '/') + (f'?{parts.query}' if parts.query else '')
        return quote(whole, safe="/%:=&?~+!$,;'@()*[]|")

    @property
    def all_headers(self) -> dict[str, Any]:
        """The caller's headers and what HTTP needs beside them."""
        own = {name: value for name, value in self.headers.items() if name.lower() not in OURS_TO_SET}
        host = f'[{self.host}]' if ':' in self.host else self.host
        usual = self.port == (443 if self.secure else 80)
        given = {name.lower() for name in own}
        needed = {'Host': host if usual else f'{host}:{self.port}', 'Connection': 'close'}
        whole = {name: value for name, value in needed.items() if name.lower() not in given} | own
        if any(mark in f'{name}{value}' for name, value in whole.items() for mark in '\r\n\0'):
            raise Refused('a header has a line break in it')  # http.client lets a folded one through
        return whole

    def redirected(self, status: int, location: str) -> Request:
        """The request that a redirect asks for. Raises Refused for one to another place."""
        there = replace(self, url=urljoin(self.url, location))
        upgraded = there.secure and not self.secure
        if urlsplit(there.url).scheme not in ('http', 'https') or there.host != self.host:
            raise Refused('it redirects to another host')
        if not upgraded and (there.secure, there.port) != (self.secure, self.port):
            raise Refused('it redirects to another port')
        if status in (301, 302, 303):  # as all clients do
            kept = {name: value for name, value in self.headers.items() if name.lower() != 'content-type'}
            return replace(there, method='GET', headers=kept, body=None)
        return there


def send(request: Request, seconds: float, rules: Rules) -> int:
    """The status that the server answers, redirects within the same host followed. Raises for all that goes wrong."""
    deadline = _Deadline(seconds)
    for _ in range(MOST_REDIRECTS + 1):
        try:
            status, location = _exchange(request, deadline, rules)
        except TimeoutError:
            raise TimeoutError(f'not done within {seconds} s') from None
        if status not in REDIRECTS or not location:
            return status
        request = request.redirected(status, location)
    raise Refused(f'it redirects more than {MOST_REDIRECTS} times')


def _exchange(request: Request, deadline: _Deadline, rules: Rules) -> tuple[int, str | None]:
    """The status and the Location of one answer."""
    if urlsplit(request.url).username is not None:
        raise Refused('a name and a password in the URL are not sent: put them into a header')
    line = _Line(_connected(request, deadline, rules), deadline)
    try:
        if request.secure:
            line.encrypt(request.host)
        connection = http.client.HTTPConnection(request.host, request.port)
        connection.sock = line  # it has all of a socket that is used
        connection.request(request.method, request.target, request.body, request.all_headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader('Location')
    finally:
        line.close()


def _connected(request: Request, deadline: _Deadline, rules: Rules) -> socket.socket:
    """A connection to the first permitted address that takes one; each has its share of the time."""
    found = addresses(request.host, request.port, rules, deadline.left())
    trouble: OSError | None = None
    for number, (family, address) in enumerate(found):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(deadline.left() / (len(found) - number))
            connection.connect(address)
        except OSError as error:
            connection.close()
            trouble = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise trouble or OSError('no address')


class _Line(io.RawIOBase):
    """A socket, as far as http.client needs one, on which nothing lasts longer than the deadline."""

    def __init__(self, connection: socket.socket, deadline: _Deadline) -> None:
        self.connection = connection
        self.deadline = deadline
        self.unread = REPLY_LIMIT

    def encrypt(self, host: str) -> None:
        """TLS from here on; the certificate must be valid for the host that was named."""
        self.connection.settimeout(self.deadline.left())
        self.connection = ssl.create_default_context().wrap_socket(self.connection, server_hostname=host)

    def sendall(self, data: Any) -> None:
        """Sends all of it."""
        rest = memoryview(data).cast('B')
        while rest:
            self.connection.settimeout(self.deadline.left())
            rest = rest[self.connection.send(rest) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        """A file to read the answer from."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Reads some bytes. Raises Refused past the limit."""
        if not self.unread:
            raise Refused(f'the head of its reply is longer than {REPLY_LIMIT} bytes')
        self.connection.settimeout(self.deadline.left())
        count = self.connection.recv_into(memoryview(buffer)[: self.unread])
        self.unread -= count
        return count

    def close(self) -> None:
        """Ends the connection. The file itself stays open: http.client closes the two in either order, and flushes."""
        self.connection.close()
