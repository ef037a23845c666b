"""Rates, durations and lengths over time, from the counters that workers write (rq/store/stats.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rq.store import stats
from rq.store.stats import ALL

from .lenient import clamped

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['SPANS', 'Mark', 'Rates', 'Series', 'deploys', 'rates', 'series', 'spark']

# Spans of a chart -> seconds of it, and of one of its steps: 60 to 168 points.
SPANS = {'1h': (3600, 60), '24h': (86400, 600), '7d': (7 * 86400, 3600), '90d': (90 * 86400, 86400)}
# Rates of now are of so many whole minutes and of the one that runs.
RECENT = 5


@dataclass(frozen=True, slots=True)
class Series:
    """What happened in each step of a span: one value a step, the step of now (which is not over) last."""

    span: str
    step: int  # seconds
    times: tuple[int, ...]  # epoch at which each step begins
    started: tuple[int, ...]
    done: tuple[int, ...]
    failed: tuple[int, ...]
    retried: tuple[int, ...]
    lost: tuple[int, ...]
    stopped: tuple[int, ...]
    run_seconds: tuple[float, ...]  # together
    wait_seconds: tuple[float, ...]  # from enqueue to start, together
    waiting: tuple[int | None, ...]  # how many waited at the last sample; None: none was taken
    waiting_most: tuple[int | None, ...]
    enqueued: tuple[int | None, ...]  # what came in: what started, and what is waiting more than before

    @property
    def ended(self) -> int:
        """Runs that ended in the whole span."""
        return sum(map(sum, (self.done, self.failed, self.retried, self.lost, self.stopped)))


@dataclass(frozen=True, slots=True)
class Rates:
    """How a queue does now: means of the last minutes, a second."""

    started: float = 0.0
    done: float = 0.0
    failed: float = 0.0  # with those that are tried again, and those whose process died
    enqueued: float | None = None  # None: how many waited was not sampled
    mean_run: float | None = None  # seconds; None: nothing ended
    mean_wait: float | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """The first worker with a version of the code was seen."""

    time: float  # epoch
    version: str


def series(connection: Any, span: str = '1h', queue: str | None = None, now: float | None = None) -> Series:
    """What happened on a queue, or on all, in a span of SPANS. Raises KeyError for another span. Three round trips."""
    seconds, step = SPANS[span]
    name = ALL if queue is None else queue
    starts = stats.buckets(_time(connection, now), step, seconds)
    counts = [row.get(name, stats.QueueCounts()) for row in stats.queues(connection, step, starts, [name])]
    lengths = [row.get(name) for row in stats.waiting(connection, step, starts, [name])]
    waiting = [None if length is None else length[0] for length in lengths]
    return Series(
        span=span,
        step=step,
        times=tuple(starts),
        started=tuple(count.started for count in counts),
        done=tuple(count.done for count in counts),
        failed=tuple(count.failed for count in counts),
        retried=tuple(count.retried for count in counts),
        lost=tuple(count.lost for count in counts),
        stopped=tuple(count.stopped for count in counts),
        run_seconds=tuple(count.run_us / 1e6 for count in counts),
        wait_seconds=tuple(count.wait_us / 1e6 for count in counts),
        waiting=tuple(waiting),
        waiting_most=tuple(None if length is None else length[1] for length in lengths),
        enqueued=tuple(_came([count.started for count in counts], waiting)),
    )


def _came(started: Sequence[int], waiting: Sequence[int | None]) -> list[int | None]:
    found: list[int | None] = [None]
    for number in range(1, len(started)):
        before, after = waiting[number - 1], waiting[number]
        more = None if before is None or after is None else started[number] + after - before
        found.append(None if more is None else max(more, 0))
    return found


def rates(connection: Any, queues: Sequence[str], now: float | None = None) -> dict[str, Rates]:
    """How each of these queues does now; the sum of all is at ALL (`*`) if it is asked for. Three round trips."""
    now = _time(connection, now)
    starts = stats.buckets(now, 60, RECENT * 60)
    rows = stats.queues(connection, 60, starts, queues)
    lengths = stats.waiting(connection, 60, starts, queues)
    seconds = now - starts[0]
    return {name: _rates([row[name] for row in rows if name in row], _drift(lengths, name), seconds) for name in queues}


def _drift(lengths: Sequence[dict[str, tuple[int, int]]], name: str) -> float | None:
    """How many more wait a second than before."""
    known = [(number, row[name][0]) for number, row in enumerate(lengths) if name in row]
    if len(known) < 2:
        return None
    (first, before), (last, after) = known[0], known[-1]
    return (after - before) / (60 * (last - first))


def _rates(counts: Sequence[stats.QueueCounts], drift: float | None, seconds: float) -> Rates:
    if not counts:
        return Rates(enqueued=None if drift is None else max(drift, 0.0))
    started, done, failed, retried, lost, _, run_us, wait_us = map(sum, zip(*counts, strict=True))
    return Rates(
        started / seconds,
        done / seconds,
        (failed + retried + lost) / seconds,
        None if drift is None else max(started / seconds + drift, 0.0),
        run_us / started / 1e6 if started else None,
        wait_us / started / 1e6 if started else None,
    )


def spark(
    connection: Any, queues: Sequence[str], minutes: int = 30, now: float | None = None
) -> dict[str, tuple[int, ...]]:
    """What began on each queue in each of the last minutes, for a small chart. Two round trips."""
    starts = stats.buckets(_time(connection, now), 60, minutes * 60)
    rows = stats.queues(connection, 60, starts, queues)
    return {name: tuple(row[name].started if name in row else 0 for row in rows) for name in queues}


def deploys(connection: Any, span: str = '24h', now: float | None = None) -> tuple[Mark, ...]:
    """When versions of the workers' code were seen first, within a span of SPANS. Raises KeyError for another."""
    since = _time(connection, now) - SPANS[span][0]
    found = stats.deploys(connection, since)
    return tuple(Mark(clamped(one.first_seen).timestamp(), one.version) for one in found)


def _time(connection: Any, now: float | None) -> float:
    """Redis time: the one given, which saves a round trip, else asked for."""
    return stats.server_time(connection) if now is None else now
