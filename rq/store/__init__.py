"""The protocol: the only room that talks to Redis. `README.md` has the key map, the states and the scripts."""

from __future__ import annotations

__all__: list[str] = []
