"""No-op jobs per second of one worker from a preloaded queue, and the CPU that worker and server spend on a job.

The clock runs from the first moment that a finished job is seen to the moment that all are, in the registry of finished
jobs, looked at every 20 ms on a connection of our own; so the worker's start is not in it and nothing is said by the
worker itself. The CPU is read at the same two moments: the worker's whole process tree with its dead children, and the
server's own count (our looking costs it about 1 ms per second).
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]
from redis import Redis

from bench.server import Server, forget_everything, read_usage
from bench.systems import System

__all__ = ['Load', 'measure_throughput', 'tree_cpu']

LOOK_SECONDS = 0.02
QUEUE = 'default'


@dataclass(frozen=True)
class Moment:
    """What is known at one look: when, how many were finished, CPU seconds of worker and server so far."""

    at: float
    finished: int
    worker_cpu: float
    server_cpu: float


@dataclass(frozen=True)
class Load:
    """What is to be worked off: so many jobs of a function of bench_jobs, with an argument of `size` bytes."""

    jobs: int
    function: str = 'noop'
    size: int = 0
    workers: int = 1


def measure_throughput(server: Server, system: System, load: Load, *options: str) -> dict[str, float]:
    """Jobs/s, and CPU milliseconds per job of workers and server. Raises RuntimeError if a job got lost or failed."""
    with server.connect() as redis:
        forget_everything(redis)
        system.ask(server.url, 'preload', jobs=load.jobs, function=load.function, size=load.size)
        with ExitStack() as stack:
            workers = [
                stack.enter_context(system.running_worker(server.url, '--burst', *options, QUEUE))
                for _ in range(load.workers)
            ]
            first = _when_finished(redis, workers, 1)
            last = _when_finished(redis, workers, load.jobs)
    done = last.finished - first.finished
    return {
        'jobs_per_s': done / (last.at - first.at),
        'worker_cpu_ms': (last.worker_cpu - first.worker_cpu) / done * 1e3,
        'server_cpu_ms': (last.server_cpu - first.server_cpu) / done * 1e3,
    }


def _when_finished(redis: Redis, workers: Sequence[subprocess.Popen[bytes]], wanted: int) -> Moment:
    while True:
        # Whether they have ended is asked before the count, so that their last jobs are never missed.
        ended = all(psutil.Process(worker.pid).status() == psutil.STATUS_ZOMBIE for worker in workers)
        finished = int(redis.zcard(f'rq:finished:{QUEUE}'))
        if finished >= wanted:
            cpu = sum(tree_cpu(worker.pid) for worker in workers)
            return Moment(time.perf_counter(), finished, cpu, read_usage(redis).cpu_seconds)
        if ended:
            raise RuntimeError(f'the workers ended with {finished} of {wanted} jobs finished')
        time.sleep(LOOK_SECONDS)


def tree_cpu(pid: int) -> float:
    """CPU seconds, user and system, of a process, of its living descendants and of those it has waited for."""
    parent = psutil.Process(pid)
    total = 0.0
    for process in (parent, *parent.children(recursive=True)):
        try:
            spent = process.cpu_times()
        except psutil.NoSuchProcess:
            continue  # died while we looked: its parent will have its share at the next look
        total += spent.user + spent.system + spent.children_user + spent.children_system
    return total
