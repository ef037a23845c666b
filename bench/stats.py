"""`python -m bench.stats`: what the recording of counters for the dashboard costs; jobs that do nothing, with and without it.

Rounds are interleaved, and begin with the one and the other in turn. CPU time a job is the steadier figure on a machine
that others use as well: of the worker's processes (without their start, measured by a burst that finds nothing) and of
the server. `--tree FOLDER` (repeatable) compares other checkouts instead, each with what it records by default.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.server import Server, running_server
from bench.systems import REPOSITORY

__all__ = ['main']


@dataclass(frozen=True)
class Variant:
    """One of those that are compared."""

    name: str
    environment: dict[str, str]


@dataclass(frozen=True)
class Sample:
    """What one burst took."""

    per_second: float
    worker_us: float  # CPU a job
    server_us: float


def main() -> None:
    """Measure, and print medians."""
    options = _options()
    variants = [Variant(tree, {'PYTHONPATH': tree}) for tree in options.tree or ()]
    if not variants:
        here = {'PYTHONPATH': str(REPOSITORY)}
        variants = [Variant('without', {**here, 'RQ_STATS': '0'}), Variant('with', {**here, 'RQ_STATS': '1'})]
    found: dict[str, list[Sample]] = {variant.name: [] for variant in variants}
    with running_server() as server:
        start = {variant.name: min(_burst(server, variant, 0)[1] for _ in range(3)) for variant in variants}
        for number in range(options.rounds):
            for variant in variants if number % 2 == 0 else variants[::-1]:
                found[variant.name].append(_measure(server, variant, options.jobs, start[variant.name]))
    _print(found, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog='python -m bench.stats', description=__doc__)
    parser.add_argument('--jobs', type=int, default=60_000, help='jobs a burst (60,000)')
    parser.add_argument('--rounds', type=int, default=5, help='bursts of each (5)')
    parser.add_argument('--tree', action='append', help='another checkout to compare (repeatable)')
    return parser.parse_args()


def _measure(server: Server, variant: Variant, jobs: int, start: float) -> Sample:
    code = (
        'import sys; from redis import Redis; from rq import Queue; q = Queue(connection=Redis.from_url(sys.argv[1]));'
        "q.enqueue_many([Queue.prepare_data('operator.add', (1, 2)) for _ in range(int(sys.argv[2]))])"
    )
    command = [sys.executable, '-c', code, server.url, str(jobs)]
    with server.connect() as connection:
        connection.flushall()
        subprocess.run(command, env={**os.environ, **variant.environment}, check=True)
        before = connection.info('cpu')
        seconds, cpu = _burst(server, variant, jobs)
        after = connection.info('cpu')
        if connection.zcard('rq:finished:default') != jobs:
            raise SystemExit(f'{variant.name}: not all jobs were run')
    server_cpu = sum(after[name] - before[name] for name in ('used_cpu_user', 'used_cpu_sys'))
    return Sample(jobs / seconds, (cpu - start) / jobs * 1e6, server_cpu / jobs * 1e6)


def _burst(server: Server, variant: Variant, jobs: int) -> tuple[float, float]:
    """Seconds, and CPU seconds of the worker's processes, of a worker that works off what is there."""
    environment = {**os.environ, **variant.environment, 'PYTHONSAFEPATH': '1'}
    command = [sys.executable, '-m', 'rq.cli', 'worker', '--burst', '--quiet', '-u', server.url]
    before, began = os.times(), time.monotonic()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds, after = time.monotonic() - began, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, cpu


def _print(found: dict[str, list[Sample]], options: argparse.Namespace) -> None:
    print(f'{options.rounds} interleaved rounds of {options.jobs} jobs; medians [all rounds]')
    base: list[float] = []
    for name, samples in found.items():
        columns = [[getattr(sample, field) for sample in samples] for field in ('per_second', 'worker_us', 'server_us')]
        medians = [statistics.median(column) for column in columns]
        base = base or medians
        changes = [100 * (value / first - 1) for value, first in zip(medians, base, strict=True)]
        print(f'{name}: {medians[0]:,.0f} jobs/s ({changes[0]:+.1f} %)', [round(value) for value in columns[0]])
        for label, place in (('worker', 1), ('server', 2)):
            shown = [round(value, 2) for value in columns[place]]
            print(f'    {label} {medians[place]:.2f} us CPU a job ({changes[place]:+.1f} %)', shown)


if __name__ == '__main__':
    main()
