"""Files and functions that can be read at once; what cannot be is on a list that only gets shorter."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.names import surface
from tests.architecture.tree import ROOT, functions, modules, shown

FILE_LINES = 400
TEST_FILE_LINES = 500
FUNCTION_LINES = 40  # of the body with its docstring; RQ's signatures alone can be longer
PARAMETERS = 6  # besides self and cls
SCRIPT_LINES = 120

# What is larger, with its present size: it may shrink, then the entry does; it may not grow, and nothing may be added.
LARGER_FILES: dict[str, int] = {}
LONGER_FUNCTIONS: dict[str, int] = {}
MORE_PARAMETERS: dict[str, int] = {}


def rqs_own_signatures() -> dict[str, int]:
    """Functions that RQ 3.0.0 gives more parameters than we would, by name: users pass them by position."""
    text = json.dumps(surface()['modules'], indent=1)
    found: dict[str, int] = {}
    members = re.findall(r'"(\w+)": "(?:method|classmethod|staticmethod|function)\((.*)\)"', text)
    for name, signature in [*members, *[('__init__', init) for init in re.findall(r'"init": "(.*)"', text)]]:
        names = [part for part in signature.split(', ') if part not in ('self', '*', '/')]
        found[name] = max(found.get(name, 0), len(names))
    return {name: count for name, count in found.items() if count > PARAMETERS}


def sources() -> Iterator[Path]:
    for folder in ('rq', 'bench', 'chaos', 'examples', 'tests'):
        for path in sorted((ROOT / folder).rglob('*.py')):
            if not any(part.startswith('.') for part in path.relative_to(ROOT).parts):  # .venvs, .cache
                yield path


def too_large_files(paths: Iterator[Path]) -> dict[str, int]:
    found = {}
    for path in paths:
        lines = path.read_text(encoding='utf-8').count('\n')
        if lines > (TEST_FILE_LINES if path.is_relative_to(ROOT / 'tests') else FILE_LINES):
            found[shown(path)] = lines
    return found


def too_long_functions(paths: Iterator[Path]) -> dict[str, int]:
    return {
        f'{shown(path)}:{name}': length
        for path in paths
        for name, node in functions(path)
        if (length := (node.end_lineno or 0) - node.body[0].lineno + 1) > FUNCTION_LINES
    }


def too_many_parameters(paths: Iterator[Path], exempt: dict[str, int]) -> dict[str, int]:
    found = {}
    for path in paths:
        for name, node in functions(path):
            count = parameter_count(node)
            if node.name in exempt:
                count -= len(node.args.kwonlyargs)  # what is ours comes after RQ's, by keyword
            if count > max(PARAMETERS, exempt.get(node.name, 0)):
                found[f'{shown(path)}:{name}'] = count
    return found


def parameter_count(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    starred = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return len([argument for argument in [*named, *starred] if argument.arg not in ('self', 'cls')])


def test_no_file_is_too_large() -> None:
    assert too_large_files(sources()) == LARGER_FILES


def test_no_function_is_too_long() -> None:
    assert too_long_functions(iter(modules().values())) == LONGER_FUNCTIONS


def test_no_function_has_too_many_parameters() -> None:
    assert too_many_parameters(iter(modules().values()), rqs_own_signatures()) == MORE_PARAMETERS


def test_no_script_is_too_long() -> None:
    scripts = (ROOT / 'rq').rglob('*.lua')
    assert [shown(path) for path in scripts if path.read_text().count('\n') > SCRIPT_LINES] == []


def test_only_what_users_of_rq_know_with_many_parameters_may_have_them() -> None:
    exempt = rqs_own_signatures()
    assert exempt['enqueue_call'] == 21
    assert {'create', 'create_job', 'prepare_data', '__init__', 'work'} <= exempt.keys()
    assert 'cancel' not in exempt and 'save' not in exempt


@pytest.mark.parametrize(('length', 'found'), [(40, False), (41, True)])
def test_a_function_that_is_too_long_is_found(tmp_path: Path, length: int, found: bool) -> None:
    path = tmp_path / 'module.py'
    path.write_text('class C:\n    def f(\n        self,\n    ):\n' + '        pass\n' * length)
    assert bool(too_long_functions(iter([path]))) is found


@pytest.mark.parametrize(
    ('parameters', 'found'),
    [
        ('self, a, b, c, d, e, f', False),
        ('self, a, b, c, d, e, f, g', True),
        ('a, b, c, *args, d=1, e=2, **kwargs', True),
        ('a, b, /, c, d, e, f, *, g', True),
    ],
)
def test_a_function_with_too_many_parameters_is_found(tmp_path: Path, parameters: str, found: bool) -> None:
    path = tmp_path / 'module.py'
    path.write_text(f'def f({parameters}): pass\n')
    assert bool(too_many_parameters(iter([path]), {})) is found
    assert not too_many_parameters(iter([path]), {'f': 7})


@pytest.mark.parametrize(('lines', 'found'), [(400, False), (401, True)])
def test_a_file_that_is_too_large_is_found(tmp_path: Path, lines: int, found: bool) -> None:
    path = tmp_path / 'module.py'
    path.write_text('pass\n' * lines)
    assert bool(too_large_files(iter([path]))) is found
