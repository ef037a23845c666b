"""The dashboard: pages, JSON and actions over what `rq.monitor` reads (extra `dashboard`)."""

from __future__ import annotations

try:
    from .app import create_app
    from .site import blueprint
except ModuleNotFoundError as error:
    if (error.name or '').partition('.')[0] not in ('flask', 'jinja2', 'markupsafe', 'werkzeug'):
        raise
    raise ModuleNotFoundError(
        "The dashboard is not installed: pip install 'packhorse[dashboard]'", name=error.name
    ) from None

__all__ = ['blueprint', 'create_app']
