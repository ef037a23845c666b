"""What a job stored, shown without loading it: nothing in it is imported, and nothing of it is run.

    call = inert.call(stored)       # Call(function='shop.mail', args=("'Ann'",), kwargs={'token': '(hidden)'}, ...)
    inert.value(stored)             # "Order(id=3, at=datetime(2026, 11, 24, 9, 30))"

A pickle is followed by a machine of our own (machine.py) that makes numbers, text and bytes, and notes of all else; JSON is
read as JSON. Values of arguments, keys and fields whose name says that they are secret are hidden at any depth (hidden.py).
Whatever the bytes are, these functions answer in bounded time and memory, and raise nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import hidden
from .hidden import HIDDEN, is_hidden, redact, scrub
from .known import flat_name
from .machine import Reading
from .names import function_name
from .printer import show
from .reading import LOOK, parts_of, read, read_result
from .tree import is_node, named

__all__ = [
    'HIDDEN',
    'Call',
    'call',
    'function_name',
    'hidden',
    'is_hidden',
    'mapping',
    'redact',
    'result',
    'scrub',
    'value',
]

# Arguments that are shown, and characters of each.
ARGUMENTS = 100
MOST = 2_000


@dataclass(frozen=True, slots=True)
class Call:
    """A stored call as text: each argument as one would write it in Python, cut and redacted."""

    function: str | None  # the dotted path, with `instance` the name of the method; None where it cannot be told
    instance: str | None  # the object that it is a method of
    args: tuple[str, ...]
    kwargs: dict[str, str]
    more: int  # arguments that are not shown
    size: int  # bytes as stored
    problem: str  # why not all of it is shown: '' or part of a sentence, such as 'it ends too early'

    @property
    def path(self) -> str:
        """The function as it is listed: with the object or class of a method before it."""
        if self.function is None:
            return ''
        return f'{self.instance}.{self.function}' if self.instance is not None else self.function

    @property
    def arguments(self) -> str:
        """All arguments on one line."""
        parts = [*self.args, *(f'{name}={text}' for name, text in self.kwargs.items())]
        if self.more:
            parts.append(f'... {self.more:,} more')
        elif self.problem:
            parts.append('...')
        return ', '.join(parts)


def call(stored: bytes, most: int = MOST, look: int = LOOK) -> Call:
    """What a stored call (the field `data`) would call, as text; `most` characters of each argument.

    `look`: bytes of it that are read. A list of many jobs reads 4,000 of each, so that it takes no longer for hostile ones.
    """
    parts = parts_of(stored, look)
    pairs = named(parts.kwargs, ARGUMENTS)
    args = parts.args[:ARGUMENTS]
    total = len(parts.args) + (len(parts.kwargs.items) // 2)
    return Call(
        function=parts.name,
        instance=None if parts.instance is None else _instance(parts.instance),
        args=tuple(show(value, most) for value in args),
        kwargs={_key(key): show(value, most, _key(key)) for key, value in pairs},
        more=total - len(args) - len(pairs),
        size=len(stored),
        problem=parts.problem,
    )


def value(stored: bytes, most: int = MOST, name: str = '') -> str:
    """A stored value as text, hidden if its `name` is; what cannot be read says so in brackets."""
    return _shown(read(stored), len(stored), most, name)


def result(stored: bytes, most: int = MOST) -> str:
    """A return value as it stands in a results stream, as text; what cannot be read says so in brackets."""
    return _shown(read_result(stored), len(stored), most, '')


def _shown(found: Reading, size: int, most: int, name: str) -> str:
    if not found.problem:
        return show(found.value, most, name)
    why = f'({size:,} bytes: {found.problem})'
    return f'{show(found.rest[0], most, name)}... {why}' if len(found.rest) == 1 else why


def mapping(stored: bytes, most: int = MOST) -> dict[str, str]:
    """Stored meta data as text by key, the first 100; what cannot be read says so under an empty key."""
    found = read(stored)
    if found.problem or not is_node(found.value, 'dict'):
        return {'': value(stored, most)}
    return {_key(key): show(part, most, _key(key)) for key, part in named(found.value, ARGUMENTS)}


def _key(key: object) -> str:
    return key if isinstance(key, str) else show(key, 100)


def _instance(instance: object) -> str:
    """A class by its path; an object as it is."""
    return flat_name(instance.head) if is_node(instance, 'name') else show(instance, 200)  # type: ignore[attr-defined]
