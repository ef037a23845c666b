"""Audit: who did what and when, what can be undone; and how far an action on many jobs is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.dashboard.actions import words
from rq.dashboard.actions.deeds import ACTIONS, JobAction
from rq.dashboard.page import Missing, page
from rq.monitor import audit as entries
from rq.monitor import bulks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rq.dashboard.page import View

__all__ = ['audit', 'bulk']


@page('/audit', 'audit', title='Audit', nav='Audit')
def audit(view: View) -> Mapping[str, Any]:
    """A page of entries, and the bulks whose jobs can be brought back."""
    before = view.text('before', most=40)
    found = entries.listing(
        view.connection,
        view.per_page,
        before if before.replace('-', '').isdecimal() else '',
        view.text('user', most=100),
        view.text('action', most=40),
        tuple(sorted(ACTIONS)),
    )
    return {'audit': found}


@page('/bulk/<rq:bulk>', 'bulk', title='Progress', nav='Audit')
def bulk(view: View, bulk: str) -> Mapping[str, Any]:
    """How far it is."""
    found = bulks.progress(view.connection, bulk[:64])
    if found is None:
        raise Missing('There is no such action on many jobs; what it did is in the audit, and it is kept for a day.')
    one = ACTIONS.get(found.action)
    good = one.good if isinstance(one, JobAction) else frozenset({'BACK'})
    return {
        'bulk': found,
        'label': one.label if one else found.action,
        'why': words.left_alone(found.counts, good),
        'seen': sum(found.counts.values()),
        'left': sum(found.counts.values()) - found.done,
    }
