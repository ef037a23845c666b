"""Writes down what RQ 3.0.0 offers and answers, by running it: `python snapshot_rq3.py` with an interpreter that has it.

Two files come out: `rq3_names.json` here (public names, signatures, constants of the modules that Core covers) and
`rq3_behaviour.json` beside the tests of the leaf modules (calls of small functions with their answers). Nothing of RQ's
source is looked at; `inspect.signature` and the answers of calls are all there is in them.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import itertools
import json
import random
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

MODULES = [
    'rq',
    'rq.queue',
    'rq.job',
    'rq.registry',
    'rq.results',
    'rq.executions',
    'rq.worker',
    'rq.worker_registration',
    'rq.decorators',
    'rq.suspension',
    'rq.connections',
    'rq.defaults',
    'rq.exceptions',
    'rq.utils',
    'rq.timeouts',
    'rq.serializers',
    'rq.logutils',
    'rq.types',
    'rq.version',
]

# Where a module's users import something that lives elsewhere.
ALSO = {
    'rq': ['VERSION', '__version__', 'SpawnWorker', 'cancel_job', 'requeue_job', 'utils'],
    'rq.job': ['Callback'],
}

# Underscored names that monitoring and framework packages use all the same.
USED_THOUGH_PRIVATE = {'_enqueue_job', '_status', '_dependency_ids', '_exc_info', '_execute'}

SPECIAL = {'__len__', '__contains__', '__eq__', '__lt__', '__hash__', '__iter__', '__call__', '__enter__', '__exit__'}


def main() -> None:
    names = {module: module_names(module) for module in MODULES}
    content = {'version': importlib.import_module('rq').VERSION, 'modules': names}
    (HERE / 'rq3_names.json').write_text(json.dumps(content, indent=1, sort_keys=True) + '\n')
    rows = ',\n'.join(json.dumps(row) for row in behaviour())
    (HERE.parent / 'leaf' / 'rq3_behaviour.json').write_text(f'[\n{rows}\n]\n')


# --- Names --------------------------------------------------------------------------------------------------------


def module_names(module_name: str) -> dict[str, Any]:
    module, defaults = importlib.import_module(module_name), importlib.import_module('rq.defaults')
    found = {}
    for name, thing in vars(module).items():
        wanted = name in getattr(module, '__all__', ()) or name in ALSO.get(module_name, ())
        home = getattr(thing, '__module__', None)
        at_home = isinstance(home, str) and (home == module_name or home.startswith(module_name + '.'))
        constant = name.isupper() and (module_name == 'rq.defaults' or not hasattr(defaults, name))
        lives_here = at_home and module_name != 'rq' and (isinstance(thing, type) or inspect.isfunction(thing))
        if wanted or (not name.startswith('_') and name != 'TYPE_CHECKING' and (constant or lives_here)):
            found[name] = describe(thing, module_name)
    return found


def describe(thing: Any, module_name: str) -> Any:
    """A text in one line; of a class a dict, but only where it is defined."""
    if isinstance(thing, type) and issubclass(thing, enum.Enum):
        return {'enum': {member.name: member.value for member in thing}}
    if isinstance(thing, type):
        home = 'rq.worker' if thing.__module__.startswith('rq.worker.') else thing.__module__
        return describe_class(thing) if home == module_name or home not in MODULES else f'class of {home}'
    if inspect.isfunction(thing):
        return f'function({signature_text(thing)})'
    if inspect.ismodule(thing):
        return 'module'
    return f'constant {thing!r}' if plain(thing) else 'object'


def describe_class(cls: type) -> dict[str, Any]:
    members = {
        name: describe_member(cls, name, value)
        for name, value in vars(cls).items()
        if not name.startswith('_') or name in USED_THOUGH_PRIVATE
    }
    described: dict[str, Any] = {
        'bases': [base.__name__ for base in cls.__mro__[1:-1]],
        'members': members,
        'special': sorted(name for name, value in vars(cls).items() if name in SPECIAL and value),
        'instance': instance_attributes(cls),
    }
    if '__init__' in vars(cls):
        described['init'] = signature_text(vars(cls)['__init__'])
    return {key: value for key, value in described.items() if value}


def describe_member(cls: type, name: str, value: Any) -> str:
    if isinstance(value, property):
        return 'property' if value.fset is None else 'settable property'
    if isinstance(value, (classmethod, staticmethod)) or inspect.isfunction(value):
        kind = type(value).__name__ if isinstance(value, (classmethod, staticmethod)) else 'method'
        return f'{kind}({signature_text(getattr(cls, name))})'
    return f'attribute {value!r}' if plain(value) else 'attribute'


def signature_text(function: Any) -> str:
    """The parameters as in a `def`, without annotations; defaults that are objects by the name of their class."""
    texts = []
    last: Any = None
    for parameter in inspect.signature(function).parameters.values():
        if last is parameter.POSITIONAL_ONLY and parameter.kind is not last:
            texts.append('/')
        if parameter.kind is parameter.KEYWORD_ONLY and last not in (parameter.VAR_POSITIONAL, parameter.kind):
            texts.append('*')
        last = parameter.kind
        stars = {parameter.VAR_POSITIONAL: '*', parameter.VAR_KEYWORD: '**'}.get(last, '')
        default = '' if parameter.default is parameter.empty else f'={default_text(parameter.default)}'
        texts.append(stars + parameter.name + default)
    return ', '.join(texts)


def default_text(value: Any) -> str:
    if isinstance(value, enum.Enum) and not isinstance(value, int):
        return f'{type(value).__name__}.{value.name}'
    if plain(value):
        return repr(value)
    return value.__name__ if isinstance(value, type) else type(value).__name__


def plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def instance_attributes(cls: type) -> list[str]:
    """What an instance carries in its dict: many of RQ's public attributes are set in `__init__` only."""
    names = vars(instance_of(cls)) if cls.__name__ in RECIPES else {}
    return sorted(name for name in names if not name.startswith('_') or name in USED_THOUGH_PRIVATE)


