"""Running a job's function, and who runs now."""

from __future__ import annotations

from contextvars import ContextVar
from types import CoroutineType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redis import Redis

    from .model import Job

__all__ = ['call', 'current_job', 'get_current_job', 'perform']

current_job: ContextVar[Job | None] = ContextVar('rq_current_job', default=None)


def get_current_job(connection: Redis | None = None, job_class: Any = None) -> Job | None:
    """The job in whose function we are, or None. Both arguments are RQ's and not needed."""
    return current_job.get()


def call(job: Job) -> Any:
    """What the job's function returns; a coroutine is run to its end in an event loop of its own."""
    result = job.func(*job.args, **job.kwargs)
    if isinstance(result, CoroutineType):
        import asyncio  # heavy, and most jobs are plain functions

        return asyncio.run(result)
    return result


def perform(job: Job) -> Any:
    """What the job's function returns, run with the job as the current one. Raises what the function raises."""
    token = current_job.set(job)
    try:
        return job._execute()
    finally:
        current_job.reset(token)
