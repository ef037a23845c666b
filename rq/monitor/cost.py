"""What a run has cost, as far as it is counted: runs that stand out are kept by name, of the others the mean of an hour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

from rq.store import stats

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['Cost', 'cost']

HOUR = 3600
# So long the hours are kept (rq/store/stats.py).
KEPT = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Cost:
    """The hour of a function in which a job of it has ended."""

    runs: int
    mean_seconds: float
    mean_cpu: float  # seconds
    peak_bytes: int | None  # of this very job, where it is among the heaviest of its hour
    slowest: int | None  # its place among the slowest of its hour, from 1


def cost(connection: Redis, function: str, job_id: str, ended: float | None, now: float) -> Cost | None:
    """What is counted of the hour in which a job has ended; None for nothing. Three round trips."""
    if not function or ended is None or not now - KEPT < ended <= now + HOUR:
        return None
    starts = [int(ended // HOUR) * HOUR]
    try:
        [counts] = stats.one_function(connection, HOUR, starts, function)
        heavy = stats.tops(connection, stats.HEAVY, HOUR, starts, function)
        slow = stats.tops(connection, stats.SLOW, HOUR, starts, function)
    except (ValueError, TypeError, ResponseError):  # somebody has written there
        return None
    if not counts.runs:
        return None
    peak = next((one.value for one in heavy if one.job_id == job_id), None)
    return Cost(
        runs=counts.runs,
        mean_seconds=counts.run_us / counts.runs / 1e6,
        mean_cpu=counts.cpu_us / counts.runs / 1e6,
        peak_bytes=None if peak is None else peak * 1024,
        slowest=next((place for place, one in enumerate(slow, 1) if one.job_id == job_id), None),
    )
