"""One real Valkey for both systems, without persistence, and what its statistics say.

Every figure that comes from the server is read here, so that "a round trip" means the same for both systems.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from redis import Redis

from rq.server import EmbeddedServer

__all__ = ['Server', 'Usage', 'bytes_held', 'forget_everything', 'ping_ms', 'read_usage', 'running_server']


AOF = {'appendonly': 'yes', 'appendfsync': 'everysec'}


@dataclass(frozen=True)
class Server:
    """Where the server is and which one it is."""

    url: str
    version: str

    def connect(self) -> Redis:
        """A client with connections of its own."""
        return Redis.from_url(self.url)


@dataclass(frozen=True)
class Usage:
    """What the server has counted since its start (`INFO`); subtract two to get what a piece of work took.

    `commands` includes those that scripts call. `round_trips` are the server's read events: a pipeline arrives as one,
    a script call is one. A request above the 16 KB read buffer counts more than once, which is never in our favour.
    """

    commands: float
    round_trips: float
    bytes_in: float
    bytes_out: float
    cpu_seconds: float

    def __sub__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, f.name) - getattr(other, f.name) for f in fields(self)))

    def per(self, jobs: float) -> Usage:
        """The share of each of `jobs` jobs."""
        return Usage(*(getattr(self, f.name) / jobs for f in fields(self)))


def read_usage(redis: Redis) -> Usage:
    """The counters of this moment; reading them costs one command and one round trip of its own."""
    info: dict[str, Any] = redis.info()
    return Usage(
        commands=info['total_commands_processed'],
        round_trips=info['total_reads_processed'],
        bytes_in=info['total_net_input_bytes'],
        bytes_out=info['total_net_output_bytes'],
        cpu_seconds=info['used_cpu_user'] + info['used_cpu_sys'],
    )


def forget_everything(redis: Redis) -> None:
    """An empty server when this returns; plain FLUSHALL frees the memory some time later."""
    redis.execute_command('FLUSHALL', 'SYNC')  # type: ignore[no-untyped-call]


def bytes_held(redis: Redis) -> int:
    """Bytes that the server has allocated (`used_memory`), once the buffers of all other clients are gone."""
    deadline = time.monotonic() + 5
    while redis.info('clients')['connected_clients'] > 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    return int(redis.info('memory')['used_memory'])


def ping_ms(redis: Redis, calls: int) -> float:
    """The median of so many PINGs through redis-py, in milliseconds."""
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        redis.ping()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[calls // 2] * 1e3


@contextmanager
def running_server(aof: bool = False) -> Iterator[Server]:
    """A Valkey of our own on a free port; it ends with the block and leaves nothing behind.

    `aof`: with an append-only file that is synced once a second, as in production.
    """
    with tempfile.TemporaryDirectory(prefix='rq-bench-') as folder:
        options: dict[str, Any] = {'config': AOF, 'data_dir': folder} if aof else {}
        with EmbeddedServer(**options) as embedded:
            with Redis.from_url(embedded.url) as redis:
                info: dict[str, Any] = redis.info('server')
            name = 'Valkey' if 'valkey_version' in info else 'Redis'
            yield Server(embedded.url, f'{name} {info[f"{name.lower()}_version"]}')
