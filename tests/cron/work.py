"""What the cron jobs of the tests call."""

from __future__ import annotations

from typing import Any


def note(*args: Any, **kwargs: Any) -> None: ...


def other(*args: Any, **kwargs: Any) -> None: ...
