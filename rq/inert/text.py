"""Stored JSON as a tree, whole or as far as it is there."""

from __future__ import annotations

import json
from typing import Any

from .machine import CUT, KEEP, Reading
from .tree import Node

__all__ = ['read_json']

DIGITS = 400
# Lists and objects within: about 0.2 s and 20 MB of work.
CONTAINERS = 100_000


def read_json(data: bytes, whole: bool = True) -> Reading:
    """The value of a JSON text as a tree. `whole`: False where `data` is known to be only its beginning. Raises nothing."""
    text = data.decode('utf-8', 'replace')
    if text.count('[') + text.count('{') > CONTAINERS:
        return Reading(problem='it is too large to be looked at')
    decoder = json.JSONDecoder(object_pairs_hook=_mapping, parse_int=_integer)
    try:
        return Reading(_lift(decoder.decode(text)))
    except RecursionError:
        return Reading(problem='it is nested too deeply')
    except ValueError:
        problem = 'it is not valid JSON' if whole else CUT
    parts = _parts(decoder, text)
    if len(parts) == 3:
        parts.append(Node('dict'))  # a call whose keyword arguments break off
    return Reading(rest=parts, problem=problem)


def _parts(decoder: json.JSONDecoder, text: str) -> list[Any]:
    """The members of a list that breaks off, as far as they are whole."""
    found: list[Any] = []
    at = 1
    while text[:1] == '[' and len(found) < DIGITS:
        try:
            while text[at] in ' ,\t\r\n':
                at += 1
            value, at = decoder.raw_decode(text, at)
        except (ValueError, IndexError, RecursionError):
            break
        found.append(_lift(value))
    return found


def _mapping(pairs: list[tuple[str, Any]]) -> Node:
    return Node('dict', [part for pair in pairs for part in pair])


def _integer(digits: str) -> Any:
    return int(digits) if len(digits) <= DIGITS else Node('big', size=len(digits) * 10 // 3)  # 3.3 bits a digit


def _lift(value: Any) -> Any:
    """The same with nodes for lists, and long texts cut."""
    top = [value]
    todo = [top]
    while todo:
        place = todo.pop()
        for at, item in enumerate(place):
            if isinstance(item, list):
                place[at] = Node('list', item)
                todo.append(item)
            elif isinstance(item, Node):
                todo.append(item.items)
            elif isinstance(item, str) and len(item) > KEEP:
                place[at] = Node('cut', head=item[:KEEP], size=len(item), unit='characters')
    return top[0]
