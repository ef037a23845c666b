"""Who talks to Redis: imports of redis-py and calls of its commands, found in the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from redis import Redis
from redis.client import Pipeline, PubSub

from tests.architecture.tree import imports, modules_below, parsed

# These rooms may: the protocol, and the server that has to be asked whether it is up.
TALKERS = {'rq.store', 'rq.server'}

# Builds clients, so it may import any part of redis-py; it sends nothing.
BUILDERS = {'rq.connections'}

# RQ's public functions that take a connection, in a module that may not import the store.
PERMITTED = {('rq.utils', 'info'), ('rq.utils', 'pipeline'), ('rq.utils', 'exists'), ('rq.utils', 'execute')}

# What anybody may import at run time: classes, to build or to recognise a client, and errors, to catch them.
CLIENT_CLASSES = {
    'Redis', 'StrictRedis', 'RedisCluster', 'Sentinel', 'SentinelConnectionPool', 'ConnectionPool',
    'BlockingConnectionPool', 'Connection', 'SSLConnection', 'UnixDomainSocketConnection', 'Pipeline',
    'Retry', 'NoBackoff', 'ConstantBackoff', 'ExponentialBackoff', 'ExponentialWithJitterBackoff', 'exceptions',
}  # fmt: skip

# What connections and pipelines are called, whatever holds them.
NAMES = {
    'connection',
    '_connection',
    'conn',
    'redis',
    '_redis',
    'client',
    'pipeline',
    '_pipeline',
    'pipe',
    'pubsub',
    'r',
}

# Closing and reading the settings of a connection sends nothing.
SILENT = {'close', 'from_url', 'get_connection_kwargs', 'get_encoder', 'set_response_callback', 'parse_response'}


def _methods(*classes: type) -> set[str]:
    return {name for cls in classes for name in dir(cls) if not name.startswith('_') and callable(getattr(cls, name))}


COMMANDS = _methods(Redis, Pipeline, PubSub) - SILENT

# Commands whose names say so wherever they are called: nothing else in a program has a method `hset`.
UNMISTAKABLE = set(
    re.findall(
        r'\w+',
        """
    hset hsetnx hget hmget hgetall hdel hexists hincrby hincrbyfloat hkeys hlen hmset hscan hscan_iter hvals
    zadd zcard zcount zincrby zmscore zpopmax zpopmin zrange zrangebyscore zrank zrem zremrangebyrank zremrangebyscore
    zrevrange zrevrangebyscore zrevrank zscore zscan zscan_iter zunion zunionstore zdiff zinter bzpopmin bzpopmax
    lpush rpush lpushx rpushx lpop rpop lmove blmove blpop brpop rpoplpush brpoplpush lindex linsert llen lpos lrange
    lrem lset ltrim lmpop blmpop sadd scard sdiff sinter sismember smismember smembers smove spop srandmember srem sscan
    sscan_iter sunion xadd xack xdel xlen xrange xread xreadgroup xrevrange xtrim xgroup_create xautoclaim
    incrby decrby incrbyfloat setex setnx psetex getset getdel getex mget mset pexpire expireat pexpireat pttl
    execute_command evalsha script_load script_flush function_load fcall pipeline pubsub psubscribe scan_iter
    flushdb flushall dbsize config_get config_set client_list client_setname client_kill client_info bgsave
        """,
    )
)


def talks(root: Path) -> list[str]:
    """Every place outside the rooms that may where redis-py is used for more than its classes, in words."""
    found = []
    known = modules_below(root)
    for name, path in known.items():
        if '.'.join(name.split('.')[:2]) not in TALKERS:
            found += [f'{name}:{line} {what}' for line, what in _imported(name, path, known)]
            found += [f'{name}:{line} calls {what}' for line, what in _called(name, path)]
    return found


def _imported(name: str, path: Path, known: dict[str, Path]) -> Iterator[tuple[int, str]]:
    typing = {edge.line for edge in imports(name, path, known) if edge.typing}
    for node in ast.walk(parsed(path)):
        if name in BUILDERS or getattr(node, 'lineno', 0) in typing:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or '').split('.')[0] == 'redis' and not node.level:
            for alias in node.names:
                if node.module != 'redis.exceptions' and alias.name not in CLIENT_CLASSES:
                    yield node.lineno, f'imports {node.module}.{alias.name}'
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split('.')[0] == 'redis' and alias.name != 'redis.exceptions':
                    yield node.lineno, f'imports {alias.name}'


def _called(name: str, path: Path) -> Iterator[tuple[int, str]]:
    owners = {'self', 'cls'} | _imported_names(path)
    for node in ast.walk(parsed(path)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        command, receiver = node.func.attr, node.func.value
        called = receiver.attr if isinstance(receiver, ast.Attribute) else getattr(receiver, 'id', '')
        # `keys.queue(...)`, `store.lpop(...)`, `cls.lpop(...)`: a module's or our own function of that name. A name
        # such as `connection` is never taken for one, wherever it comes from.
        ours = isinstance(receiver, ast.Name) and receiver.id in owners and receiver.id not in NAMES
        is_super = isinstance(receiver, ast.Call) and ast.unparse(receiver.func) == 'super'
        if ours or is_super or (name, command) in PERMITTED:
            continue
        if (called in NAMES and command in COMMANDS) or command in UNMISTAKABLE:
            yield node.lineno, ast.unparse(node.func)


def _imported_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).split('.')[0] for alias in node.names}
    return names
