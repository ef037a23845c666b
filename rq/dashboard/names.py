"""Names in URLs: a queue, a job or a worker may be called anything, and a path may not hold anything."""

from __future__ import annotations

import re

from werkzeug.routing import BaseConverter

__all__ = ['Name', 'from_path', 'to_path']

# What stands for itself. A name of dots alone would be taken for a folder; `~` begins the other form.
PLAIN = re.compile(r'(?!\.+$)[A-Za-z0-9_.:@+,=-]+')
SAFE = frozenset('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-')
ESCAPED = re.compile('~([0-9A-F]{2})')


def to_path(name: str) -> str:
    """The name as one part of a path: itself, or after `~` its bytes, which no server or browser changes."""
    if PLAIN.fullmatch(name):
        return name
    encoded = name.encode('utf-8', 'surrogatepass')
    return '~' + ''.join(chr(byte) if chr(byte) in SAFE else f'~{byte:02X}' for byte in encoded)


def from_path(part: str) -> str:
    """The name that `to_path` was given."""
    if not part.startswith('~'):
        return part
    raw = ESCAPED.sub(lambda found: chr(int(found[1], 16)), part[1:])
    return raw.encode('latin-1', 'replace').decode('utf-8', 'replace')


class Name(BaseConverter):
    """A part of a rule, `<rq:queue>`, that holds any name."""

    regex = '[^/]+'
    part_isolating = True

    def to_python(self, value: str) -> str:
        """The name in a path."""
        return from_path(value)

    def to_url(self, value: object) -> str:
        """The name as a path has it."""
        return to_path(str(value))
