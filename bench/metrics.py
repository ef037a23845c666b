"""What is shown, which way is better, what is promised and what we aim at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

__all__ = ['METRICS', 'SHARED', 'Bound', 'Metric', 'Samples']

# samples[metric][system] = one value per round
Samples = Mapping[str, Mapping[str, Sequence[float]]]
SHARED = 'shared'  # the "system" of the floors, which belong to neither


@dataclass(frozen=True)
class Bound:
    """`factor` times something: RQ's value, a floor, or (of=None) the plain number."""

    factor: float
    of: str | None = None
    name: str = ''

    def value(self, samples: Samples, rq_key: str) -> float | None:
        """The bound as a number in the metric's unit; None if what it refers to was not measured."""
        if self.of is None:
            return self.factor
        values = samples.get(rq_key, {}).get('rq') if self.of == 'rq' else samples.get(self.of, {}).get(SHARED)
        return self.factor * median(values) if values else None


@dataclass(frozen=True)
class Metric:
    """One row of the table. `rq_key` names RQ's metric it is compared with, if that is another one; `ours_only`: with none."""

    key: str
    title: str
    unit: str
    better: Literal['higher', 'lower']
    promised: Bound | None = None
    aimed: Bound | None = None
    rq_key: str = ''
    ours_only: bool = False

    @property
    def step(self) -> str:
        """The step that measures it: `python -m bench --steps <step>`."""
        return self.key.partition('.')[0]

    @property
    def rqs(self) -> str:
        """The key of RQ's side."""
        return self.rq_key or self.key

    def ratio(self, samples: Samples) -> float | None:
        """How many times better than RQ our median is; below 1 it is worse. None if one side is missing."""
        ours, rq = samples.get(self.key, {}).get('ours'), samples.get(self.rqs, {}).get('rq')
        if not ours or not rq:
            return None
        up, down = (median(ours), median(rq)) if self.better == 'higher' else (median(rq), median(ours))
        return up / down if down else None

    def reached(self, bound: Bound | None, samples: Samples, slack: float = 1.0) -> bool | None:
        """Whether our median is within the bound, made `slack` times easier; None if there is no bound or no figure."""
        ours = samples.get(self.key, {}).get('ours')
        limit = bound.value(samples, self.rqs) if bound else None
        if not ours or limit is None:
            return None
        return median(ours) * slack >= limit if self.better == 'higher' else median(ours) <= limit * slack


def _of_rq(factor: float) -> Bound:
    return Bound(factor, 'rq', 'RQ')


def _of_evalsha(factor: float) -> Bound:
    return Bound(factor, 'floor.storing_per_s', 'bare `evalsha`')


def _of_pings(factor: float) -> Bound:
    return Bound(factor, name='PINGs')


def _pickups() -> list[Metric]:
    """Idle pickup in milliseconds and, which no machine's speed changes, in PINGs of the same minute."""
    found = []
    for step, title in (
        ('pickup', 'idle pickup'),
        ('pickup3', 'idle pickup, 3 queues'),
        ('pickup50', 'idle pickup, 50 idle workers'),
        ('pickup50x3', 'idle pickup, 50 idle workers on 3 queues'),
    ):
        for part, bound in (('p50', 4), ('p99', 8)):
            aimed, alone = _of_pings(bound), step.startswith('pickup50')
            found += [
                Metric(f'{step}.{part}_ms', f'{title}, {part}', 'ms', 'lower', ours_only=alone),
                Metric(f'{step}.{part}_pings', f'{title}, {part}, in PINGs', '', 'lower', aimed=aimed, ours_only=alone),
            ]
    return found


def _payloads() -> list[Metric]:
    sizes = (('1kb', '1 KB'), ('100kb', '100 KB'), ('1mb', '1 MB'))
    return [
        Metric(f'payload_{name}.jobs_per_s', f'`rq worker`, jobs of {size}', '/s', 'higher', aimed=_of_rq(2))
        for name, size in sizes
    ]


