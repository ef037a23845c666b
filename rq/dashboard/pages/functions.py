"""Functions: what runs, how often it fails, how long it takes and waits, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.dashboard.filters import seconds
from rq.dashboard.page import Missing, View, page
from rq.monitor import functions as monitor
from rq.monitor import history
from rq.store.stats import OTHER

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ['function', 'functions']

SPANS = tuple(monitor.SPANS)


@page('/functions', 'functions', title='Functions', nav='Functions')
def functions(view: View) -> Mapping[str, Any]:
    """Every function that ran in a span, those that cost most first."""
    span, sort = view.choice('span', SPANS), view.choice('sort', tuple(monitor.SORTS))
    shown = slice(view.offset, view.offset + view.per_page)
    found = monitor.listing(view.connection, span, sort=sort, shown=shown)
    return {
        'span': span,
        'spans': SPANS,
        'sort': sort,
        'functions': found.functions[shown],
        'total': len(found.functions),
        'run_seconds': found.run_seconds,
        'cpu_seconds': found.cpu_seconds,
        'other': OTHER,
    }


@page('/function/<rq:name>', 'function', title='Function', nav='Functions')
def function(view: View, name: str) -> Mapping[str, Any]:
    """One function: over time, how its durations are spread, and the runs that stand out."""
    span = view.choice('span', SPANS, '24h')
    found = monitor.one(view.connection, name, span)
    if found is None:
        raise Missing(f'{name[:200]!r} has not run in the last {span}, or nobody has counted it.')
    moments = found.moments
    return {
        'span': span,
        'spans': SPANS,
        'one': found,
        'durations': {
            'half under': list(zip(moments.times, moments.p50, strict=True)),
            '95 % under': list(zip(moments.times, moments.p95, strict=True)),
        },
        'counts': {
            'runs': list(zip(moments.times, moments.runs, strict=True)),
            'failures': list(zip(moments.times, moments.failures, strict=True)),
        },
        'edges': [seconds(edge) for edge in found.edges],
        'wait_edges': [seconds(edge) for edge in found.wait_edges],
        'marks': [(mark.time, f'code {mark.version} seen first') for mark in history.deploys(view.connection, span)],
    }
