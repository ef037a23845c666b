"""Job: a function call with an id, where it stands, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.exceptions import DeserializationError, InvalidJobOperation, NoSuchJobError
from rq.serializers import resolve_serializer
from rq.store import fields as codec
from rq.store import job as store
from rq.store import keys
from rq.store.states import JobStatus
from rq.utils import now

from . import call, checks, fields
from .ids import new_job_id, parse_job_id, validate_job_id
from .lifecycle import Lifecycle
from .links import Links
from .perform import call as call_function
from .perform import perform

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from redis import Redis

    from rq.types import FunctionReferenceType

    from .retry import Retry

__all__ = ['UNEVALUATED', 'Job']

# RQ's mark for "not decoded yet"; tools compare with it.
UNEVALUATED = object()

# What is worked out of the hash, or kept beside it, and no longer true when the hash is read again.
_DERIVED = ('_data', '_func_name', '_instance', '_args', '_kwargs', '_meta', '_cached_result', '_stored', '_fresh')


class Job(Lifecycle, Links):
    """A function call on its way through a queue. Made by `Queue.enqueue`, found again by `Job.fetch(id, connection)`."""

    __module__ = 'rq.job'
    redis_job_namespace_prefix = keys.job('')

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
    retry_intervals: Any = fields.numbers()
    number_of_retries: Any = fields.number()
    enqueue_at_front: bool | None = fields.flag()
    enqueue_at_front_on_retry: bool | None = fields.flag()
    group_id: str | None = fields.text()
    _status: Any = fields.status()
    _fresh = False  # its id was made for the very call that enqueues it

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
        checks.refuse_later(
            depends_on=depends_on,
            on_success=on_success,
            on_failure=on_failure,
            on_stopped=on_stopped,
            webhooks=webhooks,
            group_id=group_id,
        )
        job = cls(id, connection=connection, serializer=serializer)
        job._func_name, job._instance = call.reference(func)
        job._args, job._kwargs = checks.arguments(args), checks.keyword_arguments(kwargs)
        job.origin = origin
        job.description = description or call.describe(job._func_name, job._args, job._kwargs)
        job.timeout = checks.seconds('timeout', timeout)
        job.result_ttl = checks.seconds('result_ttl', result_ttl)
        job.failure_ttl = checks.seconds('failure_ttl', failure_ttl)
        job.ttl = checks.seconds('ttl', ttl)
        job._status = status or JobStatus.CREATED
        checks.require(retry, meta)
        if meta:
            job.meta = meta
        if retry is not None:
            job.retries_left = retry.max
            job.retry_intervals = retry.intervals
            job.enqueue_at_front_on_retry = retry.enqueue_at_front or None
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
        job = cls(connection=connection, serializer=serializer)
        job._id = job_id
        job._raw = raw
        del job.__dict__['created_at']
        return job

    def _load(self, raw: dict[bytes, bytes]) -> None:
        have = self.__dict__
        for name in (*fields.FIELDS, *_DERIVED):
            have.pop(name, None)
        self._raw = raw

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

    # --- the call

    def _deserialize_data(self) -> None:
        self._func_name, self._instance, self._args, self._kwargs = call.load(self.serializer, self._stored_data())

    def _stored_data(self) -> bytes:
        stored = self.__dict__.get('_data') or self._raw.get(b'data')
        if stored is None:
            raise DeserializationError(f'Job {self.id} has no stored call')
        return bytes(stored)

    def _part(self, name: str) -> Any:
        have = self.__dict__
        if name not in have:
            self._deserialize_data()
        return have[name]

    def _set_part(self, name: str, value: Any) -> None:
        if '_data' in self.__dict__ or b'data' in self._raw:
            self._part(name)  # the other parts must be known before the whole is dropped
        self.__dict__[name] = value
        self.__dict__.pop('_data', None)
        self._raw.pop(b'data', None)

    @property
    def data(self) -> bytes:
        """The call as the serializer wrote it. Raises what the serializer raises for what it cannot write."""
        if '_data' not in self.__dict__ and b'data' in self._raw:
            return codec.expand(self._raw[b'data'])
        if '_data' not in self.__dict__:
            have = self.__dict__
            if '_func_name' not in have:
                raise ValueError('Cannot build the job data')
            parts = (have['_func_name'], have.get('_instance'), have.get('_args', ()), have.get('_kwargs', {}))
            self._data = call.dump(self.serializer, parts)
        return self._data

    @data.setter
    def data(self, value: bytes) -> None:
        for name in ('_func_name', '_instance', '_args', '_kwargs'):
            self.__dict__.pop(name, None)
        self._raw.pop(b'data', None)
        self._data = value

    @property
    def func_name(self) -> str:
        """The name of the function. Raises DeserializationError when the stored call cannot be read."""
        return str(self._part('_func_name'))

    @func_name.setter
    def func_name(self, value: str) -> None:
        self._set_part('_func_name', value)

    @property
    def instance(self) -> Any:
        """The object that the function is a method of, or None."""
        return self._part('_instance')

    @instance.setter
    def instance(self, value: Any) -> None:
        self._set_part('_instance', value)

    @property
    def args(self) -> Any:
        """The positional arguments."""
        return self._part('_args')

    @args.setter
    def args(self, value: Any) -> None:
        self._set_part('_args', value)

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword arguments."""
        found: dict[str, Any] = self._part('_kwargs')
        return found

    @kwargs.setter
    def kwargs(self, value: dict[str, Any]) -> None:
        self._set_part('_kwargs', value)

    @property
    def func(self) -> Any:
        """The function itself, imported. Raises ValueError when there is none of this name."""
        return call.find(self.func_name, self.instance)

    def get_call_string(self) -> str | None:
        """The call as one would write it in Python, each argument cut at 75 characters."""
        return call.describe(self.func_name, self.args, self.kwargs)

    def perform(self) -> Any:
        """What the function returns, run here and now with this job as the current one."""
        return perform(self)

    def _execute(self) -> Any:
        return call_function(self)

    # --- meta

    @property
    def meta(self) -> dict[Any, Any]:
        """The caller's own data, kept with the job by `save` and `save_meta`."""
        if '_meta' not in self.__dict__:
            raw = self._raw.get(b'meta')
            self._meta: dict[Any, Any] = call.load_meta(self.serializer, raw, self.id) if raw else {}
        return self._meta

    @meta.setter
    def meta(self, value: dict[Any, Any]) -> None:
        self._meta = value

    def get_meta(self, refresh: bool = True) -> dict[Any, Any]:
        """The meta data, read again from Redis unless told not to."""
        if refresh:
            raw = store.field(self.connection, self.id, 'meta')
            self._raw.pop(b'meta', None)
            self.__dict__.pop('_meta', None)
            if raw:
                self._raw[b'meta'] = raw
        return self.meta

    def save_meta(self) -> None:
        """Stores the meta data alone."""
        store.update(self.connection, self.id, {'meta': call.dump_meta(self.serializer, self.meta)})

    # --- status (each of these asks Redis)

    def get_status(self, refresh: bool = True) -> JobStatus:
        """The status, read again from Redis unless told not to. Raises InvalidJobOperation when there is none."""
        if refresh:
            raw = store.field(self.connection, self.id, 'status')
            if raw is None:
                raise InvalidJobOperation(f'Failed to retrieve status for job: {self.id}')
            self._status = codec.text(raw)
        try:
            return JobStatus(self._status or 'created')
        except ValueError:
            raise InvalidJobOperation(f'Job {self.id} has an unknown status: {self._status!r}') from None

    def set_status(self, status: JobStatus, pipeline: Any = None) -> None:
        """Writes the status and nothing else: the containers stay as they are."""
        self._status = status
        store.update(self.connection if pipeline is None else pipeline, self.id, {'status': status.value})


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _status_property(status: JobStatus) -> property:
    def matches(self: Job) -> bool:
        return self.get_status() == status

    return property(matches, doc=f'Whether the job is {status.value}; asks Redis.')


for _status in JobStatus:
    if _status not in {JobStatus.CREATED, JobStatus.RATE_LIMITED}:
        setattr(Job, f'is_{_status.value}', _status_property(_status))
