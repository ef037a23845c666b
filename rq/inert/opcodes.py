"""The instructions of a pickle, followed without effect: what would be imported becomes a name, a call becomes a note of it.

Each opcode of every protocol is here; each costs one step and a bounded piece of memory, whatever its argument says. No
Python object is made but numbers, text and bytes; nothing is hashed; the registry of extension codes is not asked.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from .machine import KEEP, NAME, WRONG, Act, Broken, Machine, Reading, digits, integer, kept, text_of
from .tree import ABSENT, Node, is_node

__all__ = ['ACTS', 'read_pickle']

# By opcode. The end (STOP) is the machine's own.
ACTS: dict[int, Act] = {}


def read_pickle(data: bytes, whole: bool = True) -> Reading:
    """The value of a pickle as a tree. `whole`: False where `data` is known to be only its beginning. Raises nothing."""
    machine = Machine(data, whole)
    try:
        return Reading(machine.run(ACTS))
    except Broken as error:
        problem = str(error)
    except (ValueError, struct.error, IndexError, OverflowError):
        problem = WRONG
    return Reading(ABSENT, machine.leftover(), problem)


# --- values


def _op(*codes: str) -> Callable[[Act], Act]:
    def enter(act: Act) -> Act:
        ACTS.update(dict.fromkeys(map(ord, codes), act))
        return act

    return enter


def _constant(code: str, make: Callable[[], Any]) -> None:
    ACTS[ord(code)] = lambda m: m.stack.append(make())


def _fixed(code: str, form: str) -> None:
    ACTS[ord(code)] = lambda m: m.stack.append(m.number(form))


def _many(code: str, form: str, text: bool) -> None:
    ACTS[ord(code)] = lambda m: m.push_many(m.counted(form), text)


for _code, _make in {
    'N': lambda: None, '\x88': lambda: True, '\x89': lambda: False, ']': lambda: Node('list'), ')': lambda: Node('tuple'),
    '}': lambda: Node('dict'), '\x8f': lambda: Node('set'), '\x97': lambda: Node('odd', head='a buffer stored elsewhere'),
}.items():  # fmt: skip
    _constant(_code, _make)
for _code, _form in {'J': '<i', 'K': 'B', 'M': '<H', 'G': '>d'}.items():
    _fixed(_code, _form)
for _code, _form in {'\x8c': 'B', 'X': '<I', '\x8d': '<Q'}.items():
    _many(_code, _form, text=True)
for _code, _form in {'T': '<i', 'U': 'B', 'B': '<I', 'C': 'B', '\x8e': '<Q', '\x96': '<Q'}.items():
    _many(_code, _form, text=False)


@_op('\x8a', '\x8b')
def _long(m: Machine) -> None:
    data, size = m.counted('B' if m.data[m.at - 1] == 0x8A else '<i')
    m.stack.append(integer(data, size))
    if len(data) < size:
        raise Broken(m.short)


@_op('I', 'L')
def _decimal(m: Machine) -> None:
    line = m.line()
    m.stack.append({b'00': False, b'01': True}.get(line, ABSENT))
    if m.stack[-1] is ABSENT:
        m.stack[-1] = digits(line)


@_op('F')
def _float(m: Machine) -> None:
    m.stack.append(float(m.line()[:KEEP]))


@_op('S')
def _quoted(m: Machine) -> None:
    line = m.line()
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in b'\'"':
        raise Broken(WRONG)
    # The escapes in it are shown as they are written: it is text of Python 2.
    m.stack.append(kept(line[1:-1], len(line) - 2, text=True))


@_op('V')
def _unicode(m: Machine) -> None:
    line = m.line()
    text = line[: KEEP * 10].decode('raw-unicode-escape', 'replace')
    short = len(line) <= KEEP
    m.stack.append(text if short else Node('cut', head=text[:KEEP], size=len(line), unit='bytes'))


# --- containers


@_op('t', 'l', '\x91')
def _gathered(m: Machine) -> None:
    kind = {ord('t'): 'tuple', ord('l'): 'list', 0x91: 'frozenset'}[m.data[m.at - 1]]
    items = m.mark()
    m.stack.append(Node(kind, items))


@_op('\x85', '\x86', '\x87')
def _tuples(m: Machine) -> None:
    count = m.data[m.at - 1] - 0x84
    if len(m.stack) < count:
        raise Broken(WRONG)
    items = m.stack[-count:]
    del m.stack[-count:]
    m.stack.append(Node('tuple', items))


@_op('d')
def _dict(m: Machine) -> None:
    items = m.mark()  # first, for it changes the stack
    m.stack.append(Node('dict', _even(items)))


def _even(flat: list[Any]) -> list[Any]:
    if len(flat) % 2:
        raise Broken(WRONG)
    return flat


def _append(m: Machine, items: list[Any]) -> None:
    target = m.top('list', 'set', 'made')
    if target.kind != 'made':
        target.items.extend(items)
    elif target.members:
        target.members.extend(items)
    else:
        target.members = items


def _set(m: Machine, flat: list[Any]) -> None:
    target = m.top('dict', 'made')
    if target.kind != 'made':
        target.items.extend(_even(flat))
    elif target.pairs:
        target.pairs.extend(_even(flat))
    else:
        target.pairs = _even(flat)


@_op('a')
def _append_one(m: Machine) -> None:
    item = m.pop()
    _append(m, [item])


@_op('e', '\x90')
def _append_many(m: Machine) -> None:
    items = m.mark()
    _append(m, items)


@_op('s')
def _set_one(m: Machine) -> None:
    value = m.pop()
    key = m.pop()
    _set(m, [key, value])


@_op('u')
def _set_many(m: Machine) -> None:
    flat = m.mark()
    _set(m, flat)


# --- the stack and the memo


@_op('0')
def _pop(m: Machine) -> None:
    if m.stack:
        m.stack.pop()
    else:
        m.mark()


@_op('1')
def _pop_mark(m: Machine) -> None:
    m.mark()


@_op('2')
def _dup(m: Machine) -> None:
    m.stack.append(m.stack[-1])


@_op('(')
def _mark(m: Machine) -> None:
    m.frames.append(m.stack)
    m.stack = []


def _put(m: Machine, place: int) -> None:
    m.memo[place] = m.stack[-1]  # a dict: a large place costs no more than a small one


def _get(m: Machine, place: int) -> None:
    if place not in m.memo:
        raise Broken(WRONG)
    m.stack.append(m.memo[place])


ACTS[ord('g')] = lambda m: _get(m, int(m.line()[:20]))
ACTS[ord('h')] = lambda m: _get(m, m.number('B'))
ACTS[ord('j')] = lambda m: _get(m, m.number('<I'))
ACTS[ord('p')] = lambda m: _put(m, int(m.line()[:20]))
ACTS[ord('q')] = lambda m: _put(m, m.number('B'))
ACTS[ord('r')] = lambda m: _put(m, m.number('<I'))
ACTS[0x94] = lambda m: _put(m, len(m.memo))


@_op('\x80', '\x95', '\x98')
def _nothing(m: Machine) -> None:
    form = {0x80: 'B', 0x95: '<Q'}.get(m.data[m.at - 1])
    if form:
        m.number(form)


# --- what would import or call


def _name(module: Any, name: Any) -> Node:
    parts = [part if isinstance(part, str) else '?' for part in (module, name)]
    return Node('name', head='.'.join(parts)[:NAME])


def _made(head: Any, args: Any, pairs: Any = None) -> Node:
    # Shared, not copied: thousands of calls with one long tuple must cost no more than it.
    found = Node('made', args.items if is_node(args, 'tuple', 'list') else [args], head)
    if is_node(pairs, 'dict'):
        found.options = pairs.items
    return found


@_op('c')
def _global(m: Machine) -> None:
    module = m.line()[:NAME]
    m.stack.append(_name(text_of(module), text_of(m.line()[:NAME])))


@_op('\x93')
def _stack_global(m: Machine) -> None:
    name = m.pop()
    m.stack.append(_name(m.pop(), name))


@_op('\x82', '\x83', '\x84')
def _extension(m: Machine) -> None:
    form = {0x82: 'B', 0x83: '<H', 0x84: '<i'}[m.data[m.at - 1]]
    m.stack.append(Node('name', head=f'extension.{m.number(form)}'))


@_op('P')
def _persistent(m: Machine) -> None:
    m.stack.append(Node('made', [text_of(m.line()[:KEEP])], Node('name', head='persistent_id')))


@_op('Q')
def _persistent_of_stack(m: Machine) -> None:
    m.stack.append(Node('made', [m.pop()], Node('name', head='persistent_id')))


@_op('R', '\x81')
def _call(m: Machine) -> None:
    args = m.pop()
    m.stack.append(_made(m.pop(), args))


@_op('\x92')
def _call_with_names(m: Machine) -> None:
    pairs = m.pop()
    args = m.pop()
    m.stack.append(_made(m.pop(), args, pairs))


@_op('i')
def _instance(m: Machine) -> None:
    module = m.line()[:NAME]
    head = _name(text_of(module), text_of(m.line()[:NAME]))
    items = m.mark()
    m.stack.append(Node('made', items, head))


@_op('o')
def _object(m: Machine) -> None:
    parts = m.mark()
    m.stack.append(Node('made', parts[1:], parts[0]))


@_op('b')
def _build(m: Machine) -> None:
    state = m.pop()
    target = m.top('made', 'name', 'list', 'dict', 'set', 'tuple', 'frozenset')
    if target.kind == 'made':
        target.state = state
