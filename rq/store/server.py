"""What the server says about itself: which one it is, what it forgets, what it keeps over a restart."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from . import keys

__all__ = ['Rights', 'ServerFacts', 'answers', 'facts', 'facts_of', 'rights']


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server; what it does not tell is '' or None."""

    kind: str  # 'Redis' or 'Valkey'
    version: tuple[int, ...]
    maxmemory: int  # bytes; 0: no limit
    policy: str  # which keys it forgets when it is full
    aof: bool | None  # whether each command is kept
    snapshots: bool | None  # whether all is kept from time to time
    round_trip: float  # seconds
    used: int = 0  # bytes

    @property
    def name(self) -> str:
        """Kind and version."""
        return f'{self.kind} {".".join(map(str, self.version))}'


def facts(connection: Any) -> ServerFacts:
    """What the server tells; two round trips. Raises redis-py's errors."""
    from redis.exceptions import ResponseError

    connection.ping()  # connecting is not what a round trip takes
    began = time.monotonic()
    told = connection.info()
    took = time.monotonic() - began
    try:
        saves: bool | None = bool(connection.config_get('save').get('save'))
    except ResponseError:  # managed servers do not let one look
        saves = None
    return facts_of(told, saves, took)


def facts_of(told: dict[str, Any], saves: bool | None, took: float) -> ServerFacts:
    """What INFO tells, with whether there are snapshots and how long asking took."""
    valkey = told.get('server_name') == 'valkey'
    version = str(told.get('valkey_version' if valkey else 'redis_version', ''))
    aof = told.get('aof_enabled')
    return ServerFacts(
        kind='Valkey' if valkey else 'Redis',
        version=tuple(int(part) for part in version.split('.') if part.isdigit()),
        maxmemory=int(told.get('maxmemory', 0)),
        policy=str(told.get('maxmemory_policy', '')),
        aof=None if aof is None else bool(aof),
        snapshots=saves,
        round_trip=took,
        used=int(told.get('used_memory', 0)),
    )


def answers(connection: Any) -> None:
    """Nothing, if the server answers. Raises redis-py's errors."""
    connection.ping()


# What a worker cannot do without, as ACL DRYRUN asks for it.
NEEDED = (
    ('run scripts', 'EVAL', 'return 1', '1', keys.queue('default')),
    ('write jobs', 'HSET', keys.job('doctor'), 'a', 'b'),
    ('write queues', 'RPUSH', keys.queue('doctor'), 'a'),
    ('keep leases', 'SET', keys.lease('doctor'), 'a'),
    ('wait for jobs', 'BLPOP', keys.wake('doctor'), '1'),
    ('hear commands', 'SUBSCRIBE', f'{keys.PREFIX}:pubsub:doctor'),
)


@dataclass(frozen=True, slots=True)
class Rights:
    """Who we are to the server. What it does not tell is taken for well."""

    name: str
    open: bool  # it asks for no password
    all: bool  # may do everything
    refused: list[str]  # of what a worker does
    known: bool  # whether we may ask at all


def rights(connection: Any) -> Rights | None:
    """Who we are and what we may not do; None where the server does not say. Raises redis-py's errors but refusals."""
    from redis.exceptions import ResponseError

    try:
        name = _text(connection.execute_command('ACL', 'WHOAMI'))
    except ResponseError:
        return None
    refused, everything, nopass, known = [], False, False, False
    try:
        told = connection.acl_getuser(name)
        everything = '+@all' in told['commands'] or '+@all' in told.get('categories', [])
        nopass = 'nopass' in told['flags']
        for what, *command in NEEDED:
            answer = connection.execute_command('ACL', 'DRYRUN', name, *command)
            if answer not in (b'OK', 'OK', True):
                refused.append(what)
        known = True
    except ResponseError:
        pass  # only an administrator may ask
    return Rights(name, nopass, everything, refused, known)


def _text(value: Any) -> str:
    return value.decode('utf-8', 'backslashreplace') if isinstance(value, bytes) else str(value)
