"""From the options of a command to a connection: settings files, the environment, the client."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from rq.defaults import (
    DEFAULT_CONNECTION_CLASS,
    DEFAULT_DEATH_PENALTY_CLASS,
    DEFAULT_JOB_CLASS,
    DEFAULT_QUEUE_CLASS,
    DEFAULT_WORKER_CLASS,
)

from .errors import CommandError

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['CliConfig', 'get_redis_from_config', 'read_config_file', 'yes']

# Settings that name a server; the first source (option, settings file, environment) that has one decides alone.
SERVER_KEYS = ('REDIS_URL', 'SENTINEL', 'REDIS_HOST', 'REDIS_PORT', 'REDIS_DB', 'REDIS_PASSWORD', 'REDIS_SSL')
TLS_KEYS = (
    'REDIS_SSL_CA_CERTS',
    'REDIS_SSL_CERT_REQS',
    'REDIS_SSL_CA_DATA',
    'REDIS_SSL_KEYFILE',
    'REDIS_SSL_CERTFILE',
)
# A person waits for the answer of a command; redis-py's own ten retries take four seconds to say `refused`.
ANSWER_SECONDS = 5


class CliConfig:
    """What the common options say, with RQ's attributes. Classes and the connection are made at their first use.

    Raises click's BadParameter for a class that cannot be imported and CommandError for broken settings.
    """

    def __init__(  # RQ's signature
        self,
        url: str | None = None,
        config: str | None = None,
        worker_class: str = DEFAULT_WORKER_CLASS,
        job_class: str = DEFAULT_JOB_CLASS,
        death_penalty_class: str = DEFAULT_DEATH_PENALTY_CLASS,
        queue_class: str = DEFAULT_QUEUE_CLASS,
        connection_class: str = DEFAULT_CONNECTION_CLASS,
        path: Iterable[str] | None = None,
        *args: Any,
        serializer: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.url = url
        self.config = config
        self.names = {
            'worker': worker_class,
            'job': job_class,
            'death_penalty': death_penalty_class,
            'queue': queue_class,
            'connection': connection_class,
        }
        self._serializer = serializer
        self._connection: Redis | None = None
        for folder in path or ():
            # Absolute, since a job may change the working directory; behind the rest, as RQ has it.
            if (absolute := os.path.abspath(folder)) not in sys.path:
                sys.path.append(absolute)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The settings file's settings; empty without one."""
        if not self.config:
            return {}
        try:
            return read_config_file(self.config)
        except (Exception, SystemExit) as error:
            raise CommandError(f'The settings {self.config!r} cannot be read: {_told(error)}') from error

    @property
    def connection(self) -> Redis:
        """A client of the server, with redis-py's own patience; it connects at its first command."""
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    @cached_property
    def quick_connection(self) -> Redis:
        """A client that says at once when there is no server, for commands that somebody waits for."""
        return self._impatient(0)

    @cached_property
    def page_connection(self) -> Redis:
        """A client for pages: one that a restart of the server has cut off connects again, and then says so at once."""
        return self._impatient(1)

    def _impatient(self, retries: int) -> Redis:
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        timeouts = {'socket_timeout': ANSWER_SECONDS, 'socket_connect_timeout': ANSWER_SECONDS}
        return self._connect(**timeouts, retry=Retry(NoBackoff(), retries))

    def _connect(self, **options: Any) -> Redis:
        try:
            if self.url:
                client: Redis = self.connection_class.from_url(self.url, **options)
                return client
            sources: tuple[Mapping[str, Any], ...] = (self.settings, os.environ)
            settings = next((source for source in sources if any(source.get(key) for key in SERVER_KEYS)), {})
            return get_redis_from_config(settings, self.connection_class, **options)
        except (ValueError, TypeError, KeyError) as error:
            where = '--url' if self.url else self.config or 'the environment'
            raise CommandError(f'The server is not named as it should be in {where}: {_told(error)}') from error

    @cached_property
    def connection_class(self) -> Any:
        """The class of the client."""
        return self._class('connection')

    @cached_property
    def worker_class(self) -> Any:
        """The class of the worker."""
        return self._class('worker')

    @cached_property
    def job_class(self) -> Any:
        """The class of the jobs."""
        return self._class('job')

    @cached_property
    def queue_class(self) -> Any:
        """The class of the queues."""
        return self._class('queue')

    @cached_property
    def death_penalty_class(self) -> Any:
        """The class that ends jobs which take too long."""
        return self._class('death_penalty')

    @cached_property
    def serializer(self) -> Any:
        """The serializer, None for the default."""
        if self._serializer is None:
            return None
        from rq.serializers import resolve_serializer

        try:
            return resolve_serializer(self._serializer)
        except Exception as error:  # the import of the user's module may raise anything
            raise click.BadParameter(_told(error), param_hint='--serializer') from error

    def _class(self, kind: str) -> Any:
        from rq import utils

        finders = {
            'worker': utils.import_worker_class,
            'job': utils.import_job_class,
            'queue': utils.import_queue_class,
        }
        try:
            return finders.get(kind, utils.import_attribute)(self.names[kind])
        except Exception as error:  # the import of the user's module may raise anything
            hint = f'--{kind.replace("_", "-")}-class'
            raise click.BadParameter(_told(error), param_hint=hint) from error


