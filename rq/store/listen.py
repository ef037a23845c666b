"""Commands to workers: published on a channel of their own, fire and forget, as RQ's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from . import keys

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['Listener', 'channel', 'publish']

# A connection that a router has forgotten looks like one on which nobody speaks: it is asked so often, and must have
# answered by the next time.
PING_EVERY = 20.0


def channel(worker_name: str) -> str:
    """The channel on which a worker is spoken to."""
    return f'{keys.PREFIX}:pubsub:{worker_name}'


def publish(connection: Any, worker_name: str, message: str) -> int:
    """How many listened (0: nobody hears it)."""
    return int(connection.publish(channel(worker_name), message))


class Listener:
    """What is said on one channel, for a loop that has other things to do: nothing here waits for a message.

    Raises redis-py's errors, and is closed then; the next `read` subscribes again. What was said meanwhile is lost, as
    with every channel of Redis.
    """

    def __init__(self, client: Redis, name: str) -> None:
        self.channel = name
        self._client: Any = client
        self._pubsub: Any = None
        self._pinged_at = 0.0
        self._answered = True

    @property
    def listening(self) -> bool:
        """Whether it is subscribed, as far as it knows."""
        return self._pubsub is not None

    def fileno(self) -> int:
        """The socket, to wait on; -1 while there is none."""
        sock = getattr(getattr(self._pubsub, 'connection', None), '_sock', None)
        return sock.fileno() if sock is not None else -1

    def read(self, most: int) -> list[dict[str, Any]]:
        """The messages that are there, at most so many: fewer means that there are no more for now."""
        try:
            if self._pubsub is None:
                self._subscribe()
            self._ping()
            found: list[dict[str, Any]] = []
            for _ in range(most):
                message = self._pubsub.get_message(timeout=0)
                if message is None:
                    break
                self._answered = True
                found.append(message)
            return found
        except BaseException:
            self.close()
            raise

    def _subscribe(self) -> None:
        self._pubsub = self._client.pubsub()
        self._pubsub.subscribe(self.channel)
        self._pinged_at, self._answered = time.monotonic(), True

    def _ping(self) -> None:
        now = time.monotonic()
        if now - self._pinged_at < PING_EVERY:
            return
        if not self._answered:
            self.close()
            self._subscribe()
            return
        self._pinged_at, self._answered = now, False
        self._pubsub.ping()

    def close(self) -> None:
        """Ends the subscription and its connection."""
        pubsub, self._pubsub = self._pubsub, None
        if pubsub is not None:
            try:
                pubsub.close()
            finally:
                self._client.connection_pool.disconnect()
