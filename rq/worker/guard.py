"""What a worker lets its jobs do: told to each job before anything of it is looked at (allow-list, signatures)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq import signing

if TYPE_CHECKING:
    from .base import BaseWorker

__all__ = ['guard', 'is_on']


def is_on(worker: BaseWorker) -> bool:
    """Whether there is anything to tell. Raises SigningConfigError, before the first job."""
    signing.load()
    return worker.allow is not None or signing.active is not None


def guard(worker: BaseWorker, job: Any, queue: str) -> None:
    """Tells a job in which queue it was found, and what it may name."""
    if worker.allow is not None:
        job._allow = worker.allow
    if signing.active is not None:
        job._taken_from = queue
