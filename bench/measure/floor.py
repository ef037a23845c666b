"""The floor below a single enqueue: the same words by a bare `evalsha` through redis-py, and nothing around it."""

from __future__ import annotations

import time

from redis import Redis

from bench.measure.monitor import monitored
from bench.server import Server
from bench.systems import System

__all__ = ['EMPTY_SCRIPT', 'STORING_SCRIPT', 'record_enqueue', 'time_bare_evalsha']

# What no enqueue can do without: the words into a hash, its id onto a list.
STORING_SCRIPT = """
local words = {}
for i, word in ipairs(ARGV) do
  words[#words + 1] = i
  words[#words + 1] = word
end
redis.call('HSET', KEYS[1], unpack(words))
return redis.call('RPUSH', 'floor', KEYS[1])
"""
EMPTY_SCRIPT = 'return 1'


def record_enqueue(server: Server, system: System) -> list[bytes]:
    """The keys and arguments of the script call by which `system` enqueues one job; empty if it calls no script."""
    with server.connect() as redis, monitored(redis) as recording:
        system.ask(server.url, 'enqueue_single', jobs=1, warm_up=1)
    calls = [words for words in recording.sent if words[0].upper() == b'EVALSHA']
    return calls[-1][3:] if calls else []


def time_bare_evalsha(redis: Redis, script: str, words: list[bytes], calls: int) -> float:
    """Calls per second of `script` with `words`; the first of them, its key, is another one at each call."""
    digest, size = redis.script_load(script), len(words[0])
    for turn in range(100):
        redis.evalsha(digest, 1, f'w{turn}'.rjust(size, '0'), *words[1:])
    start = time.perf_counter()
    for turn in range(calls):
        redis.evalsha(digest, 1, f'{turn}'.rjust(size, '0'), *words[1:])
    return calls / (time.perf_counter() - start)
