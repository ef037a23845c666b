"""Redis: is it well, does it keep what it is given, and what takes its memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flask import current_app

from rq.dashboard.page import View, page
from rq.monitor.keyspace import keyspace
from rq.monitor.server_state import server_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rq.monitor.keyspace import Keyspace

__all__ = ['redis']

# Seconds for which a look at the keys is shown: drawing them takes the server some milliseconds, and chance would make
# the numbers jump each time that the page renews itself.
KEPT = 60
EXTENSION = 'rq_dashboard_keyspace'


@page('/redis', 'redis', title='Redis', nav='Redis')
def redis(view: View) -> Mapping[str, Any]:
    """The server and its keys."""
    found, age = _keyspace(view)
    return {'server': server_state(view.connection), 'keyspace': found, 'keyspace_age': age}


def _keyspace(view: View) -> tuple[Keyspace, float]:
    """The keys, as they were a minute ago at most, and for how many seconds that is past."""
    now = time.monotonic()
    known: tuple[float, Keyspace] | None = current_app.extensions.get(EXTENSION)
    again = view.args.get('again') and not view.args.get('fragment')
    if known is None or now - known[0] > KEPT or again:
        known = (now, keyspace(view.connection))
        current_app.extensions[EXTENSION] = known
    return known[1], int((now - known[0]) / 10) * 10.0
