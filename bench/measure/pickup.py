"""Idle pickup: from the producer's call of `enqueue` to the first line of the function, in a worker that sat idle.

Both clocks are this machine's monotonic clock. The job answers through a named pipe, so nobody asks Redis meanwhile;
the producer waits 50 to 70 ms (at random) after each job, long enough for either system to be idle again.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from bench.server import Server, forget_everything
from bench.systems import System

__all__ = ['measure_pickup']


def measure_pickup(server: Server, system: System, jobs: int) -> dict[str, list[float]]:
    """Milliseconds of each of `jobs` jobs."""
    with server.connect() as redis:
        forget_everything(redis)
        with tempfile.TemporaryDirectory(prefix='rq-bench-') as folder, system.running_worker(server.url, 'default'):
            while not redis.scard('rq:workers'):
                time.sleep(0.05)
            pipe = Path(folder, 'pipe')
            os.mkfifo(pipe)
            return {'ms': system.ask(server.url, 'pickup', jobs=jobs, pipe=str(pipe))['milliseconds']}
