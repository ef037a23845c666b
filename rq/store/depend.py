"""Jobs that wait for others: who waits for whom, and what is done later or for those that nobody released."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .script import Script, nonce

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    'dependencies',
    'dependents',
    'enqueue_dependents',
    'forget',
    'place_ready',
    'register',
    'release_dependents',
    'statuses',
    'sweep_deferred',
    'watch',
]

_enqueue_dependents = Script('enqueue_dependents')
_place_ready = Script('place_ready')
_release_dependents = Script('release_dependents')
_sweep_deferred = Script('sweep_deferred')


def dependencies(connection: Any, job_id: str) -> list[str]:
    """Ids of the jobs that a job still waits for, sorted."""
    return sorted(text(entry) for entry in connection.smembers(keys.dependencies(job_id)))


def dependents(connection: Any, job_id: str) -> list[str]:
    """Ids of the jobs that wait for a job, sorted."""
    return sorted(text(entry) for entry in connection.smembers(keys.dependents(job_id)))


def forget(connection: Any, job_id: str) -> None:
    """Deletes the set of those who wait for a job; they are not released by this."""
    connection.delete(keys.dependents(job_id))


def register(connection: Any, queue: str, job_id: str, others: Sequence[str]) -> None:
    """Puts a job among the deferred of its queue and lets those it waits for know. Its hash is not touched."""
    for other in others:
        connection.sadd(keys.dependents(other), job_id)
    if others:
        connection.sadd(keys.dependencies(job_id), *others)
    connection.zadd(keys.deferred(queue), {job_id: int(time.time())})


def enqueue_dependents(connection: Any, job_id: str) -> dict[str, list[str]]:
    """Queue -> ids of the jobs released by this: those that wait for a job need not any more, whatever became of it."""
    answer = _enqueue_dependents(connection, keys.dependents(job_id), job_id, nonce())
    released: dict[str, list[str]] = {}
    for queue, dependent in zip(answer[::2], answer[1::2], strict=True):
        released.setdefault(text(queue), []).append(text(dependent))
    return released


def place_ready(connection: Any, queue: str, job_ids: Sequence[str]) -> int:
    """How many of these jobs were among the ready ones, where RQ 3.0 puts them, and now are where they wait next."""
    return int(_place_ready(connection, keys.queue(queue), queue, *job_ids))


def watch(pipeline: Any, job_ids: Sequence[str]) -> None:
    """Has a pipeline watch the hashes of jobs."""
    pipeline.watch(*(keys.job(job_id) for job_id in job_ids))


def statuses(connection: Any, job_ids: Sequence[str]) -> list[str | None]:
    """The status of each job, None for one that is not stored; one round trip."""
    pipeline = connection.pipeline(transaction=False)
    for job_id in job_ids:
        pipeline.hmget(keys.job(job_id), 'status', 'created_at')
    found = pipeline.execute()
    return [None if status is None and made is None else text(status or b'created') for status, made in found]


def release_dependents(connection: Any, some: int = 500) -> int:
    """How many ended jobs have dependents that are still to be told; tells about `some` of one of them."""
    return int(_release_dependents(connection, keys.releasing(), some))


def sweep_deferred(connection: Any, queue: str, cursor: str = '0', some: int = 100) -> tuple[str, int]:
    """(cursor for the next call, how many jobs were found that wait for what is not there any more).

    The cursor is '0' at the end of the queue's deferred jobs, of which about `some` are looked at.
    """
    after, moved = _sweep_deferred(connection, keys.queue(queue), queue, cursor, some)
    return text(after), int(moved)
