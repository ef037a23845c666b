"""The source tree as the rules see it: modules, their imports, their functions; read by `ast`, never by importing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    return modules_below(ROOT)


def modules_below(root: Path) -> dict[str, Path]:
    found = {}
    for path in sorted((root / 'rq').rglob('*.py')):
        parts = path.relative_to(root).with_suffix('').parts
        found['.'.join(parts[:-1] if parts[-1] == '__init__' else parts)] = path
    return found


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding='utf-8'), str(path))


def shown(path: Path) -> str:
    """A path as people write it."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()


def exists(module: str) -> bool:
    """Whether a module of the package has been written; an empty folder is none."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:
        return False
    return spec is not None and spec.origin is not None


@dataclass(frozen=True)
class Import:
    """One imported name: `source` wants `target`, at a line."""

    source: str
    target: str
    line: int
    lazy: bool  # inside a function
    typing: bool  # under TYPE_CHECKING


def imports(name: str, path: Path, known: dict[str, Path]) -> Iterator[Import]:
    """The imports of one module; what is imported from a package is the submodule where there is one."""
    package = name if path.name == '__init__.py' else name.rpartition('.')[0]
    for node, lazy, typing in _walk(parsed(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, alias.name, node.lineno, lazy, typing)
        elif isinstance(node, ast.ImportFrom):
            above = package.split('.')[: len(package.split('.')) - node.level + 1] if node.level else []
            base = '.'.join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                whole = f'{base}.{alias.name}'
                yield Import(name, whole if whole in known else base, node.lineno, lazy, typing)


def _walk(tree: ast.AST, lazy: bool = False, typing: bool = False) -> Iterator[tuple[ast.AST, bool, bool]]:
    for node in ast.iter_child_nodes(tree):
        yield node, lazy, typing
        inside = lazy or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.unparse(node.test):
            for child in node.body:
                yield child, inside, True
                yield from _walk(child, inside, True)
            for child in node.orelse:
                yield child, inside, typing
                yield from _walk(child, inside, typing)
        else:
            yield from _walk(node, inside, typing)


def functions(path: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function of a file, by its name within the file."""
    yield from _functions(parsed(path), '')


def _functions(tree: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        name = prefix
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            name = f'{prefix}{node.name}'
            yield name, node
            name += '.'
        elif isinstance(node, ast.ClassDef):
            name = f'{prefix}{node.name}.'
        yield from _functions(node, name)
