"""A function call as data: which function, on what, with which arguments; and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq.exceptions import DeserializationError, InvalidFunction, PayloadTooLarge
from rq.store import fields as codec
from rq.utils import get_call_string, import_attribute, resolve_function_reference

if TYPE_CHECKING:
    from rq.serializers import Serializer
    from rq.types import FunctionReferenceType

__all__ = ['PAYLOAD_LIMIT', 'describe', 'dump', 'find', 'load', 'reference']

# Redis refuses a string of more than 512 MB with a closed connection; say so before anything is sent.
PAYLOAD_LIMIT = 512 * 1024 * 1024


def reference(func: FunctionReferenceType) -> tuple[str, Any]:
    """The name under which a worker finds a function, and the object it is a method of (None for a plain one).

    Raises what `resolve_function_reference` raises, and InvalidFunction (a ValueError) for functions of `__main__`,
    which another process would look for in itself.
    """
    owner, name = resolve_function_reference(func)
    if owner is None and name.startswith('__main__.'):
        raise InvalidFunction(
            'Functions from the __main__ module cannot be processed by workers: '
            f'move {name[9:]}() to a module that a worker can import'
        )
    return name, owner


def describe(name: str | None, args: Any, kwargs: Any) -> str | None:
    """The call as text, each argument cut at 75 characters."""
    return get_call_string(name, args, kwargs, max_length=75)


def dump(serializer: Serializer, call: tuple[Any, ...]) -> bytes:
    """The call as the serializer writes it. Raises what the serializer raises, and PayloadTooLarge past 512 MB."""
    data = serializer.dumps(call)
    if len(data) > PAYLOAD_LIMIT:
        raise PayloadTooLarge(f'The arguments take {len(data)} bytes; Redis stores up to {PAYLOAD_LIMIT}')
    return data


def load(serializer: Serializer, stored: bytes) -> tuple[str, Any, tuple[Any, ...], dict[str, Any]]:
    """(function name, instance, args, kwargs) from stored data. Raises DeserializationError, PayloadTooLarge."""
    plain = codec.expand(stored)
    try:
        name, instance, args, kwargs = serializer.loads(plain)
    except Exception as error:
        raise DeserializationError(f'The stored call cannot be read: {type(error).__name__}: {error}') from error
    if not isinstance(name, str) or not isinstance(kwargs, dict):
        raise DeserializationError(f'The stored call is not a function call: {type(name).__name__}')
    return name, instance, args, kwargs


def find(name: str, instance: Any) -> Any:
    """The function of this name: the method of an object, or imported. Raises ValueError when there is none."""
    return import_attribute(name) if instance is None else getattr(instance, name)
