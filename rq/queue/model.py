"""Queue: a name, a connection, and the jobs that wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.job.checks import policy, seconds
from rq.serializers import resolve_serializer
from rq.store import keys
from rq.store import queue as store
from rq.store import scheduler as scheduler_store
from rq.timeouts import UnixSignalDeathPenalty
from rq.utils import backend_class, get_version, missing_keys, split_list

from .enqueue import Enqueueing
from .mapping import Mapped
from .registries import Registries
from .taking import Taking

if TYPE_CHECKING:
    from redis import Redis

    from rq.timeouts import BaseDeathPenalty

__all__ = ['Queue']

# RQ 0.x kept failed jobs in a queue of this name; ours is a view over the failed jobs of all queues.
FAILED = 'failed'


class Queue(Enqueueing, Mapped, Registries, Taking):
    """A named queue of jobs. `Queue(connection=Redis()).enqueue(f, x)` puts a call in; a worker of the queue runs it.

    Raises TypeError without a connection, ValueError for a name that is empty or has a line break.
    """

    __module__ = 'rq.queue'
    job_class: Any = Job
    death_penalty_class: Any = UnixSignalDeathPenalty
    DEFAULT_TIMEOUT = 180  # seconds; RQ's
    redis_queue_namespace_prefix = keys.queue('')
    redis_queues_keys = keys.queues()

    def __init__(
        self,
        name: str = 'default',
        connection: Redis | None = None,
        default_timeout: int | None = None,
        is_async: bool = True,
        job_class: str | type[Job] | None = None,
        serializer: Any = None,
        death_penalty_class: type[BaseDeathPenalty] | None = UnixSignalDeathPenalty,
        *,
        on_lost: str | None = None,
        **kwargs: Any,
    ) -> None:
        if connection is None:
            raise TypeError("Queue() missing 1 required positional argument: 'connection'")
        self.connection = connection
        self.name = _checked(name)
        self._default_timeout = seconds('default_timeout', default_timeout) or self.DEFAULT_TIMEOUT
        self.on_lost = policy(on_lost)  # of jobs that are given none
        self._is_async = bool(kwargs.get('async', is_async))
        self.job_class = backend_class(self, 'job_class', override=job_class)
        self.death_penalty_class = backend_class(self, 'death_penalty_class', override=death_penalty_class)
        self.serializer = resolve_serializer(serializer)

    # --- which ones there are

    @classmethod
    def all(
        cls,
        connection: Redis,
        job_class: type[Job] | None = None,
        serializer: Any = None,
        death_penalty_class: type[BaseDeathPenalty] | None = None,
    ) -> list[Queue]:
        """Every queue that was ever enqueued to, by name."""
        return [
            cls(
                name,
                connection=connection,
                job_class=job_class,
                serializer=serializer,
                death_penalty_class=death_penalty_class,
            )
            for name in store.names(connection)
        ]

    @classmethod
    def from_queue_key(
        cls,
        queue_key: str,
        connection: Redis,
        job_class: type[Job] | None = None,
        serializer: Any = None,
        death_penalty_class: type[BaseDeathPenalty] | None = None,
    ) -> Queue:
        """The queue of a key. Raises ValueError for a key that is not a queue's."""
        return cls(
            keys.queue_name(queue_key),
            connection=connection,
            job_class=job_class,
            serializer=serializer,
            death_penalty_class=death_penalty_class,
        )

    @property
    def key(self) -> str:
        """The key of the list of waiting ids."""
        return keys.queue(self.name)

    @property
    def is_async(self) -> bool:
        """False: jobs run in the caller's process as they are enqueued."""
        return self._is_async

    @property
    def scheduler_pid(self) -> int | None:
        """The process of the scheduler that has locked this queue; None without one: supervisors need no lock."""
        return scheduler_store.pid(self.connection, self.name)

    def get_redis_server_version(self) -> tuple[int, int, int]:
        """The server's version."""
        return get_version(self.connection)

    # --- what waits

    @property
    def count(self) -> int:
        """How many jobs wait."""
        return self._failed_view().count() if self._is_failed_view else store.length(self.connection, self.name)

    def __len__(self) -> int:
        return self.count

    def __bool__(self) -> bool:
        return True  # an empty queue is a queue

    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return self.count == 0

    def get_job_ids(self, offset: int = 0, length: int = -1) -> list[str]:
        """Ids of waiting jobs, head first: `length` of them (-1: all) from place `offset` on."""
        if length == 0:
            return []
        if self._is_failed_view:
            return self._failed_view().ids(offset, length)
        return store.ids(self.connection, self.name, offset, offset + length - 1 if length > 0 else length)

    @property
    def job_ids(self) -> list[str]:
        """Ids of all waiting jobs, head first."""
        return self.get_job_ids()

    def get_jobs(self, offset: int = 0, length: int = -1) -> list[Job]:
        """Waiting jobs, head first; ids whose job has expired are left out."""
        ids = self.get_job_ids(offset, length)
        jobs = self.job_class.fetch_many(ids, connection=self.connection, serializer=self.serializer)
        return [job for job in jobs if job is not None]

    @property
    def jobs(self) -> list[Job]:
        """All waiting jobs, head first."""
        return self.get_jobs()

    def fetch_job(self, job_id: str) -> Job | None:
        """The job with this id if it came from this queue, else None."""
        try:
            job: Job = self.job_class.fetch(job_id, connection=self.connection, serializer=self.serializer)
        except NoSuchJobError:
            return None
        return job if job.origin == self.name or self._is_failed_view else None

    def get_job_position(self, job_or_id: Job | str) -> int | None:
        """How many jobs are before this one, None when it does not wait; the server walks the list."""
        return store.position(self.connection, self.name, _id(job_or_id))

    # --- changed by hand

    def remove(self, job_or_id: Job | str, pipeline: Any = None) -> Any:
        """Takes a job off the list; its hash stays. Answers how many entries went."""
        return store.remove(self.connection if pipeline is None else pipeline, self.name, _id(job_or_id))

    def push_job_id(self, job_id: str, pipeline: Any = None, at_front: bool = False) -> Any:
        """Puts an id on the list, as is."""
        return store.push(self.connection if pipeline is None else pipeline, self.name, job_id, at_front)

    def pop_job_id(self) -> str | None:
        """Takes the head off the list, for callers who run it themselves: nobody else holds the job then."""
        return store.pop(self.connection, self.name)

    def empty(self) -> int:
        """How many waiting jobs were deleted, 500 a step; those that came meanwhile stay."""
        return store.empty(self.connection, self.name)

    def delete(self, delete_jobs: bool = True) -> None:
        """Deletes the queue, with its waiting jobs unless told otherwise."""
        if delete_jobs:
            self.empty()
        store.forget(self.connection, self.name)

    def compact(self) -> None:
        """Takes ids off the list whose job has expired."""
        for some in split_list(store.ids(self.connection, self.name), 1000):
            by_key = {keys.job(job_id): job_id for job_id in some}
            for key in missing_keys(self.connection, list(by_key)):
                store.remove(self.connection, self.name, by_key[key])

    # --- the view over failed jobs

    @property
    def _is_failed_view(self) -> bool:
        # A real queue of that name with jobs waiting is a queue like any other.
        return self.name == FAILED and not store.length(self.connection, FAILED)

    # --- as a value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Queue):
            raise TypeError('Cannot compare queues to other objects')
        return self.name == other.name

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Queue):
            raise TypeError('Cannot compare queues to other objects')
        return self.name < other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.name!r})'

    def __str__(self) -> str:
        return f'<{type(self).__name__} {self.name}>'


def _checked(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f'Queue name must be a string, not {name!r}')
    if not name or '\n' in name or '\r' in name or not _is_utf8(name):
        raise ValueError(f'Queue name must be text of at least one letter, without line breaks: {name!r}')
    return name


def _is_utf8(text: str) -> bool:
    try:
        return bool(text.encode())
    except UnicodeEncodeError:  # half of a pair of surrogates
        return False


def _id(job_or_id: Job | str) -> str:
    return job_or_id if isinstance(job_or_id, str) else job_or_id.id
