"""Where a running job stands, as its worker has answered."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rq.store import stack as store

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['Stack', 'read', 'wait']

# A worker answers within a tenth of a second; it is looked so often.
LOOK_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class Stack:
    """An answer. It is of the moment at which it was asked: the job has gone on since."""

    state: str  # running; elsewhere: the worker does not run it
    text: str  # as a traceback; '' where there is none
    note: str  # what is to be known of it; '' nothing
    worker: str
    pid: int | None
    seconds: float | None  # for how long it ran


def read(stored: bytes | None) -> Stack | None:
    """The answer as it is stored; None for none, and for what is none."""
    try:
        found: Any = json.loads(stored or b'')
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    pid, seconds = found.get('pid'), found.get('seconds')
    return Stack(
        state=str(found.get('state', '')),
        text=str(found.get('text', '')),
        note=str(found.get('note', '')),
        worker=str(found.get('worker', '')),
        pid=pid if isinstance(pid, int) else None,
        seconds=float(seconds) if isinstance(seconds, (int, float)) else None,
    )


def wait(connection: Redis, job_id: str, patience: float) -> Stack | None:
    """The answer, waited for so many seconds; None: there is none."""
    until = time.monotonic() + patience
    while (found := read(store.get(connection, job_id))) is None and time.monotonic() < until:
        time.sleep(LOOK_EVERY)
    return found
