"""What can be done by a click; every module here is imported by `rq.dashboard.site`, which calls its `install`, if any."""

from __future__ import annotations

__all__: list[str] = []