def read_config_file(module: str) -> dict[str, Any]:
    """The settings (names in capitals) of a module, given by dotted name or as a file; raises what its import raises."""
    if module.endswith('.py') or os.sep in module:
        found = _load_file(module)
    else:
        from importlib import import_module

        found = import_module(module)
    return {name: value for name, value in vars(found).items() if name.isupper()}


def _load_file(path: str) -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location

    path = os.path.abspath(os.path.expanduser(path))
    if not os.path.isfile(path):
        raise FileNotFoundError(f'there is no file {path}')
    spec = spec_from_file_location('rq_settings', path)
    if spec is None or spec.loader is None:
        raise ImportError(f'not a Python file: {path}')
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def get_redis_from_config(settings: Mapping[str, Any], connection_class: Any = None, **options: Any) -> Redis:
    """The client for REDIS_URL, else SENTINEL, else REDIS_HOST and its sisters. `options` are redis-py's.

    Raises ValueError, TypeError or KeyError for settings that do not fit.
    """
    if connection_class is None:
        from redis import Redis as connection_class
    client: Redis
    if settings.get('REDIS_URL'):
        client = connection_class.from_url(settings['REDIS_URL'], **options)
        return client
    if settings.get('SENTINEL') and not isinstance(settings['SENTINEL'], str):  # text: somebody's environment variable
        return _from_sentinel(settings['SENTINEL'], connection_class, options)
    arguments: dict[str, Any] = {
        'host': settings.get('REDIS_HOST') or 'localhost',
        'port': _number(settings, 'REDIS_PORT', 6379),
        'db': _number(settings, 'REDIS_DB', 0),
        'password': settings.get('REDIS_PASSWORD'),
        'ssl': yes(settings.get('REDIS_SSL')),
    }
    if arguments['ssl']:
        # REDIS_SSL_CA_CERTS is redis-py's ssl_ca_certs, and so on.
        given = {key.removeprefix('REDIS_').lower(): settings.get(key) for key in TLS_KEYS}
        arguments.update({name: value for name, value in given.items() if value is not None})
    client = connection_class(**arguments, **options)
    return client


def _from_sentinel(sentinel: Mapping[str, Any], connection_class: Any, options: Mapping[str, Any]) -> Redis:
    from redis.sentinel import Sentinel

    timeout = sentinel.get('SOCKET_TIMEOUT')
    arguments: dict[str, Any] = {
        'db': sentinel.get('DB', 0),
        'username': sentinel.get('USERNAME'),
        'password': sentinel.get('PASSWORD'),
        'ssl': yes(sentinel.get('SSL')),
        **({} if timeout is None else {'socket_timeout': timeout}),
        **options,
        **sentinel.get('CONNECTION_KWARGS', {}),
    }
    to_sentinels = {**options, **sentinel.get('SENTINEL_KWARGS', {})}
    find: Any = Sentinel  # redis-py has no types here
    found = find(sentinel['INSTANCES'], sentinel_kwargs=to_sentinels or None, **arguments)
    client: Redis = found.master_for(sentinel['MASTER_NAME'], redis_class=connection_class)
    return client


def _number(settings: Mapping[str, Any], key: str, default: int) -> int:
    value: Any = settings.get(key)
    try:
        return default if value in (None, '') else int(value)
    except (TypeError, ValueError):
        raise ValueError(f'{key} is not a number: {value!r}') from None


def yes(value: Any) -> bool:
    """Whether a setting, or a variable of the environment, says so."""
    return value.lower() in ('1', 'true', 'yes', 'on') if isinstance(value, str) else bool(value)


def _told(error: BaseException) -> str:
    """The error in one line, with the place in the user's file where it was raised."""
    words = ' '.join(str(error).split())
    known = isinstance(error, ImportError | ValueError | FileNotFoundError) and not isinstance(error, UnicodeError)
    if known and words:
        return words
    trace, where = error.__traceback__, ''
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename != __file__ and not code.co_filename.startswith('<'):
            where = f' (line {trace.tb_lineno} of {code.co_filename})'
        trace = trace.tb_next
    return f'{type(error).__name__}: {words}{where}' if words else f'{type(error).__name__}{where}'
