"""Stored bytes to trees: what form they have, how much of them is looked at."""

from __future__ import annotations

import zlib
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from rq.store.fields import ZLIB

from .machine import CUT, Reading
from .opcodes import read_pickle
from .text import read_json
from .tree import Node, is_node

__all__ = ['LOOK', 'Parts', 'parts_of', 'read', 'read_result']

# Bytes that are looked at: of what is longer, the beginning. A call of a megabyte takes about 10 ms.
LOOK = 1_000_000
JSON = b'[{"-0123456789tfn'
UNKNOWN = 'it is neither a pickle nor JSON; only its own serializer can read it'


def read(stored: bytes, look: int = LOOK) -> Reading:
    """The tree of a stored call, meta data or value: pickle of any protocol or JSON, compressed or not, the first `look` bytes. Raises nothing."""
    plain, whole = _beginning(stored, look)
    if not plain:
        return Reading(problem='there is nothing' if whole else UNKNOWN)
    if plain[:1] in (b'[', b'{'):
        found = read_json(plain, whole)
        return found if not found.problem or found.rest or plain[:1] == b'{' else _old_pickle(plain, whole, found)
    if plain[:1] == b'\x80':
        return read_pickle(plain, whole)
    if plain[:1] in JSON:
        found = read_json(plain, whole)
        if not found.problem:
            return found
    return _old_pickle(plain, whole, Reading(problem=UNKNOWN))


def read_result(stored: bytes) -> Reading:
    """The tree of a return value as it stands in a results stream: base64 of it, empty for None. Raises nothing."""
    if not stored:
        return Reading(None)
    most = LOOK // 3 * 4
    try:
        plain = b64decode(stored[:most])
    except ValueError:
        return Reading(problem=UNKNOWN)
    found = read(plain)
    if len(stored) > most and found.problem:
        found.problem = CUT
    return found


def _old_pickle(plain: bytes, whole: bool, otherwise: Reading) -> Reading:
    """Protocols 0 and 1 begin with anything, so they are believed only if they end well."""
    found = read_pickle(plain, whole)
    return found if not found.problem else otherwise


def _beginning(stored: bytes, look: int) -> tuple[bytes, bool]:
    """The payload as it was given, or its beginning, and whether that is all."""
    if stored[:1] != ZLIB:
        return stored[:look], len(stored) <= look
    reader = zlib.decompressobj()
    try:
        plain = reader.decompress(stored[:look], look)
    except zlib.error:
        return stored[:look], len(stored) <= look
    return plain, reader.eof


@dataclass(slots=True)
class Parts:
    """A call in parts, as trees; what could not be read is missing, and `problem` says why."""

    name: str | None
    instance: Any
    args: list[Any]
    kwargs: Any
    problem: str


def parts_of(stored: bytes, look: int = LOOK) -> Parts:
    """The parts of a stored call: (name, object that it is a method of, arguments, keyword arguments). Raises nothing."""
    found = read(stored, look)
    rest = found.value.items if is_node(found.value, 'tuple', 'list') else found.rest
    if not rest or not isinstance(rest[0], str):
        return Parts(None, None, [], Node('dict'), found.problem or 'it is not a call')
    instance = rest[1] if len(rest) > 1 else None
    args, kwargs, problem = rest[2:], Node('dict'), found.problem
    # Of arguments that break off, the first may be a list: a list of arguments has keyword arguments after it.
    if args and (is_node(args[0], 'tuple') or (is_node(args[0], 'list') and is_node(args[-1], 'dict'))):
        kwargs = args[1] if len(args) > 1 and is_node(args[1], 'dict') else kwargs
        args = args[0].items
    elif not problem:
        problem = 'it is not a call'
    return Parts(rest[0], instance, args, kwargs, problem)
