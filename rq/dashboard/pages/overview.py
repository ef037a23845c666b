"""Overview: is it working, and what needs attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.dashboard.page import View, page

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ['overview']


@page('/', 'overview', title='Overview', nav='Overview')
def overview(view: View) -> Mapping[str, Any]:
    """The state of everything at one look."""
    return {}
