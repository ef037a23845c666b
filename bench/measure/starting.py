"""How long programs take to start, and what an idle worker holds of the machine's memory."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from statistics import median

import psutil  # type: ignore[import-untyped]

from bench.server import Server, forget_everything
from bench.systems import System

__all__ = ['measure_idle_memory', 'measure_starts', 'pss_bytes']


def measure_starts(server: Server, system: System, times: int) -> dict[str, float]:
    """`import rq`, `rq --help` and `rq info` as times of `import redis`, by the median, in turn; and that in milliseconds."""
    with server.connect() as redis:
        forget_everything(redis)
    python, rq = str(system.python), [*system.worker[:-1]]
    commands = {
        'redis_ms': [python, '-c', 'import redis'],
        'import': [python, '-c', 'import rq'],
        'help': [*rq, '--help'],
        'info': [*rq, 'info', '--url', server.url],
    }
    took: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(times + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, env=system.environment(server.url), capture_output=True, check=True)
            if turn:  # the first one compiles
                took[name].append((time.perf_counter() - start) * 1e3)
    found = {name: median(values) for name, values in took.items()}
    redis_ms = found.pop('redis_ms')
    return {'redis_ms': redis_ms, **{f'{name}_times': value / redis_ms for name, value in found.items()}}


def measure_idle_memory(server: Server, system: System) -> dict[str, float]:
    """PSS of a worker with its horse: of ours idle after a job, of one that forks while it runs one (it has none else)."""
    with server.connect() as redis:
        forget_everything(redis)
        with system.running_worker(server.url, 'default') as worker:
            system.ask(server.url, 'preload', jobs=1, function='noop')
            while not redis.zcard('rq:finished:default'):
                time.sleep(0.02)
            if not psutil.Process(worker.pid).children():
                system.ask(server.url, 'preload', jobs=1, function='rest_3_s')
                while not psutil.Process(worker.pid).children():
                    time.sleep(0.02)
            time.sleep(1)
            return {'pss_mb': pss_bytes(worker.pid) / 1e6}


def pss_bytes(pid: int) -> float:
    """The share of memory of a process and all its descendants: what is shared counts once."""
    parent = psutil.Process(pid)
    return float(sum(_pss(process.pid) for process in (parent, *parent.children(recursive=True))))


def _pss(pid: int) -> int:
    for line in Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines():
        if line.startswith('Pss:'):
            return int(line.split()[1]) * 1024
    return 0
