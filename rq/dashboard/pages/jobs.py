"""Jobs: found by a filter, counted by state, queue and function, chosen and acted on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.dashboard.page import View, page
from rq.monitor import search
from rq.monitor.language import HELP

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ['jobs']

# What the filter calls what a facet counts.
TERMS = {'state': 'state', 'queue': 'queue', 'function': 'fn'}


@page('/jobs', 'jobs', title='Jobs', nav='Jobs')
def jobs(view: View) -> Mapping[str, Any]:
    """A page of the jobs that a filter finds; without one, of all."""
    text = ' '.join(view.text('q', most=3_000).split())
    values: dict[str, Any] = {'q': text, 'error': '', 'found': None, 'facets': [], 'help': HELP}
    try:
        wanted = search.parse(text)
    except search.FilterError as error:
        return {**values, 'error': str(error)}
    found = search.find(view.connection, wanted, view.text('cursor', most=60), view.per_page)
    return {**values, 'found': found, 'facets': [_facet(text, facet) for facet in found.facets]}


def _facet(text: str, facet: search.Facet) -> dict[str, Any]:
    """The counts, each with the filter that narrows the list to it."""
    rows = [
        {'value': value, 'count': count, 'where': search.with_term(text, TERMS[facet.name], value)}
        for value, count in facet.counts
    ]
    return {'name': facet.name, 'exact': facet.exact, 'rows': rows}
