"""What embedding applications call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rq.dashboard import blueprint
from rq.dashboard.access import access_of
from rq.dashboard.connect import connection_of

if TYPE_CHECKING:
    from flask import Flask

__all__ = ['blueprint', 'setup_rq_connection']


def setup_rq_connection(app: Flask) -> None:
    """Gives the application its Redis, by `RQ_DASHBOARD_REDIS_URL` of its config; nothing is asked of Redis yet.

    Raises SettingsError when the settings of who may see the dashboard cannot be used.
    """
    connection_of(app)
    access_of(app)
