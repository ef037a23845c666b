"""Results: what a run returned or raised, as it is stored; the last ten of each job."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from rq import signing
from rq.defaults import RQ_KEY_PREFIX, UNSERIALIZABLE_RETURN_VALUE_PAYLOAD
from rq.exceptions import DeserializationError, PayloadTooLarge, ResultTooLarge
from rq.limits import LIMITS
from rq.serializers import reader, resolve_serializer
from rq.store import fields as codec
from rq.store import job as store
from rq.store import keys
from rq.utils import now

if TYPE_CHECKING:
    from redis import Redis

    from rq.job import Job

__all__ = [
    'RQ_KEY_PREFIX',
    'UNSERIALIZABLE_RETURN_VALUE_PAYLOAD',
    'Result',
    'decode_exception',
    'encode_death',
    'encode_exception',
    'encode_return_value',
    'get_key',
]

# Of what is known of a death so much goes along as plain text, for the script that counts deaths.
DEATH_PLAIN = 4_000


def get_key(job_id: str) -> str:
    """The key of a job's results stream."""
    return keys.results(job_id)


def encode_return_value(serializer: Any, value: Any) -> bytes:
    """The stored form of what a function returned: base64 of the serialized value, empty for None.

    A value that the serializer refuses, in whatever way, is stored as RQ's text for that. Raises ResultTooLarge.
    """
    if value is None:
        return b''
    try:
        found = serializer.dumps(value)
        memoryview(found)  # a text is none of what base64 takes
    except Exception:  # noqa: BLE001 - pickling runs the value's own code; the job has succeeded all the same
        found = serializer.dumps(UNSERIALIZABLE_RETURN_VALUE_PAYLOAD)
    if len(found) > LIMITS.result or len(found) > LIMITS.stored // 4 * 3:  # base64 makes four bytes of three
        raise ResultTooLarge(
            f'The result takes {len(found)} bytes, the limit is {min(LIMITS.result, LIMITS.stored // 4 * 3)} (RQ_MAX_RESULT): '
            'put the data elsewhere and return where it is'
        )
    return b64encode(found)


