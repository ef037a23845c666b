"""Idle pickup: from the producer's call of `enqueue` to the first line of the function, in a worker that sat idle.

Both clocks are this machine's monotonic clock. The job answers through a named pipe, so nobody asks Redis meanwhile;
the producer waits 50 to 70 ms (at random) after each job, long enough for either system to be idle again.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.server import Server, forget_everything, ping_ms
from bench.systems import System

__all__ = ['measure_pickup', 'percentiles']


def measure_pickup(server: Server, system: System, jobs: int, workers: int = 1, queues: int = 1) -> dict[str, float]:
    """Median and 99th of a hundred of `jobs` jobs, in milliseconds and in PINGs of the same minute.

    So many workers, all idle, each on so many queues; the jobs come into the last of these.
    """
    names = [f'queue{number}' for number in range(queues - 1)] + ['default']
    with server.connect() as redis, tempfile.TemporaryDirectory(prefix='rq-bench-') as folder, ExitStack() as stack:
        forget_everything(redis)
        for _ in range(workers):
            stack.enter_context(system.running_worker(server.url, *names))
        while redis.scard('rq:workers') < workers:
            time.sleep(0.05)
        time.sleep(0.5)  # all of them wait
        pipe = Path(folder, 'pipe')
        os.mkfifo(pipe)
        found = percentiles(system.ask(server.url, 'pickup', jobs=jobs, pipe=str(pipe))['milliseconds'])
        ping = ping_ms(redis, 500)
    return {**found, 'p50_pings': found['p50_ms'] / ping, 'p99_pings': found['p99_ms'] / ping}


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """The median and the 99th of a hundred."""
    ordered = sorted(milliseconds)
    return {'p50_ms': ordered[len(ordered) // 2], 'p99_ms': ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]}
