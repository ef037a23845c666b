"""What can be done to a job: stored, canceled, requeued, deleted; and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.store import fields as codec
from rq.store import job as store
from rq.store import keys

from .fields import encoded

if TYPE_CHECKING:
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

    def to_dict(self: Any, include_meta: bool = True, include_result: bool = True) -> dict[str, Any]:
        """The hash as it is stored: empty fields left out, small payloads as they are, large ones compressed."""
        stored = encoded(self)
        stored['data'] = codec.compress(self.data)
        if include_meta and ('_meta' in self.__dict__ or b'meta' in self._raw) and self.meta:
            stored['meta'] = self.serializer.dumps(self.meta)
        return stored

    def save(self: Any, pipeline: Any = None, include_meta: bool = True, include_result: bool = True) -> None:
        """Stores the job's fields; fields that others wrote stay. It is not put in any queue or registry."""
        store.save(self.connection if pipeline is None else pipeline, self.id, self.to_dict(include_meta))

    def cancel(
        self: Any, pipeline: Any = None, enqueue_dependents: bool = False, remove_from_dependencies: bool = False
    ) -> dict[str, list[str]]:
        """Takes the job out of where it waits, so that it is not run. One that runs already goes on; its result is dropped.

        Raises InvalidJobOperation for a job that was canceled before. Answers an empty dict (RQ: dependents by queue).
        """
        if pipeline is not None:
            store.cancel(pipeline, self.id)
            return {}
        answer = store.cancel(self.connection, self.id)
        if answer == b'ALREADY':
            raise InvalidJobOperation(f'Cannot cancel already canceled job: {self.id}')
        if answer == b'GONE':
            raise NoSuchJobError(f'No such job: {self.key}')
        self._status = 'canceled'
        return {}

    def requeue(self: Any, at_front: bool = False) -> Any:
        """The job, back in the queue it came from. Raises InvalidJobOperation for one that is not among the failed."""
        requeue_failed(self.connection, self.origin, self.id, at_front)
        self.refresh()
        return self

    def delete(
        self: Any, pipeline: Any = None, remove_from_queue: bool = True, delete_dependents: bool = False
    ) -> None:
        """Deletes the job and all that belongs to it, wherever it is."""
        store.delete(self.connection if pipeline is None else pipeline, self.id, self.origin, remove_from_queue)

    def cleanup(
        self: Any, ttl: int | None = None, pipeline: Any = None, remove_from_queue: bool = True
    ) -> None:
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
