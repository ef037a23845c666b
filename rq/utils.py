"""Small tools under RQ's names: text and time formats, class and function paths, lists and durations.

Nothing here knows a job, a queue or a worker; what they share without knowing each other is here.
"""

from __future__ import annotations

import datetime
import enum
import inspect
import re
import sys
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .exceptions import InvalidFunction, NotAFunctionError, TimeoutFormatError
from .limits import name_parts

if TYPE_CHECKING:
    from redis import Redis

__all__ = [
    'NOT_JSON_SERIALIZABLE',
    'Platform',
    'as_text',
    'backend_class',
    'ceildiv',
    'compact',
    'current_timestamp',
    'decode_redis_hash',
    'ensure_job_list',
    'get_call_string',
    'get_connection_from_queues',
    'get_platform',
    'get_version',
    'import_attribute',
    'import_job_class',
    'import_queue_class',
    'import_worker_class',
    'is_nonstring_iterable',
    'missing_keys',
    'normalize_config_path',
    'now',
    'parse_composite_key',
    'parse_names',
    'parse_timeout',
    'resolve_function_reference',
    'safe_json_dumps',
    'split_list',
    'str_to_date',
    'truncate_long_string',
    'utcformat',
    'utcparse',
    'validate_absolute_path',
]

_T = TypeVar('_T')

# Stands in displays for a value that JSON does not know.
NOT_JSON_SERIALIZABLE = '<not JSON serializable>'

_UTC = datetime.UTC


class Platform(enum.Enum):
    """The kinds of operating system that differ in what a worker can do."""

    WINDOWS = 'windows'
    MAC = 'mac'
    LINUX = 'linux'
    OTHERS = 'others'


def get_platform() -> Platform:
    """The kind of operating system this process runs on."""
    names = {'win32': Platform.WINDOWS, 'cygwin': Platform.WINDOWS, 'darwin': Platform.MAC, 'linux': Platform.LINUX}
    return names.get(sys.platform, Platform.OTHERS)


# --- Time ---------------------------------------------------------------------------------------------------------


def now() -> datetime.datetime:
    """The present moment of this machine's clock, aware, in UTC."""
    return datetime.datetime.now(_UTC)


def current_timestamp() -> int:
    """The present moment of this machine's clock in whole seconds since 1970."""
    return int(time.time())


def utcformat(dt: datetime.datetime) -> str:
    """The moment as RQ stores it: `2026-11-23T05:24:25.947771Z`, always six decimals. A naive one is taken as UTC."""
    if dt.tzinfo is not None and dt.tzinfo is not _UTC:
        dt = dt.astimezone(_UTC)
    # The quickest of five ways that were measured; strftime takes two and a half times as long.
    date = (dt.year, dt.month, dt.day, dt.hour, dt.minute, dt.second, dt.microsecond)
    return '%04d-%02d-%02dT%02d:%02d:%02d.%06dZ' % date  # noqa: UP031 - see above


def utcparse(string: str) -> datetime.datetime:
    """The aware moment in UTC that a stored text names, with or without decimals; raises ValueError for other text."""
    moment = datetime.datetime.fromisoformat(string)
    return moment.replace(tzinfo=_UTC) if moment.tzinfo is None else moment.astimezone(_UTC)


def str_to_date(date_str: bytes | str) -> datetime.datetime:
    """The aware moment of a field read from Redis; raises ValueError when it is empty or no time."""
    if not date_str:
        raise ValueError('Empty string or bytestring provided')
    return utcparse(as_text(date_str))


_UNIT_SECONDS = {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}


def parse_timeout(timeout: int | float | str | None) -> int | None:
    """Whole seconds of a duration: 30, '30', '30s', '5m', '2h', '1d' in any case; floats are cut; None stays None.

    Raises TimeoutFormatError for other text, TypeError for what is neither a number nor a text.
    """
    if timeout is None or type(timeout) is int:
        return timeout
    try:
        return int(timeout)
    except (ValueError, OverflowError):  # not digits alone; or nan, inf
        pass
    if isinstance(timeout, str):
        unit = _UNIT_SECONDS.get(timeout[-1:].lower())
        try:
            if unit:
                return int(timeout[:-1]) * unit
        except ValueError:
            pass
    raise TimeoutFormatError(
        'Timeout must be an integer or a string representing an integer, or a string with format: digits + unit, '
        'unit can be "d", "h", "m", "s", such as "1h", "23m".'
    )


# --- Text and lists -----------------------------------------------------------------------------------------------


def as_text(v: bytes | str) -> str:
    """The text of a reply from Redis, decoded if need be; raises ValueError for what is neither bytes nor text."""
    if isinstance(v, bytes):
        return v.decode('utf-8')
    if isinstance(v, str):
        return v
    raise ValueError(f'Unknown type {type(v)}')


