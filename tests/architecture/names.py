"""Compares what a module of ours offers with what RQ 3.0.0's does, name by name.

RQ is asked when the tests run: `python -m tests.architecture.names [rq.cron]` prints what it answers.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from bench.systems import prepare
from tests.architecture.snapshot_rq3 import SPECIAL, command_options, instance_of, signature_text
from tests.architecture.tree import exists


@cache
def surface() -> dict[str, Any]:
    """What the installed RQ 3.0.0 says of itself: `modules` by name, and `every` module that it has."""
    script = Path(__file__).with_name('snapshot_rq3.py')
    done = subprocess.run([str(prepare('3.0.0')), '-I', str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def faults(module_name: str) -> dict[str, str]:
    """What code written for RQ would miss in a module of ours: names with what is wrong about them."""
    if not exists(module_name):
        return {module_name: 'is not there'}
    module = importlib.import_module(module_name)
    found: dict[str, str] = {}
    for name, expected in surface()['modules'][module_name].items():
        if not hasattr(module, name):
            found[f'{module_name}.{name}'] = 'is not there'
            continue
        thing = getattr(module, name)
        if isinstance(expected, dict):
            compare = _enum_faults if 'enum' in expected else _command_faults if 'command' in expected else class_faults
            found |= {f'{module_name}.{name}{part}': fault for part, fault in compare(thing, expected)}
        elif fault := _fault(name, thing, expected):
            found[f'{module_name}.{name}'] = fault
    return found


def _fault(name: str, thing: Any, expected: str) -> str:
    kind, _, rest = expected.partition(' ')
    if kind == 'class':  # 'class of rq.job': the very class that is there
        home = importlib.import_module(rest.removeprefix('of '))
        return '' if getattr(home, name, None) is thing else f'is not {rest.removeprefix("of ")}.{name}'
    if kind == 'module':
        return '' if inspect.ismodule(thing) else 'is no module'
    if kind == 'constant':
        return '' if repr(thing) == rest else f'is {thing!r}, not {rest}'
    if expected.startswith('function('):
        return call_fault(thing, expected[len('function(') : -1])
    return ''


def _enum_faults(thing: Any, expected: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not (isinstance(thing, type) and issubclass(thing, enum.Enum)):
        yield '', 'is no enum'
        return
    values = {member.name: member.value for member in thing}
    for name, value in expected['enum'].items():
        if values.get(name) != value:
            yield f'.{name}', f'is {values.get(name)!r}, not {value!r}'


def _command_faults(thing: Any, expected: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not hasattr(thing, 'params'):
        yield '', 'is no command'
        return
    yield from _option_faults(command_options(thing), expected['command'])


def _option_faults(ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, wanted in theirs.items():
        mine = ours.get(name)
        if mine is None or ('command' in wanted) is not ('command' in mine):
            yield f'.{name}', 'is not there'
        elif 'command' in wanted:
            yield from ((f'.{name}{part}', fault) for part, fault in _option_faults(mine['command'], wanted['command']))
        elif missing := set(wanted['opts']) - set(mine['opts']):
            yield f'.{name}', f'is not called {", ".join(sorted(missing))}'
        elif differs := [key for key in mine if key != 'opts' and mine[key] != wanted[key]]:
            yield f'.{name}', ', '.join(f'has {key} {mine[key]!r}, not {wanted[key]!r}' for key in differs)


def class_faults(thing: Any, expected: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not isinstance(thing, type):
        yield '', 'is no class'
        return
    mro = [base.__name__ for base in thing.__mro__]
    for base in expected.get('bases', ()):
        if base not in mro:
            yield '', f'is no {base}'
    if 'init' in expected and (fault := call_fault(inspect.getattr_static(thing, '__init__'), expected['init'])):
        yield '.__init__', fault
    if missing := [name for name in expected.get('fields', ()) if name not in getattr(thing, '_fields', ())]:
        yield '', f'has no {", ".join(missing)}'
    for name in expected.get('special', ()):
        if name in SPECIAL and getattr(thing, name, None) in (None, getattr(object, name, None)):
            yield f'.{name}', 'is not there'
    for name, text in expected.get('members', {}).items():
        if fault := member_fault(thing, name, text):
            yield f'.{name}', fault
    attributes = expected.get('instance', ())
    instance = instance_of(thing) if attributes else None
    for name in attributes:
        # Looked up without calling anything: a property of ours may ask Redis.
        if inspect.getattr_static(instance, name, SPECIAL) is SPECIAL:
            yield f'.{name}', 'is not there'


def member_fault(cls: type, name: str, expected: str) -> str:
    """What is wrong about a member, '' if nothing."""
    member = inspect.getattr_static(cls, name, SPECIAL)
    if member is SPECIAL:
        return 'is not there'
    kind, _, rest = expected.partition('(')
    if kind in ('method', 'classmethod', 'staticmethod'):
        if kind != 'method' and not isinstance(member, (classmethod, staticmethod)):
            return f'is no {kind}'
        return call_fault(getattr(cls, name), rest[:-1])
    if 'property' in kind:
        if inspect.isroutine(member):
            return 'is a method, not a property'
        read_only = isinstance(member, property) and member.fset is None
        return 'cannot be set' if kind.startswith('settable') and read_only else ''
    value = expected.removeprefix('attribute').strip()
    return '' if not value or repr(getattr(cls, name)) == value else f'is {getattr(cls, name)!r}, not {value}'


def call_fault(function: Any, expected: str) -> str:
    """What is wrong about a signature, '' if every call that RQ takes is taken and means the same."""
    if not callable(function):
        return 'cannot be called'
    try:
        text = signature_text(function)
    except ValueError:  # written in C
        return ''
    ours, theirs = split(text), split(expected)
    mine, wanted = [p for p in ours if p[0] == 'place'], [p for p in theirs if p[0] == 'place']
    by_name = {p for p in ours if p[0] != 'place'}
    same_places = mine[: len(wanted)] == wanted
    nothing_more = len(mine) == len(wanted)  # what is ours is keyword-only: theirs may get one more some day
    names = {name for name in theirs if name[0] != 'place'} <= by_name
    needed = [name for kind, name, default in by_name if kind == 'name' and not default]
    optional = {name for kind, name, default in theirs if kind == 'name' and not default}
    if same_places and nothing_more and names and set(needed) <= optional:
        return ''
    return f'takes ({text}), not ({expected})'


def split(text: str) -> list[tuple[str, str, str]]:
    """Parameters of a signature as (kind, name, default); kind: 'place', 'name' (keyword-only), '*' or '**'."""
    found = []
    kind = 'place'
    for part in text.split(', ') if text else []:
        name, _, default = part.partition('=')
        if part == '*':
            kind = 'name'
        elif part.startswith('**'):
            found.append(('**', name, ''))
        elif part.startswith('*'):
            found.append(('*', name, ''))
            kind = 'name'
        elif part != '/':
            found.append((kind, name, default))
    return found


if __name__ == '__main__':
    chosen = sys.argv[1:] or sorted(surface()['modules'])
    print(json.dumps({module: surface()['modules'][module] for module in chosen}, indent=1))
