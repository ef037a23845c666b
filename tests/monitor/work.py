"""Functions that the tests of the monitor enqueue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

__all__ = ['add', 'fail', 'send', 'when']


def add(left: Any, right: Any) -> Any:
    return left


def send(to: str, token: str = '') -> str:
    return to


def fail(why: str) -> None:
    raise ValueError(why)


def when(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)