def _scale() -> list[Metric]:
    return [
        Metric(f'scale.{name}', f'{title}, of that with 1,000', '%', better, aimed=Bound(bound), ours_only=True)
        for name, title, better, bound in (
            ('jobs_per_s', 'with a crowd stored: jobs/s of a bare loop', 'higher', 90),
            ('claim_p99_ms', 'with a crowd stored: claim p99', 'lower', 110),
            ('info_ms', 'with a crowd stored: `rq info`', 'lower', 110),
        )
    ] + [
        Metric(
            'promotion.per_s', 'due jobs queued by an idle worker', '/s', 'higher', aimed=Bound(20_000), ours_only=True
        ),
        Metric(
            'promotion.longest_pause_ms',
            'the longest wait for the server meanwhile',
            'ms',
            'lower',
            aimed=Bound(20),
            ours_only=True,
        ),
    ]


def _starts() -> list[Metric]:
    rows = (('import', '`import rq`'), ('help', '`rq --help`'), ('info', '`rq info`'))
    return [
        Metric(f'start.{name}_times', f'{title}, of the time of `import redis`', '', 'lower', aimed=Bound(1.3))
        for name, title in rows
    ]


METRICS: tuple[Metric, ...] = (
    Metric('worker.jobs_per_s', '`rq worker`, no-op jobs', '/s', 'higher', _of_rq(100), _of_rq(300)),
    Metric(
        'worker.jobs_per_s',
        "`rq worker`, no-op jobs, against RQ's `SimpleWorker`",
        '/s',
        'higher',
        _of_rq(30),
        _of_rq(100),
        rq_key='simple.jobs_per_s',
    ),
    Metric('simple.jobs_per_s', '`SimpleWorker`, no-op jobs', '/s', 'higher'),
    Metric(
        'two.jobs_per_s',
        'two workers, no-op jobs',
        '/s',
        'higher',
        aimed=Bound(0.8, 'loops.two_per_s', 'two bare loops'),
    ),
    Metric('ten_ms.ideal_percent', 'jobs of 10 ms, of the ideal rate', '%', 'higher', aimed=Bound(97)),
    Metric(
        'mix.longest_ms', 'longest wait of a 1 ms job among 1 s jobs, a worker free', 'ms', 'lower', aimed=Bound(150)
    ),
    Metric('worker.worker_cpu_ms', '`rq worker`: CPU of its processes per job', 'ms', 'lower', aimed=Bound(0.05)),
    Metric('worker.server_cpu_ms', '`rq worker`: CPU of the server per job', 'ms', 'lower', aimed=_of_rq(1)),
    Metric('simple.worker_cpu_ms', '`SimpleWorker`: CPU per job', 'ms', 'lower'),
    Metric('simple.server_cpu_ms', '`SimpleWorker`: CPU of the server per job', 'ms', 'lower'),
    Metric('worker.round_trips', '`rq worker`: round trips per job, full queue', '', 'lower', Bound(0.2), Bound(0.1)),
    Metric('worker.commands', '`rq worker`: Redis commands per job', '', 'lower', aimed=Bound(12)),
    Metric('worker.wire_bytes', '`rq worker`: bytes on the wire per job', 'B', 'lower'),
    Metric('simple.round_trips', '`SimpleWorker`: round trips per job, full queue', '', 'lower'),
    Metric('simple.commands', '`SimpleWorker`: Redis commands per job', '', 'lower'),
    Metric('single.per_s', '`enqueue`, one by one', '/s', 'higher', aimed=_of_evalsha(1 / 1.2)),
    Metric('single.round_trips', '`enqueue`: round trips per job', '', 'lower', Bound(1), Bound(1)),
    Metric('single.commands', '`enqueue`: Redis commands per job', '', 'lower'),
    Metric('single.wire_bytes', '`enqueue`: bytes on the wire per job', 'B', 'lower'),
    Metric('bulk.per_s', '`enqueue_many`', '/s', 'higher', _of_rq(3), Bound(60_000)),
    Metric('map.per_s', '`queue.map` with one worker, jobs and their results', '/s', 'higher', ours_only=True),
    *_pickups(),
    Metric('memory.waiting_bytes', 'Redis memory per waiting job', 'B', 'lower', aimed=_of_rq(0.6)),
    Metric('memory.finished_bytes', 'Redis memory per finished job with result', 'B', 'lower', aimed=_of_rq(0.2)),
    Metric('idle.pss_mb', 'memory of an idle worker with its horse (PSS)', 'MB', 'lower', aimed=_of_rq(1)),
    *_payloads(),
    *_scale(),
    *_starts(),
)
