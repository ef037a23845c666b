"""RateLimit: at most so many jobs of a key are queued or running, across all queues; the others wait their turn."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rq.store import keys
from rq.store import limit as store

if TYPE_CHECKING:
    from redis import Redis

    from rq.job import Job

__all__ = ['RateLimit', 'RateLimitRegistry', 'release_slot']


class RateLimit:
    """`RateLimit('mail', concurrency=2)` as `rate_limit=`: no more than two jobs of the key `mail` are queued or running.

    Give a key the same number everywhere: the last one given counts. Raises ValueError for an empty key and a number
    below 1.
    """

    def __init__(self, key: str, concurrency: int) -> None:
        number: object = concurrency
        if not key:
            raise ValueError('key must not be empty')
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ValueError(f'concurrency must be an integer of at least 1, not {concurrency!r}')
        self.key = key
        self.concurrency = concurrency

    def __repr__(self) -> str:
        return f'RateLimit({self.key!r}, concurrency={self.concurrency})'


class RateLimitRegistry:
    """Who holds a slot of a key, and who waits for one. Workers move jobs; the methods that do are for those who must."""

    rl_keys_key = keys.limits()

    def __init__(self, key: str, connection: Redis) -> None:
        self.key = key
        self.connection = connection

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.key!r})'

    @classmethod
    def all(cls, connection: Redis) -> list[RateLimitRegistry]:
        """Of every key in use, by name."""
        return [cls(name, connection) for name in store.names(connection)]

    @classmethod
    def from_job(cls, job: Job) -> RateLimitRegistry:
        """Of a job's key. Raises ValueError for a job without a rate limit."""
        if not job.rate_limit_key:
            raise ValueError(f'Job {job.id} has no rate limit')
        return cls(job.rate_limit_key, job.connection)

    @property
    def config_key(self) -> str:
        """The key of the hash with the number."""
        return keys.limit(self.key)

    @property
    def allowed_key(self) -> str:
        """The key of the sorted set of those who hold a slot."""
        return keys.limit_holders(self.key)

    @property
    def rate_limited_key(self) -> str:
        """The key of the sorted set of those who wait."""
        return keys.limit_waiters(self.key)

    @property
    def concurrency(self) -> int:
        """How many may hold a slot; asks Redis. Raises ValueError for a key that nobody uses."""
        found = store.concurrency(self.connection, self.key)
        if found is None:
            raise ValueError(f'Nobody uses the rate limit key {self.key!r}')
        return found

    def get_allowed_job_ids(self) -> list[str]:
        """Ids of the jobs that hold a slot, queued or running; asks Redis."""
        return store.holders(self.connection, self.key)

    def get_rate_limited_job_ids(self) -> list[str]:
        """Ids of the jobs that wait for a slot, the next one first; asks Redis."""
        return store.waiters(self.connection, self.key)

    def get_allowed_job_count(self) -> int:
        """How many jobs hold a slot; asks Redis."""
        return len(self.get_allowed_job_ids())

    def get_rate_limited_job_count(self) -> int:
        """How many jobs wait for a slot; asks Redis."""
        return len(self.get_rate_limited_job_ids())

    def register(self, concurrency: int, pipeline: Any) -> None:
        """Stores the number of a key."""
        store.set_concurrency(pipeline, self.key, concurrency)

    def add_to_rate_limited(self, job_id: str, pipeline: Any, timestamp: float | None = None) -> None:
        """Puts an id among those who wait; its status is not changed."""
        store.add_waiter(pipeline, self.key, job_id, time.time() if timestamp is None else timestamp)

    def acquire_and_enqueue(
        self, concurrency: int, enqueued_at: datetime | None = None, pipeline: Any = None
    ) -> list[str]:
        """Ids of the waiting jobs that were queued by this, since slots were free."""
        connection = self.connection if pipeline is None else pipeline
        store.set_concurrency(connection, self.key, concurrency)
        return store.admit(connection, self.key)

    def release_and_enqueue(self, job_id: str) -> list[str]:
        """Ids of the waiting jobs that were queued by this, after a job's slot was given back."""
        return store.admit(self.connection, self.key, job_id)

    def release_stale_and_enqueue(self, job_id: str) -> list[str]:
        """As `release_and_enqueue`, but only if the job neither waits on its queue nor runs."""
        return store.admit(self.connection, self.key, job_id, only_stale=True)

    def cancel(self, job_id: str, pipeline: Any = None) -> list[str]:
        """As `release_and_enqueue`; a job that waits for a slot waits no more."""
        return store.admit(self.connection if pipeline is None else pipeline, self.key, job_id)

    def cleanup(self) -> None:
        """Gives back slots held for nothing, and drops keys that nobody uses. Workers do so by themselves."""
        store.sweep(self.connection, 1000)


def release_slot(job: Job) -> list[str]:
    """Ids of the waiting jobs that were queued by this, after the job's slot was given back."""
    return RateLimitRegistry.from_job(job).release_and_enqueue(job.id) if job.rate_limit_key else []
