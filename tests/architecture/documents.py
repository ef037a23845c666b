"""What the documents show: their snippets, links and commands, as far as a machine can check them."""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.architecture.tree import ROOT, shown

FENCE = re.compile(
    r'^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)(?P=fence) *$', re.M | re.S
)

# Above a block: run it, after the marked blocks above it in the same document, with a server at localhost:6379.
MARK = '<!-- runs -->'


@dataclass(frozen=True)
class Snippet:
    """One fenced block of a document."""

    path: Path
    line: int
    language: str
    text: str
    runs: bool
    title: str = ''  # of a block that is a file: ```python title="tasks.py"

    def __str__(self) -> str:
        return f'{shown(self.path)}:{self.line}'

    @property
    def code(self) -> str:
        """The Python in it; of a session at the prompt, what was typed."""
        if self.text.lstrip().startswith('>>>'):
            return ''.join(example.source for example in doctest.DocTestParser().get_examples(self.text))
        return self.text


def documents() -> list[Path]:
    """README.md, CONTRIBUTING.md and the rest beside them, all below docs/, and READMEs of rooms."""
    patterns = ('*.md', 'docs/**/*.md', 'rq/**/*.md', 'examples/**/*.md')
    return sorted({path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()})


def snippets(path: Path) -> Iterator[Snippet]:
    """The fenced blocks of a document, in order."""
    text = path.read_text(encoding='utf-8')
    for match in FENCE.finditer(text):
        above = text[: match.start()].rstrip().rpartition('\n')[2].strip()
        indent = match['indent']
        inner = ''.join(line.removeprefix(indent) for line in match['text'].splitlines(keepends=True))
        words = match['info'].split()
        line = text.count('\n', 0, match.start()) + 1
        title = re.search(r'title="([^"]+)"', match['info'])
        language = words[0].lower() if words else ''
        yield Snippet(path, line, language, inner, above == MARK, title[1] if title else '')


def package_imports(code: str) -> list[str]:
    """The statements of a snippet that import from our package or redis-py: these must work, whatever else it shows."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or '']
        else:
            continue
        if all(name.split('.')[0] in ('rq', 'redis') for name in names):
            found.append(ast.unparse(node))
    return found


def broken_links(path: Path) -> list[str]:
    """Links of a document to files of the repository that are not there."""
    text = FENCE.sub('', path.read_text(encoding='utf-8'))
    targets = [*re.findall(r'\]\(([^)\s]+)\)', text), *re.findall(r'^\[[^\]]+\]: (\S+)', text, re.M)]
    local = [target.partition('#')[0] for target in targets if not re.match(r'[a-z+]+:|#', target)]
    return [f'{shown(path)}: {target}' for target in local if not (path.parent / target).exists()]


def make_targets(text: str) -> set[str]:
    """Targets that a document tells its readers to make."""
    return set(re.findall(r'(?:`|^\$? *)make ([a-z][a-z-]*)', text, re.M))
