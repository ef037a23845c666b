"""The embedded server: started, waited for, stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry

from rq.exceptions import ServerStartError
from rq.server import child
from rq.server.find import find_server
from rq.server.settings import Setting, persistence, render

__all__ = ['EmbeddedServer']

# A port that was free a moment ago may be taken when the server binds it; five times in a row it is not chance.
PORT_ATTEMPTS = 5
# A server that reads its data answers LOADING; at 100 MB/s this is room for 60 GB.
LOADING_SECONDS = 600.0
# Linux has room for 107 bytes in a socket's address, macOS for 103.
SOCKET_PATH_BYTES = 103
POLL_SECONDS = 0.003
LOG_LINES_SHOWN = 8
WILDCARDS = {'0.0.0.0': '127.0.0.1', '*': '127.0.0.1', '::': '::1'}


class _AddressInUse(Exception):
    """The server could not bind its port."""


class EmbeddedServer:
    """A Valkey (or Redis) server of one's own, for development and tests; also a context manager.

    `port` 0 takes a free port and keeps it over restarts. With `unix_socket` it listens there and on no port. Without
    `data_dir` nothing is kept; with it all data is in that folder, in an append-only file synced each second. `config`
    are further settings of the server (`{'requirepass': 'x'}`), which win over ours. With `die_with_parent`, Linux
    stops the server when the *thread* that started it ends, however it ends; without, it ends at a normal exit only.
    Raises ValueError for a wrong port or name of a setting.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = '127.0.0.1',
        unix_socket: str | os.PathLike[str] | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        config: Mapping[str, Setting] | None = None,
        die_with_parent: bool = True,
    ) -> None:
        if not 0 <= port <= 65535:
            raise ValueError(f'Not a port: {port}')
        self._port = port
        self._host = host
        self._socket = Path(unix_socket).absolute() if unix_socket is not None else None
        self._data_dir = Path(data_dir).absolute() if data_dir is not None else None
        self._config = dict(config or {})
        render(self._config)  # a wrong name is reported where it was written
        self._die_with_parent = die_with_parent
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ending: weakref.finalize[..., EmbeddedServer] | None = None

    # -- what it is ---------------------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The port; 0 with a Unix socket, and before the first start if none was asked for."""
        return 0 if self._socket else self._port

    @property
    def url(self) -> str:
        """The URL for `Redis.from_url`, with the password if there is one.

        Raises ServerStartError before the first start if no port was asked for.
        """
        login = f':{quote(self._password, safe="")}@' if self._password else ''
        if self._socket:
            return f'unix://{login}{quote(str(self._socket))}?db=0'
        if not self._port:
            raise ServerStartError('The server has no URL yet: its port is chosen when it starts.')
        host = self._client_host
        return f'redis://{login}{f"[{host}]" if ":" in host else host}:{self._port}/0'

    @property
    def pid(self) -> int:
        """The process id. Raises ServerStartError if the server does not run."""
        if self._process is None or not self.running:
            raise ServerStartError('The server is not running.')
        return self._process.pid

    @property
    def running(self) -> bool:
        """True while the process is alive (it may have been started and have died since)."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What the server has printed since its last start; empty once it is stopped."""
        return child.read_log(self._folder) if self._folder else ''

    @property
    def _client_host(self) -> str:
        return WILDCARDS.get(self._host, self._host)

    @property
    def _password(self) -> str | None:
        password = self._config.get('requirepass')
        return str(password) if password else None

    def __repr__(self) -> str:
        where = self._socket or f'{self._host}:{self._port}'
        return f'<EmbeddedServer {where} {"running" if self.running else "stopped"}>'

    # -- starting -----------------------------------------------------------------------------------------------------

    def start(self, timeout: float = 10.0) -> Self:
        """Itself, once the server answers PING; starting a running server does nothing.

        `timeout` is in seconds and does not count the time in which the server loads its data. Raises ServerNotFound
        if there is no binary, else ServerStartError with the last lines that the server printed.
        """
        if self.running:
            return self
        binary = find_server()
        self._check_socket()
        self._folder = self._folder or self._make_folder()
        choose = not self._socket and not self._port
        for _ in range(PORT_ATTEMPTS if choose else 1):
            port = _free_port(self._host) if choose else self.port
            try:
                self._launch(binary, port, timeout)
            except _AddressInUse:
                continue
            self._port = port
            return self
        self.stop()
        where = f'a free port of {self._host}' if choose else f'port {self._port} of {self._host}'
        raise ServerStartError(f'The server cannot listen on {where}: the address is in use.')

    def _check_socket(self) -> None:
        if self._socket is None:
            return
        if len(os.fsencode(self._socket)) > SOCKET_PATH_BYTES:
            raise ServerStartError(f'The path of a socket has at most {SOCKET_PATH_BYTES} bytes: {self._socket}')
        # The server removes what is in its way: without this it would cut off another one that listens there.
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(os.fspath(self._socket)) == 0:
                raise ServerStartError(f'Another server listens on {self._socket}')

    def _make_folder(self) -> Path:
        """The data folder, or a temporary one for the log: never the folder one happens to be in."""
        if self._data_dir is None:
            return Path(tempfile.mkdtemp(prefix='rq-server-'))
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)  # jobs may hold what others must not read
        except OSError as error:
            raise ServerStartError(f'The data folder cannot be used: {error}') from error
        return self._data_dir

    def _launch(self, binary: Path, port: int, timeout: float) -> None:
        """Start the process and wait until it is ready, or leave nothing running."""
        assert self._folder is not None
        settings: dict[str, Setting] = {'port': port, 'bind': self._host, 'dir': str(self._folder)}
        if self._socket:
            settings |= {'unixsocket': str(self._socket), 'unixsocketperm': '700'}
        text = render(settings | persistence(self._data_dir) | self._config)
        self._process = child.spawn(binary, self._folder, text, die_with_parent=self._die_with_parent)
        if self._ending is not None:
            self._ending.detach()
        temporary = None if self._data_dir else self._folder
        self._ending = weakref.finalize(self, child.end, self._process, os.getpid(), temporary)
        try:
            self._wait_until_ready(self._process, port, timeout)
        except _AddressInUse:
            raise
        except BaseException:
            self.kill()
            self.stop()
            raise

    def _wait_until_ready(self, process: subprocess.Popen[bytes], port: int, timeout: float) -> None:
        """Poll until the server that answers is ours: a stranger may have taken the port before it."""
        started = time.monotonic()
        deadline = started + timeout
        with self._client(port) as client:
            while process.poll() is None:
                try:
                    if client.info('server').get('process_id') == process.pid and client.ping():
                        return
                except BusyLoadingError:
                    deadline = min(time.monotonic() + timeout, started + LOADING_SECONDS)
                except RedisError:
                    pass  # not there yet, or the stranger
                if time.monotonic() > deadline:
                    raise ServerStartError(f'The server does not answer. {self._last_lines()}')
                time.sleep(POLL_SECONDS)
        if 'Address already in use' in self.log:
            raise _AddressInUse
        raise ServerStartError(f'The server ended with code {process.returncode}. {self._last_lines()}')

    def _client(self, port: int) -> Redis:
        return Redis(
            host=self._client_host,
            port=port,
            unix_socket_path=str(self._socket) if self._socket else None,
            password=self._password,
            # Short, because a stranger on our port may be mute while our process has long given up.
            socket_timeout=0.3,
            socket_connect_timeout=0.3,
            retry=Retry(NoBackoff(), 0),  # the loop around it is the retry
        )

    def _last_lines(self) -> str:
        lines = [line for line in self.log.splitlines() if line.strip()][-LOG_LINES_SHOWN:]
        return '\n'.join(['The last lines of its log:', *lines]) if lines else 'It printed nothing.'

    # -- ending -------------------------------------------------------------------------------------------------------

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code, once the server has ended by itself; None if it still runs after `timeout` seconds."""
        try:
            return self._process.wait(timeout) if self._process else None
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """Return once the server is dead, without a warning: for tests of a crash. `start` brings it back."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """Return once the server has ended, its data on disk; one that does not end within 10 s is killed.

        Stopping a stopped server does nothing; nor does it in a fork of the process that started the server.
        """
        if self._ending is not None:
            self._ending()
        self._ending = None
        self._process = None
        self._folder = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _free_port(host: str) -> int:
    """A port that nobody listens on at this moment."""
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind(('' if host == '*' else host, 0))
        return int(probe.getsockname()[1])
