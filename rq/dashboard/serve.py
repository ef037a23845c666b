"""A dashboard on an address of its own: where it may listen, what it may be called, and waitress, which serves it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .access import access_of
from .guard import LARGEST_BODY, is_loopback

if TYPE_CHECKING:
    from flask import Flask

__all__ = ['Exposed', 'Place', 'behind', 'below', 'check_start', 'listen', 'port_of', 'serve']

WILDCARDS = {'', '*', '0.0.0.0', '::', '[::]'}
# A page takes milliseconds; more at once would only wait for the same processor.
THREADS = 8
# Bytes of a request line and its headers; browsers send 2 KB, a filter in the address is cut at 8.
LARGEST_HEADER = 32_768
# Seconds that a silent connection is kept.
SILENCE = 30

Application = Callable[[Any, Any], Iterable[bytes]]


class Exposed(ValueError):
    """A dashboard without a login would be open to the network."""


@dataclass(frozen=True)
class Place:
    """Where to listen."""

    host: str = '127.0.0.1'
    port: int = 9181

    @property
    def everywhere(self) -> bool:
        """Whether that is every address of the machine."""
        return self.host in WILDCARDS

    @property
    def loopback(self) -> bool:
        """Whether nobody but this machine can reach it. Raises OSError for a name that stands for no address."""
        if self.everywhere:
            return False
        if is_loopback(self.host):
            return True
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        return all(is_loopback(str(address[4][0])) for address in found)

    def names(self) -> tuple[str, ...]:
        """What it may be called: its own name; the machine's, if it listens everywhere."""
        return (socket.gethostname(),) if self.everywhere else (self.host,)

    def url(self, port: int, prefix: str = '') -> str:
        """Where a browser finds it."""
        host = '127.0.0.1' if self.everywhere else self.host
        return f'http://{f"[{host}]" if ":" in host else host}:{port}{prefix}/'


def check_start(place: Place, mode: str, insecure: bool) -> str:
    """What to warn of, or nothing. Raises Exposed where others could do what they like, unless that is wanted."""
    if place.loopback:
        return ''
    if mode == 'none':
        where = 'every address of this machine' if place.everywhere else place.host
        if not insecure:
            raise Exposed(
                f'Without a login the dashboard listens on 127.0.0.1 only, not on {where}: '
                'choose --auth basic, token or forward, or --insecure if all who can reach it may do everything'
            )
        return f'INSECURE: everybody who can reach {where} may see, requeue and delete all jobs (--insecure)'
    if mode in ('basic', 'token'):
        return 'Passwords and tokens cross the network as they are: put a proxy with TLS in front (--proxy)'
    return ''


def below(application: Application, prefix: str) -> Application:
    """The application below a path, whether or not what is in front of it takes the path away."""
    prefix = '/' + prefix.strip('/') if prefix.strip('/') else ''

    def prefixed(environ: Any, start: Any) -> Iterable[bytes]:
        path = environ.get('PATH_INFO', '')
        if path == prefix or path.startswith(f'{prefix}/'):
            environ['PATH_INFO'] = path[len(prefix) :] or '/'
        environ['SCRIPT_NAME'] = prefix
        return application(environ, start)

    return prefixed if prefix else application


def behind(application: Application, app: Flask) -> Application:
    """The application behind one proxy, whose X-Forwarded-For, -Proto, -Host and -Prefix are believed."""
    from werkzeug.middleware.proxy_fix import ProxyFix

    fixed = ProxyFix(application, x_for=1, x_proto=1, x_host=1, x_prefix=1)
    access = access_of(app)

    def maybe(environ: Any, start: Any) -> Iterable[bytes]:
        known = access.trusts(str(environ.get('REMOTE_ADDR') or ''))
        return (fixed if known else application)(environ, start)

    return maybe


def listen(application: Application, place: Place, port: int | None = None) -> Any:
    """A server that listens, and does not answer yet. Raises OSError when it cannot."""
    from waitress.server import create_server  # type: ignore[import-untyped]

    return create_server(
        application,
        host='*' if place.everywhere else place.host,
        port=place.port if port is None else port,
        threads=THREADS,
        ident=None,
        # The few that there are have to wait anyway.
        connection_limit=200,
        channel_timeout=SILENCE,
        max_request_header_size=LARGEST_HEADER,
        # Up to here a page of ours says that it is too much; what is larger is not read.
        max_request_body_size=4 * LARGEST_BODY,
        # Ours, since who is believed is a list of networks: `behind`.
        clear_untrusted_proxy_headers=False,
    )


def port_of(server: Any) -> int:
    """The port that it has."""
    return int(getattr(server, 'effective_port', 0) or server.effective_listen[0][1])


def serve(server: Any) -> None:
    """Answers until Ctrl-C or SIGTERM; what is being answered is finished."""

    def end(*_: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, end)
    try:
        server.run()  # ends in good order for both
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        server.close()
