"""Workers as readers find them, and how a worker makes itself known."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from rq.exceptions import DeserializationError, WorkerNameTaken
from rq.store import fields as codec
from rq.store import keys, stats
from rq.store import worker as store
from rq.utils import get_version, now, utcformat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from redis import Redis

    from rq.job import Job
    from rq.queue import Queue

    from .base import BaseWorker

__all__ = ['Reading']


class Reading:
    """The part of BaseWorker that is data in Redis."""

    name: str
    connection: Redis
    queues: list[Queue]
    job_class: Any
    serializer: Any
    incarnation: str
    worker_ttl: int
    hostname: str | None
    pid: int | None
    ip_address: str
    version: str
    python_version: str
    on_lost: str | None
    max_deaths: int | None
    release: str
    counts: bool
    birth_date: datetime | None = None
    last_heartbeat: datetime | None = None
    death_date: datetime | None = None
    shutdown_requested_date: datetime | None = None
    successful_job_count = 0
    failed_job_count = 0
    total_working_time = 0.0
    current_job_working_time = 0.0
    _state = 'starting'

    # --- which there are

    @classmethod
    def all(
        cls,
        connection: Redis | None = None,
        job_class: Any = None,
        queue_class: Any = None,
        queue: Queue | None = None,
        serializer: Any = None,
    ) -> list[Any]:
        """The registered workers, of one queue or of all; two round trips however many there are."""
        where, name = _where(connection, queue)
        names = [keys.worker_name(key) for key in store.known(where, name)]
        found = []
        for worker, raw in zip(names, store.fetch_many(where, names), strict=True):
            if raw:
                found.append(cls._restored(worker, raw, where, job_class, queue_class, serializer))
        return found

    @classmethod
    def all_keys(cls, connection: Redis | None = None, queue: Queue | None = None) -> list[str]:
        """Keys of the registered workers, of one queue or of all."""
        return store.known(*_where(connection, queue))

    @classmethod
    def count(cls, connection: Redis | None = None, queue: Queue | None = None) -> int:
        """How many workers are registered, of one queue or of all."""
        return len(cls.all_keys(connection, queue))

    @classmethod
    def find_by_key(
        cls, worker_key: str, connection: Redis, job_class: Any = None, queue_class: Any = None, serializer: Any = None
    ) -> Any | None:
        """The worker of a key, None when it is gone. Raises ValueError for a key that is not a worker's."""
        name = keys.worker_name(worker_key)
        raw = store.fetch(connection, name)
        return cls._restored(name, raw, connection, job_class, queue_class, serializer) if raw else None

    @classmethod
    def _restored(
        cls: Any,
        name: str,
        raw: dict[bytes, bytes],
        connection: Redis,
        job_class: Any,
        queue_class: Any,
        serializer: Any,
    ) -> BaseWorker:
        listed = codec.text(raw.get(b'queues', b'')) or 'default'
        worker: BaseWorker = cls(
            listed.split(','),
            name=name,
            connection=connection,
            job_class=job_class,
            queue_class=queue_class,
            serializer=serializer,
            prepare_for_work=False,
        )
        worker._load(raw)
        return worker

    def _load(self, raw: dict[bytes, bytes]) -> None:
        def text(field: str) -> str:
            return codec.text(raw.get(field.encode(), b''))

        def read(convert: Callable[[bytes], Any], field: str) -> Any:
            try:
                return convert(raw.get(field.encode(), b''))
            except DeserializationError:
                return None  # one broken record must not hide all the other workers

        self.hostname = text('hostname') or None
        self.pid = read(codec.integer, 'pid')
        self.ip_address = text('ip_address') or 'unknown'
        self.version, self.python_version = text('version'), text('python_version')
        self._state = text('state') or '?'
        self.birth_date = read(codec.instant, 'birth')
        self.last_heartbeat = read(codec.instant, 'last_heartbeat')
        self.death_date = read(codec.instant, 'death')
        self.shutdown_requested_date = read(codec.instant, 'shutdown_requested_date')
        self.successful_job_count = read(codec.integer, 'successful_job_count') or 0
        self.failed_job_count = read(codec.integer, 'failed_job_count') or 0
        self.total_working_time = read(codec.real, 'total_working_time') or 0.0

    def refresh(self) -> None:
        """Reads the worker's hash again; one that is gone leaves what was read before."""
        raw = store.fetch(self.connection, self.name)
        if raw:
            self._load(raw)

    # --- who it is

    @property
    def key(self) -> str:
        """The key of the worker's hash."""
        return keys.worker(self.name)

    @property
    def executions_key(self) -> str:
        """The key of the set of its announced runs."""
        return keys.worker_executions(self.name)

    @property
    def pubsub_channel_name(self) -> str:
        """The channel on which commands to it are published."""
        return f'{keys.PREFIX}:pubsub:{self.name}'

    def queue_names(self) -> list[str]:
        """Names of its queues, in its order."""
        return [queue.name for queue in self.queues]

    def queue_keys(self) -> list[str]:
        """Keys of its queues' lists, in its order."""
        return [queue.key for queue in self.queues]

    def get_redis_server_version(self) -> tuple[int, int, int]:
        """The server's version."""
        return get_version(self.connection)

    # --- what it does

    def get_state(self) -> str:
        """`starting`, `started`, `idle`, `busy`, `suspended` or `?`, as read last."""
        return self._state

    def set_state(self, state: str, pipeline: Any = None) -> None:
        """Writes the state for readers."""
        self._state = state
        store.set_fields(self.connection if pipeline is None else pipeline, self.name, {'state': state})

    state = property(get_state, set_state)

    def get_current_job_id(self) -> str | None:
        """The id of the job it runs, if it has run for 100 ms; asks Redis."""
        running = store.running(self.connection, self.name)
        if running:
            return running[0].partition(':')[0]
        raw = store.fetch(self.connection, self.name).get(b'current_job', b'')
        return codec.text(raw) or None

    def get_current_job(self) -> Job | None:
        """The job it runs, if it has run for 100 ms; asks Redis."""
        job_id = self.get_current_job_id()
        if job_id is None:
            return None
        [job] = self.job_class.fetch_many([job_id], connection=self.connection, serializer=self.serializer)
        return job  # type: ignore[no-any-return]

    def get_current_executions(self, refresh: bool = False) -> list[Any]:
        """Its announced runs; asks Redis."""
        from rq.executions import Execution

        return [Execution.from_composite_key(run, self.connection) for run in store.running(self.connection, self.name)]

    @property
    def current_execution_count(self) -> int:
        """How many announced runs it has; asks Redis."""
        return len(store.running(self.connection, self.name))

    # --- birth and death

    def _birth_fields(self) -> dict[str, Any]:
        return {
            'birth': utcformat(self.birth_date or now()),
            'last_heartbeat': utcformat(now()),
            'queues': ','.join(self.queue_names()),
            'pid': self.pid or 0,
            'hostname': self.hostname or '',
            'ip_address': self.ip_address,
            'version': self.version,
            'python_version': self.python_version,
            'code': self.release,
            'state': 'started',
            'incarnation': self.incarnation,
            **self._terms(),
        }

    def take_policies(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Takes `on_lost` and `max_deaths` out of what was given; the rest (`grace`) is for `work()`."""
        rest = dict(given)
        self.on_lost, self.max_deaths = rest.pop('on_lost', self.on_lost), rest.pop('max_deaths', self.max_deaths)
        return rest

    def _terms(self) -> dict[str, Any]:
        """What the scripts must know of it when a job's process has died."""
        terms = {'on_lost': self.on_lost, 'max_deaths': self.max_deaths}
        return {name: value for name, value in terms.items() if value is not None}

    def register_birth(self) -> None:
        """Makes the worker known. Raises WorkerNameTaken (a ValueError) when a living one has the name."""
        self.birth_date = now()
        ttl = self.worker_ttl + 60
        fields = self._birth_fields()
        if store.register(self.connection, self.name, self.incarnation, self.queue_names(), fields, ttl) is None:
            raise WorkerNameTaken(
                f"There exists an active worker named '{self.name}' already "
                '(one that was killed keeps its name for up to 30 seconds)'
            )
        if self.counts:
            with suppress(RedisError, OSError):  # a mark on charts
                stats.mark_deploy(self.connection, self.release)

    def register_death(self) -> None:
        """Takes the worker out of the sets; its hash tells of its death for 60 s."""
        store.retire(self.connection, self.name, self.incarnation, self.queue_names())
        self.death_date = now()

    def _retire(self) -> None:
        try:
            self.register_death()
        except OSError:
            pass  # Redis is away: the lease ends by itself
        except Exception as error:  # noqa: BLE001 - redis-py's errors; a worker that ends must not fail at it
            self.log.warning('Worker %s could not sign off: %s', self.name, error)

    log: Any = None


def _where(connection: Redis | None, queue: Queue | None) -> tuple[Redis, str | None]:
    if queue is not None:
        return queue.connection, queue.name
    if connection is None:
        raise ValueError('Either connection or queue is needed')
    return connection, None
