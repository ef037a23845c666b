"""The order of a whole run: rounds, in each all steps, in each both systems in turn."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Collection, Sequence

from bench.measure.enqueue import measure_floor
from bench.measure.throughput import Load, measure_throughput
from bench.metrics import SHARED
from bench.server import Server
from bench.steps import CORE, SIMPLE, Plan, Step, of, steps
from bench.systems import System

__all__ = ['Progress', 'run']


class Progress:
    """A line on stderr for each step, with the time since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        """Print one line at once."""
        print(f'[{time.monotonic() - self._start:6.1f} s] {text}', file=sys.stderr, flush=True)


class Run:
    """One run: what has been measured so far, and how many jobs keep each system busy long enough."""

    def __init__(self, server: Server, plan: Plan, progress: Progress, wanted: Collection[str]) -> None:
        self.server, self.plan, self.progress = server, plan, progress
        self.samples: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._jobs: dict[tuple[str, str], int] = {}
        self._steps = [step for step in steps(server, plan, self._jobs_of) if not wanted or step.name in wanted]

    def _jobs_of(self, system: System, kind: str) -> int:
        return self._jobs[system.key, kind]

    def warm_up(self, system: System) -> None:
        """Find out how many jobs each worker of a system does in the time it is given; the figures are thrown away."""
        needed = {'two': 'worker'}
        kinds = {needed.get(step.name, step.name) for step in self._steps}
        for name, options in (('worker', ()), ('simple', SIMPLE)):
            if name not in kinds:
                continue
            answer = measure_throughput(self.server, system, Load(of(system, self.plan.warm_up)), *options)
            jobs = round(answer['jobs_per_s'] * of(system, self.plan.seconds))
            self._jobs[system.key, name] = max(jobs, of(system, self.plan.warm_up))
            self.progress.say(f'warm-up  {name:10} {system.name:10} {answer["jobs_per_s"]:,.0f} jobs/s')

    def round(self, number: int, systems: Sequence[System]) -> None:
        """Every step once, the systems in turn; the floor below our enqueue right beside it."""
        where = f'round {number}/{self.plan.rounds}'
        for step in self._steps:
            if number > self.plan.rare_rounds and step.name not in CORE:
                continue
            for _ in range(step.turns):
                self._turn(where, step, systems)

    def _turn(self, where: str, step: Step, systems: Sequence[System]) -> None:
        for system in systems:
            if system.key == 'ours' or not step.ours_only:
                self._keep(where, step.name, system.key, system.name, step.measure(system))
        if step.with_floor:
            floor = measure_floor(self.server, systems[0], self.plan.single)
            self._keep(where, 'floor', SHARED, 'bare', floor)

    def _keep(self, where: str, name: str, key: str, label: str, answer: dict[str, float]) -> None:
        for metric, value in answer.items():
            # The bare loops are nobody's: they are what others are held against.
            self.samples[f'{name}.{metric}'][SHARED if name == 'loops' else key].append(value)
        figures = '  '.join(f'{metric} {value:,.4g}' for metric, value in answer.items())
        self.progress.say(f'{where}  {name:10} {label:10} {figures}')


def run(
    server: Server, plan: Plan, systems: Sequence[System], progress: Progress, wanted: Collection[str] = ()
) -> dict[str, dict[str, list[float]]]:
    """The values of every round, `samples[metric][system]`; of the steps with these names, or of all."""
    work = Run(server, plan, progress, wanted)
    for system in systems:
        work.warm_up(system)
    for number in range(1, plan.rounds + 1):
        work.round(number, systems)
    return {metric: dict(values) for metric, values in work.samples.items()}
