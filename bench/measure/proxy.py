"""A proxy that counts round trips on the wire: how often a client speaks after the server has spoken."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from urllib.parse import urlsplit

__all__ = ['Wire', 'counted_wire']


@dataclass
class Wire:
    """The proxy's address, and the round trips so far of all connections through it."""

    url: str
    round_trips: int = 0


@contextmanager
def counted_wire(url: str) -> Iterator[Wire]:
    """Stand between clients and the server at `url` during the block."""
    address = urlsplit(url)
    server = (address.hostname or 'localhost', address.port or 6379)
    with socket.create_server(('127.0.0.1', 0)) as listener:
        wire, end = Wire(f'redis://127.0.0.1:{listener.getsockname()[1]}/0'), Event()
        thread = Thread(target=_serve, args=(listener, server, wire, end))
        thread.start()
        try:
            yield wire
        finally:
            end.set()
            thread.join()


def _serve(listener: socket.socket, server: tuple[str, int], wire: Wire, end: Event) -> None:
    other: dict[socket.socket, socket.socket] = {}
    spoke_last: dict[frozenset[socket.socket], socket.socket] = {}
    clients: set[socket.socket] = set()
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while not end.is_set():
            for key, _ in selector.select(0.05):
                source = key.fileobj
                assert isinstance(source, socket.socket)
                if source is listener:
                    client, upstream = listener.accept()[0], socket.create_connection(server)
                    other[client], other[upstream] = upstream, client
                    clients.add(client)
                    for side in (client, upstream):
                        side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        selector.register(side, selectors.EVENT_READ)
                    continue
                pair = frozenset((source, other[source]))
                if not _pass_on(source, other[source]):
                    for side in pair:
                        selector.unregister(side)
                        side.close()
                    continue
                if source in clients and spoke_last.get(pair) is not source:
                    wire.round_trips += 1
                spoke_last[pair] = source
        for side in other:
            side.close()


def _pass_on(source: socket.socket, target: socket.socket) -> bool:
    try:
        data = source.recv(1 << 18)
        target.sendall(data)
    except OSError:
        return False
    return bool(data)
