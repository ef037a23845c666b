"""Errors: failures by kind, which jobs failed so, and since which version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.dashboard.page import Missing, View, page
from rq.inert import scrub
from rq.monitor import errors as monitor
from rq.monitor import history

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ['error', 'errors']

SPANS = tuple(monitor.SPANS)


@page('/errors', 'errors', title='Errors', nav='Errors')
def errors(view: View) -> Mapping[str, Any]:
    """The kinds of failures, the latest first; the muted ones behind them, or alone."""
    span = view.choice('span', SPANS, '24h')
    shown = view.choice('show', ('heard', 'muted', 'all'))
    found = monitor.groups(view.connection, span, view.offset, view.per_page)
    wanted = [group for group in found.groups if shown == 'all' or group.muted == (shown == 'muted')]
    return {
        'span': span,
        'spans': SPANS,
        'shown': shown,
        'groups': [_scrubbed(group) for group in wanted],
        'left_out': len(found.groups) - len(wanted),
        'total': found.total,
    }


@page('/error/<fingerprint>', 'error', title='Error', nav='Errors')
def error(view: View, fingerprint: str) -> Mapping[str, Any]:
    """One kind of failures, and the jobs that failed so."""
    span = view.choice('span', SPANS, '24h')
    found = monitor.group(view.connection, fingerprint[:40], span, view.offset, view.per_page)
    if found is None:
        raise Missing(f'There is no error {fingerprint[:40]!r}. A kind is forgotten 92 days after its last failure.')
    return {
        'span': span,
        'spans': SPANS,
        'group': _scrubbed(found.group),
        'traceback': scrub(found.traceback),
        'counts': list(zip(found.times, found.counts, strict=True)),
        'marks': [(mark.time, f'code {mark.version} seen first') for mark in history.deploys(view.connection, span)],
        'jobs': found.jobs,
        'job_total': found.job_total,
        'where': f'error:{found.group.fingerprint} state:failed',
    }


def _scrubbed(group: monitor.Group) -> dict[str, Any]:
    """A group as it is shown: messages of exceptions hold arguments."""
    told = {name: getattr(group, name) for name in group.__slots__}
    return {**told, 'message': scrub(group.message), 'title': scrub(group.title)}
