"""What all registries have in common: a sorted set of job ids of one queue, and what can be asked of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rq.defaults import FORMAT_KEY_PREFIX
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.queue import Queue
from rq.serializers import resolve_serializer
from rq.store import job as job_store
from rq.store import keys
from rq.store import registry as store
from rq.timeouts import UnixSignalDeathPenalty
from rq.utils import backend_class

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from rq.timeouts import BaseDeathPenalty

__all__ = ['BaseRegistry', 'id_of', 'template']


def template(key_of: Callable[[str], str]) -> str:
    """A key as RQ's `key_template`: for `str.format`, with the queue as {0}."""
    return key_of('{0}').replace(keys.PREFIX, FORMAT_KEY_PREFIX, 1)


def id_of(job_or_id: Any) -> str:
    """The id of a job, or the id itself."""
    return job_or_id if isinstance(job_or_id, str) else str(job_or_id.id)


class BaseRegistry:
    """The jobs of one queue that are in one state. `Registry(name, connection)` or `Registry(queue=queue)`.

    Reading never writes: `cleanup=True`, RQ's default, leaves out what has expired and lets it be. Raises TypeError
    without a connection.
    """

    job_class: Any = Job
    death_penalty_class: Any = UnixSignalDeathPenalty
    key_template = FORMAT_KEY_PREFIX + ':registry:{0}'
    # Whether a member's score is when it expires, together with its job.
    _expires = False

    def __init__(
        self,
        name: str = 'default',
        connection: Redis | None = None,
        job_class: type[Job] | None = None,
        queue: Queue | None = None,
        serializer: Any = None,
        death_penalty_class: type[BaseDeathPenalty] | None = None,
    ) -> None:
        if queue is not None:
            name, connection, serializer = queue.name, queue.connection, queue.serializer
        if connection is None:
            raise TypeError(f'{type(self).__name__}() needs connection= (a Redis client), or queue= (a Queue)')
        self.name = name
        self.connection: Redis = connection
        self.serializer = resolve_serializer(serializer)
        self.key = self.key_template.format(name)
        self.job_class = backend_class(self, 'job_class', override=job_class)
        self.death_penalty_class = backend_class(self, 'death_penalty_class', override=death_penalty_class)

    # --- what is in it

    @property
    def count(self) -> int:
        """How many jobs are in it; asks Redis."""
        return self.get_job_count()

    def __len__(self) -> int:
        return self.get_job_count()

    def __bool__(self) -> bool:
        return True  # an empty registry is a registry

    def __contains__(self, item: Any) -> bool:
        member = getattr(item, 'id', item)
        return isinstance(member, str) and store.has(self.connection, self.key, member)

    def get_job_count(self, cleanup: bool = True) -> int:
        """How many jobs are in it. `cleanup`: leave out those that have expired."""
        if cleanup and self._expires:
            return store.living_count(self.connection, self.key)
        return store.count(self.connection, self.key)

    def get_job_ids(self, start: int = 0, end: int = -1, desc: bool = False, cleanup: bool = True) -> list[str]:
        """Ids from place `start` to place `end` (-1: the last), by score. `cleanup`: leave out those that have expired."""
        read = store.living_ids if cleanup and self._expires else store.ids
        return [self.parse_job_id(entry) for entry in read(self.connection, self.key, start, end, desc)]

    def get_expired_job_ids(self, timestamp: float | None = None) -> list[str]:
        """Ids whose score is past `timestamp` (epoch; default: now), 1,000 at most."""
        found = store.scores(self.connection, self.key, 0, self._now(timestamp))
        return [self.parse_job_id(entry) for entry in found]

    def get_expiration_time(self, job: Job | str) -> datetime:
        """When a job's score is, in UTC; `datetime.max` for one that never expires. Raises NoSuchJobError for none."""
        score = store.score(self.connection, self.key, id_of(job))
        if score is None:
            raise NoSuchJobError(f'Job {id_of(job)} is not in {self.key}')
        return datetime.fromtimestamp(score, UTC) if 0 <= score < 1e11 else datetime.max.replace(tzinfo=UTC)

    def get_queue(self) -> Queue:
        """The queue whose registry it is."""
        return Queue(self.name, connection=self.connection, serializer=self.serializer)

    @staticmethod
    def parse_job_id(entry: str) -> str:
        """The job id in a member."""
        return entry

    # --- changed by hand

    def add(self, job: Job | str, ttl: int = 0, pipeline: Any = None, xx: bool = False) -> Any:
        """How many members are new. The job is put in, or with `xx` only given its new score: `ttl` seconds from now.

        -1: never. Neither its status nor where else it is changes.
        """
        score = float('inf') if ttl == -1 else self._now() + ttl
        return store.add(self._or(pipeline), self.key, id_of(job), score, xx)

    def remove(self, job: Job | str, pipeline: Any = None, delete_job: bool = False) -> Any:
        """How many members went (0 or 1). `delete_job`: the job is deleted, too."""
        connection = self._or(pipeline)
        gone = store.remove(connection, self.key, id_of(job))
        if delete_job:
            job_store.delete(connection, id_of(job), self.name)
        return gone

    def requeue(self, job_or_id: Job | str, at_front: bool = False) -> Job:
        """The job, out of here and on its queue again.

        Raises NoSuchJobError when it is not stored any more, InvalidJobOperation when it is not in this registry.
        """
        job = self._job(job_or_id)
        if job not in self:
            raise InvalidJobOperation(f'Job {job.id} is not in {self.key}, so it cannot be requeued from there')
        job.started_at = job.ended_at = None
        queue = self.get_queue()
        store.move(
            self.connection, self.key, job.id, lambda pipe: queue.enqueue_job(job, pipeline=pipe, at_front=at_front)
        )
        return job

    def cleanup(self, timestamp: float | None = None, exception_handlers: list[Any] | None = None) -> Any:
        """Drops members whose score is past `timestamp` (epoch; default: now), where members expire at all."""
        if self._expires:
            store.drop_expired(self.connection, self.key, self._now(timestamp))

    def _job(self, job_or_id: Job | str) -> Job:
        if not isinstance(job_or_id, str):
            return job_or_id
        job: Job = self.job_class.fetch(job_or_id, connection=self.connection, serializer=self.serializer)
        return job

    def _now(self, timestamp: float | None = None) -> int:
        return int(job_store.time(self.connection)) if timestamp is None else int(timestamp)

    def _or(self, pipeline: Any) -> Any:
        return self.connection if pipeline is None else pipeline

    # --- as a value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BaseRegistry):
            return NotImplemented
        return self.key == other.key and _server(self) == _server(other)

    __hash__ = None  # type: ignore[assignment]  # as RQ's

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.name!r})'


def _server(registry: BaseRegistry) -> Any:
    # Two clients of one server are two objects; what they connect with is the same.
    pool = getattr(registry.connection, 'connection_pool', None)
    settings = getattr(pool, 'connection_kwargs', None)
    if settings is None:
        return registry.connection
    return {name: settings.get(name) for name in ('host', 'port', 'path', 'db', 'username')}
