"""The list on which RQ keeps ids between a queue and the begin of the job. Ours never rest there; we clear it for others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rq.results import encode_exception
from rq.store import keys
from rq.store import queue as store
from rq.store import worker as worker_store
from rq.utils import now

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['IntermediateQueue']

STUCK = encode_exception('Job was stuck in intermediate queue.\n')


class IntermediateQueue:
    """The intermediate list of one queue. `queue.intermediate_queue`."""

    def __init__(self, queue_key: str, connection: Redis) -> None:
        self.queue_key = queue_key
        self.key = self.get_intermediate_queue_key(queue_key)
        self.connection = connection

    @classmethod
    def get_intermediate_queue_key(cls, queue_key: str) -> str:
        """The key of the list."""
        return keys.intermediate(keys.queue_name(queue_key))

    def get_first_seen_key(self, job_id: str) -> str:
        """The key of the instant at which maintenance first saw an id there."""
        return keys.first_seen(keys.queue_name(self.queue_key), job_id)

    def set_first_seen(self, job_id: str) -> bool:
        """Notes that an id is there; False: that was noted before."""
        return store.set_first_seen(self.connection, self.get_first_seen_key(job_id), now().timestamp())

    def get_first_seen(self, job_id: str) -> datetime | None:
        """When maintenance first saw the id there."""
        found = store.first_seen(self.connection, self.get_first_seen_key(job_id))
        return None if found is None else datetime.fromtimestamp(found, UTC)

    def should_be_cleaned_up(self, job_id: str) -> bool:
        """Whether it was first seen more than a minute ago."""
        seen = self.get_first_seen(job_id)
        return seen is not None and now() - seen > timedelta(minutes=1)

    def get_job_ids(self) -> list[str]:
        """The ids on the list."""
        return store.ids_of(self.connection, self.key)

    def remove(self, job_id: str) -> None:
        """Takes an id off the list."""
        store.remove_one(self.connection, self.key, job_id)

    def cleanup(self, worker: Any, queue: Any) -> None:
        """Takes back what has rested there for more than a minute: to the queue, or, if it was begun, by its policy."""
        for job_id, became in worker_store.adopt(self.connection, queue.name, STUCK):
            worker.log.warning('%s: took job %s off the intermediate list: %s', queue.name, job_id, became)
