"""One module a topic; every one of them is imported by `rq.dashboard.site`, and registers its pages."""

from __future__ import annotations

__all__: list[str] = []
