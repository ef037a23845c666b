"""`rq dashboard`: the dashboard on an address of its own, by default one that only this machine can reach."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from .config import yes
from .errors import CommandError, ExitCode, note, tell
from .options import common_options

if TYPE_CHECKING:
    from .config import CliConfig

__all__ = ['MISSING', 'dashboard', 'installed', 'run']

MISSING = "The dashboard is not installed: pip install 'packhorse[dashboard]'"
PREFIX = 'RQ_DASHBOARD_'
# Settings that may come from the environment or the settings file, where an option does not say it. Secrets have no
# option: every user of the machine sees the command line of every process.
FROM_OUTSIDE = {
    'auth', 'username', 'password', 'password_file', 'users_file', 'token', 'token_file', 'tokens_file', 'role', 'hosts',
    'forward_header', 'forward_role', 'trusted_proxies', 'read_only', 'metrics_token',
}  # fmt: skip

PORT = click.IntRange(0, 65535)

OPTIONS = (
    click.option(
        '-b', '--host', '--bind', 'host', envvar='RQ_DASHBOARD_BIND', default='127.0.0.1', help='Address to listen on.'
    ),
    click.option('-p', '--port', envvar='RQ_DASHBOARD_PORT', type=PORT, default=9181, help='Its port.'),
    click.option('--auth', type=click.Choice(['none', 'basic', 'token', 'forward']), help='How people log in.'),
    click.option(
        '--user', 'username', metavar='NAME', help='Whose password RQ_DASHBOARD_PASSWORD is (default: admin).'
    ),
    click.option('--password-file', metavar='FILE', help='File with the password of that user.'),
    click.option('--users-file', metavar='FILE', help='File with a line name:role:password for each user.'),
    click.option('--token-file', metavar='FILE', help='File with one token (else RQ_DASHBOARD_TOKEN).'),
    click.option('--tokens-file', metavar='FILE', help='File with a line name:role:token for each token.'),
    click.option('--forward-header', metavar='NAME', help='Header in which a proxy names the user.'),
    click.option('--forward-role', metavar='ROLE', help='Role of the users that the proxy names (default: viewer).'),
    click.option('--trusted-proxy', multiple=True, metavar='NETWORK', help='Proxy to believe (repeatable; loopback).'),
    click.option('--proxy', is_flag=True, help='Believe X-Forwarded-For, -Proto, -Host and -Prefix of such a proxy.'),
    click.option('--allow-host', multiple=True, metavar='NAME', help='Name it may be called (repeatable).'),
    click.option(
        '--prefix', envvar='RQ_DASHBOARD_URL_PREFIX', default='', metavar='PATH', help='Path below which it is served.'
    ),
    click.option('--read-only', is_flag=True, help='Only look: no action, for nobody.'),
    click.option('--insecure', is_flag=True, help='Listen on other addresses without a login.'),
    click.option('--next-port', is_flag=True, hidden=True, help='Another port if this one is taken.'),
    click.option('--lifeline', type=int, hidden=True, help='Descriptor at whose end it ends.'),
)


def _dashboard_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with the options of the dashboard."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.command()
@_dashboard_options
@common_options
def dashboard(config: CliConfig, **options: Any) -> None:
    """Serves the dashboard."""
    run(config, options)


def installed() -> bool:
    """Whether the extra `dashboard` is there."""
    return find_spec('flask') is not None and find_spec('waitress') is not None


def run(config: CliConfig, options: dict[str, Any]) -> None:
    """Serves until it is ended. Raises CommandError, click's UsageError for options that do not fit together."""
    if not installed():
        raise CommandError(MISSING)
    from rq.dashboard import create_app, serve
    from rq.dashboard.access import SettingsError

    place = serve.Place(options['host'], options['port'])
    config.url = config.url or _url(config)
    try:
        settings = _settings(config, options, place)
        warning = serve.check_start(place, settings['auth'], options['insecure'])
        app = create_app(config.page_connection, **settings)
    except (SettingsError, serve.Exposed) as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
    except OSError as error:
        raise CommandError(f'{place.host} is no address: {error.strerror or error}', ExitCode.USAGE) from error
    application: Any = serve.below(app, options['prefix'])
    server = _listen(serve.behind(application, app) if options['proxy'] else application, place, options['next_port'])
    if warning:
        note(warning, 'red')
    who = '' if settings['auth'] == 'none' else f' (login: {settings["auth"]})'
    prefix = '/' + options['prefix'].strip('/') if options['prefix'].strip('/') else ''
    tell(f'Dashboard: {place.url(serve.port_of(server), prefix)}{who}')
    sys.stdout.flush()
    if options['lifeline'] is not None:
        _end_with(options['lifeline'])
    serve.serve(server)


def _listen(application: Any, place: Any, next_port: bool) -> Any:
    from rq.dashboard import serve

    try:
        return serve.listen(application, place)
    except OSError as error:
        if next_port:
            return serve.listen(application, place, 0)
        told = f'The dashboard cannot listen on {place.host or "*"}:{place.port}: {error.strerror or error}'
        raise CommandError(told) from error


def _settings(config: CliConfig, options: dict[str, Any], place: Any) -> dict[str, Any]:
    """The settings of `create_app`: an option, else the settings file, else the environment."""
    found: dict[str, Any] = {}
    for name in FROM_OUTSIDE:
        value = options.get(name) or config.settings.get(PREFIX + name.upper()) or os.environ.get(PREFIX + name.upper())
        if value:
            found[name] = value
    if 'read_only' in found:
        found['read_only'] = yes(found['read_only'])
    for name in ('users', 'tokens', 'forward_roles'):
        if config.settings.get(PREFIX + name.upper()):
            found[name] = config.settings[PREFIX + name.upper()]
    if options['trusted_proxy']:
        found['trusted_proxies'] = options['trusted_proxy']
    found.setdefault('auth', _mode(found))
    more = found.get('hosts') or ()
    found['hosts'] = [*place.names(), *options['allow_host'], *(more.split(',') if isinstance(more, str) else more)]
    found['any_address'] = place.everywhere
    found['refuse_proxied'] = not options['proxy'] and not options['insecure']
    return found


def _url(config: CliConfig) -> str | None:
    """The server that the dashboard's own setting names: a URL, or the first of several."""
    named = config.settings.get(f'{PREFIX}REDIS_URL') or os.environ.get(f'{PREFIX}REDIS_URL')
    return named if isinstance(named, str | None) else next(iter(named), None)


def _mode(found: dict[str, Any]) -> str:
    """A password or a token that somebody has set is to be asked for."""
    if any(found.get(name) for name in ('password', 'password_file', 'users', 'users_file')):
        return 'basic'
    if any(found.get(name) for name in ('token', 'token_file', 'tokens', 'tokens_file')):
        return 'token'
    return 'none'


def _end_with(descriptor: int) -> None:
    """Ends this process when the other end of a pipe is gone: whoever started it has ended, in whatever way."""
    import signal
    import threading

    def watch() -> None:
        os.read(descriptor, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name='lifeline').start()
