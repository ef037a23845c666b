"""The options that every command has, listed once, and the decorator that hands them over as a CliConfig."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from rq.defaults import (
    DEFAULT_CONNECTION_CLASS,
    DEFAULT_JOB_CLASS,
    DEFAULT_QUEUE_CLASS,
    DEFAULT_WORKER_CLASS,
)

from .config import CliConfig
from .errors import plain_errors

__all__ = ['COMMON', 'check_queue_names', 'common_options']


def _class_option(short: str, name: str, default: str, what: str) -> Callable[[Any], Any]:
    variable = 'RQ' + name.removeprefix('-').replace('-', '_').upper()
    names = (short, name) if short else (name,)
    return click.option(*names, envvar=variable, show_envvar=True, default=default, help=what)


COMMON = (
    click.option('-u', '--url', envvar='RQ_REDIS_URL', show_envvar=True, help='URL of the server (else REDIS_URL).'),
    click.option('-c', '--config', envvar='RQ_CONFIG', show_envvar=True, help='Python module or file with settings.'),
    _class_option('-w', '--worker-class', DEFAULT_WORKER_CLASS, 'Class of the worker.'),
    _class_option('-j', '--job-class', DEFAULT_JOB_CLASS, 'Class of the jobs.'),
    _class_option('', '--queue-class', DEFAULT_QUEUE_CLASS, 'Class of the queues.'),
    _class_option('', '--connection-class', DEFAULT_CONNECTION_CLASS, 'Class of the Redis client.'),
    click.option('-P', '--path', multiple=True, default=['.'], help='Folder to import from (repeatable; default: .).'),
    click.option('-S', '--serializer', help='Serializer of arguments and results: pickle, json or a dotted path.'),
)


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with the common options, which it gets as its first argument, a CliConfig; its errors are plain."""

    @functools.wraps(command)
    def with_config(
        url: str | None,
        config: str | None,
        path: tuple[str, ...],
        serializer: str | None,
        **options: Any,
    ) -> Any:
        classes = {name: options.pop(name) for name in ('worker_class', 'job_class', 'queue_class', 'connection_class')}
        found = CliConfig(url, config, path=path, serializer=serializer, **classes)
        return command(found, **options)

    decorated = plain_errors(with_config)
    for option in reversed(COMMON):
        decorated = option(decorated)
    return decorated


def check_queue_names(context: click.Context, parameter: click.Parameter, names: Any) -> Any:
    """The names as they are; raises BadParameter for one that no queue can have."""
    for name in (names,) if isinstance(names, str) else names or ():
        if not name or '\n' in name or '\r' in name:
            raise click.BadParameter(f'a queue name must not be empty or have line breaks: {name!r}')
    return names
