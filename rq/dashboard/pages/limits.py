"""Limits and keys: rate limits, who holds their slots, and who waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.dashboard.page import View, page
from rq.monitor import limits as read

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ['limits', 'one_limit']


@page('/limits', 'limits', title='Limits', nav='Limits')
def limits(view: View) -> Mapping[str, Any]:
    """A page of the rate limits, by name."""
    part = view.text('name', most=200)
    return {'part': part, 'limits': read.listing(view.connection, part, view.offset, view.per_page)}


@page('/limit/<rq:name>', 'limit', title='Limit', nav='Limits')
def one_limit(view: View, name: str) -> Mapping[str, Any]:
    """One rate limit with more of its jobs. One that nobody uses is empty: it was in use when its link was made."""
    return {'limit': read.limit(view.connection, name)}
