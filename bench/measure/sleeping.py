"""Jobs that sleep: how near one worker comes to doing nothing else, and how long short jobs wait behind long ones."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench.measure.throughput import Load, measure_throughput
from bench.server import Server, forget_everything
from bench.systems import System

__all__ = ['measure_mix', 'measure_ten_ms']

MIX_WORKERS = 4


def measure_ten_ms(server: Server, system: System, jobs: int) -> dict[str, float]:
    """Per cent of the rate of a plain loop that sleeps as long, one after the other (10 ms take a little more)."""
    start = time.perf_counter()
    for _ in range(50):
        time.sleep(0.01)
    ideal = 50 / (time.perf_counter() - start)
    rate = measure_throughput(server, system, Load(jobs, 'rest_10_ms'))['jobs_per_s']
    return {'ideal_percent': 100 * rate / ideal}


def measure_mix(server: Server, system: System, seconds: float) -> dict[str, float]:
    """Milliseconds that jobs of 1 ms waited in a queue with jobs of 1 s, of which three run at a time, and four workers."""
    with server.connect() as redis, tempfile.TemporaryDirectory(prefix='rq-bench-') as folder, ExitStack() as stack:
        forget_everything(redis)
        for _ in range(MIX_WORKERS):
            stack.enter_context(system.running_worker(server.url, 'default'))
        while redis.scard('rq:workers') < MIX_WORKERS:
            time.sleep(0.05)
        path = Path(folder, 'waits')
        path.touch()
        system.ask(server.url, 'preload', jobs=MIX_WORKERS * 4, function='noop')  # what it imports, they have imported
        jobs = system.ask(server.url, 'mix', seconds=seconds, path=str(path))['jobs']
        deadline = time.monotonic() + 30
        while (waits := path.read_text().split()) and len(waits) < jobs and time.monotonic() < deadline:
            time.sleep(0.05)
    if len(waits) < jobs:
        raise RuntimeError(f'{system.name}: {len(waits)} of {jobs} short jobs ran')
    ordered = sorted(int(nanoseconds) / 1e6 for nanoseconds in waits)
    return {'p50_ms': ordered[jobs // 2], 'longest_ms': ordered[-1]}
