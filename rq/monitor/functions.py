"""What each function costs: how often it runs and fails, how long it takes and waits, CPU and memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rq.durations import edges, merged, quantile
from rq.store import stats
from rq.store.stats import HEAVY, OTHER, SLOW, FunctionCounts

from .lenient import clamped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ['SORTS', 'SPANS', 'Function', 'Listing', 'Moments', 'One', 'Run', 'listing', 'one']

# Spans -> seconds, seconds of the buckets that are added up for the list, and of those of one function's chart.
SPANS = {
    '1h': (3600, 600, 60),
    '24h': (86400, 3600, 600),
    '7d': (7 * 86400, 86400, 3600),
    '90d': (90 * 86400, stats.WEEK, 86400),
}
# The executions with the highest values are kept for a day by the hour, and for eight by the day.
TOPS = {'1h': (3600, 3600), '24h': (86400, 3600), '7d': (7 * 86400, 86400), '90d': (8 * 86400, 86400)}
MOST = 10
EVERY = slice(None)


@dataclass(frozen=True, slots=True)
class Function:
    """What the runs of a function came to. Times in seconds; percentiles are at most 12.5 % off."""

    name: str  # `~`: all those beyond the 500 that are counted one by one
    runs: int
    failures: int
    failure_rate: float  # 0 to 1
    run_seconds: float  # together
    mean: float
    p50: float | None
    p95: float | None
    p99: float | None
    mean_wait: float
    wait_p50: float | None
    wait_p95: float | None
    cpu_seconds: float  # together
    cpu_share: float  # of its run time; over 1 with threads or processes of its own
    peak_bytes: int | None  # None: no process grew while it ran this
    cost_share: float  # of the run time of all functions


@dataclass(frozen=True, slots=True)
class Listing:
    """All functions that ran in a span, those that took most time first."""

    span: str
    functions: tuple[Function, ...]
    run_seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Moments:
    """One function over time: one value a step, the step of now last."""

    step: int
    times: tuple[int, ...]
    runs: tuple[int, ...]
    failures: tuple[int, ...]
    p50: tuple[float | None, ...]
    p95: tuple[float | None, ...]
    cpu_seconds: tuple[float, ...]
    heat: tuple[tuple[int, ...], ...]  # of each step, runs of each class of duration (`edges` of One)


@dataclass(frozen=True, slots=True)
class Run:
    """One run that stands out."""

    job_id: str
    value: float  # seconds, or bytes
    ended: datetime


@dataclass(frozen=True, slots=True)
class One:
    """All about one function in a span."""

    span: str
    function: Function
    moments: Moments
    edges: tuple[float, ...]  # seconds: the bounds of the classes of the histogram, one more than it has classes
    run_histogram: tuple[int, ...]
    wait_edges: tuple[float, ...]
    wait_histogram: tuple[int, ...]
    slowest: tuple[Run, ...]
    heaviest: tuple[Run, ...]


# What a list can go by, the highest first: columns of what is summed of a function.
SORTS = {'cost': 2, 'runs': 0, 'failures': 1, 'wait': 3, 'cpu': 4, 'memory': 5}


def listing(
    connection: Any, span: str = '24h', now: float | None = None, sort: str = 'cost', shown: slice = EVERY
) -> Listing:
    """What every function came to in a span of SPANS. Raises KeyError for another span or sort. Two round trips.

    `shown`: which of them, in this order, get percentiles; to have them of 500 functions takes a while.
    """
    seconds, step, _ = SPANS[span]
    now = stats.server_time(connection) if now is None else now
    found: dict[str, list[bytes]] = {}
    for row in stats.stored(connection, step, stats.buckets(now, step, seconds)):
        for name, field in row.items():
            found.setdefault(name, []).append(field)
    sums = {name: _added([stats.sums_of(field) for field in fields]) for name, fields in found.items()}
    column = SORTS[sort]
    names = sorted(sums, key=lambda name: (name == OTHER, -_rank(sums[name], column), name))
    with_all = set(names[shown])
    total = sum(one[2] for one in sums.values())
    functions = tuple(_of(name, found[name] if name in with_all else [], sums[name], total) for name in names)
    return Listing(span, functions, total / 1e6, sum(one[4] for one in sums.values()) / 1e6)


def _added(rows: Sequence[Sequence[int]]) -> list[int]:
    columns = list(zip(*rows, strict=True))
    return [*map(sum, columns[:5]), max(columns[5])]


def _rank(sums: Sequence[int], column: int) -> float:
    """Waits are compared by their mean, and failures by their share."""
    return sums[column] / max(sums[0], 1) if column in (1, 3) else sums[column]


def _of(name: str, fields: Sequence[bytes], sums: Sequence[int], total: int) -> Function:
    if fields:
        return _function(name, _sum([stats.counts_of(field) for field in fields]), total)
    runs, failures, run_us, wait_us, cpu_us, peak_kb = sums
    return _function(name, FunctionCounts(runs, failures, run_us, wait_us, cpu_us, peak_kb), total)


def one(connection: Any, name: str, span: str = '24h') -> One | None:
    """All about one function; None when it did not run in the span. Raises KeyError for another span. Five round trips."""
    seconds, _, fine = SPANS[span]
    now = stats.server_time(connection)
    starts = stats.buckets(now, fine, seconds)
    moments = stats.one_function(connection, fine, starts, name)
    sums = _sum(moments)
    if not sums.runs:
        return None
    total = sum(counts.run_us for counts in _totals(connection, fine, starts))
    first, last = _bounds(sums.run_histogram)
    wait_first, wait_last = _bounds(sums.wait_histogram)
    top_span, top_step = TOPS[span]
    tops = stats.buckets(now, top_step, top_span)
    return One(
        span,
        _function(stats.clean_name(name), sums, total),
        _moments(fine, starts, moments, (first, last)),
        _edges(first, last),
        _classes(sums.run_histogram, first, last),
        _edges(wait_first, wait_last),
        _classes(sums.wait_histogram, wait_first, wait_last),
        tuple(_run(top, 1e-6) for top in stats.tops(connection, SLOW, top_step, tops, name)[:MOST]),
        tuple(_run(top, 1024) for top in stats.tops(connection, HEAVY, top_step, tops, name)[:MOST]),
    )


def _totals(connection: Any, step: int, starts: Sequence[int]) -> list[stats.QueueCounts]:
    rows = stats.queues(connection, step, starts, [stats.ALL])
    return [row[stats.ALL] for row in rows if stats.ALL in row]


def _sum(counts: Sequence[FunctionCounts]) -> FunctionCounts:
    if not counts:
        return FunctionCounts()
    return FunctionCounts(
        runs=sum(row.runs for row in counts),
        failures=sum(row.failures for row in counts),
        run_us=sum(row.run_us for row in counts),
        wait_us=sum(row.wait_us for row in counts),
        cpu_us=sum(row.cpu_us for row in counts),
        peak_kb=max(row.peak_kb for row in counts),
        run_histogram=merged(row.run_histogram for row in counts),
        wait_histogram=merged(row.wait_histogram for row in counts),
    )


def _function(name: str, counts: FunctionCounts, total_us: int) -> Function:
    runs = max(counts.runs, 1)
    run, wait = counts.run_histogram, counts.wait_histogram
    return Function(
        name=name,
        runs=counts.runs,
        failures=counts.failures,
        failure_rate=counts.failures / runs,
        run_seconds=counts.run_us / 1e6,
        mean=counts.run_us / runs / 1e6,
        p50=quantile(run, 0.5),
        p95=quantile(run, 0.95),
        p99=quantile(run, 0.99),
        mean_wait=counts.wait_us / runs / 1e6,
        wait_p50=quantile(wait, 0.5),
        wait_p95=quantile(wait, 0.95),
        cpu_seconds=counts.cpu_us / 1e6,
        cpu_share=counts.cpu_us / max(counts.run_us, 1),
        peak_bytes=counts.peak_kb * 1024 or None,
        cost_share=min(counts.run_us / total_us, 1.0) if total_us else 0.0,
    )


def _moments(step: int, starts: Sequence[int], rows: Sequence[FunctionCounts], bounds: tuple[int, int]) -> Moments:
    return Moments(
        step,
        tuple(starts),
        tuple(row.runs for row in rows),
        tuple(row.failures for row in rows),
        tuple(quantile(row.run_histogram, 0.5) for row in rows),
        tuple(quantile(row.run_histogram, 0.95) for row in rows),
        tuple(row.cpu_us / 1e6 for row in rows),
        tuple(_classes(row.run_histogram, *bounds) for row in rows),
    )


# A chart shows octaves: four places of the histogram each.


def _bounds(histogram: Mapping[int, int]) -> tuple[int, int]:
    octaves = [place // 4 for place in histogram]
    return (min(octaves), max(octaves)) if octaves else (0, -1)


def _edges(first: int, last: int) -> tuple[float, ...]:
    return tuple(edges(4 * octave)[0] for octave in range(first, last + 2)) if last >= first else ()


def _classes(histogram: Mapping[int, int], first: int, last: int) -> tuple[int, ...]:
    return tuple(
        sum(histogram.get(4 * octave + quarter, 0) for quarter in range(4)) for octave in range(first, last + 1)
    )


def _run(top: stats.Execution, unit: float) -> Run:
    return Run(top.job_id, top.value * unit, clamped(top.ended))
