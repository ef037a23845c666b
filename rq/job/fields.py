"""The fields of a job: each listed once, decoded when somebody looks.

A worker makes tens of thousands of jobs a second and reads five fields of each, so a job keeps its hash as it came and
a field is decoded at its first use (2.9 us a job instead of 7.7 with all fields, design.md).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from rq.exceptions import DeserializationError
from rq.limits import printable
from rq.store import fields as codec
from rq.store.states import JobStatus
from rq.utils import utcformat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .model import Job

__all__ = ['FIELDS', 'Field', 'changed', 'encoded', 'flag', 'items', 'number', 'status', 'text', 'time', 'webhooks']

T = TypeVar('T')

# Every field by attribute name, in the order in which it is written.
FIELDS: dict[str, Field[Any]] = {}


class Field(Generic[T]):
    """A field of the hash as an attribute: decoded from the hash at its first use, then an ordinary attribute."""

    def __init__(self, read: Callable[[bytes], T], write: Callable[[Any], Any], default: T, key: str = '') -> None:
        self.read = read
        self.write = write
        self.default = default
        self.key = key

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.key = self.key or name
        self.raw = self.key.encode()
        FIELDS[name] = self

    @overload
    def __get__(self, job: None, owner: type) -> Field[T]: ...
    @overload
    def __get__(self, job: Job, owner: type) -> T: ...
    def __get__(self, job: Job | None, owner: type) -> Field[T] | T:
        if job is None:
            return self
        raw = job._raw.get(self.raw)
        if raw is None or raw == b'':
            value = self.default
        else:
            try:
                value = self.read(raw)
            except DeserializationError as error:
                raise DeserializationError(f'Job {printable(job.id)}: field {self.key} is {error}') from error
        job.__dict__[self.name] = value
        return value


def _flag(value: Any) -> Any:
    return '1' if value else '0'


def _plain(value: Any) -> str:
    # Of a JobStatus the text that it is: str() would give its Python name. And what UTF-8 cannot carry, escaped.
    found = str.__str__(value) if isinstance(value, str) else str(value)
    return found if found.isascii() else found.encode('utf-8', 'backslashreplace').decode()


def text(default: Any = None, key: str = '') -> Any:
    """A field of text."""
    return Field(codec.text, _plain, default, key)


def status() -> Any:
    """A field with a status: a JobStatus, or the text as it is where it is none that we know."""
    return Field(_status, _plain, None, 'status')


def _status(stored: bytes) -> str:
    found = codec.text(stored)
    return JobStatus(found) if found in _STATUSES else found


_STATUSES = {known.value for known in JobStatus}


def number(key: str = '') -> Any:
    """A field with a whole number."""
    return Field(codec.integer, int, None, key)


def time() -> Any:
    """A field with a point in time."""
    return Field(codec.instant, _instant, None)


_last: tuple[Any, str] = (None, '')


def _instant(at: Any) -> str:
    # The jobs of one enqueue_many have one moment; formatting it twice for each would be a tenth of the work.
    global _last
    if _last[0] is not at:
        _last = (at, utcformat(at))
    return _last[1]


def flag() -> Any:
    """A field that is `1` or `0`."""
    return Field(codec.flag, _flag, None)


def items(key: str = '') -> Any:
    """A field with a JSON list."""
    return Field(codec.json_list, json.dumps, None, key)


class _Webhooks(Field[Any]):
    def __get__(self, job: Any, owner: type) -> Any:
        value = super().__get__(job, owner)
        if value is None:
            value = job.__dict__[self.name] = []  # each job's own, because it can be added to
        return value


def webhooks() -> Any:
    """A field with webhooks: a list of `rq.Webhook`, and an empty one if there are none."""
    return _Webhooks(_webhooks, _webhooks_text, None)


def _webhooks(stored: bytes) -> Any:
    from rq.webhook import from_text  # few jobs have any

    return from_text(stored)


def _webhooks_text(some: Any) -> str:
    from rq.webhook import to_text

    return to_text(some) or ''


def encoded(job: Job) -> dict[str, Any]:
    """What of a job's fields is to be stored: those that were set, and an empty text for one that was set to nothing."""
    have, raw = job.__dict__, job._raw
    earlier = have.get('_stored')
    stored: dict[str, Any] = {}
    if not raw and not earlier:  # a new job: most of the fields it has not (a twentieth of what enqueueing many takes)
        for name, value in have.items():
            known = FIELDS.get(name)
            if known is not None and value is not None and value != '':
                stored[known.key] = known.write(value)
        return stored
    for name, field in FIELDS.items():
        value = have.get(name)
        if value is not None and value != '':
            stored[field.key] = field.write(value)
        elif name not in have:
            if field.raw in raw:
                stored[field.key] = raw[field.raw]
        elif raw.get(field.raw) or (earlier and earlier.get(field.key)):
            stored[field.key] = ''
    return stored


def changed(job: Job, before: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a job's fields that are not as they were `before`: as stored, or as read. Others may have written the rest."""
    have = job.__dict__
    found: dict[str, Any] = {}
    for name, field in FIELDS.items():
        if name in have:
            value = have[name]
            written = '' if value is None or value == '' else field.write(value)
            if _wire(written) != _wire(before.get(field.key, '')):
                found[field.key] = written
    return found


def _wire(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
