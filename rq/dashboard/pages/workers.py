"""Workers: who works, on what, and whether they all run the same code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.dashboard.page import Missing, View, page
from rq.monitor import workers as monitor

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ['worker', 'workers']


@page('/workers', 'workers', title='Workers', nav='Workers')
def workers(view: View) -> Mapping[str, Any]:
    """The workers of all queues, or of one."""
    queue = view.text('queue') or None
    versions = monitor.versions(monitor.births(view.connection))
    fleet = monitor.fleet(view.connection, view.offset, view.per_page, queue)
    return {
        'fleet': {'total': fleet.total, 'workers': monitor.with_calls(view.connection, fleet.workers)},
        'queue': queue,
        'versions': versions,
        'usual': versions[0][0] if versions else '',
    }


@page('/worker/<rq:name>', 'worker', title='Worker', nav='Workers')
def worker(view: View, name: str) -> Mapping[str, Any]:
    """One worker."""
    [found] = monitor.with_calls(view.connection, monitor.named(view.connection, [name]))
    if found.state == 'gone' and not found.born:
        raise Missing(f'There is no worker {name[:200]!r}. One that has ended is forgotten after a minute.')
    return {'worker': found}
