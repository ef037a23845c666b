"""What a read costs: its round trips, and that it writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from redis import Redis

__all__ = ['READS', 'Cost', 'reading']

# Commands that a reader may send.
READS = {
    'get', 'mget', 'exists', 'type', 'ttl', 'pttl', 'strlen', 'hget', 'hmget', 'hgetall', 'hlen', 'hexists', 'hstrlen', 'hscan',
    'hkeys', 'hvals', 'llen', 'lrange', 'lindex', 'lpos', 'scard', 'smembers', 'sismember', 'smismember', 'srandmember', 'sscan', 'zcard',
    'zcount', 'zrange', 'zrevrange', 'zrangebyscore', 'zrevrangebyscore', 'zrank', 'zscore', 'zmscore', 'zscan', 'xlen', 'xrange',
    'xrevrange', 'time', 'info', 'ping', 'dbsize', 'memory', 'object', 'client', 'hello', 'select', 'auth', 'slowlog', 'config',
}  # fmt: skip


@dataclass
class Cost:
    """Round trips so far, and commands by name once it is over."""

    trips: int = 0
    commands: dict[str, int] | None = None


@contextmanager
def reading(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cost]:
    """Counts what is asked of the server within; fails if anything but a read was."""
    cost = Cost()
    kind = type(redis.connection_pool.make_connection())
    send = kind.send_packed_command

    def counted(self: Any, *arguments: Any, **options: Any) -> Any:
        cost.trips += 1
        return send(self, *arguments, **options)

    redis.config_resetstat()
    with monkeypatch.context() as patch:
        patch.setattr(kind, 'send_packed_command', counted)
        yield cost
    stats = redis.info('commandstats')
    cost.commands = {name.removeprefix('cmdstat_'): line['calls'] for name, line in stats.items()}
    written = {name.partition('|')[0] for name in cost.commands} - READS
    assert not written, f'a read sent {sorted(written)}'
