"""Queues: all of them in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.dashboard.page import page
from rq.monitor import queues as read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rq.dashboard.page import View

__all__ = ['queues']


@page('/queues', 'queues', title='Queues', nav='Queues')
def queues(view: View) -> Mapping[str, Any]:
    """A page of queues, sorted and filtered by name."""
    sort = view.choice('sort', read.SORTS)
    return {'queues': read.listing(view.connection, view.offset, view.per_page, sort, view.text('name', most=200))}
