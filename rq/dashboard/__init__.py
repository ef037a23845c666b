"""The dashboard: pages, JSON and actions over what `rq.monitor` reads (extra `dashboard`)."""

from __future__ import annotations

__all__: list[str] = []
