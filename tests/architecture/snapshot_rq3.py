"""What RQ 3.0.0 offers and answers, by running it: `python -I snapshot_rq3.py` with an interpreter that has it.

It prints its surface as JSON: public names, signatures, constants, options of commands (tests read it at test time). With
`behaviour` it writes `rq3_behaviour.json` beside the tests of the leaf modules: calls of small functions with their
answers. Nothing of RQ's source is looked at; `inspect.signature` and the answers of calls are all there is in them.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import itertools
import json
import pkgutil
import random
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

# Modules that are there and are no surface: nobody imports them by these names.
NO_SURFACE = {
    'rq.cli.__main__': 'is run, not imported',
    'rq.cli.cli': 'where RQ keeps its commands; ours has those that Flask-RQ2 takes from it',
    'rq.cli.cli_cron': 'where RQ keeps its commands; rq.cli has them',
    'rq.cli.workers': 'the same',
    'rq.local': 'dead code: nothing of RQ 3.0.0 uses it, it is what was left of an old way to find the current job',
    'rq.worker.base': 'where RQ keeps what rq.worker has',
    'rq.worker.worker_classes': 'the same',
}

# Where a module's users import something that is defined elsewhere.
ALSO = {
    'rq': ['VERSION', '__version__', 'SpawnWorker', 'cancel_job', 'requeue_job', 'utils', 'cron', 'job'],
    'rq.cli': ['main', 'info', 'worker', 'cron'],
    'rq.cli.helpers': ['shared_options'],
    'rq.cron': ['_job_data_registry'],
    'rq.job': ['Callback', 'UNEVALUATED'],
    'rq.serializers': ['SERIALIZER_ALIASES'],
}

# Underscored names that monitoring and framework packages use all the same.
USED_THOUGH_PRIVATE = {'_enqueue_job', '_status', '_dependency_ids', '_exc_info', '_execute'}

SPECIAL = {'__len__', '__contains__', '__eq__', '__lt__', '__hash__', '__iter__', '__call__', '__enter__', '__exit__'}


def main() -> None:
    if sys.argv[1:] == ['behaviour']:
        rows = ',\n'.join(json.dumps(row) for row in behaviour())
        (HERE.parent / 'leaf' / 'rq3_behaviour.json').write_text(f'[\n{rows}\n]\n')
        return
    package = importlib.import_module('rq')
    modules = [found.name for found in pkgutil.walk_packages(package.__path__, 'rq.')]
    names = {module: module_names(module) for module in ['rq', *modules] if module not in NO_SURFACE}
    print(
        json.dumps({'version': package.VERSION, 'modules': names, 'every': ['rq', *modules]}, indent=1, sort_keys=True)
    )


# --- Names --------------------------------------------------------------------------------------------------------


def module_names(module_name: str) -> dict[str, Any]:
    module, defaults = importlib.import_module(module_name), importlib.import_module('rq.defaults')
    found = {}
    for name, thing in vars(module).items():
        wanted = name in getattr(module, '__all__', ()) or name in ALSO.get(module_name, ())
        home = getattr(thing, '__module__', None)
        at_home = isinstance(home, str) and (home == module_name or home.startswith(module_name + '.'))
        # The text of a script is code of RQ's, which we do not look at.
        constant = name.isupper() and not name.endswith('_SCRIPT')
        constant = constant and (module_name == 'rq.defaults' or not hasattr(defaults, name))
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
        here = home == module_name or not home.startswith('rq.') or home in NO_SURFACE
        return describe_class(thing) if here else f'class of {home}'
    if hasattr(thing, 'params') and hasattr(thing, 'main'):  # a command of click's
        return {'command': command_options(thing)}
    if inspect.isfunction(thing):
        return f'function({signature_text(thing)})'
    if inspect.ismodule(thing):
        return 'module'
    return f'constant {thing!r}' if plain(thing) else 'object'


def command_options(command: Any) -> dict[str, Any]:
    """The options of a command by their longest spelling, its arguments by their names; of a group also its commands."""
    options: dict[str, Any] = {max(parameter.opts, key=len): option(parameter) for parameter in command.params}
    if hasattr(command, 'list_commands'):
        context = importlib.import_module('click').Context(command)
        for name in command.list_commands(context):
            options[name] = {'command': command_options(command.get_command(context, name))}
    return options


def option(parameter: Any) -> dict[str, Any]:
    default = parameter.default
    return {
        'opts': sorted([*parameter.opts, *parameter.secondary_opts]),
        'default': default if plain(default) and type(default).__name__ != 'Sentinel' else None,
        'flag': bool(getattr(parameter, 'is_flag', False)),
        'multiple': bool(parameter.multiple) if hasattr(parameter, 'multiple') else False,
        'nargs': parameter.nargs,
        'required': bool(parameter.required),
        'envvar': parameter.envvar,
    }


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
    if hasattr(cls, '_fields'):
        described['fields'] = list(cls._fields)
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
    stateless = cls.__init__ is object.__init__  # rq.dependency.Dependency is a name for functions
    names = vars(instance_of(cls)) if cls.__name__ in RECIPES and not stateless else {}
    return sorted(name for name in names if not name.startswith('_') or name in USED_THOUGH_PRIVATE)


# How to make an object of each class without a server; where the value is None a connection is put in.
RECIPES: dict[str, dict[str, Any]] = {
    'Queue': {'connection': None},
    'Job': {'connection': None},
    'Retry': {'max': 3},
    'Repeat': {'times': 3},
    'Callback': {'func': 'a.b'},
    'Dependency': {'jobs': ['a']},
    'Webhook': {'url': 'http://localhost', 'job_status': 'finished'},
    'RateLimit': {'key': 'a', 'concurrency': 1},
    'RateLimitRegistry': {'key': 'a', 'connection': None},
    'Group': {'connection': None},
    'Execution': {'id': 'a', 'job_id': 'b', 'connection': None},
    'ExecutionRegistry': {'job_id': 'b', 'connection': None},
    'Result': {'job_id': 'a', 'type': 1, 'connection': None},
    'IntermediateQueue': {'queue_key': 'rq:queue:a', 'connection': None},
    **{
        f'{kind}Registry': {'name': 'a', 'connection': None}
        for kind in ('Base', *(f'{state}Job' for state in (
            'Started', 'Finished', 'Failed', 'Deferred', 'Ready', 'Scheduled', 'Canceled'
        )))
    },
    'BaseWorker': {'queues': ['a'], 'connection': None, 'prepare_for_work': False},
    'WorkerPool': {'queues': ['a'], 'connection': None},
    'RQScheduler': {'queues': ['a'], 'connection': None},
    'CronScheduler': {'connection': None},
    'CronJob': {'queue_name': 'a', 'func_name': 'os.getcwd', 'interval': 3},
    'CliConfig': {},
}  # fmt: skip


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
