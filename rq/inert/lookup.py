"""Looking for one argument of a stored call, or one key of its meta data, by a path such as `user.id` or `0`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .hidden import is_hidden
from .printer import show
from .reading import parts_of, read
from .tree import is_node, members, named

__all__ = ['each', 'find', 'find_in_call', 'text_of', 'tree']

# Levels that a path may have.
DEPTH = 10


def tree(stored: bytes, look: int) -> Any:
    """A stored value, of its first `look` bytes; ABSENT where it cannot be read."""
    return read(stored, look).value


def each(value: Any) -> list[Any]:
    """The members of a list, tuple or set; of anything else itself."""
    return members(value) if is_node(value, 'list', 'tuple', 'set', 'frozenset', 'made') else [value]


def find_in_call(stored: bytes, look: int, path: tuple[str, ...]) -> Iterator[Any]:
    """What an argument is, by keyword or by its place from 0, and then by keys, fields and places within.

    `look`: bytes of the stored call that are read.
    """
    call = parts_of(stored, look)
    first, rest = path[0], path[1:]
    if first.isdecimal() and len(first) < 4 and int(first) < len(call.args):
        yield from find(call.args[int(first)], rest)
    for key, value in named(call.kwargs):
        if key == first:
            yield from find(value, rest)


def find(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    """What is at this path within a value."""
    for part in path[:DEPTH]:
        value = _step(value, part)
        if value is _NOTHING:
            return
    yield value


_NOTHING: Any = object()


def _step(value: Any, part: str) -> Any:
    for key, inner in named(value):
        if key == part or (isinstance(key, int) and str(key) == part):
            return inner
    if part.isdecimal() and len(part) < 4 and not is_node(value, 'dict'):
        inside = members(value)
        if len(inside) == 2 and isinstance(inside[0], str) and is_hidden(inside[0]):
            return _NOTHING  # a header, as a pair: what is hidden must not be guessed either
        if int(part) < len(inside):
            return inside[int(part)]
    return _NOTHING


def text_of(value: Any, most: int = 500) -> str:
    """A value as one would type it to find it: a text without its quotes."""
    if isinstance(value, str):
        return value[:most]
    return str(value.head)[:most] if is_node(value, 'cut') and isinstance(value.head, str) else show(value, most)
