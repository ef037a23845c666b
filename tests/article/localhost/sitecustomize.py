"""Leads every connection to port 6379 to the port in ARTICLE_PORT; Python imports this at its start."""

from __future__ import annotations

import os
import socket
from typing import Any

__all__: list[str] = []

connect_there = socket.socket.connect
there = os.environ.get('ARTICLE_PORT', '')


def connect(sock: socket.socket, address: Any) -> None:
    if isinstance(address, tuple) and address[1] == 6379:
        # IPv6 is led there as well, where nobody listens: 'localhost' may be ::1 first.
        address = (address[0], int(there), *address[2:])
    connect_there(sock, address)


if there:
    socket.socket.connect = connect  # type: ignore[method-assign]
