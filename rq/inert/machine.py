"""The machine that follows the instructions of a pickle: its stack, its memo, and how far it goes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from .tree import ABSENT, Node, is_node

__all__ = [
    'CUT',
    'KEEP',
    'NAME',
    'STOP',
    'WRONG',
    'Act',
    'Broken',
    'Machine',
    'Reading',
    'digits',
    'integer',
    'kept',
    'text_of',
]

# Of a longer text or of longer bytes this much is kept, and the true length; more is never shown.
KEEP = 4_000
# An integer of more bytes is told by its size: to print it takes time that grows with the square.
INTEGER = 128
# About 0.1 s of work, so that a page with a few hostile jobs still comes.
STEPS = 200_000
SECONDS = 0.2
# The name that a call has; a real one is shorter (RQ_MAX_NAME).
NAME = 1_000


@dataclass(slots=True)
class Reading:
    """What was read: the value, or what there was of it (`rest`) when it broke off, and why (`problem`)."""

    value: Any = ABSENT
    rest: list[Any] = field(default_factory=list)
    problem: str = ''


class Broken(Exception):
    """Why it cannot be read on."""


STOP = ord('.')
CUT = 'only its beginning was looked at'
ENDS = 'it ends too early'
WRONG = 'it is not a valid pickle'


Act = Callable[['Machine'], None]
Acts = Mapping[int, Act]


class Machine:
    """The stack, the marks and the memo of a pickle that is followed."""

    def __init__(self, data: bytes, whole: bool) -> None:
        self.data = data
        self.at = 0
        self.short = ENDS if whole else CUT
        self.stack: list[Any] = []
        self.frames: list[list[Any]] = []  # what lies below each mark
        self.memo: dict[int, Any] = {}

    def run(self, acts: Acts) -> Any:
        """The value. Raises Broken."""
        deadline = monotonic() + SECONDS
        data, size = self.data, len(self.data)
        for step in range(STEPS):
            if self.at >= size:
                raise Broken(self.short)
            code = data[self.at]
            self.at += 1
            if code == STOP:
                return self.pop()
            act = acts.get(code)
            if act is None:
                raise Broken(WRONG)
            act(self)
            if not step & 1023 and monotonic() > deadline:
                break
        raise Broken('it is too large to be looked at')

    def leftover(self) -> list[Any]:
        """What there is when it breaks off: containers that were being filled hold what they had been given."""
        while len(self.frames) > 1 or (self.frames and self.frames[0]):
            items, self.stack = self.stack, self.frames.pop()
            if self.stack and is_node(self.stack[-1], 'list', 'set'):
                self.stack[-1].items.extend(items)
            elif self.stack and is_node(self.stack[-1], 'dict'):
                self.stack[-1].items.extend(items[: len(items) // 2 * 2])
            else:
                self.stack.append(Node('tuple', items))
        return self.stack

    # --- arguments

    def number(self, form: str) -> Any:
        """The number that comes next, in this form of `struct`."""
        size = struct.calcsize(form)
        if self.at + size > len(self.data):
            raise Broken(self.short)
        (found,) = struct.unpack_from(form, self.data, self.at)
        self.at += size
        return found

    def counted(self, form: str) -> tuple[bytes, int]:
        """The bytes that are there, and how many there should be."""
        size = self.number(form)
        if size < 0:
            raise Broken(WRONG)
        found = self.data[self.at : self.at + size]
        self.at += len(found)
        return found, size

    def line(self) -> bytes:
        """What comes next, up to the end of the line."""
        end = self.data.find(b'\n', self.at)
        if end < 0:
            raise Broken(self.short)
        found = self.data[self.at : end]
        self.at = end + 1
        return found

    # --- the stack

    def pop(self) -> Any:
        """The topmost value, taken off."""
        if not self.stack:
            raise Broken(WRONG)
        return self.stack.pop()

    def top(self, *kinds: str) -> Any:
        """The topmost value, which must be a node of these kinds."""
        if not self.stack or not is_node(self.stack[-1], *kinds):
            raise Broken(WRONG)
        return self.stack[-1]

    def mark(self) -> list[Any]:
        """What lies above the last mark, taken off with it."""
        if not self.frames:
            raise Broken(WRONG)
        found, self.stack = self.stack, self.frames.pop()
        return found

    def push_many(self, found: tuple[bytes, int], text: bool) -> None:
        """Puts counted text or bytes on the stack."""
        data, size = found
        self.stack.append(kept(data, size, text))
        if len(data) < size:
            raise Broken(self.short)


def kept(data: bytes, size: int, text: bool) -> Any:
    """What is kept of text or bytes that should have `size` bytes."""
    if text:
        if size <= KEEP:
            return text_of(data)
        whole = len(data) == size
        length = len(text_of(data)) if whole else size
        return Node('cut', head=text_of(data[: KEEP * 4])[:KEEP], size=length, unit='characters' if whole else 'bytes')
    return data if size <= KEEP else Node('cut', head=data[:KEEP], size=size, unit='bytes')


def text_of(data: bytes) -> str:
    """The text, of whatever bytes."""
    try:
        return data.decode('utf-8', 'surrogatepass')
    except UnicodeDecodeError:
        return data.decode('utf-8', 'replace')


def integer(data: bytes, size: int) -> Any:
    """The integer of these bytes, or how large it is."""
    return int.from_bytes(data, 'little', signed=True) if size <= INTEGER else Node('big', size=size * 8)


def digits(line: bytes) -> Any:
    """The integer of a line of digits, or how large it is."""
    line = line.removesuffix(b'L')
    return int(line) if len(line) <= 2 * INTEGER else Node('big', size=len(line) * 10 // 3)  # 3.3 bits a digit
