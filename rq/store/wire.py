"""A horse's own connection: whole requests as bytes, one write and one reply each.

redis-py's client retries, pools and copies; a horse numbers its requests and retries them itself, so it speaks through
a bare connection of the same pool (its TLS, password and reply parser) and writes commands as bytes made once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis import Redis
from redis.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .script import Script

__all__ = ['Wire', 'as_bytes', 'bulk', 'can_wire']


def bulk(value: bytes) -> bytes:
    """A bulk string of the Redis protocol (RESP2 and 3)."""
    return b'$%d\r\n%b\r\n' % (len(value), value)


def as_bytes(value: Any) -> bytes:
    """A word of a command as it is sent."""
    if type(value) is bytes:
        return value
    return value.encode() if type(value) is str else str(value).encode()


def can_wire(connection: Any) -> bool:
    """Whether a client's pool makes real connections: a pipeline, a cluster or an imitation has none."""
    pool = getattr(connection, 'connection_pool', None)
    made = getattr(pool, 'connection_class', None)
    return type(connection) is Redis and isinstance(made, type) and issubclass(made, AbstractConnection)


class Wire:
    """One connection, used by one thread: `send` a request, `receive` its reply, in order.

    Raises redis-py's errors as they come; after a ConnectionError or TimeoutError call `close` and send again.
    """

    def __init__(self, client: Redis) -> None:
        self._connection: Any = client.connection_pool.make_connection()
        self._text: dict[str, bytes] = {}

    def connect(self) -> None:
        """Connects if it is not connected."""
        self._connection.connect()

    def close(self) -> None:
        """Ends the connection; the next request makes a new one."""
        self._connection.disconnect()

    def fileno(self) -> int:
        """The socket, to wait on. Raises ConnectionError when there is none."""
        sock = self._connection._sock
        if sock is None:
            raise RedisConnectionError('not connected')
        return int(sock.fileno())

    def send(self, count: int, packed: bytes) -> None:
        """Sends a command of `count` arguments, each already a bulk string."""
        self._connection.connect()
        self._connection.send_packed_command([b'*%d\r\n' % count, packed], check_health=False)

    def send_script(self, script: Script, key: bytes, count: int, packed: bytes, whole: bool = False) -> None:
        """Sends an EVALSHA with one key and `count` packed arguments; with `whole`, an EVAL with the text."""
        name = f'{script.name}:{whole}'
        head = self._text.get(name)
        if head is None:
            what = (b'EVAL', script.text.encode()) if whole else (b'EVALSHA', script.sha.encode())
            head = self._text[name] = bulk(what[0]) + bulk(what[1]) + bulk(b'1')
        self.send(4 + count, head + bulk(key) + packed)

    def run(self, script: Script, key: bytes, count: int, packed: bytes) -> Any:
        """The reply of a script; sends its text if the server does not know it."""
        self.send_script(script, key, count, packed)
        return self.receive_script(script, key, count, packed)

    def receive_script(self, script: Script, key: bytes, count: int, packed: bytes) -> Any:
        """The reply of a script sent before; sends its text if the server does not know it."""
        try:
            return self.receive()
        except NoScriptError:
            self.send_script(script, key, count, packed, whole=True)
            return self.receive()

    def command(self, *args: bytes) -> Any:
        """The reply of one plain command."""
        self.send(len(args), b''.join(map(bulk, args)))
        return self.receive()

    def receive(self) -> Any:
        """The next reply, as bytes and lists. Raises ResponseError for an error reply, ConnectionError without a socket."""
        self.fileno()
        return self._connection.read_response(disable_decoding=True)

    def receive_ready(self, seconds: float) -> bool:
        """Whether a reply is there within so many seconds."""
        return bool(self._connection.can_read(timeout=seconds))

    @staticmethod
    def pack(values: Iterable[bytes]) -> bytes:
        """The values as bulk strings one after the other."""
        return b''.join([b'$%d\r\n%b\r\n' % (len(value), value) for value in values])
