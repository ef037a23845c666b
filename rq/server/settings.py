"""What the server is told: its configuration file, which it reads from standard input.

Standard input and not the command line, because a password there is seen by every user of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ['Setting', 'persistence', 'render']

# A string or number is one argument; a sequence is several (`'save': ['900', '1']`).
Setting = str | int | Sequence[str]

_NAME = re.compile(r'[a-z][a-z0-9-]*')


def render(settings: Mapping[str, Setting]) -> str:
    """The text of a configuration file; values are quoted, so they may hold any character.

    Raises ValueError for something that cannot be the name of a setting.
    """
    lines = []
    for name, value in settings.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f'Not the name of a server setting: {name!r}')
        values = [str(value)] if isinstance(value, str | int) else value
        lines.append(' '.join([name, *map(_quoted, values)]))
    return '\n'.join(lines) + '\n'


def persistence(data_dir: Path | None) -> dict[str, Setting]:
    """Settings that keep nothing on disk, or (with a folder) everything in an append-only file synced each second."""
    if data_dir is None:
        return {'save': '', 'appendonly': 'no'}
    # Snapshots besides the append-only file would only write the same data twice.
    return {'save': '', 'appendonly': 'yes', 'appendfsync': 'everysec'}


def _quoted(value: str) -> str:
    """The value between double quotes, as the server's parser reads it."""
    escaped = value.replace('\\', '\\\\').replace('"', '\\"')
    return '"' + re.sub('[\x00-\x1f]', lambda match: f'\\x{ord(match[0]):02x}', escaped) + '"'
