"""Functions and classes by name: what is found, what is refused, and the reason that is given."""

from __future__ import annotations

import datetime
import functools
import json
import math
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rq import utils
from rq.exceptions import InvalidFunction, NotAFunctionError, RQError

MODULE = """
    import functools
    X = 5
    def function(): pass
    class Outer:
        VALUE = 3
        @staticmethod
        def static(): return 'static'
        @classmethod
        def klass(cls): return cls.__name__
        def method(self): pass
        class Inner:
            @staticmethod
            def static(): return 'inner'
    instance = Outer()
    partial = functools.partial(int, '3')
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of files on the path; its name."""
    name = f'leafpackage_{tmp_path.name.replace("-", "_")}'
    files = {
        '__init__.py': '',
        'module.py': MODULE,
        'broken.py': 'raise RuntimeError("the module broke")',
        'needs.py': 'import a_module_that_is_not_there',
        'dynamic.py': 'def __getattr__(name):\n    if name == "made": return print\n    raise AttributeError(name)',
    }
    (tmp_path / name).mkdir()
    for file, content in files.items():
        (tmp_path / name / file).write_text(textwrap.dedent(content))
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_functions_classes_and_values_are_found_by_their_path(package: str) -> None:
    found = functools.partial(lambda path: utils.import_attribute(f'{package}.module.{path}'))
    module = sys.modules.get(f'{package}.module') or __import__(f'{package}.module', fromlist=['X'])
    assert found('function') is module.function
    assert found('X') == 5
    assert found('Outer.VALUE') == 3
    assert found('Outer.static')() == 'static'
    assert found('Outer.klass')() == 'Outer'
    assert found('Outer.Inner.static')() == 'inner'
    assert found('instance') is module.instance
    assert found('partial')() == 3
    assert utils.import_attribute(f'{package}.module') is module
    assert utils.import_attribute(f'{package}.dynamic.made') is print


def test_builtins_are_found_with_and_without_their_module() -> None:
    assert utils.import_attribute('len') is len
    assert utils.import_attribute('builtins.len') is len


@pytest.mark.parametrize(
    ('path', 'reason'),
    [
        ('{}.module.nope', "has no attribute 'nope'"),
        ('{}.module.Outer.nope', "has no attribute 'nope'"),
        ('{}.module.Outer.Inner.nope', "has no attribute 'nope'"),
        ('{}.nope.function', "has no attribute 'nope'"),
        ('no_such_package.function', "No module named 'no_such_package'"),
        ('no_such_builtin', ''),
        ('json', ''),
        ('{}.needs.function', "No module named 'a_module_that_is_not_there'"),
        ('{}.dynamic.other', 'other'),
        ('', ''),
        ('.', ''),
        ('a..b', ''),
        ('.relative', ''),
        ('{}.module.', ''),
        ('{}.module:function', ''),
        ('{}.module.<locals>.inner', "has no attribute '<locals>'"),
    ],
)
def test_a_path_that_leads_nowhere_is_a_value_error_with_the_reason(package: str, path: str, reason: str) -> None:
    path = path.format(package)
    with pytest.raises(ValueError) as caught:
        utils.import_attribute(path)
    assert str(caught.value).startswith(f'Invalid attribute name: {path}')
    assert reason in str(caught.value)


def test_what_a_module_raises_comes_through(package: str) -> None:
    with pytest.raises(RuntimeError, match='the module broke'):
        utils.import_attribute(f'{package}.broken.function')


def test_an_override_wins_over_the_class_of_the_holder() -> None:
    holder = SimpleNamespace(job_class=dict)
    assert utils.backend_class(holder, 'job_class') is dict
    assert utils.backend_class(holder, 'job_class', override=list) is list
    assert utils.backend_class(holder, 'job_class', override='json.JSONEncoder') is json.JSONEncoder


def module_function() -> None:
    pass


class Callable_:
    def method(self) -> None:
        pass

    @classmethod
    def klass(cls) -> None:
        pass

    @staticmethod
    def static() -> None:
        pass

    def __call__(self) -> None:
        pass


def test_every_kind_of_function_has_an_owner_and_a_name() -> None:
    it, here = Callable_(), __name__
    partial, items = functools.partial(len, []), [1]
    cases: list[tuple[Any, tuple[Any, str]]] = [
        ('a.b.c', (None, 'a.b.c')),
        (module_function, (None, f'{here}.module_function')),
        (len, (None, 'builtins.len')),
        (math.sqrt, (None, 'math.sqrt')),
        (Callable_.static, (None, f'{here}.Callable_.static')),
        (it.method, (it, 'method')),
        (Callable_.klass, (Callable_, 'klass')),
        (it, (it, '__call__')),
        (partial, (partial, '__call__')),
        (items.append, (items, 'append')),
        (datetime.datetime.now, (datetime.datetime, 'now')),
    ]
    for function, expected in cases:
        assert utils.resolve_function_reference(function) == expected


@pytest.mark.parametrize('value', [Callable_, int, None, 5, b'a.b', json, [], InvalidFunction])
def test_what_cannot_be_called_and_classes_are_refused_as_in_rq(value: Any) -> None:
    with pytest.raises(TypeError, match='Expected a callable or a string, but got: ') as caught:
        utils.resolve_function_reference(value)
    assert isinstance(caught.value, NotAFunctionError) and isinstance(caught.value, RQError)


def test_functions_that_no_worker_can_import_are_refused() -> None:
    def local() -> None:
        pass

    for function in (local, lambda: None):
        with pytest.raises(ValueError, match='cannot be imported by a worker') as caught:
            utils.resolve_function_reference(function)
        assert isinstance(caught.value, InvalidFunction)
        assert function.__qualname__ in str(caught.value)


@pytest.mark.parametrize('kind', ['job', 'queue', 'worker'])
def test_a_class_of_the_wrong_kind_is_refused_by_name(kind: str) -> None:
    base = {'job': 'rq.job', 'queue': 'rq.queue', 'worker': 'rq.worker'}[kind]
    find = getattr(utils, f'import_{kind}_class')
    name = f'{base}.{"BaseWorker" if kind == "worker" else kind.capitalize()}'
    assert find(name) is utils.import_attribute(name)
    for wrong in ('json.JSONEncoder', 'json.dumps'):
        with pytest.raises(ValueError, match=f'Invalid {kind} class: {wrong}'):
            find(wrong)
