"""Jobs that the clients' environment can import, too: only what Python brings."""

from __future__ import annotations

import time


def add(a: int, b: int) -> int:
    return a + b


def divide(a: int, b: int) -> float:
    return a / b


def sleep(seconds: float) -> None:
    time.sleep(seconds)
