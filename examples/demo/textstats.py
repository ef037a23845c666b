"""The jobs of the demo: ordinary functions, in the folder in which the workers are started."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import TypedDict

__all__ = ['FileStats', 'count_file']

# Enough of each file's names for a table over all files, and few enough for a result of half a kilobyte.
NAMES_KEPT = 25

NAME = r'([^\W\d]\w*)'
PREFIX = r'(?i:[rbfu]{1,2})?'
STRING = r'(?:"(?:\\.|[^"\\\n])*"' + r"|'(?:\\.|[^'\\\n])*')"
LONG_STRING = r'(?s:""".*?"""' + r"|'''.*?''')"
# What is skipped comes first: strings and comments are prose, and prose has no identifiers.
PYTHON = re.compile(rf'{PREFIX}{LONG_STRING}|{PREFIX}{STRING}|#[^\n]*|{NAME}')
C_LIKE = re.compile(rf'(?s:/\*.*?\*/)|//[^\n]*|{STRING}|{NAME}')
TEXT = re.compile(NAME)
PATTERNS = {'.py': PYTHON, '.pyi': PYTHON, '.pyx': PYTHON, '.c': C_LIKE, '.h': C_LIKE, '.js': C_LIKE}


class FileStats(TypedDict):
    """What is known about one file."""

    size: int
    lines: int
    words: int
    names: list[tuple[str, int]]
    seconds: float


def count_file(path: str) -> FileStats:
    """The lines, the words and the most frequent identifiers of a text or source file."""
    began = perf_counter()
    with open(path, 'rb') as file:
        data = file.read()
    text = data.decode('utf-8', errors='replace')
    names = Counter(PATTERNS.get(Path(path).suffix, TEXT).findall(text))
    for word in ('', *keyword.kwlist):
        del names[word]
    return {
        'size': len(data),
        'lines': text.count('\n'),
        'words': len(text.split()),
        'names': names.most_common(NAMES_KEPT),
        'seconds': perf_counter() - began,
    }
