"""A tree as text, as one would write it in Python: short, redacted, and never more work than the text is long."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rq.limits import printable

from .hidden import HIDDEN, is_hidden, scrub_urls
from .known import KNOWN, flat_name, plainly, raw_bytes
from .tree import ABSENT, Node, count_named, is_node, named

__all__ = ['show']

# Levels that are shown, of a text within something else the characters, and the digits of an integer.
DEPTH = 20
WITHIN = 300
DIGITS = 60
SETS = ('builtins.set', '__builtin__.set', 'builtins.frozenset', '__builtin__.frozenset')
BRACKETS = {'list': '[]', 'tuple': '()', 'set': '{}', 'dict': '{}'}


def show(value: Any, most: int, name: str = '') -> str:
    """The value as text of about `most` characters, longer ones cut with their true length said.

    `name`: of the argument or field that it is; values of names that are hidden are, at any depth.
    """
    if name and is_hidden(name):
        return HIDDEN
    printer = _Printer(most)
    printer.value(value, top=True)
    return ''.join(printer.out)


class _Printer:
    def __init__(self, most: int) -> None:
        self.left = self.most = max(most, 1)
        self.out: list[str] = []
        self.path: list[Any] = []  # the nodes around

    def put(self, text: str) -> None:
        self.out.append(text)
        self.left -= len(text)

    def value(self, value: Any, top: bool = False) -> None:
        if isinstance(value, Node):
            self.node(value, top)
        elif isinstance(value, (str, bytes)):
            self.text(value, len(value), '', top)
        elif isinstance(value, int) and not isinstance(value, bool):
            self.integer(value)
        else:  # float, bool, None
            self.put(repr(value))

    def integer(self, value: int) -> None:
        # To print a long one takes time that grows with the square of its length; 3.3 bits are a digit.
        self.put(str(value) if value.bit_length() < DIGITS * 3.3 else f'(an integer of {value.bit_length():,} bits)')

    def text(self, value: str | bytes, size: int, unit: str, top: bool) -> None:
        most = max(min(self.left, self.most if top else WITHIN), 20)
        shown = value[:most]
        text = repr(scrub_urls(shown) if isinstance(shown, str) else shown)
        if len(shown) < size:
            unit = unit or ('characters' if isinstance(value, str) else 'bytes')
            text = f'{text[:-1]}...{text[-1]} ({size:,} {unit})'
        self.put(text)

    def node(self, node: Node, top: bool) -> None:
        if node.kind == 'cut':
            self.text(node.head, node.size, node.unit, top)
        elif node.kind == 'big':
            self.put(f'(an integer of about {node.size:,} bits)')
        elif node.kind == 'odd':
            self.put(f'({node.head})')
        elif node.kind == 'name':
            self.put(printable(flat_name(node.head)))
        elif any(node is around for around in self.path) or len(self.path) >= DEPTH:
            self.put('...')
        else:
            self.path.append(node)
            self.made(node) if node.kind == 'made' else self.container(node)
            self.path.pop()

    # --- containers

    def container(self, node: Node) -> None:
        if node.kind == 'dict':
            self.mapping(named(node), count_named(node))
            return
        if node.kind == 'frozenset' or (node.kind == 'set' and not node.items):
            self.put(node.kind + '(')
            if node.items:
                self.members(node.items, '{}')
            self.put(')')
            return
        self.members(node.items, BRACKETS[node.kind], comma=node.kind == 'tuple')

    def members(self, items: Sequence[Any], brackets: str, comma: bool = False) -> None:
        self.put(brackets[0])
        if len(items) == 2 and _hides(items[0]):  # a header, as a pair
            self.value(items[0])
            self.put(f', {HIDDEN}')
        else:
            self.listed(items)
            if comma and len(items) == 1:
                self.put(',')
        self.put(brackets[1])

    def listed(self, items: Sequence[Any]) -> None:
        for at, item in enumerate(items):
            if at:
                self.put(', ')
            if self.full(len(items) - at):
                return
            self.value(item)

    def mapping(self, pairs: list[tuple[Any, Any]], total: int) -> None:
        self.put('{')
        for at, (key, value) in enumerate(pairs):
            if at:
                self.put(', ')
            if self.full(total - at):
                break
            self.value(key)
            self.put(': ')
            self.put(HIDDEN) if _hides(key) else self.value(value)
        self.put('}')

    def full(self, rest: int) -> bool:
        """Whether there is no room for more; it says how many there are."""
        if self.left > 0:
            return False
        self.put(f'... {rest:,} more')
        return True

    # --- objects

    def made(self, node: Node) -> None:
        node = plainly(node)
        path = node.head.head if is_node(node.head, 'name') else ''
        if path in SETS and len(node.items) == 1 and is_node(node.items[0], 'list', 'tuple'):
            self.container(Node(path.rpartition('.')[2], node.items[0].items))
            return
        try:
            shown = KNOWN[path](node) if path in KNOWN else None
        except (ValueError, TypeError, IndexError, AttributeError, OverflowError):
            shown = None  # it is not what its name says
        if isinstance(shown, str):
            self.put(shown)
        elif shown is not None:
            self.call(*shown)
        else:
            self.object(node)

    def call(self, name: str, args: list[Any], pairs: list[tuple[Any, Any]]) -> None:
        self.put(printable(name) + '(')
        self.arguments(args, pairs)
        self.put(')')

    def object(self, node: Node) -> None:
        if is_node(node.head, 'name'):
            self.put(printable(flat_name(node.head.head)))
        else:
            self.value(node.head)
        self.put('(')
        pairs = named(node) if not node.pairs else named(_without_pairs(node))
        parts = self.arguments(node.items, pairs)
        if node.state is not ABSENT and not pairs and node.state is not None:
            self.separate(parts)
            self.put('state=')
            self.value(node.state)
            parts += 1
        if node.members:
            self.separate(parts)
            self.members(node.members, '[]')
            parts += 1
        if node.pairs:
            self.separate(parts)
            self.container(Node('dict', list(node.pairs)))
        self.put(')')

    def separate(self, parts: int) -> None:
        if parts:
            self.put(', ')

    def arguments(self, args: list[Any], pairs: list[tuple[Any, Any]]) -> int:
        """How many there are."""
        self.listed(args)
        for at, (key, value) in enumerate(pairs):
            self.separate(at + len(args))
            if self.full(len(pairs) - at):
                break
            if isinstance(key, str) and key.isidentifier() and len(key) < WITHIN:
                self.put(key)
            else:
                self.value(key)
            self.put('=')
            self.put(HIDDEN) if _hides(key) else self.value(value)
        return len(args) + len(pairs)


def _hides(key: Any) -> bool:
    if is_node(key, 'cut'):
        key = key.head
    if isinstance(key, (bytes, Node)):
        key = (raw_bytes(key) or b'')[:200].decode('utf-8', 'replace')
    return isinstance(key, str) and is_hidden(key)


def _without_pairs(node: Node) -> Node:
    found = Node('made', node.items, node.head)
    found.options, found.state = node.options, node.state
    return found
