"""Does anything get slower when much is stored? And how fast does what is due become queued, and who has to wait for that?"""

from __future__ import annotations

import subprocess
import time
from statistics import median

from redis import Redis

from bench.measure.floor_loops import run_loops
from bench.server import Server, forget_everything
from bench.systems import System

__all__ = ['Crowd', 'measure_promotion', 'measure_scale', 'plant']

# Jobs as the first one of the queue, put in a container by the server itself: a million in seconds.
PLANT = """
local flat = redis.call('HGETALL', KEYS[1])
for i = tonumber(ARGV[3]), tonumber(ARGV[4]) do
  local id = string.format('%s-%08d', ARGV[2], i)
  redis.call('HSET', 'rq:job:' .. id, unpack(flat))
  redis.call('HSET', 'rq:job:' .. id, 'status', ARGV[2])
  if ARGV[2] == 'queued' then redis.call('RPUSH', ARGV[1], id) else redis.call('ZADD', ARGV[1], ARGV[5], id) end
end
"""
HOMES = {'queued': 'rq:queue:default', 'scheduled': 'rq:scheduled:default', 'failed': 'rq:failed:default'}
FAR = 4_000_000_000
LOOK_SECONDS = 0.001
# Jobs of which the rate and the claims are taken: the crowd stays a crowd meanwhile.
PROBE = 6400


class Crowd:
    """How many jobs wait, are scheduled and have failed."""

    def __init__(self, waiting: int, scheduled: int, failed: int) -> None:
        self.counts = {'queued': waiting, 'scheduled': scheduled, 'failed': failed}


def plant(redis: Redis, kind: str, count: int, score: float = FAR) -> None:
    """So many jobs more of a kind, copies of the one at the head of the default queue."""
    (first,) = redis.lrange('rq:queue:default', 0, 0)
    for start in range(0, count, 10_000):
        last = min(start + 10_000, count) - 1
        redis.eval(PLANT, 1, b'rq:job:' + first, HOMES[kind], kind, start, last, score)


def measure_scale(server: Server, system: System, small: Crowd, large: Crowd) -> dict[str, float]:
    """What a large crowd makes of three figures, in per cent of those with a small one (100: nothing).

    Jobs/s of a bare loop of the worker's script, its claims' 99th of a hundred, and `rq info`, from start to end.
    """
    few, many = (_with(server, system, crowd) for crowd in (small, large))
    return {name: 100 * many[name] / few[name] for name in few} | {f'large_{name}': many[name] for name in many}


def _with(server: Server, system: System, crowd: Crowd) -> dict[str, float]:
    with server.connect() as redis:
        forget_everything(redis)
        system.ask(server.url, 'preload', jobs=1, function='noop')
        for kind, count in crowd.counts.items():
            plant(redis, kind, count if kind != 'queued' else count + PROBE)
        info = median(_info_ms(server, system) for _ in range(3))
    (loop,) = run_loops(server, 1, ahead=True, most=PROBE)
    claims = sorted(loop['claims_ms'])
    return {
        'jobs_per_s': loop['jobs'] / (loop['ended'] - loop['began']),
        'claim_p99_ms': claims[len(claims) * 99 // 100],
        'info_ms': info,
    }


def _info_ms(server: Server, system: System) -> float:
    start = time.perf_counter()
    command = [*system.worker[:-1], 'info', '--url', server.url]
    subprocess.run(command, env=system.environment(server.url), capture_output=True, check=True)
    return (time.perf_counter() - start) * 1e3


def measure_promotion(server: Server, system: System, jobs: int) -> dict[str, float]:
    """Due jobs queued per second by an idle worker, and the longest that a claim of another queue took meanwhile."""
    with server.connect() as redis:
        forget_everything(redis)
        system.ask(server.url, 'preload', jobs=1, function='noop')
        plant(redis, 'scheduled', jobs, score=1)
        redis.delete('rq:queue:default')
        digest = redis.script_load(CLAIM)
        longest, first, left = 0.0, 0.0, jobs
        with system.running_worker(server.url, 'default'):
            while left:
                start = time.perf_counter()
                redis.evalsha(digest, 1, 'rq:queue:nobody')
                longest = max(longest, time.perf_counter() - start)
                left = int(redis.zcard(HOMES['scheduled']))
                if left < jobs and not first:
                    first, at_first = time.perf_counter(), left
                time.sleep(LOOK_SECONDS)
            ended = time.perf_counter()
        seconds = ended - first
    return {'per_s': at_first / seconds if at_first else jobs / LOOK_SECONDS, 'longest_pause_ms': longest * 1e3}


# As quick as a claim of an empty queue: what it takes is the wait for the server.
CLAIM = "return redis.call('LLEN', KEYS[1])"