def decode_redis_hash(h: Mapping[bytes | str, Any], *, decode_values: bool = False) -> dict[str, Any]:
    """A hash as Redis answers it with its field names as text, its values too if asked for."""
    if decode_values:
        return {as_text(field): as_text(value) for field, value in h.items()}
    return {as_text(field): value for field, value in h.items()}


def truncate_long_string(data: str, max_length: int | None = None) -> str:
    """The text, or its first `max_length` characters and three dots."""
    if max_length is None or len(data) <= max_length:
        return data
    return data[:max_length] + '...'


def get_call_string(
    func_name: str | None, args: Iterable[Any], kwargs: Mapping[Any, Any], max_length: int | None = None
) -> str | None:
    """The call as one would write it in Python, each argument cut at `max_length`; None without a function.

    An argument that cannot be printed is named by its type: a description must not keep a job from being enqueued.
    """
    if func_name is None:
        return None
    parts = [_printed(value, max_length) for value in args]
    parts += sorted(f'{name}={_printed(value, max_length)}' for name, value in kwargs.items())
    return f'{func_name}({", ".join(parts)})'


def _printed(value: Any, max_length: int | None) -> str:
    if max_length is not None and type(value) in (str, bytes):  # a subclass may print itself in its own way
        value = value[: max_length + 1]  # of 64 MB, print the part that is shown
    try:
        return truncate_long_string(repr(value), max_length)
    except Exception:  # noqa: BLE001 - repr() is the argument's own code
        return f'<unprintable {type(value).__name__}>'


def safe_json_dumps(value: Any) -> str:
    """The JSON text of a value, or `NOT_JSON_SERIALIZABLE` where there is none; for displays."""
    import json

    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return NOT_JSON_SERIALIZABLE


def compact(lst: Iterable[_T | None]) -> list[_T]:
    """The values that are not None, in order."""
    return [item for item in lst if item is not None]


def is_nonstring_iterable(obj: Any) -> bool:
    """Whether `obj` has items to go through, text not counted."""
    return isinstance(obj, Iterable) and not isinstance(obj, str)


def ensure_job_list(obj: Any) -> list[Any]:
    """One job, or several, as a list: `depends_on` takes either."""
    return list(obj) if is_nonstring_iterable(obj) and not isinstance(obj, bytes) else [obj]


