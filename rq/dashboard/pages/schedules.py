"""Schedules: cron jobs with what became of their runs, and jobs that wait for their time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.dashboard.page import View, page
from rq.monitor import schedules as read

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ['schedules']

# Cron jobs of one page; of all others the list of scheduled jobs has the pages.
CRONS = 25


@page('/schedules', 'schedules', title='Schedules', nav='Schedules')
def schedules(view: View) -> Mapping[str, Any]:
    """Cron jobs by name, and scheduled jobs, the soonest due first."""
    queue = view.text('queue', most=1_000)
    at = view.number('crons', 1)
    return {
        'crons': read.crons(view.connection, (at - 1) * CRONS, CRONS),
        'crons_at': at,
        'crons_pages': CRONS,
        'queue': queue,
        'later': read.later(view.connection, queue, view.offset, view.per_page),
    }
