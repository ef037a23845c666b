"""What a person wants to know of the system, as plain values; reading never writes, and never loads what a job stored."""

from __future__ import annotations

__all__: list[str] = []
