"""Job: a function call with an id, where it stands, and what came of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from rq import signing
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.serializers import DefaultSerializer, name_of, resolve_serializer
from rq.store import fields as codec
from rq.store import job as store
from rq.store import keys
from rq.store.states import JobStatus
from rq.utils import now

from . import call, checks, fields, seal
from .dependency import Waiting
from .ends import Ends
from .ids import new_job_id, parse_job_id, validate_job_id
from .lifecycle import Lifecycle
from .links import Links
from .payload import Payload
from .perform import call as call_function
from .perform import perform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from redis import Redis

    from rq.types import FunctionReferenceType

    from .retry import Retry

__all__ = ['UNEVALUATED', 'Job']

# RQ's mark for "not decoded yet"; tools compare with it.
UNEVALUATED = object()

# What is worked out of the hash, or kept beside it, and no longer true when the hash is read again.
_DERIVED = (
    '_data',
    '_func_name',
    '_instance',
    '_args',
    '_kwargs',
    '_meta',
    '_cached_result',
    '_stored',
    '_fresh',
    '_callbacks',
    '_seal',
    '_admitted',
)


class Job(Ends, Waiting, Lifecycle, Payload, Links):
    """A function call on its way through a queue. Made by `Queue.enqueue`, found again by `Job.fetch(id, connection)`."""

    __module__ = 'rq.job'
    redis_job_namespace_prefix = keys.job('')
    log = logging.getLogger('rq.job')
    redis_server_version: tuple[int, int, int] | None = None  # RQ's; nothing of ours depends on it
    _exc_info: str | None = None  # the traceback, where this very process ran it

    created_at: datetime = fields.time()
    enqueued_at: datetime | None = fields.time()
    started_at: datetime | None = fields.time()
    ended_at: datetime | None = fields.time()
    last_heartbeat: datetime | None = fields.time()
    origin: str = fields.text('')
    description: str | None = fields.text()
    worker_name: str | None = fields.text()
    timeout: Any = fields.number()
    ttl: Any = fields.number()
    result_ttl: Any = fields.number()
    failure_ttl: Any = fields.number()
    retries_left: Any = fields.number()
    retry_intervals: Any = fields.items()
    number_of_retries: Any = fields.number()
    enqueue_at_front: bool | None = fields.flag()
    enqueue_at_front_on_retry: bool | None = fields.flag()
    retry_on: list[str] | None = fields.items()
    give_up_on: list[str] | None = fields.items()
    repeats_left: Any = fields.number()
    repeat_intervals: Any = fields.items()
    group_id: str | None = fields.text()
    _waits_for: Any = fields.items('dependency_ids')
    _dependency_id: str | None = fields.text(key='dependency_id')  # the first of them, for old readers
    allow_dependency_failures: bool | None = fields.flag()
    _success_callback_name: str | None = fields.text(key='success_callback_name')
    _success_callback_timeout: Any = fields.number('success_callback_timeout')
    _failure_callback_name: str | None = fields.text(key='failure_callback_name')
    _failure_callback_timeout: Any = fields.number('failure_callback_timeout')
    _stopped_callback_name: str | None = fields.text(key='stopped_callback_name')
    _stopped_callback_timeout: Any = fields.number('stopped_callback_timeout')
    rate_limit_key: str | None = fields.text()
    rate_limit_concurrency: Any = fields.number()
    webhooks: Any = fields.webhooks()
    on_lost: str | None = fields.text()  # 'fail' or 'requeue': what becomes of it when its process dies
    _serializer_name: str | None = fields.text(key='serializer')
    _status: Any = fields.status()
    _stopping: Callable[[], bool] | None = None  # where it runs: whether its worker was told to stop
    _durable: str | None = None  # while it is enqueued: how safe it is to be then
    _fresh = False  # its id was made for the very call that enqueues it
    _now: bool  # while it is enqueued: whatever it waits for, it is put on the queue

    def __init__(self, id: str | None = None, connection: Redis | None = None, serializer: Any = None) -> None:
        if connection is None:
            raise TypeError("Job.__init__() missing 1 required argument: 'connection'")
        if id is not None:
            validate_job_id(id)
        self.connection = connection
        self.serializer = resolve_serializer(serializer)
        self._id = id
        self._raw: dict[bytes, bytes] = {}
        self.created_at = now()

    @classmethod
    def create(  # RQ's signature: callers pass these by position
        cls,
        func: FunctionReferenceType,
        args: list[Any] | tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        connection: Redis | None = None,
        result_ttl: int | None = None,
        ttl: int | None = None,
        status: JobStatus | None = None,
        description: str | None = None,
        depends_on: Any = None,
        timeout: int | None = None,
        retry: Retry | None = None,
        id: str | None = None,
        origin: str = '',
        meta: dict[str, Any] | None = None,
        failure_ttl: int | None = None,
        serializer: Any = None,
        group_id: str | None = None,
        *,
        on_success: Any = None,
        on_failure: Any = None,
        on_stopped: Any = None,
        webhooks: Any = None,
    ) -> Job:
        """A new job, not stored and not enqueued.

        Raises what `call.reference` raises, and TypeError or ValueError (TimeoutFormatError) for bad options.
        """
        job = cls(id, connection=connection, serializer=serializer)
        job._func_name, job._instance = call.reference(func)
        job._args, job._kwargs = checks.arguments(args), checks.keyword_arguments(kwargs)
        job.origin = origin
        job.description = call.shown(description or call.describe(job._func_name, job._args, job._kwargs))
        job.timeout = checks.seconds('timeout', timeout)
        job.result_ttl = checks.seconds('result_ttl', result_ttl)
        job.failure_ttl = checks.seconds('failure_ttl', failure_ttl)
        job.ttl = checks.seconds('ttl', ttl)
        job._status = status or JobStatus.CREATED
        checks.require(retry, meta)
        if meta:
            job.meta = meta
        if group_id is not None:
            job.group_id = group_id
        if job.serializer is not DefaultSerializer:
            job._serializer_name = name_of(job.serializer) or None
        if retry is not None:
            job._take_retry(retry)
        if depends_on is not None:
            job.process_dependencies(depends_on)
        if on_success is not None or on_failure is not None or on_stopped is not None:
            job._take_callbacks(on_success, on_failure, on_stopped)
        if webhooks is not None:
            job.webhooks = checks.webhooks(webhooks)
        return job

    # --- found again

    @classmethod
    def exists(cls, job_id: str, connection: Redis) -> bool:
        """Whether a job with this id is stored."""
        return store.exists(connection, job_id)

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = None) -> Job:
        """The stored job with this id (or composite key). Raises NoSuchJobError."""
        job = cls(parse_job_id(id), connection=connection, serializer=serializer)
        job.refresh()
        return job

    @classmethod
    def fetch_many(cls, job_ids: Iterable[str], connection: Redis, serializer: Any = None) -> list[Job | None]:
        """The stored jobs with these ids, None for those that are not there; one round trip."""
        ids = [parse_job_id(job_id) for job_id in job_ids]
        found: list[Job | None] = []
        for job_id, raw in zip(ids, store.fetch_many(connection, ids), strict=True):
            found.append(cls.from_hash(job_id, raw, connection, serializer) if b'data' in raw else None)
        return found

    @classmethod
    def from_hash(cls, job_id: str, raw: dict[bytes, bytes], connection: Redis, serializer: Any = None) -> Job:
        """The job of a hash as Redis gave it; nothing is decoded yet."""
        if cls.__init__ is _INIT and cls.__new__ is object.__new__:
            job = object.__new__(cls)  # what a worker does for each job need not ask for the time, to forget it
            job.connection, job.serializer = connection, resolve_serializer(serializer)
        else:
            job = cls(connection=connection, serializer=serializer)
            del job.__dict__['created_at']
        job._id, job._raw = job_id, raw
        name = raw.get(b'serializer')
        if name:
            job.serializer = seal.serializer(job, name)
        return job

    def _load(self, raw: dict[bytes, bytes]) -> None:
        have = self.__dict__
        for name in (*fields.FIELDS, *_DERIVED):
            have.pop(name, None)
        self._raw = raw
        if raw.get(b'serializer'):
            self.serializer = seal.serializer(self, raw[b'serializer'])

    def refresh(self) -> None:
        """Reads the job again. Raises NoSuchJobError when it is not stored any more."""
        raw = store.fetch(self.connection, self.id)
        if not raw:
            raise NoSuchJobError(f'No such job: {self.key}')
        self.restore(raw)

    def restore(self, raw_data: dict[bytes, bytes]) -> None:
        """Takes over a hash as Redis gave it. Raises NoSuchJobError for one without `data`."""
        raw = {_bytes(name): _bytes(value) for name, value in raw_data.items()}
        if b'data' not in raw:
            raise NoSuchJobError(f'Unexpected job format: {self.key} has no field "data", only {sorted(raw)}')
        self._load(raw)

    # --- who it is

    @property
    def id(self) -> str:
        """The id; a new one at the first look."""
        if self._id is None:
            self._id = new_job_id()
        return self._id

    @id.setter  # noqa: A003 - the property of that name, not the builtin
    def id(self, value: str) -> None:
        validate_job_id(value)
        if signing.active is not None:
            seal.fault(self)  # by the id that it was signed for
        self._id = value

    def get_id(self) -> str:
        """The id."""
        return self.id

    def set_id(self, value: str) -> None:
        """Gives the job an id."""
        self.id = value

    @classmethod
    def key_for(cls, job_id: str) -> str:
        """The key of the hash of a job."""
        return keys.job(job_id)

    @property
    def key(self) -> str:
        """The key of the hash."""
        return keys.job(self.id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Job) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f'{type(self).__name__}({self.id!r}, enqueued_at={self.enqueued_at!r})'

    def __str__(self) -> str:
        return f'<{type(self).__name__} {self.id}: {self.description}>'

    # --- running it

    def perform(self) -> Any:
        """What the function returns, run here and now with this job as the current one."""
        return perform(self)

    @property
    def stopping(self) -> bool:
        """Whether the worker that runs this job was told to stop: time to wind up. Asks nobody; False anywhere else."""
        return self._stopping is not None and self._stopping()

    def _execute(self) -> Any:
        return call_function(self)

    # --- status (each of these asks Redis)

    def get_status(self, refresh: bool = True) -> JobStatus:
        """The status, read again from Redis unless told not to. Raises InvalidJobOperation when there is none."""
        found = self._read_status() if refresh else self._status or 'created'
        try:
            return JobStatus(found)
        except ValueError:
            raise InvalidJobOperation(f'Job {self.id} has an unknown status: {found!r}') from None

    def _read_status(self) -> str:
        raw = store.field(self.connection, self.id, 'status')
        if raw is None:
            raise InvalidJobOperation(f'Failed to retrieve status for job: {self.id}')
        self._status = codec.text(raw)
        return codec.text(raw) or 'created'

    def set_status(self, status: JobStatus | str, pipeline: Any = None) -> None:
        """Writes the status and nothing else: the containers stay as they are."""
        self._status = JobStatus(status)
        store.update(self.connection if pipeline is None else pipeline, self.id, {'status': self._status.value})


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _status_property(status: JobStatus) -> property:
    def matches(self: Job) -> bool:
        return self._read_status() == status.value  # one that an RQ of the future writes is another one

    return property(matches, doc=f'Whether the job is {status.value}; asks Redis.')


for _status in JobStatus:
    if _status not in {JobStatus.CREATED, JobStatus.RATE_LIMITED}:
        setattr(Job, f'is_{_status.value}', _status_property(_status))


_INIT = Job.__init__
