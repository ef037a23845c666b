"""Every module says what it offers: `__all__` holds all of its public functions and classes, and only what is there."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from tests.architecture.tree import modules, parsed


def declared(path: Path) -> list[str] | None:
    """The names in `__all__`, None if there is none or it is no plain list of texts."""
    for node in parsed(path).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, 'target', None)
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and getattr(target, 'id', '') == '__all__':
            value = ast.literal_eval(node.value) if node.value else None
            return list(value) if isinstance(value, (list, tuple)) else None
    return None


def forgotten(path: Path) -> list[str]:
    """Public functions and classes that are not in `__all__`."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    defined = [node.name for node in parsed(path).body if isinstance(node, kinds)]
    return [name for name in defined if not name.startswith('_') and name not in (declared(path) or [])]


NAMES = [name for name in modules() if not name.endswith('__main__')]


@pytest.mark.parametrize('name', NAMES)
def test_a_module_says_what_it_offers(name: str) -> None:
    path = modules()[name]
    assert declared(path) is not None, f'{name} has no __all__'
    assert forgotten(path) == [], f'{name}: public, but not in __all__ (or is it private: _name?)'


@pytest.mark.parametrize('name', NAMES)
def test_what_a_module_offers_is_there_once(name: str) -> None:
    names = declared(modules()[name]) or []
    module = importlib.import_module(name)
    assert [missing for missing in names if not hasattr(module, missing)] == []
    assert len(names) == len(set(names))


def test_every_module_begins_with_a_docstring_that_says_what_it_is_for() -> None:
    assert [name for name, path in modules().items() if not ast.get_docstring(parsed(path))] == []


def test_a_forgotten_name_is_found(tmp_path: Path) -> None:
    path = tmp_path / 'module.py'
    path.write_text("__all__: list[str] = ['f']\ndef f(): pass\ndef _g(): pass\nclass H: pass\nX = 1\n")
    assert declared(path) == ['f']
    assert forgotten(path) == ['H']
    (tmp_path / 'other.py').write_text('x = 1\n')
    assert declared(tmp_path / 'other.py') is None
