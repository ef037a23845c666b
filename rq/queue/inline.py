"""Queues with `is_async=False`: the job runs in the caller's process as it is enqueued, its outcome is stored as ever."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rq.defaults import DEFAULT_FAILURE_TTL, DEFAULT_RESULT_TTL
from rq.job import JobStatus
from rq.results import encode_exception, encode_return_value
from rq.store import claim as store
from rq.store import job as job_store
from rq.timeouts import JobTimeoutException
from rq.utils import utcformat

if TYPE_CHECKING:
    from rq.job import Job

__all__ = ['run_inline']

WORKER = 'sync'  # what RQ writes as the worker's name


def run_inline(queue: Any, job: Job) -> Job:
    """The job after its run. What its function raises is stored, not raised; only KeyboardInterrupt and SystemExit are."""
    execution = uuid4().hex
    began = int(job_store.time(queue.connection) * 1e6)
    clock = time.monotonic_ns()
    _mark_started(job, execution, began)
    kind, payload = 'F', b''
    try:
        with queue.death_penalty_class(job.timeout or queue._default_timeout, JobTimeoutException, job_id=job.id):
            value = job.perform()
        payload = encode_return_value(job.serializer, value)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        kind, payload = 'X', encode_exception(traceback.format_exc())
    ended = began + (time.monotonic_ns() - clock) // 1000
    ttl = job.get_result_ttl(DEFAULT_RESULT_TTL) if kind == 'F' else job.failure_ttl or DEFAULT_FAILURE_TTL
    lease = store.Lease(job.origin, job.id, execution)
    store.finish_inline(queue.connection, WORKER, store.Outcome(kind, lease, began, ended, ttl, payload))
    if kind == 'X' or ttl != 0:
        job.refresh()
    return job


def _mark_started(job: Job, execution: str, began_us: int) -> None:
    job._status = JobStatus.STARTED
    at = utcformat(_from_us(began_us))
    fields = {'status': 'started', 'started_at': at, 'worker_name': WORKER, 'execution': execution}
    job_store.save(job.connection, job.id, fields)
    job_store.persist(job.connection, job.id)


def _from_us(microseconds: int) -> Any:
    from datetime import datetime, timezone

    return datetime.fromtimestamp(microseconds / 1e6, tz=timezone.utc)
