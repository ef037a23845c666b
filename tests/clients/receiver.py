"""A web server of a test that takes what monitoring clients send."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

__all__ = ['receiver']


@contextmanager
def receiver(take: Callable[[bytes], None]) -> Iterator[int]:
    """The port of a running server that gives each body it is sent to `take`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers['Content-Length'] or 0))
            take(gzip.decompress(body) if self.headers['Content-Encoding'] == 'gzip' else body)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{}')

        do_PUT = do_POST

        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(('127.0.0.1', 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={'poll_interval': 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
