"""How a job's failure is told to handlers and written down, by RQ's names."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from rq.job import JobStatus
from rq.registry import FailedJobRegistry
from rq.results import encode_exception
from rq.store import job as store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rq.job import Job

__all__ = ['call_exception_handlers', 'format_exc_info', 'record_job_failure']


def call_exception_handlers(handlers: Iterable[Callable[..., Any]], job: Job, *exc_info: Any) -> None:
    """Asks each handler in turn, handler(job, type, value, traceback), until one answers False."""
    for handler in handlers:
        answer = handler(job, *exc_info)
        if answer is not None and not answer:
            break


def format_exc_info(exc_info: Any) -> str:
    """The traceback as Python prints it."""
    return ''.join(traceback.format_exception(*exc_info))


def record_job_failure(job: Job, exc_string: str, pipeline: Any) -> None:
    """Writes into a pipeline that a job failed: its status, its place among the failed, its result. No retry."""
    ttl = job.failure_ttl
    job.set_status(JobStatus.FAILED, pipeline=pipeline)
    FailedJobRegistry(job.origin, job.connection, job_class=type(job)).add(job, ttl, exc_string, pipeline)
    store.add_failure(pipeline, job.id, job.worker_name or '', encode_exception(exc_string), ttl)