@overload
def ceildiv(a: int, b: int) -> int: ...
@overload
def ceildiv(a: float, b: float) -> float: ...
def ceildiv(a: float, b: float) -> float:
    """`a / b`, rounded up."""
    return -(-a // b)


def split_list(a_list: Sequence[_T], segment_size: int) -> Generator[Sequence[_T], None, None]:
    """Consecutive slices of at most `segment_size` items each."""
    for start in range(0, len(a_list), segment_size):
        yield a_list[start : start + segment_size]


def parse_composite_key(composite_key: str) -> tuple[str, str]:
    """Job id and execution id of a `job:execution` member; the second is empty in members of old RQs."""
    job_id, _, execution_id = composite_key.partition(':')
    if ':' in execution_id:
        raise ValueError(f'Not a job id and an execution id: {composite_key!r}')
    return job_id, execution_id


# --- Queues by name or as objects ---------------------------------------------------------------------------------


def parse_names(queues_or_names: Iterable[Any]) -> list[str]:
    """The names of queues that are given by name or as objects; a single name is a list of one."""
    if isinstance(queues_or_names, str):
        return [queues_or_names]
    return [queue if isinstance(queue, str) else str(getattr(queue, 'name', queue)) for queue in queues_or_names]


def get_connection_from_queues(queues_or_names: Iterable[Any]) -> Redis | None:
    """The connection of the first queue that is given as an object, None if all are names."""
    for queue in queues_or_names:
        connection: Redis | None = getattr(queue, 'connection', None)
        if connection is not None:
            return connection
    return None


# --- Functions and classes by name --------------------------------------------------------------------------------


def import_attribute(name: str) -> Any:
    """The function, class or value at a dotted path, inside classes too (`module.Class.method`), or a builtin.

    Raises ValueError, with the reason, if there is none; what a module raises while it is imported, unless that is an
    ImportError, comes through as it is.
    """
    parts = name_parts(name)
    reason: Exception | None = None
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: Any = import_module('.'.join(parts[:cut]))
        except ImportError as error:
            # The first failure tells what a longer path lacked; one inside the module tells most of all.
            if reason is None or not _is_absence(error, name):
                reason = error
            continue
        return _descend(found, parts[cut:], name, reason)
    import builtins

    if hasattr(builtins, name):
        return getattr(builtins, name)
    raise ValueError(f'Invalid attribute name: {name}' + (f' ({reason})' if reason else '')) from reason


def _descend(found: Any, attributes: list[str], name: str, reason: Exception | None) -> Any:
    for attribute in attributes:
        try:
            found = getattr(found, attribute)
        except AttributeError as error:
            told = error if reason is None or _is_absence(reason, name) else reason
            raise ValueError(f'Invalid attribute name: {name} ({told})') from told
    return found


def _is_absence(error: Exception, name: str) -> bool:
    # Whether it is the module asked for that is missing, and not one that it imports in turn.
    return isinstance(error, ModuleNotFoundError) and f'{name}.'.startswith(f'{error.name}.')


def backend_class(holder: Any, default_name: str, override: Any = None) -> Any:
    """The class to use: `override`, a class or a dotted path to one, else the attribute `default_name` of `holder`."""
    if override is None:
        return getattr(holder, default_name)
    return import_attribute(override) if isinstance(override, str) else override


def import_job_class(name: str) -> Any:
    """The job class at a dotted path; raises ValueError for anything that is not a subclass of `Job`."""
    return _import_subclass(name, 'rq.job.Job', 'job')


def import_queue_class(name: str) -> Any:
    """The queue class at a dotted path; raises ValueError for anything that is not a subclass of `Queue`."""
    return _import_subclass(name, 'rq.queue.Queue', 'queue')


def import_worker_class(name: str) -> Any:
    """The worker class at a dotted path; raises ValueError for anything that is not a subclass of `BaseWorker`."""
    return _import_subclass(name, 'rq.worker.BaseWorker', 'worker')


def _import_subclass(name: str, base_path: str, kind: str) -> Any:
    # The base is found by its path as well: this module must not import the rooms above it.
    found = import_attribute(name)
    if not (isinstance(found, type) and issubclass(found, import_attribute(base_path))):
        raise ValueError(f'Invalid {kind} class: {name}')
    return found


def resolve_function_reference(func: Any) -> tuple[Any, str]:
    """The object to call a method of, or None, and the name under which a worker finds the function.

    Raises NotAFunctionError (a TypeError) for what cannot be called, and for classes; InvalidFunction (a ValueError)
    for lambdas and functions made inside functions, which no other process can find by name.
    """
    if isinstance(func, str):
        return None, func
    if isinstance(func, type) or not callable(func):
        raise NotAFunctionError(f'Expected a callable or a string, but got: {func!r}')
    owner = getattr(func, '__self__', None)
    if inspect.ismethod(func) or (inspect.isbuiltin(func) and not inspect.ismodule(owner) and owner is not None):
        return owner, func.__name__
    if not (inspect.isfunction(func) or inspect.isbuiltin(func)):
        return func, '__call__'
    if '<' in func.__qualname__:  # <lambda>, or <locals> on the way
        raise InvalidFunction(
            f'{func.__module__}.{func.__qualname__} cannot be imported by a worker: '
            'enqueue a function that has a name at the top level of a module'
        )
    return None, f'{func.__module__}.{func.__qualname__}'


# --- Files --------------------------------------------------------------------------------------------------------


def normalize_config_path(config_path: str) -> str:
    """The module that a file path or a dotted path names: `app/settings.py` is `app.settings`."""
    if config_path.endswith('.py'):
        config_path = config_path[: -len('.py')]
    return '.'.join(part for part in config_path.split('/') if part not in ('', '.'))


def validate_absolute_path(file_path: str) -> str:
    """The path itself, if a file is there; raises FileNotFoundError or IsADirectoryError with the path in the text."""
    import os.path

    if not os.path.exists(file_path):
        raise FileNotFoundError(f"Configuration file not found at '{file_path}'")
    if os.path.isdir(file_path):
        raise IsADirectoryError(f"Configuration path points to a directory, not a file: '{file_path}'")
    return file_path


# --- RQ's two questions to a server (all others are in rq.store, which this module must not import) ------------------


def get_version(connection: Redis) -> tuple[int, int, int]:
    """The server's version as three numbers, asked once per connection object; what is not a number counts as 0."""
    known: tuple[int, int, int] | None = getattr(connection, '__rq_redis_server_version', None)
    if known is None:
        text = str(connection.info('server')['redis_version'])
        numbers = [int(match[0]) if (match := re.match(r'\d+', part)) else 0 for part in text.split('.')]
        known = (*numbers, 0, 0, 0)[:3]  # type: ignore[assignment]
        setattr(connection, '__rq_redis_server_version', known)  # RQ's name: it may have asked already
    assert known is not None
    return known


def missing_keys(connection: Redis, keys: Sequence[str]) -> list[str]:
    """Those of the keys that do not exist, asked in one trip."""
    if not keys:
        return []
    pipeline = connection.pipeline(transaction=False)
    for key in keys:
        pipeline.exists(key)
    return [key for key, exists in zip(keys, pipeline.execute(), strict=True) if not exists]
