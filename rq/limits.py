"""How large what travels through Redis may be: each limit once, with its default, its variable and its reason.

Read from the environment at the first import. A program may set them itself, before it enqueues or works:
`rq.limits.LIMITS.result = 10_000_000`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields

__all__ = ['LIMITS', 'Limits', 'name_parts', 'parse_size', 'printable', 'tame']

KB = 1024
MB = 1024 * 1024
UNITS = {'': 1, 'B': 1, 'KB': KB, 'K': KB, 'MB': MB, 'M': MB, 'GB': 1024 * MB, 'G': 1024 * MB}
PREFIX = 'RQ_MAX_'


@dataclass(slots=True)
class Limits:
    """Bytes, and characters where that is said. `RQ_MAX_RESULT=10MB` in the environment sets `result`, and so on."""

    # A call or meta data as it is stored. Redis hangs up on a string over 512 MB, again and again.
    stored: int = 512 * MB
    # What a compressed payload may expand to: a few hundred KB of zlib can claim a gigabyte.
    expanded: int = 256 * MB
    # What a function may return, serialized. It is copied about six times on its way to the reader.
    result: int = 64 * MB
    # Characters of a traceback that are stored; of a longer one both ends. A million tell enough.
    exception: int = 1_000_000
    # Characters of a traceback that are logged.
    log: int = 100_000
    # Characters of a description that are stored, and of those that a log line shows: foreign ones may be longer.
    description: int = 1_000_000
    line: int = 10_000
    # Characters of a dotted path that is imported: each dot of it is one import tried.
    name: int = 1_000


def parse_size(text: str) -> int:
    """Bytes of a size such as '64MB', '1 GB' or '1000'. Raises ValueError."""
    found = re.fullmatch(r'(\d{1,15})\s*([A-Za-z]*)', text.strip())
    if found is None or found[2].upper() not in UNITS or not int(found[1]):
        raise ValueError(f'not a size: {text[:40]!r}; give it like 64MB or 1000000')
    return int(found[1]) * UNITS[found[2].upper()]


def printable(text: str) -> str:
    """The text as errors and log lines may have it: short, and nothing that steers a terminal or forges a line."""
    cut = text if len(text) <= 200 else f'{text[:200]}...'
    return tame(cut)


def tame(text: str) -> str:
    """The text with what could steer a terminal or forge a line shown escaped."""
    if text.isprintable():
        return text
    return ''.join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)


def name_parts(name: str) -> list[str]:
    """The parts of a dotted path. Raises ValueError for one that is too long, or none."""
    if len(name) > LIMITS.name:
        raise ValueError(f'Invalid attribute name: {len(name)} characters, the limit is {LIMITS.name} (RQ_MAX_NAME)')
    parts = name.split('.')
    if not all(parts) or not name.isprintable():
        raise ValueError(f'Invalid attribute name: {name if name.isprintable() else repr(name)}')
    return parts


def _from_environment() -> Limits:
    found = Limits()
    for field in fields(Limits):
        variable = PREFIX + field.name.upper()
        given = os.environ.get(variable)
        if given:
            try:
                setattr(found, field.name, parse_size(given))
            except ValueError as error:
                raise ValueError(f'{variable}: {error}') from None
    return found


# Those of this process.
LIMITS = _from_environment()
