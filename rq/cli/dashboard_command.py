"""`rq-dashboard`: `rq dashboard` for who has used rq-dashboard 0.9, with the options and variables of that as well."""

from __future__ import annotations

import os
import runpy
from typing import Any

import click

from .config import CliConfig
from .dashboard import OPTIONS, run
from .errors import CommandError, note, plain_errors

__all__ = ['rq_dashboard']

ACCEPTED = 'Accepted for rq-dashboard 0.9; not needed.'
OLD = (
    click.option('-u', '--url', '--redis-url', 'url', multiple=True, help='URL of the server (else REDIS_URL).'),
    click.option('-c', '--config', envvar='RQ_CONFIG', help='Python module or file with settings.'),
    click.option(
        '-P', '--path', '--extra-path', 'path', multiple=True, default=['.'], help='Folder to import from (repeatable).'
    ),
    click.option('--url-prefix', 'url_prefix', help='As --prefix.'),
    click.option('--username', 'old_username', help='As --user.'),
    click.option('--password', help='Seen by every user of this machine: better RQ_DASHBOARD_PASSWORD.'),
    click.option('--disable-delete', is_flag=True, help='As --read-only.'),
    click.option('--poll-interval', '--interval', 'poll_interval', type=int, help=ACCEPTED),
    click.option('--debug/--normal', 'debug', help=ACCEPTED),
    click.option('-v', '--verbose', is_flag=True, help=ACCEPTED),
    click.option('-j', '--json', 'as_json', is_flag=True, help=ACCEPTED),
    click.option('--show-full-args', is_flag=True, help=ACCEPTED),
    click.option('--connection-class', default='redis.Redis', help='Class of the Redis client.'),
)


def _options(command: Any) -> Any:
    for option in reversed((*OPTIONS, *OLD)):
        command = option(command)
    return command


@click.command('rq-dashboard')
@_options
@plain_errors
def rq_dashboard(
    url: tuple[str, ...], config: str | None, path: tuple[str, ...], connection_class: str, **options: Any
) -> None:
    """Serves the dashboard. `rq dashboard` is the same."""
    found = CliConfig(url[0] if url else None, config, path=path, connection_class=connection_class)
    if len(url) > 1:
        note('A dashboard shows one server, the first of those named; start another for each of the others')
    _take_over(options)
    if file := os.environ.get('RQ_DASHBOARD_SETTINGS'):
        found.settings.update(_flask_settings(file))
    run(found, options)


def _take_over(options: dict[str, Any]) -> None:
    """The values of the old options, under the names of ours."""
    if options['password']:
        note(
            'A password on the command line is seen by every user of this machine: RQ_DASHBOARD_PASSWORD is not', 'red'
        )
    options['prefix'] = options.pop('url_prefix') or options['prefix']
    options['username'] = options.pop('old_username') or options['username']
    options['read_only'] = options.pop('disable_delete') or options['read_only']


def _flask_settings(file: str) -> dict[str, Any]:
    """The settings of a file as Flask's `from_envvar` reads it. Raises CommandError."""
    try:
        return {name: value for name, value in runpy.run_path(file).items() if name.isupper()}
    except Exception as error:  # it is a program
        raise CommandError(f'The settings {file!r} (RQ_DASHBOARD_SETTINGS) cannot be read: {error}') from error
