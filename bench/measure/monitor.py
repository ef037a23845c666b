"""Every command that the server runs, as `MONITOR` tells it: what clients sent, and what scripts called."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from uuid import uuid4

from redis import Redis
from redis.connection import AbstractConnection

__all__ = ['Recording', 'monitored']

LINE = re.compile(rb'^[\d.]+ \[\d+ (?P<client>[^\]]+)\] (?P<words>.*)$')
WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"')


@dataclass
class Recording:
    """The commands in their order: `sent` by clients, `called` by scripts; each a list of words."""

    sent: list[list[bytes]] = field(default_factory=list)
    called: list[list[bytes]] = field(default_factory=list)


@contextmanager
def monitored(redis: Redis) -> Iterator[Recording]:
    """Record what the server runs during the block; complete once the block has ended."""
    recording, end = Recording(), uuid4().hex
    connection = redis.connection_pool.get_connection()
    try:
        connection.send_command('MONITOR')  # type: ignore[no-untyped-call]
        connection.read_response()
        reader = Thread(target=_read, args=(connection, recording, end.encode()))
        reader.start()
        try:
            yield recording
        finally:
            redis.echo(end)
            reader.join()
    finally:
        connection.disconnect()  # type: ignore[no-untyped-call]
        redis.connection_pool.release(connection)


def _read(connection: AbstractConnection, recording: Recording, end: bytes) -> None:
    while True:
        line = connection.read_response(disable_decoding=True)
        found = LINE.match(line)
        if found is None:
            continue
        words = [codecs.escape_decode(word)[0] for word in WORD.findall(found['words'])]
        if words == [b'ECHO', end]:
            return
        (recording.called if found['client'] == b'lua' else recording.sent).append(words)
