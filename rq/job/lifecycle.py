"""What can be done to a job: stored, canceled, requeued, deleted; and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq import signing
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.store import fields as codec
from rq.store import job as store
from rq.store import keys
from rq.store.states import JobStatus
from rq.utils import now, utcformat

from . import call, seal
from .fields import changed, encoded

if TYPE_CHECKING:
    from datetime import datetime

    from redis import Redis

__all__ = ['Lifecycle', 'requeue_failed']


def requeue_failed(connection: Redis, queue: str, job_id: str, at_front: bool = False) -> None:
    """Puts a failed job back on its queue. Raises NoSuchJobError, or InvalidJobOperation for one that has not failed."""
    [answer] = store.requeue(connection, queue, [job_id], at_front)
    if answer == 'GONE' or (answer == 'NOT_FAILED' and not store.exists(connection, job_id)):
        raise NoSuchJobError(f'No such job: {keys.job(job_id)}')
    if answer == 'NOT_FAILED':
        raise InvalidJobOperation(f'Job {job_id} is not among the failed jobs of queue {queue!r}')


class Lifecycle:
    """The part of Job that changes what is stored. Each method is one transition of the store."""

    connection: Redis
    id: str
    origin: str
    serializer: Any
    _raw: dict[bytes, bytes]
    _stored: dict[str, Any]
    started_at: datetime | None
    last_heartbeat: datetime | None
    worker_name: str | None

    def to_dict(self: Any, include_meta: bool = True, include_result: bool = True) -> dict[str, Any]:
        """The hash as it is stored: empty fields left out, small payloads as they are, large ones compressed."""
        stored = encoded(self)
        # What was read and not changed is stored as it was read, also what only another serializer could read.
        stored['data'] = self._raw[b'data'] if b'data' in self._raw else call.pack(self.data)
        if include_meta:
            stored.update(self._stored_meta())
        if signing.active is not None:
            seal.sign(self, stored, stored)
        return stored

    def _stored_meta(self: Any) -> dict[str, Any]:
        before = self._before().get('meta')
        if '_meta' not in self.__dict__:
            return seal.stored_meta(self._before()) if before else {}
        return seal.dump_meta(self, self._meta) if self._meta or before else {}

    def _before(self: Any) -> dict[str, Any]:
        """The hash as it was when this object last stored or read it."""
        known: dict[str, Any] | None = self.__dict__.get('_stored')
        if known is None:
            known = {codec.text(name): value for name, value in self._raw.items()}
        return known

    def save(self: Any, pipeline: Any = None, include_meta: bool = True, include_result: bool = True) -> None:
        """Stores the job's fields: all of a new job, of one that was read those that were changed since.

        What others wrote meanwhile stays. The job is not put in any queue or registry.
        """
        before = self._before()
        fields = self._changes(before, include_meta) if before else self.to_dict(include_meta)
        if fields:
            store.save(self.connection if pipeline is None else pipeline, self.id, fields)
        if pipeline is None:  # what is in a pipeline may never be sent
            self._stored = {**before, **fields}

    def _changes(self: Any, before: dict[str, Any], include_meta: bool) -> dict[str, Any]:
        fields = changed(self, before)
        if b'data' not in self._raw:
            data = call.pack(self.data)
            if data != before.get('data'):
                fields['data'] = data
        if include_meta and '_meta' in self.__dict__:
            fields.update(self._stored_meta())
        if signing.active is not None:
            seal.sign(self, fields, {**before, **fields})
        return fields

    def cancel(
        self: Any, pipeline: Any = None, enqueue_dependents: bool = False, remove_from_dependencies: bool = False
    ) -> dict[str, list[str]]:
        """Takes the job out of where it waits, so that it is not run. One that runs already goes on; its result is dropped.

        `enqueue_dependents`: jobs that wait for it need not any more; answers the ids of those queued by this, by queue.
        `remove_from_dependencies`: the jobs it waits for forget it. Raises InvalidJobOperation for a job that was
        canceled before, or that is not stored any more.
        """
        if pipeline is not None:
            store.cancel(pipeline, self.id, enqueue_dependents, remove_from_dependencies)
            return {}
        answer, released = store.cancel(self.connection, self.id, enqueue_dependents, remove_from_dependencies)
        if answer == b'ALREADY':
            raise InvalidJobOperation(f'Cannot cancel already canceled job: {self.id}')
        if answer == b'GONE':
            raise InvalidJobOperation(f'Cannot cancel a job that is not stored any more: {self.id}')
        self._status = JobStatus.CANCELED
        return dict(released)

    def requeue(self: Any, at_front: bool = False) -> Any:
        """The job, back in the queue it came from. Raises NoSuchJobError, InvalidJobOperation for one that has not failed."""
        requeue_failed(self.connection, self.origin, self.id, at_front)
        self.refresh()
        return self

    def delete(
        self: Any, pipeline: Any = None, remove_from_queue: bool = True, delete_dependents: bool = False
    ) -> None:
        """Deletes the job and all that belongs to it, wherever it is; `delete_dependents`: those who wait for it as well.

        Else these stop waiting: they are canceled, since what they wait for will never finish, or queued if they allow
        failures (and wait for nothing else).
        """
        if delete_dependents:
            self.delete_dependents(pipeline=pipeline)
        store.delete(self.connection if pipeline is None else pipeline, self.id, self.origin, remove_from_queue)

    def cleanup(self: Any, ttl: int | None = None, pipeline: Any = None, remove_from_queue: bool = True) -> None:
        """Lets the job expire: 0 deletes it, None or -1 keeps it, else so many seconds."""
        connection = self.connection if pipeline is None else pipeline
        if ttl == 0:
            store.delete(connection, self.id, self.origin, remove_from_queue)
        elif ttl is not None and ttl > 0:
            store.expire(connection, self.id, ttl)
        elif ttl is not None:
            store.persist(connection, self.id)

    def get_ttl(self: Any, default_ttl: int | None = None) -> int | None:
        """Seconds the job may wait, or the default."""
        return default_ttl if self.ttl is None else int(self.ttl)

    def get_result_ttl(self: Any, default_ttl: int) -> int:
        """Seconds its result is kept, or the default."""
        return default_ttl if self.result_ttl is None else int(self.result_ttl)

    @property
    def should_retry(self: Any) -> bool:
        """Whether a failure would be tried again."""
        return bool(self.retries_left and self.retries_left > 0)

    def should_enqueue_at_front(self: Any) -> bool:
        """Whether it goes to the head of its queue."""
        return bool(self.enqueue_at_front)

    def get_retry_interval(self: Any) -> int:
        """Seconds before the next retry, by the retries used so far; the last interval repeats."""
        used = codec.integer(self._raw.get(b'retries_used', b'')) or 0
        waits = self.retry_intervals or [0]
        return int(waits[min(used, len(waits) - 1)])

    # --- signs of life: workers give them in their own scripts

    def heartbeat(self: Any, timestamp: datetime, ttl: int, pipeline: Any = None, xx: bool = False) -> None:
        """Writes when the job was last heard of, if it is still stored. `ttl` and `xx` are RQ's and not needed."""
        self.last_heartbeat = timestamp
        connection = self.connection if pipeline is None else pipeline
        store.update(connection, self.id, {'last_heartbeat': utcformat(timestamp)})

    def prepare_for_execution(self: Any, worker_name: str, pipeline: Any) -> None:
        """Writes that a worker begins the job now; it does not expire meanwhile."""
        at = now()
        self.worker_name, self._status, self.started_at, self.last_heartbeat = worker_name, JobStatus.STARTED, at, at
        moment = utcformat(at)
        fields = {'last_heartbeat': moment, 'status': 'started', 'started_at': moment, 'worker_name': worker_name}
        store.update(pipeline, self.id, fields)
        store.persist(pipeline, self.id)
