"""How arguments and results become bytes: pickle unless chosen otherwise, JSON, or anything with `dumps` and `loads`.

A job names its serializer where that is not pickle, so a worker or a dashboard with another default still reads it; what
RQ stored, which names none, is told by how it begins. Loading a pickle runs code that its author chose: whoever can write
to your Redis can run code in your workers, unless they use `json-only`, which reads nothing but JSON.
"""

from __future__ import annotations

import json
import pickle
from functools import lru_cache, partial
from typing import Any, Protocol, runtime_checkable

from .utils import import_attribute

__all__ = [
    'DefaultSerializer',
    'JSONOnlySerializer',
    'JSONSerializer',
    'PICKLE',
    'PickleSerializer',
    'Serializer',
    'name_of',
    'named',
    'reader',
    'resolve_serializer',
]


@runtime_checkable
class Serializer(Protocol):
    """Anything that turns a value into bytes and back: an object, a class with static methods, or a module."""

    def dumps(self, obj: Any, /) -> bytes:
        """The bytes that stand for `obj`."""
        ...

    def loads(self, data: bytes, /) -> Any:
        """The value that `data` stands for."""
        ...


class PickleSerializer:
    """Pickle with the highest protocol: any Python object that both sides can import."""

    dumps = staticmethod(partial(pickle.dumps, protocol=pickle.HIGHEST_PROTOCOL))
    loads = staticmethod(pickle.loads)


class DefaultSerializer(PickleSerializer):
    """What queues and jobs use when no serializer is given: pickle."""


class JSONSerializer:
    """JSON in UTF-8: safe to load from anyone, readable from any language; tuples come back as lists."""

    @staticmethod
    def dumps(*args: Any, **kwargs: Any) -> bytes:
        """The JSON text of a value; takes what `json.dumps` takes and raises TypeError for what JSON does not know."""
        return json.dumps(*args, **kwargs).encode('utf-8')

    @staticmethod
    def loads(s: bytes, *args: Any, **kwargs: Any) -> Any:
        """The value of a JSON text; takes what `json.loads` takes and raises ValueError for what is not JSON."""
        return json.loads(s.decode('utf-8'), *args, **kwargs)


class JSONOnlySerializer(JSONSerializer):
    """JSON, whatever a job says of itself: a pickle is refused, and no serializer that a job names is imported."""


SERIALIZER_ALIASES: dict[str, Any] = {
    'json': JSONSerializer,
    'json-only': JSONOnlySerializer,
    'pickle': DefaultSerializer,
}
# What every pickle since protocol 2 (2003) begins with; JSON text never does.
PICKLE = b'\x80'
# What the stored call and the meta data begin with in JSON; no pickle does.
JSON = (b'[', b'{')


def name_of(serializer: Any) -> str:
    """The name that a job is to give its serializer: empty for pickle, and for one that no other process could import."""
    if serializer is DefaultSerializer or serializer is PickleSerializer:
        return ''
    if serializer is JSONSerializer or serializer is JSONOnlySerializer:
        return 'json'
    name = getattr(serializer, '__name__', None)
    if isinstance(serializer, type):
        name = f'{serializer.__module__}.{serializer.__qualname__}'
    if not isinstance(name, str) or '<' in name or name.startswith('__main__'):
        return ''
    return name


@lru_cache(maxsize=64)
def _named(name: str) -> Any:
    try:
        return resolve_serializer(name)
    except Exception:  # noqa: BLE001 - the import of somebody's module; the reader's own is what is left
        return None


def named(own: Any, name: bytes) -> Any:
    """The serializer that a job names, or the own one: where that name leads nowhere, and for who reads JSON only."""
    return own if own is JSONOnlySerializer else _named(name.decode('utf-8', 'replace')) or own


def reader(own: Any, stored: bytes) -> Any:
    """The serializer that reads a payload: the own one, unless its first byte says that this one cannot."""
    first = stored[:1]
    if own is JSONSerializer:
        return DefaultSerializer if first == PICKLE else own
    if first in JSON and (own is DefaultSerializer or own is PickleSerializer):
        return JSONSerializer
    return own


def resolve_serializer(serializer: Serializer | str | None = None) -> Serializer:
    """The serializer that is meant: 'pickle', 'json', a dotted path, or an object that already is one; None is pickle.

    Raises ValueError when a path leads nowhere, NotImplementedError when `dumps` or `loads` is missing.
    """
    if serializer is DefaultSerializer:
        return DefaultSerializer  # asked for each job that a worker makes
    found: Any = serializer or DefaultSerializer
    if isinstance(found, str):
        found = SERIALIZER_ALIASES.get(found) or _import(found)
    if not (callable(getattr(found, 'dumps', None)) and callable(getattr(found, 'loads', None))):
        raise NotImplementedError('Serializer should have (dumps, loads) methods.')
    result: Serializer = found
    return result


def _import(path: str) -> Any:
    try:
        return import_attribute(path)
    except ValueError:
        # A module of the top level, such as 'msgpack', is an attribute of nothing.
        if not path.isidentifier():
            raise
        from importlib import import_module

        try:
            return import_module(path)
        except ModuleNotFoundError:
            pass
        raise
