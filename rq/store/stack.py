"""Where a running job stands: the answer of its worker to somebody who asked, kept for a minute."""

from __future__ import annotations

from typing import Any

from . import keys

__all__ = ['KEPT', 'forget', 'get', 'put']

# Seconds that an answer is kept: long enough to be read, and no more, since the job goes on.
KEPT = 60


def put(connection: Any, job_id: str, answer: bytes) -> None:
    """Keeps an answer."""
    connection.set(keys.stack(job_id), answer, ex=KEPT)


def forget(connection: Any, job_id: str) -> None:
    """Drops an answer: what is there afterwards is a new one."""
    connection.delete(keys.stack(job_id))


def get(connection: Any, job_id: str) -> bytes | None:
    """The answer, if there is one."""
    found: bytes | None = connection.get(keys.stack(job_id))
    return found
