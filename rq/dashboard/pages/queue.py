"""One queue, with its jobs by state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.dashboard.page import page
from rq.monitor import queue as queue_of
from rq.monitor.jobs_in import STATES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rq.dashboard.page import View

__all__ = ['queue']


@page('/queue/<rq:name>', 'queue', title='Queue', nav='Queues')
def queue(view: View, name: str) -> Mapping[str, Any]:
    """One queue, and a page of its jobs in one state."""
    state = view.choice('state', STATES)
    found = queue_of.page(view.connection, name, state, view.offset, view.per_page)
    return {'queue': found.queue, 'state': state, 'states': STATES, 'jobs': found.jobs, 'shown': found}
