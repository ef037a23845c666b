"""The steps of a round: what is measured, how much of it, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from bench.measure.enqueue import measure_bulk, measure_map, measure_single
from bench.measure.floor_loops import measure_loops
from bench.measure.pickup import measure_pickup
from bench.measure.scale import Crowd, measure_promotion, measure_scale
from bench.measure.sleeping import measure_mix, measure_ten_ms
from bench.measure.starting import measure_idle_memory, measure_starts
from bench.measure.throughput import Load, measure_throughput
from bench.measure.traffic import measure_enqueue_traffic, measure_memory, measure_worker_traffic
from bench.server import Server
from bench.systems import System

__all__ = ['CORE', 'FULL', 'QUICK', 'SIMPLE', 'Plan', 'Step', 'of', 'steps']

T = TypeVar('T')
Measure = Callable[[System], dict[str, float]]

SIMPLE = ('-w', 'rq.worker.SimpleWorker')
# What the short run of the tests looks at, and every round of a full one; the others only the first rounds.
CORE = ('worker', 'simple', 'single', 'bulk', 'pickup', 'memory')


@dataclass(frozen=True)
class Plan:
    """How much of each. Pairs are for ours and for RQ, which need very different amounts for the same time."""

    rounds: int
    rare_rounds: int  # of the steps that are not among CORE
    turns: int
    warm_up: tuple[int, int]
    seconds: tuple[float, float]
    traffic: tuple[int, int]
    single: int
    bulk: int
    pickup: int
    waiting: int
    finished: int
    loops: int  # jobs of the bare loops
    ten_ms: tuple[int, int]
    mix_seconds: float
    payloads: Mapping[str, tuple[int, tuple[int, int]]]  # name -> bytes, jobs of each system
    small: Crowd
    large: Crowd
    promoted: int
    starts: int


FULL = Plan(
    rounds=5,
    rare_rounds=3,
    turns=3,
    warm_up=(2000, 50),
    seconds=(3.6, 5.5),
    traffic=(6400, 100),
    single=3000,
    bulk=20_000,
    pickup=100,
    waiting=10_000,
    finished=1000,
    loops=60_000,
    ten_ms=(400, 150),
    mix_seconds=6,
    payloads={'1kb': (1000, (20_000, 150)), '100kb': (100_000, (1500, 100)), '1mb': (1_000_000, (150, 40))},
    small=Crowd(1000, 1000, 1000),
    large=Crowd(1_000_000, 100_000, 100_000),
    promoted=100_000,
    starts=7,
)
QUICK = Plan(
    rounds=1,
    rare_rounds=1,
    turns=1,
    warm_up=(500, 15),
    seconds=(0.8, 1.0),
    traffic=(1000, 20),
    single=500,
    bulk=3000,
    pickup=12,
    waiting=2000,
    finished=60,
    loops=3000,
    ten_ms=(40, 20),
    mix_seconds=1.5,
    payloads={'1kb': (1000, (500, 10)), '100kb': (100_000, (60, 10)), '1mb': (1_000_000, (10, 5))},
    small=Crowd(1000, 100, 100),
    large=Crowd(20_000, 2000, 2000),
    promoted=5000,
    starts=2,
)


@dataclass(frozen=True)
class Step:
    """One measure of a round. Short ones take `turns` turns, since a machine's speed may change from second to second."""

    name: str
    measure: Measure
    turns: int = 1
    with_floor: bool = False
    ours_only: bool = False


def of(system: System, pair: tuple[T, T]) -> T:
    """The one of a pair that is meant for this system."""
    return pair[0] if system.key == 'ours' else pair[1]


def steps(server: Server, plan: Plan, jobs: Callable[[System, str], int]) -> list[Step]:
    """The steps of a round, in their order. `jobs`: how many keep a worker of a system busy long enough."""
    return [
        *_running(server, plan, jobs),
        Step('single', lambda s: measure_single(server, s, plan.single), plan.turns, with_floor=True),
        Step('single', lambda s: measure_enqueue_traffic(server, s, plan.single // 5)),
        Step('bulk', lambda s: measure_bulk(server, s, plan.bulk), plan.turns),
        Step('map', lambda s: measure_map(server, s, plan.bulk), ours_only=True),
        *_waiting(server, plan),
        Step('memory', lambda s: measure_memory(server, s, plan.waiting, plan.finished)),
        Step('idle', lambda s: measure_idle_memory(server, s)),
        *_payloads(server, plan),
        Step('scale', lambda s: measure_scale(server, s, plan.small, plan.large), ours_only=True),
        Step('promotion', lambda s: measure_promotion(server, s, plan.promoted), ours_only=True),
        Step('start', lambda s: measure_starts(server, s, plan.starts)),
    ]


def _running(server: Server, plan: Plan, jobs: Callable[[System, str], int]) -> list[Step]:
    return [
        Step('worker', lambda s: measure_throughput(server, s, Load(jobs(s, 'worker')))),
        Step('simple', lambda s: measure_throughput(server, s, Load(jobs(s, 'simple')), *SIMPLE)),
        Step('worker', lambda s: measure_worker_traffic(server, s, of(s, plan.traffic))),
        Step('simple', lambda s: measure_worker_traffic(server, s, of(s, plan.traffic), *SIMPLE)),
        Step('two', lambda s: measure_throughput(server, s, Load(jobs(s, 'worker'), workers=2))),
        Step('loops', lambda s: measure_loops(server, s, plan.loops), ours_only=True),
        Step('ten_ms', lambda s: measure_ten_ms(server, s, of(s, plan.ten_ms))),
    ]


def _waiting(server: Server, plan: Plan) -> list[Step]:
    return [
        Step('pickup', lambda s: measure_pickup(server, s, plan.pickup)),
        Step('pickup3', lambda s: measure_pickup(server, s, plan.pickup, queues=3)),
        Step('pickup50', lambda s: measure_pickup(server, s, plan.pickup, workers=50), ours_only=True),
        Step('pickup50x3', lambda s: measure_pickup(server, s, plan.pickup, workers=50, queues=3), ours_only=True),
        Step('mix', lambda s: measure_mix(server, s, plan.mix_seconds)),
    ]


def _payloads(server: Server, plan: Plan) -> list[Step]:
    def measure(size: int, amounts: tuple[int, int]) -> Measure:
        return lambda s: measure_throughput(server, s, Load(of(s, amounts), 'take', size))

    return [Step(f'payload_{name}', measure(size, amounts)) for name, (size, amounts) in plan.payloads.items()]