def encode_exception(text: str) -> bytes:
    """The stored form of a traceback: base64 of the zlib-packed text."""
    if len(text) > LIMITS.exception:
        half = max(1, LIMITS.exception // 2)
        text = f'{text[:half]}\n... {len(text) - LIMITS.exception} characters left out ...\n{text[-half:]}'
    return b64encode(zlib.compress(text.encode('utf-8', 'backslashreplace'), 1))


def encode_death(text: str) -> bytes:
    """What happened to a job whose process died, as lua/lib/loss.lua takes it: its beginning plain, then as above."""
    return text[:DEATH_PLAIN].encode('utf-8', 'backslashreplace') + b'\n' + encode_exception(text)


class Result:
    """One stored end of a run. Read with `Result.fetch_latest(job)`, `Result.all(job)` or `job.latest_result()`."""

    class Type(Enum):
        """What kind of end a run came to."""

        SUCCESSFUL = 1
        FAILED = 2
        STOPPED = 3
        RETRIED = 4
        MAX_RETRIES_EXCEEDED = 5

    def __init__(  # RQ's signature
        self,
        job_id: str,
        type: Type,
        connection: Redis,
        id: str | None = None,
        created_at: datetime | None = None,
        return_value: Any | None = None,
        exc_string: str | None = None,
        worker_name: str = '',
        serializer: Any = None,
        execution_id: str | None = None,
        execution_started_at: datetime | None = None,
        execution_ended_at: datetime | None = None,
    ) -> None:
        self.job_id = job_id
        self.type = type
        self.connection = connection
        self.id = id
        self.created_at = created_at or now()
        self.return_value = return_value
        self.exc_string = exc_string
        self.worker_name = worker_name
        self.serializer = resolve_serializer(serializer)
        self.execution_id = execution_id
        self.execution_started_at = execution_started_at
        self.execution_ended_at = execution_ended_at

    def __repr__(self) -> str:
        return f'Result(id={self.id}, type={self.type.name})'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Result) and (self.job_id, self.id) == (other.job_id, other.id)

    __hash__ = None  # type: ignore[assignment]  # as RQ's: results are compared, not collected in sets

    # --- stored by hand: workers do it in the step that ends a run

    @classmethod
    def create(  # RQ's signature
        cls,
        job: Job,
        type: Type,
        ttl: int | None,
        return_value: Any = None,
        exc_string: str | None = None,
        worker_name: str = '',
        pipeline: Any = None,
        execution_id: str | None = None,
        execution_started_at: datetime | None = None,
        execution_ended_at: datetime | None = None,
    ) -> Result:
        """A result that is now stored with the job, for `ttl` seconds (None or -1: as long as the job)."""
        made = cls(
            job.id, type, job.connection, return_value=return_value, exc_string=exc_string, worker_name=worker_name,
            serializer=job.serializer, execution_id=execution_id, execution_started_at=execution_started_at,
            execution_ended_at=execution_ended_at,
        )  # fmt: skip
        made.save(ttl, pipeline)
        return made

    @classmethod
    def create_failure(  # RQ's signature
        cls,
        job: Job,
        ttl: int | None,
        exc_string: str | None,
        worker_name: str = '',
        pipeline: Any = None,
        execution_id: str | None = None,
        execution_started_at: datetime | None = None,
        execution_ended_at: datetime | None = None,
    ) -> Result:
        """As `create`, of a failure."""
        return cls.create(
            job, cls.Type.FAILED, ttl, None, exc_string, worker_name, pipeline, execution_id, execution_started_at,
            execution_ended_at,
        )  # fmt: skip

    @classmethod
    def create_retried(  # RQ's signature
        cls,
        job: Job,
        ttl: int | None,
        return_value: Any,
        worker_name: str,
        execution_id: str,
        execution_started_at: datetime,
        execution_ended_at: datetime,
        pipeline: Any = None,
    ) -> Result:
        """As `create`, of a run that returned a Retry."""
        return cls.create(
            job, cls.Type.RETRIED, ttl, return_value, None, worker_name, pipeline, execution_id, execution_started_at,
            execution_ended_at,
        )  # fmt: skip

    @classmethod
    def create_max_retries_exceeded(  # RQ's signature
        cls,
        job: Job,
        ttl: int | None,
        return_value: Any,
        worker_name: str,
        execution_id: str,
        execution_started_at: datetime,
        execution_ended_at: datetime,
        pipeline: Any = None,
    ) -> Result:
        """As `create`, of a run that returned one Retry too many."""
        return cls.create(
            job, cls.Type.MAX_RETRIES_EXCEEDED, ttl, return_value, None, worker_name, pipeline, execution_id,
            execution_started_at, execution_ended_at,
        )  # fmt: skip

    def save(self, ttl: int | None, pipeline: Any = None) -> Any:
        """The id under which the result is stored now, for `ttl` seconds (None or -1: as long as the job)."""
        connection = self.connection if pipeline is None else pipeline
        entry = store.add_result(connection, self.job_id, self.serialize(), ttl)
        if pipeline is None:
            self.id = codec.text(entry)
        return self.id

    def serialize(self) -> dict[str, Any]:
        """The fields of the entry."""
        found: dict[str, Any] = {'type': self.type.value, 'worker_name': self.worker_name}
        if self.exc_string is not None:
            found['exc_string'] = encode_exception(self.exc_string).decode()
        if self.return_value is not None:
            value = encode_return_value(self.serializer, self.return_value)
            found['return_value'] = value.decode()
            if signing.active is not None:
                found['sig'] = signing.active.sign_result(
                    self.job_id.encode(), (self.execution_id or '').encode(), value
                )
        for name in ('execution_id', 'execution_started_at', 'execution_ended_at'):
            value = getattr(self, name)
            if value is not None:
                found[name] = value.timestamp() if isinstance(value, datetime) else value
        return found

    # --- read

    @classmethod
    def restore(
        cls, job_id: str, result_id: str, payload: dict[Any, Any], connection: Redis, serializer: Any = None
    ) -> Result:
        """The result of an entry of the stream. Raises DeserializationError for one that cannot be read, SignatureError."""
        fields = {codec.text(name): value for name, value in payload.items()}
        milliseconds = int(result_id.partition('-')[0])
        found = resolve_serializer(serializer)
        if signing.active is not None:
            signing.active.check_result(job_id, fields)
        return cls(
            job_id,
            _type(fields.get('type', b'')),
            connection,
            id=result_id,
            created_at=datetime.fromtimestamp(milliseconds / 1000, tz=UTC),
            return_value=_decode_return_value(found, fields.get('return_value')),
            exc_string=decode_exception(fields.get('exc_string')),
            worker_name=codec.text(fields.get('worker_name', b'')),
            serializer=found,
            execution_id=codec.text(fields['execution_id']) if 'execution_id' in fields else None,
            execution_started_at=_moment(fields.get('execution_started_at')),
            execution_ended_at=_moment(fields.get('execution_ended_at')),
        )

    @classmethod
    def fetch(cls, job: Job, serializer: Any = None) -> Result | None:
        """The newest result of a job, or None."""
        return cls.fetch_latest(job, serializer)

    @classmethod
    def fetch_latest(cls, job: Job, serializer: Any = None, timeout: int = 0) -> Result | None:
        """The newest result of a job, or None; with `timeout`, waits so many seconds for one if there is none yet."""
        serializer = serializer or job.serializer
        found = store.last_result(job.connection, job.id)
        if found is None and timeout:
            found = store.wait_result(job.connection, job.id, timeout)
        return cls.restore(job.id, *found, job.connection, serializer) if found else None

    @classmethod
    def all(cls, job: Job, serializer: Any = None) -> list[Result]:
        """The stored results of a job, newest first."""
        found, serializer = store.results(job.connection, job.id), serializer or job.serializer
        return [cls.restore(job.id, entry, fields, job.connection, serializer) for entry, fields in found]

    @classmethod
    def count(cls, job: Job) -> int:
        """How many results of a job are stored."""
        return store.result_count(job.connection, job.id)

    @classmethod
    def delete_all(cls, job: Job) -> None:
        """Deletes the results of a job."""
        store.drop_results(job.connection, job.id)

    @classmethod
    def get_key(cls, job_id: str) -> str:
        """The key of a job's results stream."""
        return get_key(job_id)


def _type(stored: bytes) -> Result.Type:
    try:
        return Result.Type(int(stored))
    except ValueError as error:
        raise DeserializationError(f'The stored result is of no known type: {stored[:60]!r}') from error


def _decode_return_value(serializer: Any, stored: bytes | None) -> Any:
    if stored is None:
        return None
    if stored == UNSERIALIZABLE_RETURN_VALUE_PAYLOAD.encode():
        return UNSERIALIZABLE_RETURN_VALUE_PAYLOAD
    try:
        plain = b64decode(stored)
        return reader(serializer, plain).loads(plain)
    except Exception as error:
        raise DeserializationError(f'The stored result cannot be read: {type(error).__name__}: {error}') from error


def decode_exception(stored: bytes | None) -> str | None:
    """The text of a stored traceback; None when there is none."""
    if stored is None:
        return None
    try:
        return codec.text(codec.expand(b64decode(stored)))
    except PayloadTooLarge as error:
        return f'(a traceback that is not shown: {error})'
    except ValueError:
        return codec.text(stored)


def _moment(stored: bytes | None) -> datetime | None:
    seconds = codec.real(stored) if stored else None
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise DeserializationError(f'The stored result has no time that a date can be: {seconds}') from error
