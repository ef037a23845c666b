"""What a stored value is made of, without making it: plain values, and nodes for all else. Nothing here is ever hashed,
compared or called, so that a value which is hostile to that stays text.
"""

from __future__ import annotations

from typing import Any

__all__ = ['ABSENT', 'Node', 'count_named', 'is_node', 'members', 'named']


# Few nodes have any of these; a megabyte may be a hundred thousand nodes.
Flat = list[Any] | tuple[()]


class Node:
    """One part of a stored value that is no number, text, bytes, bool or None.

    `kind` is list, tuple, set, frozenset or dict (`items`, of a dict key, value, key, value ...); name (`head`, the path of
    what would have been imported); made (`head` called with `items` and `options`, then given `state`, `members` and, by key, `pairs`);
    cut (`head`, the beginning of a long text or bytes, `size` its true length, `unit`); big (an integer of `size` bits);
    or odd (`head` says what it is).
    """

    __slots__ = ('head', 'items', 'kind', 'members', 'options', 'pairs', 'size', 'state', 'unit')

    def __init__(
        self, kind: str, items: list[Any] | None = None, head: Any = None, size: int = 0, unit: str = ''
    ) -> None:
        self.kind = kind
        self.head = head
        self.items: list[Any] = [] if items is None else items
        self.options: Flat = ()  # keyword arguments: flat, as are the pairs
        self.pairs: Flat = ()
        self.members: Flat = ()
        self.state: Any = ABSENT
        self.size = size
        self.unit = unit


class _Absent:
    def __repr__(self) -> str:
        return 'ABSENT'


# No value, where None is one.
ABSENT: Any = _Absent()


def is_node(value: Any, *kinds: str) -> bool:
    """Whether a value is a node, of one of these kinds."""
    return isinstance(value, Node) and value.kind in kinds


def named(value: Any, most: int = 1_000) -> list[tuple[Any, Any]]:
    """The first (key, value) pairs of a dict, or fields of an object: its keyword arguments, its state, its slots.

    `most` of each of these: a dict that a hostile tree has in a thousand places must not be copied a thousand times.
    """
    return [pair for flat in _flats(value) for pair in zip(flat[: 2 * most : 2], flat[1 : 2 * most : 2], strict=False)]


def count_named(value: Any) -> int:
    """How many pairs `named` has without a limit."""
    return sum(len(flat) // 2 for flat in _flats(value))


def members(value: Any, most: int = 1_000) -> list[Any]:
    """The first members of a list, tuple or set, or positional arguments of an object and what was appended to it."""
    if is_node(value, 'list', 'tuple', 'set', 'frozenset'):
        return list(value.items[:most])
    return [*value.items[:most], *value.members[:most]] if is_node(value, 'made') else []


def _flats(value: Any) -> list[Flat]:
    if is_node(value, 'dict'):
        return [value.items]
    if not is_node(value, 'made'):
        return []
    states = [value.state]
    if is_node(value.state, 'tuple') and len(value.state.items) == 2:  # (the dict or None, the slots)
        states = value.state.items
    return [value.options, value.pairs, *(state.items for state in states if is_node(state, 'dict'))]
