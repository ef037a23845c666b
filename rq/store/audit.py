"""Who did what, and when: a stream of the last 10,000 things that people did by the dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ['MOST', 'Entry', 'length', 'newest', 'write']

# 10,000 entries of 300 bytes are 3 MB at the most.
MOST = 10_000
# Characters of a value.
LONGEST = 400


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of it."""

    id: str  # `milliseconds-number`, as Redis gave it
    at: float  # epoch
    fields: Mapping[str, str]


def write(connection: Any, fields: Mapping[str, Any]) -> str:
    """The id of a new entry; values are cut to 400 characters."""
    short = {name: str(value)[:LONGEST] for name, value in fields.items() if value not in (None, '')}
    return text(connection.xadd(keys.audit(), short, maxlen=MOST, approximate=True))


def newest(connection: Any, count: int, before: str = '') -> list[Entry]:
    """Entries, the newest first: `count` of them, those before an entry if one is named."""
    last = f'({before}' if before else '+'
    return [_entry(*found) for found in connection.xrevrange(keys.audit(), last, '-', count=count)]


def length(connection: Any) -> int:
    """How many entries there are."""
    return int(connection.xlen(keys.audit()))


def _entry(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    name = text(entry_id)
    short = {text(key[:LONGEST]): text(value[:LONGEST]) for key, value in (fields or {}).items()}
    return Entry(name, int(name.partition('-')[0]) / 1000, short)
