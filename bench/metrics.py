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
    """One row of the table. `rq_key` names RQ's metric it is compared with, if that is another one."""

    key: str
    title: str
    unit: str
    better: Literal['higher', 'lower']
    promised: Bound | None = None
    aimed: Bound | None = None
    rq_key: str = ''

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
    Metric('pickup.p50_ms', 'idle pickup, p50', 'ms', 'lower', aimed=Bound(4, 'floor.ping_ms', 'PING')),
    Metric('pickup.p99_ms', 'idle pickup, p99', 'ms', 'lower', aimed=Bound(8, 'floor.ping_ms', 'PING')),
    Metric('memory.waiting_bytes', 'Redis memory per waiting job', 'B', 'lower', aimed=_of_rq(0.6)),
    Metric('memory.finished_bytes', 'Redis memory per finished job with result', 'B', 'lower', aimed=_of_rq(0.2)),
)