# How to make an object of each class without a server; where the value is None a connection is put in.
RECIPES: dict[str, dict[str, Any]] = {
    'Queue': {'connection': None},
    'Job': {'connection': None},
    'Retry': {'max': 3},
    'Callback': {'func': 'a.b'},
    'Dependency': {'jobs': ['a']},
    'Execution': {'id': 'a', 'job_id': 'b', 'connection': None},
    'Result': {'job_id': 'a', 'type': 1, 'connection': None},
    'BaseWorker': {'queues': ['a'], 'connection': None, 'prepare_for_work': False},
}


def instance_of(cls: type) -> Any:
    """An object of a class of RQ's or of ours, on a connection that is never used."""
    from redis import Redis

    recipe = RECIPES[cls.__name__]
    return cls(**{name: Redis() if value is None else value for name, value in recipe.items()})


# --- Behaviour ----------------------------------------------------------------------------------------------------


def behaviour() -> list[list[Any]]:
    """Rows of [function, arguments, 'returns' or 'raises', answer], arguments and answers as Python literals."""
    from rq import utils

    rows = []
    for name, calls in leaf_calls().items():
        for arguments in calls:
            try:
                answer = getattr(utils, name)(*arguments)
                row = ['returns', repr(list(answer) if name == 'split_list' else answer)]
            except Exception as error:
                row = ['raises', type(error).__name__]
            rows.append([name, repr(arguments), *row])
    return rows


def leaf_calls() -> dict[str, list[tuple[Any, ...]]]:
    long = 'x' * 80
    return {
        'parse_timeout': [(timeout,) for timeout in durations()],
        'get_call_string': [
            ('f.g', arguments, keywords, length)
            for arguments in ((), (1, 'a', None), (long, b'ab' * 50), ([long], {'k': long}), ('x' * 73,), ('x' * 74,))
            for keywords in ({}, {'b': 1, 'a': 2, 'a1': 3}, {'key': long})
            for length in (None, 75, 10, 0)
        ]
        + [(None, (), {}), ('', (1,), {})],
        'truncate_long_string': [(long[:n], m) for n in (0, 1, 74, 75, 76, 80) for m in (None, 75, 2, 0)],
        'as_text': [('a',), (b'a',), ('é'.encode(),), (b'\xff',), (None,), (3,)],
        'decode_redis_hash': [({b'a': b'1', 'b': b'2'},), ({},), ({b'\xff': b''},), ({3: 4},)],
        'ceildiv': [(7, 2), (8, 2), (0, 3), (-7, 2), (7.5, 2), (1, 0)],
        'compact': [([1, None, 0, '', 2],), ((),), ((None, None),), (None,)],
        'ensure_job_list': [('abc',), (['a', 'b'],), (('a',),), (None,), (5,), ([],)],
        'is_nonstring_iterable': [('abc',), (b'x',), ([],), ((),), ({},), (None,), (5,)],
        'split_list': [([1, 2, 3, 4, 5], 2), ([], 2), ([1], 5), ('abcde', 2), ([1, 2], 0), ([1, 2, 3], 3)],
        'parse_composite_key': [('a:b',), ('a',), ('a:',), ('a:b:c',)],
        'normalize_config_path': [('a/b.py',), ('a.b',), ('/x/y.py',), ('settings',), ('a/b',), ('a.py',), ('',)],
        'safe_json_dumps': [({'a': 1},), ((1, 2),), (b'x',), ({1, 2},), (None,), ({1: 2},)],
        'parse_names': [(['a', 'b'],), (('a',),), ([],), ([5],), (None,)],
    }


def durations() -> list[Any]:
    texts = {
        f'{before}{sign}{digits}{between}{unit}'
        for before in ('', ' ')
        for sign in ('', '-', '+')
        for digits in ('0', '5', '090', '1_0', '1.5', '')
        for between in ('', ' ')
        for unit in ('', 's', 'm', 'h', 'd', 'D', 'w')
    }
    alphabet = '0159smhdSMHD -+._xwe'
    chance = random.Random(3)
    texts |= {''.join(chance.choices(alphabet, k=chance.randint(1, 5))) for _ in range(150)}
    numbers: list[Any] = [None, 0, 1, -1, -5, 10**20, 3.7, -2.9, True, False, b'30', [], {}, ()]
    texts |= {'٣', '٣m', 'inf', 'nan', '1e3', '0x10', '1h30m', '10ms', '5\u017f', '99999999999999999999d'}
    return list(itertools.chain(numbers, sorted(texts)))


if __name__ == '__main__':
    main()
