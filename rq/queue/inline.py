"""Queues with `is_async=False`: the job runs in the caller's process as it is enqueued, its outcome is stored as ever."""

from __future__ import annotations

import threading
import time
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rq import signing
from rq.defaults import DEFAULT_RESULT_TTL
from rq.exceptions import NoSuchJobError
from rq.job import JobStatus
from rq.results import encode_exception, encode_return_value
from rq.store import claim as store
from rq.store import job as job_store
from rq.timeouts import JobTimeoutException, TimerDeathPenalty, UnixSignalDeathPenalty
from rq.utils import utcformat

if TYPE_CHECKING:
    from rq.job import Job

__all__ = ['run_inline']

WORKER = 'sync'  # what RQ writes as the worker's name


def run_inline(queue: Any, job: Job) -> Job:
    """The job after its run. What its function raises is stored and not raised, but for KeyboardInterrupt: then both."""
    execution = uuid4().hex
    began = int(job_store.time(queue.connection) * 1e6)
    clock = time.monotonic_ns()
    _mark_started(job, execution, began)
    kind, payload, interrupt, text = 'F', b'', None, ''
    penalty = _penalty(queue)
    try:
        with penalty(job.timeout or queue._default_timeout, JobTimeoutException, job_id=job.id):
            value = job.perform()
        job._status = JobStatus.FINISHED
        job.execute_success_callback(penalty, value)
        payload = encode_return_value(job.serializer, value)
    except BaseException as error:  # noqa: BLE001 - SystemExit, timeouts: whatever it is, it is the job's outcome
        kind, text = 'X', _failed(job, penalty, error)
        payload = encode_exception(text)
        interrupt = error if isinstance(error, KeyboardInterrupt) else None
    ended = began + (time.monotonic_ns() - clock) // 1000
    ttl = job.get_result_ttl(DEFAULT_RESULT_TTL) if kind == 'F' else 0  # of a failure the hash has it
    lease = store.Lease(job.origin, job.id, execution)
    if signing.active is not None:
        payload = signing.active.seal(kind.encode(), job.id.encode(), execution.encode(), payload)
    store.finish_inline(queue.connection, WORKER, store.Outcome(kind, lease, began, ended, ttl, payload))
    _look_again(job, kind, ended)
    job.send_webhooks(JobStatus.FINISHED if kind == 'F' else JobStatus.FAILED, exc_string=text or None)
    if interrupt is not None:
        raise interrupt
    return job


def _failed(job: Job, penalty: Any, error: BaseException) -> str:
    """The text of a failure, its callback called; the callback's own mistake takes its place."""
    job._status = JobStatus.FAILED
    text = ''.join(traceback.format_exception(error))
    try:
        job.execute_failure_callback(penalty, type(error), error, error.__traceback__)
    except Exception:  # noqa: BLE001 - whatever it is, the job has failed, and so has this
        return traceback.format_exc()
    return text


def _penalty(queue: Any) -> Any:
    penalty = queue.death_penalty_class
    by_signal = isinstance(penalty, type) and issubclass(penalty, UnixSignalDeathPenalty)
    if by_signal and threading.current_thread() is not threading.main_thread():
        return TimerDeathPenalty  # a web server's thread: signals reach the main one only
    return penalty


def _mark_started(job: Job, execution: str, began_us: int) -> None:
    job._status, job.worker_name, job.started_at = JobStatus.STARTED, WORKER, _moment(began_us)
    fields = {
        'status': JobStatus.STARTED.value,
        'started_at': utcformat(job.started_at),
        'worker_name': WORKER,
        'execution': execution,
    }
    job_store.save(job.connection, job.id, fields)
    job_store.persist(job.connection, job.id)


def _look_again(job: Job, kind: str, ended_us: int) -> None:
    try:
        job.refresh()
    except NoSuchJobError:  # a TTL of 0: what came of it is known here only
        job._status = JobStatus.FINISHED if kind == 'F' else JobStatus.FAILED
        job.ended_at = _moment(ended_us)


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)
