"""How arguments and results become bytes: pickle unless chosen otherwise, JSON, or anything with `dumps` and `loads`.

Which serializer was used is not recorded in Redis; producer and worker must be told the same one. Loading a pickle runs
code that its author chose: whoever can write to your Redis can run code in your workers, unless they use JSON.
"""

from __future__ import annotations

import json
import pickle
from functools import partial
from typing import Any, Protocol, runtime_checkable

from .utils import import_attribute

__all__ = ['DefaultSerializer', 'JSONSerializer', 'PickleSerializer', 'Serializer', 'resolve_serializer']


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


SERIALIZER_ALIASES: dict[str, Any] = {'json': JSONSerializer, 'pickle': DefaultSerializer}


def resolve_serializer(serializer: Serializer | str | None = None) -> Serializer:
    """The serializer that is meant: 'pickle', 'json', a dotted path, or an object that already is one; None is pickle.

    Raises ValueError when a path leads nowhere, NotImplementedError when `dumps` or `loads` is missing.
    """
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
