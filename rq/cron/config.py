"""Cron files: modules that call `register`. What they register waits in a list until a scheduler takes it."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

from rq.defaults import DEFAULT_RESULT_TTL
from rq.exceptions import CronConfigError
from rq.utils import normalize_config_path, validate_absolute_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import tzinfo

__all__ = ['OURS', 'register', 'run_config', 'taken', 'waiting', 'what_was_set']

# What the module `rq.cron` shows as `_job_data_registry`: calls of `register` that no scheduler has taken yet.
waiting: list[dict[str, Any]] = []

DEFAULTS: dict[str, Any] = {
    'args': None,
    'kwargs': None,
    'interval': None,
    'cron': None,
    'job_timeout': None,
    'result_ttl': DEFAULT_RESULT_TTL,
    'ttl': None,
    'failure_ttl': None,
    'meta': None,
    'webhooks': None,
    'name': '',
    'tz': None,
    'misfire': 'skip',
    'jitter': 0,
    'on_lost': None,
    'durable': None,
}
OURS = ('tz', 'misfire', 'jitter', 'on_lost', 'durable')


def register(  # RQ's signature, and ours by keyword
    func: Callable[..., Any],
    queue_name: str,
    args: tuple[Any, ...] | None = None,
    kwargs: dict[str, Any] | None = None,
    interval: int | None = None,
    cron: str | None = None,
    job_timeout: int | None = None,
    result_ttl: int = DEFAULT_RESULT_TTL,
    ttl: int | None = None,
    failure_ttl: int | None = None,
    meta: dict[Any, Any] | None = None,
    webhooks: Sequence[Any] | None = None,
    name: str = '',
    *,
    tz: str | tzinfo | None = None,
    misfire: str = 'skip',
    jitter: float = 0,
    on_lost: str | None = None,
    durable: str | None = None,
) -> dict[str, Any]:
    """What a cron file calls: notes a cron job for the scheduler that loads the file, which checks it."""
    told = {
        'func': func, 'queue_name': queue_name, 'args': args, 'kwargs': kwargs, 'interval': interval, 'cron': cron,
        'job_timeout': job_timeout, 'result_ttl': result_ttl, 'ttl': ttl, 'failure_ttl': failure_ttl, 'meta': meta,
        'webhooks': webhooks, 'name': name,
    }  # fmt: skip
    ours = {'tz': tz, 'misfire': misfire, 'jitter': jitter, 'on_lost': on_lost, 'durable': durable}
    told |= {option: value for option, value in ours.items() if value != DEFAULTS[option]}
    waiting.append(told)
    return told


def taken() -> list[dict[str, Any]]:
    """What waits, which nobody else gets."""
    found = list(waiting)
    waiting.clear()
    return found


def what_was_set(told: dict[str, Any]) -> dict[str, Any]:
    """Without what is as it is by default: a subclass of the scheduler may take fewer arguments (django-rq's does)."""
    return {name: value for name, value in told.items() if name not in DEFAULTS or value != DEFAULTS[name]}


def run_config(path: str) -> None:
    """Runs a cron file: an absolute path, a path from a folder of `sys.path`, or a dotted module; afresh each time.

    Raises FileNotFoundError or IsADirectoryError for an absolute path to no file, ImportError where something cannot be
    found, CronConfigError for anything else that the file raises.
    """
    waiting.clear()
    given = path
    if '/' in path:
        path = os.path.normpath(path)
    if path.startswith('../'):
        path = os.path.abspath(path)
    module = normalize_config_path(path)
    try:
        if os.path.isabs(path):
            _run_file(validate_absolute_path(path))
        elif module in sys.modules:
            importlib.reload(sys.modules[module])
        else:
            importlib.import_module(module)
    except (FileNotFoundError, IsADirectoryError) as error:
        if not error.filename:
            raise
        raise _told(given, module, error) from error  # of something that the file itself looked for
    except ImportError as error:
        raise ImportError(f'Failed to import configuration module {module!r} (from {given!r}): {error}') from error
    except (Exception, SystemExit) as error:
        raise _told(given, module, error) from error


def _run_file(path: str) -> None:
    # RQ's name of such a module. Its own functions are out of a worker's reach, those that it imports are not.
    name = f'rq_cron_config_{os.path.basename(path).replace(".", "_")}'
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError('not a Python file')
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def _told(path: str, module: str, error: BaseException) -> CronConfigError:
    words = ' '.join(str(error).split()) or type(error).__name__
    if isinstance(error, SystemExit):
        words = f'it ends the process (exit code {error.code})'
    name = os.path.basename(path) if os.path.isabs(path) else module.rpartition('.')[2]
    stem = name.removesuffix('.py')
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if os.path.basename(frame.filename).removesuffix('.py') == stem:
            words += f' (line {frame.lineno} of {frame.filename})'
            break
    return CronConfigError(f'An error occurred while importing {module!r} (from {path!r}): {words}')
