"""The allow-list of a worker: which functions jobs and their callbacks may name. Asked before anything is imported.

`Worker(queues, allow=['shop.jobs.*'])`, `rq worker --allow 'shop.jobs.*'` or `RQ_ALLOW='shop.jobs.*,mail.**'`. A `*`
stands for one name, `**` for any number of them. What lies in Python's own library is allowed only by its full name,
and modules that lead to everything (`os`, `subprocess`, `builtins`, `importlib`, `sys` ...) never.

It does not make pickle safe: loading one can call whatever it likes. Use it with signed jobs or `json-only`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from .exceptions import FunctionNotAllowed
from .limits import LIMITS
from .utils import import_attribute

__all__ = ['NEVER', 'AllowList', 'allow_list']

VARIABLE = 'RQ_ALLOW'

# Whoever may call into one of these may do anything: no pattern opens them.
NEVER = frozenset((
    '_ctypes', '_io', '_pickle', '_posixsubprocess', '_socket', '_thread', 'asyncio', 'bdb', 'builtins', 'cProfile',
    'code', 'codeop', 'commands', 'ctypes', 'ensurepip', 'gc', 'imp', 'importlib', 'inspect', 'io', 'marshal',
    'multiprocessing', 'nt', 'operator', 'os', 'pathlib', 'pdb', 'pickle', 'pip', 'pkg_resources', 'pkgutil', 'posix',
    'profile', 'pty', 'rq', 'runpy', 'setuptools', 'shelve', 'shutil', 'signal', 'site', 'socket', 'subprocess', 'sys',
    'tempfile', 'threading', 'timeit', 'trace', 'types', 'venv', 'webbrowser', 'zipimport',
))  # fmt: skip
SHOWN = 200


class AllowList:
    """Patterns of dotted names. Raises ValueError for one that is no such pattern."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(patterns)
        self._exact = frozenset(pattern for pattern in self.patterns if '*' not in pattern)
        self._rules = [_rule(pattern) for pattern in self.patterns]

    def __repr__(self) -> str:
        return f'AllowList({list(self.patterns)!r})'

    def check(self, name: str) -> None:
        """Nothing, if functions of this name may be imported. Raises FunctionNotAllowed."""
        parts = name.split('.')
        odd = any(part[:2] == '__' or not part.isidentifier() for part in parts)
        if len(name) > LIMITS.name or len(parts) < 2 or parts[0] in NEVER or odd:
            raise self._refusal(name, 'is never allowed')
        if name in self._exact:
            return
        if parts[0] in sys.stdlib_module_names or not any(_fits(rule, parts, '**', _part_fits) for rule in self._rules):
            raise self._refusal(name, 'is not allowed')

    def find(self, name: str, instance: Any = None) -> Any:
        """The function of this name, or the method of an object. Raises FunctionNotAllowed, and ValueError for none."""
        if instance is None:
            return self._find(name)
        owner = instance if isinstance(instance, type) else type(instance)
        whole = f'{owner.__module__}.{owner.__qualname__}.{name}'
        self.check(whole)
        found = getattr(instance, name, None)
        if found is None:
            raise ValueError(f'Invalid attribute name: {name}')
        self._check_home(whole, found)
        return found

    def _find(self, name: str) -> Any:
        self.check(name)
        found = import_attribute(name)
        # The name may lead through a module that the allowed one has imported: shop.jobs.os.system.
        parts = name.split('.')
        cut = next((at for at in range(len(parts) - 1, 0, -1) if '.'.join(parts[:at]) in sys.modules), 1)
        step: Any = sys.modules.get('.'.join(parts[:cut]))
        for part in parts[cut:-1]:
            step = getattr(step, part, None)
            if not isinstance(step, type):
                raise self._refusal(name, f'leads through {part}, which is no class; it is not allowed')
        self._check_home(name, found)
        return found

    def _check_home(self, name: str, found: Any) -> None:
        """It may have been imported into the allowed module from one that is not."""
        while isinstance(found, partial):
            found = found.func
        home = getattr(found, '__module__', None)
        if home is None:  # a method that is written in C
            home = getattr(type(getattr(found, '__self__', None)), '__module__', None)
        root = str(home).partition('.')[0]
        if root in NEVER or (root in sys.stdlib_module_names and name not in self._exact):
            raise self._refusal(name, f'is {root}.{getattr(found, "__name__", "?")}, which is not allowed')

    def _refusal(self, name: str, why: str) -> FunctionNotAllowed:
        shown = name if len(name) <= SHOWN else f'{name[:SHOWN]}...'
        listed = ', '.join(self.patterns) or 'nothing'
        return FunctionNotAllowed(f'{shown!r} {why} in this worker, which runs: {listed}')


def _rule(pattern: str) -> list[str]:
    """The parts of a pattern; `**`, which stands for one name or more, becomes two."""
    if not re.fullmatch(r'[\w*]+(\.[\w*]+)+', pattern):
        raise ValueError(f'allow: {pattern!r} is no pattern of a function; give it like shop.jobs.* or shop.jobs.send')
    return [item for part in pattern.split('.') for item in (('*', '**') if part == '**' else (part,))]


def _fits(rule: Sequence[str], given: Sequence[str], star: str, same: Callable[[str, str], bool]) -> bool:
    """Whether a rule fits in which `star` stands for anything. In time n * m, whatever both are; a regex can take years."""
    at = place = again = 0
    last = -1
    while at < len(given):
        if place < len(rule) and rule[place] == star:
            last, again, place = place, at, place + 1
        elif place < len(rule) and same(rule[place], given[at]):
            at, place = at + 1, place + 1
        elif last >= 0:
            again += 1
            at, place = again, last + 1
        else:
            return False
    return all(item == star for item in rule[place:])


def _part_fits(rule: str, part: str) -> bool:
    return rule == '*' or rule == part or ('*' in rule and _fits(rule, part, '*', str.__eq__))


def allow_list(given: Any) -> AllowList | None:
    """The list that is meant: patterns, or what RQ_ALLOW says where there are none; None: everything is allowed."""
    if given is None:
        told = [part.strip() for part in os.environ.get(VARIABLE, '').split(',')]
        given = [part for part in told if part] or None
    if given is None or isinstance(given, AllowList):
        return given
    return AllowList([given] if isinstance(given, str) else given)
