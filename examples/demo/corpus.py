"""What the demo reads: every text and source file of the Python installation it runs on."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ['Corpus', 'find_corpus']

SOURCE = frozenset(
    [
        '.py',
        '.pyi',
        '.pyx',
        '.pxd',
        '.c',
        '.h',
        '.cpp',
        '.hpp',
        '.js',
        '.css',
        '.sh',
        '.bat',
        '.ps1',
        '.tcl',
        '.lua',
        '.f',
        '.f90',
        '.asdl',
        '.gram',
    ]
)
TEXT = frozenset(
    [
        '.txt',
        '.rst',
        '.md',
        '.toml',
        '.cfg',
        '.ini',
        '.json',
        '.yaml',
        '.yml',
        '.xml',
        '.html',
        '.csv',
        '.po',
        '.dectest',
        '.typed',
    ]
)
# Compiled code, and packages that this Python does not see: a virtual environment's base may have thousands.
SKIPPED = frozenset({'__pycache__', 'site-packages', 'dist-packages', 'node_modules'})


@dataclass(frozen=True)
class Corpus:
    """Paths of source and of text files, and the folders below which they were found."""

    source: list[str]
    text: list[str]
    roots: list[str]

    def __len__(self) -> int:
        return len(self.source) + len(self.text)


def find_corpus(limit: int | None = None) -> Corpus:
    """Every readable file of the standard library, the installed packages and the headers; at most `limit` of them."""
    paths = sysconfig.get_paths()
    roots: list[str] = []
    for name in ('stdlib', 'purelib', 'platlib', 'include'):
        if paths[name] not in roots and os.path.isdir(paths[name]):
            roots.append(paths[name])
    found = sorted({path for root in roots for path in _files_below(root)})
    if limit is not None:
        # Evenly over all folders, so that a short run is a small picture of the long one.
        found = found[:: max(1, len(found) // limit)][:limit]
    source = [path for path in found if Path(path).suffix.lower() in SOURCE]
    return Corpus(source, [path for path in found if Path(path).suffix.lower() not in SOURCE], roots)


def _files_below(root: str) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in files:
            path = os.path.join(folder, name)
            if os.path.splitext(name)[1].lower() in SOURCE | TEXT and os.access(path, os.R_OK):
                yield path
