"""Jobs that somebody looks at while they run; the tests know their lines."""

from __future__ import annotations

import threading
import time


def outer(seconds: float = 60) -> float:
    return inner(seconds)


def inner(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def busy_c_code() -> int:
    """In one call of C code that gives the interpreter's lock to nobody."""
    return sum(range(10**12))


def threads(seconds: float) -> float:
    """How long it slept in a thread."""
    began = time.monotonic()
    one = threading.Thread(target=in_thread, args=(seconds,))
    one.start()
    one.join()
    return time.monotonic() - began


def in_thread(seconds: float) -> None:
    time.sleep(seconds)
