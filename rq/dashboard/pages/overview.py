"""Overview: is it working, what needs attention, what runs, and how it went."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rq.dashboard.page import View, page
from rq.dashboard.strip import counted
from rq.monitor import functions, history, schedules, workers
from rq.monitor.health import concerns, health
from rq.store.stats import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ['overview', 'per_minute']

SPANS = tuple(history.SPANS)
# Workers that are looked at, queues and running jobs that are listed.
WORKERS, QUEUES, RUNNING = 300, 12, 10
# Seconds that a job may wait before it is said, unless the setting `latency_goal` has another number.
GOAL = 60.0


@page('/', 'overview', title='Overview', nav='Overview')
def overview(view: View) -> Mapping[str, Any]:
    """The state of everything at one look."""
    span = view.choice('span', SPANS)
    totals = counted(view.connection)
    found = health(view.connection, totals)
    fleet = workers.fleet(view.connection, 0, WORKERS)
    hour = functions.listing(view.connection, '1h', totals.now, shown=slice(0)).functions
    goal = float(view.settings.get('latency_goal') or GOAL)
    series = history.series(view.connection, span, now=totals.now)
    return {
        'span': span,
        'spans': SPANS,
        'rates': history.rates(view.connection, [ALL], totals.now)[ALL],
        'concerns': concerns(found, fleet.workers, hour, goal, schedules.missed(view.connection)),
        'queues': found.queues[:QUEUES],
        'queues_in_all': len(totals.queues) + totals.more,
        'running': found.running[:RUNNING],
        'calls': workers.calls(view.connection, [run.job_id for run in found.running[:RUNNING]]),
        'oldest': found.oldest,
        'suspended': found.suspended,
        'memory': {'used': found.used, 'limit': found.limit},
        'workers': {'busy': fleet.busy, 'alive': fleet.alive, 'total': fleet.total},
        'series': series,
        'per_minute': per_minute(series, totals.now),
        'marks': _marks(view, fleet.workers, span, totals.now),
    }


def per_minute(series: history.Series, now: float) -> dict[str, list[tuple[int, float | None]]]:
    """Jobs per minute that finished, failed and came in, at each step; the step of now by what of it has passed."""
    lengths = [float(series.step)] * len(series.times)
    if lengths:
        lengths[-1] = now - series.times[-1]
    failed = [one + lost for one, lost in zip(series.failed, series.lost, strict=True)]
    # Of a step that has only begun, nothing can be told.
    known = [length >= min(30.0, series.step / 2) for length in lengths]

    def rate(counts: Sequence[int | None]) -> list[tuple[int, float | None]]:
        rows = zip(series.times, counts, lengths, known, strict=True)
        return [
            (when, count * 60 / max(length, 1) if told and count is not None else None)
            for when, count, length, told in rows
        ]

    return {'finished': rate(series.done), 'failed': rate(failed), 'came in': rate(series.enqueued)}


def _marks(view: View, fleet: Sequence[workers.Worker], span: str, now: float) -> list[tuple[float, str]]:
    """Instants to mark on the charts: new versions of the workers' code, and starts of workers that live."""
    births = [workers.Birth(one.born, one.version, one.code) for one in fleet if one.alive]
    started = [(when.timestamp(), f'{_clock(when)} {words}') for when, words in workers.starts(births)]
    deployed = [
        (mark.time, f'{_clock(datetime.fromtimestamp(mark.time, UTC))} code {mark.version} seen first')
        for mark in history.deploys(view.connection, span, now)
    ]
    return sorted([*started, *deployed])[-50:]


def _clock(when: datetime) -> str:
    return when.strftime('%d %b %H:%M UTC')
