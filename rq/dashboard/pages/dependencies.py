"""Dependencies and groups: who waits for whom, the chain around a job, and how far groups are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.dashboard.page import View, page
from rq.monitor import dependencies as read
from rq.monitor import groups

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ['dependencies']

# Groups of one page; of all others the list of waiting jobs has the pages.
GROUPS = 25


@page('/dependencies', 'dependencies', title='Dependencies', nav='Dependencies')
def dependencies(view: View) -> Mapping[str, Any]:
    """Waiting jobs, the longest waiting first; with `job` the chain around one; groups by name."""
    queue, job, part = view.text('queue', most=1_000), view.text('job', most=1_000), view.text('group', most=200)
    at = view.number('groups', 1)
    return {
        'queue': queue,
        'chain': read.chain(view.connection, job) if job else None,
        'waiting': None if job else read.waiting(view.connection, queue, view.offset, view.per_page),
        'part': part,
        'groups': groups.listing(view.connection, part, (at - 1) * GROUPS, GROUPS),
        'groups_at': at,
        'groups_pages': GROUPS,
    }
