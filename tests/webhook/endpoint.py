"""Somebody else's server, good or bad, in a thread of the test."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from types import TracebackType

from tests.support.waiting import wait_for

__all__ = ['OK', 'Endpoint', 'black_hole', 'reply']


def reply(status: int = 200, headers: str = '', body: bytes = b'') -> bytes:
    """An answer as bytes; `headers` are whole lines."""
    head = f'HTTP/1.1 {status} As asked\r\nContent-Length: {len(body)}\r\n{headers}\r\n'
    return head.encode() + body


OK = reply()


class Endpoint:
    """Answers each request with the next of `replies`, the last one again and again; a function gets the connection.

    What came is in `requests`, as bytes: only whole requests. A `greeting` is sent to whoever connects.
    """

    def __init__(
        self, *replies: bytes | Callable[[socket.socket], None], host: str = '127.0.0.1', greeting: bytes = b''
    ) -> None:
        self.greeting = greeting
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family)
        self.port = self.listener.getsockname()[1]
        self.host = f'[{host}]' if ':' in host else host
        self.replies = list(replies) or [OK]
        self.requests: list[bytes] = []
        self.connections = 0
        self.tls: ssl.SSLContext | None = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f'http{"s" if self.tls else ""}://{self.host}:{self.port}'

    @property
    def request(self) -> str:
        """The one request that came."""
        wait_for(lambda: self.requests, message='no request')
        (only,) = self.requests
        return only.decode('latin-1')

    def __enter__(self) -> Endpoint:
        self.thread.start()
        return self

    def __exit__(self, *exc: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.ended.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(10)
            with contextlib.suppress(OSError), connection:
                if self.tls:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                with connection:
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        answer = self.replies[min(len(self.requests), len(self.replies) - 1)]
        connection.sendall(self.greeting)
        received = b''
        while not _whole(received):
            more = connection.recv(65536)
            if not more:
                return
            received += more
        self.requests.append(received)
        if callable(answer):
            answer(connection)
        else:
            connection.sendall(answer)

    def drip(self, connection: socket.socket, first: bytes = b'') -> None:
        """Slow-loris: bytes without an end, one every now and then, each in time for a timeout per read."""
        connection.sendall(first)
        while not self.ended.wait(0.02):
            connection.sendall(b'x')


def _whole(received: bytes) -> bool:
    head, end, body = received.partition(b'\r\n\r\n')
    lengths = [int(line.split(b':')[1]) for line in head.split(b'\r\n') if line.lower().startswith(b'content-length:')]
    return bool(end) and len(body) >= sum(lengths)


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """A port at which connections are neither taken nor refused: its queue of callers is full."""
    with socket.socket() as listener, contextlib.ExitStack() as callers:
        listener.bind(('127.0.0.1', 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(4):
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(('127.0.0.1', port))
        yield port
