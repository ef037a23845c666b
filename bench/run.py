"""The order of a whole run: rounds, in each all measures, in each both systems in turn."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.measure.enqueue import measure_bulk, measure_floor, measure_single
from bench.measure.pickup import measure_pickup
from bench.measure.throughput import measure_throughput
from bench.measure.traffic import measure_enqueue_traffic, measure_memory, measure_worker_traffic
from bench.metrics import SHARED
from bench.server import Server
from bench.systems import System

__all__ = ['FULL', 'QUICK', 'Plan', 'Progress', 'run']

T = TypeVar('T')
Measure = Callable[[System], dict[str, float]]

SIMPLE = ('-w', 'rq.worker.SimpleWorker')


@dataclass(frozen=True)
class Plan:
    """How much of each. Pairs are for ours and for RQ, which need very different amounts for the same time."""

    rounds: int
    turns: int
    warm_up: tuple[int, int]
    seconds: tuple[float, float]
    traffic: tuple[int, int]
    single: int
    bulk: int
    pickup: int
    waiting: int
    finished: int


FULL = Plan(
    5, 3, (2000, 50), (3.6, 5.5), (6400, 100), single=3000, bulk=20_000, pickup=100, waiting=10_000, finished=1000
)
QUICK = Plan(1, 1, (500, 15), (0.8, 1.0), (1000, 20), single=500, bulk=3000, pickup=12, waiting=2000, finished=60)


@dataclass(frozen=True)
class Step:
    """One measure of a round. Short ones take `turns` turns, since a machine's speed may change from second to second."""

    name: str
    measure: Measure
    turns: int = 1
    with_floor: bool = False


class Progress:
    """A line on stderr for each step, with the time since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        """Print one line at once."""
        print(f'[{time.monotonic() - self._start:6.1f} s] {text}', file=sys.stderr, flush=True)


class Run:
    """One run: what has been measured so far, and how many jobs keep each system busy long enough."""

    def __init__(self, server: Server, plan: Plan, progress: Progress) -> None:
        self.server, self.plan, self.progress = server, plan, progress
        self.samples: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._jobs: dict[tuple[str, str], int] = {}

    def warm_up(self, system: System) -> None:
        """Find out how many jobs each worker of a system does in the time it is given; the figures are thrown away."""
        for name, options in (('worker', ()), ('simple', SIMPLE)):
            answer = measure_throughput(self.server, system, self.of(system, self.plan.warm_up), *options)
            jobs = round(answer['jobs_per_s'] * self.of(system, self.plan.seconds))
            self._jobs[system.key, name] = max(jobs, self.of(system, self.plan.warm_up))
            self.progress.say(f'warm-up  {name:8} {system.name:10} {answer["jobs_per_s"]:,.0f} jobs/s')

    def steps(self) -> list[Step]:
        """The steps of a round, in their order."""
        server, plan = self.server, self.plan
        return [
            Step('worker', lambda s: measure_throughput(server, s, self._jobs[s.key, 'worker'])),
            Step('simple', lambda s: measure_throughput(server, s, self._jobs[s.key, 'simple'], *SIMPLE)),
            Step('worker', lambda s: measure_worker_traffic(server, s, self.of(s, plan.traffic))),
            Step('simple', lambda s: measure_worker_traffic(server, s, self.of(s, plan.traffic), *SIMPLE)),
            Step('single', lambda s: measure_single(server, s, plan.single), plan.turns, with_floor=True),
            Step('single', lambda s: measure_enqueue_traffic(server, s, plan.single // 5)),
            Step('bulk', lambda s: measure_bulk(server, s, plan.bulk), plan.turns),
            Step('pickup', lambda s: _percentiles(measure_pickup(server, s, plan.pickup)['ms'])),
            Step('memory', lambda s: measure_memory(server, s, plan.waiting, plan.finished)),
        ]

    def round(self, number: int, systems: Sequence[System]) -> None:
        """Every step once, the systems in turn; the floor below our enqueue right beside it."""
        where = f'round {number}/{self.plan.rounds}'
        for step in self.steps():
            for _ in range(step.turns):
                for system in systems:
                    self._keep(where, step.name, system.key, system.name, step.measure(system))
                if step.with_floor:
                    floor = measure_floor(self.server, systems[0], self.plan.single)
                    self._keep(where, 'floor', SHARED, 'bare', floor)

    def _keep(self, where: str, name: str, key: str, label: str, answer: dict[str, float]) -> None:
        for metric, value in answer.items():
            self.samples[f'{name}.{metric}'][key].append(value)
        figures = '  '.join(f'{metric} {value:,.4g}' for metric, value in answer.items())
        self.progress.say(f'{where}  {name:8} {label:10} {figures}')

    @staticmethod
    def of(system: System, pair: tuple[T, T]) -> T:
        """The one of a pair that is meant for this system."""
        return pair[0] if system.key == 'ours' else pair[1]


def run(server: Server, plan: Plan, systems: Sequence[System], progress: Progress) -> dict[str, dict[str, list[float]]]:
    """The values of every round: `samples[metric][system]`."""
    work = Run(server, plan, progress)
    for system in systems:
        work.warm_up(system)
    for number in range(1, plan.rounds + 1):
        work.round(number, systems)
    return {metric: dict(values) for metric, values in work.samples.items()}


def _percentiles(milliseconds: list[float]) -> dict[str, float]:
    ordered = sorted(milliseconds)
    return {'p50_ms': ordered[len(ordered) // 2], 'p99_ms': ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]}
