"""A function call as data: which function, on what, with which arguments; and back."""

from __future__ import annotations

import zlib
from functools import lru_cache
from types import FunctionType
from typing import TYPE_CHECKING, Any

from rq.exceptions import DeserializationError, InvalidFunction, PayloadTooLarge
from rq.limits import LIMITS, printable
from rq.serializers import reader
from rq.store import fields as codec
from rq.utils import get_call_string, import_attribute, resolve_function_reference

if TYPE_CHECKING:
    from rq.serializers import Serializer
    from rq.types import FunctionReferenceType

__all__ = ['describe', 'dump', 'dump_meta', 'find', 'load', 'load_meta', 'pack', 'reference', 'shown']

# A megabyte of images or archives would take zlib 40 ms to make no smaller: of so much a sample is tried first.
LARGE = 1024 * 1024
SAMPLE = 64 * 1024


def reference(func: FunctionReferenceType) -> tuple[str, Any]:
    """The name under which a worker finds a function, and the object it is a method of (None for a plain one).

    Raises what `resolve_function_reference` raises, and InvalidFunction (a ValueError) for functions of `__main__`,
    which another process would look for in itself.
    """
    if type(func) is FunctionType:
        return _function_name(func), None
    owner, name = resolve_function_reference(func)
    if not all(name.split('.')):
        raise InvalidFunction(f'{name!r} is not the path of a function: give it as "module.function"')
    _refuse_main(name if owner is None else f'{(owner if isinstance(owner, type) else type(owner)).__module__}.{name}')
    return name, owner


# Enqueueing asks twice per call, and mostly for the same few functions.
@lru_cache(maxsize=256)
def _function_name(func: FunctionType) -> str:
    name: str = resolve_function_reference(func)[1]
    _refuse_main(name)
    return name


def _refuse_main(path: str) -> None:
    if path.startswith('__main__.'):
        raise InvalidFunction(
            'Functions from the __main__ module cannot be processed by workers: '
            f'move {path[9:]}() to a module that a worker can import'
        )


def describe(name: str | None, args: Any, kwargs: Any) -> str | None:
    """The call as text, each argument cut at 75 characters."""
    return get_call_string(name, args, kwargs, max_length=75)


def dump(serializer: Serializer, call: tuple[Any, ...]) -> bytes:
    """The call as the serializer writes it.

    Raises what the serializer raises, with a note that names the argument, and PayloadTooLarge past the limit.
    """
    try:
        data = serializer.dumps(call)
    except Exception as error:
        error.add_note(
            f'{_culprit(serializer, call)} cannot be stored for a worker: pass plain data, such as an id or a path'
        )
        raise
    if len(data) > LIMITS.stored:
        raise PayloadTooLarge(
            f'The call of {call[0]}() takes {len(data)} bytes, the limit is {LIMITS.stored} (RQ_MAX_STORED): '
            'put the data elsewhere and pass where it is'
        )
    return data


def shown(description: str | None) -> str | None:
    """A description as it is stored and shown: what is longer than the limit is cut."""
    if description is None or len(description) <= LIMITS.description:
        return description
    return f'{description[: LIMITS.description]}...'


def _culprit(serializer: Serializer, call: tuple[Any, ...]) -> str:
    name, instance, args, kwargs = call
    parts = [(f'argument {place}', value) for place, value in enumerate(args, 1)]
    parts += [(f'argument {key}=', value) for key, value in kwargs.items()]
    for what, value in [('the object it is a method of', instance), *parts]:
        try:
            serializer.dumps(value)
        except Exception:  # noqa: BLE001 - whatever it is, this is the part that raises it
            return f'{name}(): {what} (of type {type(value).__name__})'
    return f'{name}(): the call'


def pack(data: bytes) -> bytes:
    """The call as it is stored: compressed where that saves something."""
    if len(data) > LIMITS.expanded:
        return data  # readers refuse to expand that much; as it is they take it
    if len(data) > LARGE and data[:1] != codec.ZLIB and not _compressible(data):
        return data
    return codec.compress(data)


def _compressible(data: bytes) -> bool:
    middle = len(data) // 2
    sample = data[middle : middle + SAMPLE]
    return len(zlib.compress(sample, 1)) < 0.9 * len(sample)


def dump_meta(serializer: Serializer, meta: dict[Any, Any]) -> bytes:
    """The meta data as the serializer writes it.

    Raises what the serializer raises, with a note that says so, and PayloadTooLarge past the limit.
    """
    try:
        stored = serializer.dumps(meta)
    except Exception as error:
        error.add_note("A value in the job's meta cannot be stored: keep plain data there")
        raise
    if len(stored) > LIMITS.stored:
        raise PayloadTooLarge(f"The job's meta takes {len(stored)} bytes, the limit is {LIMITS.stored} (RQ_MAX_STORED)")
    return stored


def load_meta(serializer: Serializer, stored: bytes, job_id: str) -> dict[Any, Any]:
    """The meta data. Raises DeserializationError."""
    try:
        found = reader(serializer, stored).loads(stored)
    except Exception as error:
        raise DeserializationError(
            f'Job {printable(job_id)}: meta cannot be read: {type(error).__name__}: {error}'
        ) from error
    if not isinstance(found, dict):
        raise DeserializationError(f'Job {printable(job_id)}: meta is not a dict, but {type(found).__name__}')
    return found


def load(serializer: Serializer, plain: bytes) -> tuple[str, Any, Any, dict[str, Any]]:
    """(function name, instance, args, kwargs) from data as the serializer wrote it. Raises DeserializationError."""
    try:
        name, instance, args, kwargs = serializer.loads(plain)
    except Exception as error:
        raise DeserializationError(f'The stored call cannot be read: {type(error).__name__}: {error}') from error
    if not isinstance(name, str) or not isinstance(args, (list, tuple)) or not isinstance(kwargs, dict):
        kinds = ', '.join(type(part).__name__ for part in (name, args, kwargs))
        raise DeserializationError(f'The stored call is not a name, a list and a dict, but {kinds}')
    return name, instance, args, kwargs


def find(name: str, instance: Any) -> Any:
    """The function of this name: the method of an object, or imported. Raises ValueError when there is none."""
    if instance is None:
        return import_attribute(name)
    try:
        return getattr(instance, name)
    except AttributeError as error:
        raise ValueError(f'Invalid attribute name: {name} ({error})') from error
