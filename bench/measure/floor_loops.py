"""Bare loops of the worker's own script (bench/loop.py) on full queues: what a worker could reach if jobs cost nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from bench.server import Server, forget_everything
from bench.systems import BENCH, REPOSITORY, System

__all__ = ['measure_loops', 'run_loops']

PACK = 64


def measure_loops(server: Server, system: System, jobs: int) -> dict[str, float]:
    """Jobs/s of one loop, of one that asks a pack ahead, and of two of these at once."""
    found = {}
    for name, count, ahead in (('one', 1, False), ('ahead', 1, True), ('two', 2, True)):
        with server.connect() as redis:
            forget_everything(redis)
        system.ask(server.url, 'preload', jobs=jobs, function='noop')
        done = run_loops(server, count, ahead)
        took = max(one['ended'] for one in done) - min(one['began'] for one in done)
        found[f'{name}_per_s'] = sum(one['jobs'] for one in done) / took
    return found


def run_loops(server: Server, count: int, ahead: bool, most: int = 10**9) -> list[dict[str, Any]]:
    """What so many loops at once answer. Raises RuntimeError if one fails."""
    environment = os.environ | {'BENCH_REDIS_URL': server.url, 'PYTHONPATH': str(REPOSITORY)}
    command = [sys.executable, str(BENCH / 'loop.py'), json.dumps({'pack': PACK, 'ahead': ahead, 'most': most})]
    loops = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    answers = []
    for loop in loops:
        printed, errors = loop.communicate()
        if loop.returncode:
            raise RuntimeError(f'a bare loop ended with {loop.returncode}\n{errors[-2000:]}')
        answers.append(json.loads(printed))
    return answers
