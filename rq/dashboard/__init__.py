"""The dashboard: pages, JSON and actions over what `rq.monitor` reads (extra `dashboard`)."""

from __future__ import annotations

from .app import create_app
from .site import blueprint

__all__ = ['blueprint', 'create_app']
