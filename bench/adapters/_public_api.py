"""What a producer does, in RQ's public API only, so that both systems run the very same lines.

Runs in the system's own interpreter, as `python adapter.py <verb> <json>`; answers one JSON object on stdout.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

import bench_jobs  # type: ignore[import-not-found]
from redis import Redis

from rq import VERSION, Queue

__all__ = ['main']

# An idle worker must be idle again before the next push: RQ needs about 20 ms to finish a job and wait anew.
PAUSE_SECONDS = (0.05, 0.07)


def preload(queue: Queue, jobs: int, function: str, size: int = 0) -> dict[str, Any]:
    """Fill the queue; nothing is measured. `size`: bytes of the one argument, 0 for none."""
    target, some = getattr(bench_jobs, function), 1000 if size < 10_000 else 20
    arguments = (os.urandom(size),) if size else ()
    for start in range(0, jobs, some):
        queue.enqueue_many([Queue.prepare_data(target, arguments) for _ in range(min(some, jobs - start))])
    return {}


def enqueue_single(queue: Queue, jobs: int, warm_up: int = 0) -> dict[str, Any]:
    """Seconds that `jobs` calls of `enqueue` take, one after the other."""
    for _ in range(warm_up):
        queue.enqueue(bench_jobs.noop)
    start = time.perf_counter()
    for _ in range(jobs):
        queue.enqueue(bench_jobs.noop)
    return {'seconds': time.perf_counter() - start}


def enqueue_bulk(queue: Queue, jobs: int) -> dict[str, Any]:
    """Seconds that one `enqueue_many` of `jobs` jobs takes, preparing them included."""
    queue.enqueue_many([Queue.prepare_data(bench_jobs.noop) for _ in range(10)])
    start = time.perf_counter()
    queue.enqueue_many([Queue.prepare_data(bench_jobs.noop) for _ in range(jobs)])
    return {'seconds': time.perf_counter() - start}


def map_over(queue: Any, jobs: int) -> dict[str, Any]:
    """Seconds that a map over so many items takes, with their results in order; Packhorse alone has it."""
    assert sum(queue.map(bench_jobs.give, range(100))) == 4950
    start = time.perf_counter()
    assert sum(queue.map(bench_jobs.give, range(jobs))) == jobs * (jobs - 1) // 2
    return {'seconds': time.perf_counter() - start}


def pickup(queue: Queue, jobs: int, pipe: str) -> dict[str, Any]:
    """Milliseconds from the call of `enqueue` to the function's first line, per job; the worker is idle before each."""
    samples = []
    for turn in range(jobs + 3):
        time.sleep(random.uniform(*PAUSE_SECONDS))
        pushed = time.monotonic_ns()
        queue.enqueue(bench_jobs.stamp, pipe)
        with open(pipe, 'rb') as end:
            began = int(end.readline())
        if turn >= 3:  # the first ones import the module
            samples.append((began - pushed) / 1e6)
    return {'milliseconds': samples}


def mix(queue: Queue, seconds: float, path: str) -> dict[str, Any]:
    """A job of 1 s every 0.35 s, so that of four workers one is free, and one of 1 ms every 10 ms, which tells its wait."""
    end, long, short = time.monotonic() + seconds, 0.0, 0
    while (now := time.monotonic()) < end:
        if now >= long:
            queue.enqueue(bench_jobs.rest, 1.0)
            long = now + 0.35
        queue.enqueue(bench_jobs.late, path, time.monotonic_ns())
        short += 1
        time.sleep(0.01)
    return {'jobs': short}


def versions() -> dict[str, Any]:
    """Which packages this system runs on."""
    answer: dict[str, Any] = {'python': sys.version.split()[0], 'rq': VERSION}
    for package in ('redis', 'hiredis'):
        try:
            answer[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            answer[package] = None
    return answer


VERBS: dict[str, Callable[..., dict[str, Any]]] = {
    'preload': preload,
    'enqueue_single': enqueue_single,
    'enqueue_bulk': enqueue_bulk,
    'map': map_over,
    'pickup': pickup,
    'mix': mix,
}


def main() -> None:
    """Do what the command line says."""
    verb, options = sys.argv[1], json.loads(sys.argv[2])
    if verb == 'versions':
        print(json.dumps(versions()))
        return
    with Redis.from_url(os.environ['BENCH_REDIS_URL']) as connection:
        queue = Queue(options.pop('queue', 'default'), connection=connection)
        print(json.dumps(VERBS[verb](queue, **options)))
