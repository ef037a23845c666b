"""Who is let in: `install` puts the guard and this check before every route; pages and actions ask `current_user`.

The ways in which a request tells whose it is (`RQ_DASHBOARD_AUTH`, docs/dashboard.md): `none`, `basic`, `token`,
`forward`, or a function `(request) -> User | None`. Without it, as in an application that mounts the dashboard and says
nothing: who is on the same machine may look, and nobody else.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, current_app, request
from werkzeug.exceptions import Forbidden, TooManyRequests, Unauthorized

from . import guard
from .connect import all_settings_of
from .door import login_form, wants_page
from .logins import Failures, Login, Logins, SettingsError, ledger, read
from .users import ROLES, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint, Request, Response

__all__ = [
    'MODES',
    'OPEN',
    'ROLES',
    'Access',
    'SettingsError',
    'User',
    'access_of',
    'current_user',
    'install',
    'require',
]

MODES = ('none', 'basic', 'token', 'forward')
# Endpoints that ask for no login. Nothing in them comes from Redis.
OPEN = {'static', 'login', 'healthz', 'readyz'}
COOKIE = 'rq_dashboard'
EXTENSION = 'rq_dashboard_access'
# Kept with the request itself: Flask's `g` may outlive it, in an application context that somebody holds.
USER, RETRY_AFTER = 'rq_dashboard.user', 'rq_dashboard.retry_after'
NOBODY = User('', 'metrics')
# What a proxy adds: who is behind it is not on this machine, whatever the address of the connection.
PROXIED = ('Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Real-Ip', 'Via')
logger = logging.getLogger('rq.dashboard')


@dataclass(repr=False)
class Access:
    """The rules of one application."""

    mode: str = ''
    hosts: guard.Hosts = field(default_factory=guard.Hosts)
    logins: Logins = field(default_factory=Logins)
    read_only: bool = False
    callback: Callable[[Request], User | None] | None = None
    forward_header: str = 'X-Forwarded-User'
    forward_roles: Mapping[str, str] = field(default_factory=dict)
    forward_role: str = 'viewer'
    trusted: tuple[Any, ...] = ()
    refuse_proxied: bool = False
    failures: Failures = field(default_factory=Failures)

    def __repr__(self) -> str:
        return f'Access({self.mode or "loopback"!r}, {self.logins!r})'

    def user(self, asked: Request) -> User:
        """Whose request it is. Raises Unauthorized, TooManyRequests or Forbidden."""
        if self.callback is not None:
            found = self._called_back(asked)
        elif self.mode == 'none':
            if self.refuse_proxied and _proxied(asked):
                raise Forbidden(
                    'This request has come through a proxy, and everybody could do everything here: give the dashboard '
                    'a login (--auth), or say --proxy if the proxy asks for one.'
                )
            found = User('', 'admin')
        elif self.mode == 'forward':
            found = self._forwarded(asked)
        elif self.mode in ('basic', 'token'):
            found = self._proven(asked)
        else:
            found = _neighbour(asked)
        return found.reading() if self.read_only else found

    def reader(self, asked: Request) -> User | None:
        """Who shows a token, however others log in here: for /metrics, which programs read. Raises as `user`."""
        given = asked.authorization
        if given is None or given.type != 'bearer' or not self.logins.tokens:
            return None
        return self._proven(asked)

    def _called_back(self, asked: Request) -> User:
        found = self.callback(asked) if self.callback is not None else None
        if found is None:
            raise Forbidden('You are not one of those who may see the dashboard.')
        if not isinstance(found, User):
            raise TypeError(f'RQ_DASHBOARD_AUTH has to return a User or None, and returned a {type(found).__name__}')
        return found

    def _forwarded(self, asked: Request) -> User:
        name = asked.headers.get(self.forward_header, '').strip()
        if not self.trusts(_peer(asked)):
            raise Forbidden('The request has not come through the proxy that knows who you are.')
        # Two such headers arrive as one with a comma: then one of them is not the proxy's.
        if not name or ',' in name or not name.isprintable():
            raise Unauthorized('The proxy does not say who you are.')
        return User(name, self.forward_roles.get(name, self.forward_role))

    def trusts(self, address: str) -> bool:
        """Whether a proxy of ours has this address."""
        try:
            return any(ip_address(address) in network for network in self.trusted)
        except ValueError:
            return not address  # a Unix socket has no address: who may open it is a matter of the file's rights

    def _proven(self, asked: Request) -> User:
        address, given = asked.remote_addr or '', asked.authorization
        cookie = asked.cookies.get(COOKIE, '') if self.mode == 'token' else ''
        if cookie and (login := self.logins.by_cookie(cookie)):
            return User(login.name, login.role)
        if given is None:
            raise Unauthorized('You have to log in.')
        self.hold_back(address)
        login, tried = None, b''
        if given.type == 'basic' and self.mode == 'basic':
            name, password = given.username or '', given.password or ''
            login, tried = self.logins.by_password(name, password), self.logins.digest(name, password)
        elif given.type == 'bearer':
            login, tried = self.logins.by_token(given.token or ''), self.logins.digest(given.token or '')
        if login is None:
            self.note_failure(address, tried, given.username if given.type == 'basic' else None)
            raise Unauthorized('The name, the password or the token is wrong.')
        return User(login.name, login.role)

    def hold_back(self, address: str) -> None:
        """Nothing for an address that may try to log in; raises TooManyRequests for one that was wrong too often."""
        pause = self.failures.pause(address)
        if pause:
            request.environ[RETRY_AFTER] = int(pause) + 1
            raise TooManyRequests(f'Too many wrong passwords or tokens: wait {int(pause) + 1} s.')

    def note_failure(self, address: str, tried: bytes, name: str | None) -> None:
        """Takes note of a wrong password or token, in the log too."""
        self.failures.note(address, tried)
        logger.warning('Dashboard login refused: address %r, name %r', address[:100], (name or '')[:100])

    @property
    def challenge(self) -> str:
        """What a 401 says of how to log in."""
        return 'Basic realm="rq dashboard", charset="UTF-8"' if self.mode == 'basic' else 'Bearer realm="rq dashboard"'


def _peer(asked: Request) -> str:
    """The address of the other end of the connection, whatever a proxy says of whom it speaks for."""
    original = asked.environ.get('werkzeug.proxy_fix.orig')
    return str((original or asked.environ).get('REMOTE_ADDR') or '')


def _proxied(asked: Request) -> bool:
    return any(name in asked.headers for name in PROXIED)


def _neighbour(asked: Request) -> User:
    """Somebody on the same machine, who may look. Raises Forbidden."""
    near = guard.is_loopback(_peer(asked)) and guard.Hosts().knows(guard.host_of(asked))
    if not near or _proxied(asked):
        raise Forbidden(
            'This dashboard can only be seen on its own machine, since its application does not say who may see it: '
            'RQ_DASHBOARD_AUTH (docs/dashboard.md).'
        )
    return User('', 'viewer')


# --- settings ----------------------------------------------------------------------------------------------------


def access_of(app: Flask) -> Access:
    """The rules that the application's settings make. Made once. Raises SettingsError."""
    if EXTENSION not in app.extensions:
        app.extensions[EXTENSION] = _built(all_settings_of(app))
    return cast(Access, app.extensions[EXTENSION])


def _built(settings: Mapping[str, Any]) -> Access:
    given = settings.get('auth') or ''
    callback, mode = (given, 'callback') if callable(given) else (None, str(given))
    if callback is None and mode not in ('', *MODES):
        raise SettingsError(f'RQ_DASHBOARD_AUTH is {mode!r}; it may be {", ".join(MODES)} or a function')
    logins = _logins(settings, mode)
    access = Access(
        mode=mode,
        hosts=_hosts(settings, trusting=callback is not None or mode not in ('', 'none')),
        logins=logins,
        read_only=bool(settings.get('read_only') or settings.get('disable_delete')),
        callback=callback,
        forward_header=settings.get('forward_header') or 'X-Forwarded-User',
        forward_roles=_roles(settings),
        forward_role=settings.get('forward_role') or 'viewer',
        refuse_proxied=bool(settings.get('refuse_proxied')),
        trusted=_networks(settings.get('trusted_proxies') or ('127.0.0.0/8', '::1')),
    )
    if access.forward_role not in ROLES:
        raise SettingsError(f'RQ_DASHBOARD_FORWARD_ROLE is {access.forward_role!r}; there are {", ".join(ROLES)}')
    return access


def _hosts(settings: Mapping[str, Any], trusting: bool) -> guard.Hosts:
    """The names we go by. Where people log in, a name is not what keeps others out: then, without a list, any will do."""
    given = settings.get('hosts')
    if given is None and trusting:
        return guard.Hosts(None)
    names = given.split(',') if isinstance(given, str) else given or ()
    return guard.Hosts([name.strip() for name in names if name.strip()], bool(settings.get('any_address')))


def _logins(settings: Mapping[str, Any], mode: str) -> Logins:
    passwords, tokens = _named(settings, 'users', 'password'), _named(settings, 'tokens', 'token')
    if mode == 'basic' and not passwords:
        raise SettingsError('There is no password: RQ_DASHBOARD_PASSWORD, or a file of users, has one')
    if mode == 'token' and not tokens:
        raise SettingsError('There is no token: RQ_DASHBOARD_TOKEN, or a file of tokens, has one')
    if settings.get('metrics_token'):
        tokens.append(Login('metrics', 'metrics', settings['metrics_token']))
    return Logins(passwords, tokens)


def _named(settings: Mapping[str, Any], many: str, one: str) -> list[Login]:
    """Those of `RQ_DASHBOARD_USERS`, of its file, and the single one."""
    found = []
    if settings.get(many):
        found += ledger(settings[many], f'RQ_DASHBOARD_{many.upper()}')
    if settings.get(f'{many}_file'):
        found += ledger(read(settings[f'{many}_file'], many), settings[f'{many}_file'])
    secret = settings.get(one)
    if not secret and settings.get(f'{one}_file'):
        secret = read(settings[f'{one}_file'], one)
    if secret:
        name = settings.get('username') or settings.get('user') or 'admin'
        found.append(Login(name, settings.get('role') or 'admin', secret))
    return found


def _roles(settings: Mapping[str, Any]) -> dict[str, str]:
    roles = dict(settings.get('forward_roles') or {})
    if wrong := [role for role in roles.values() if role not in ROLES]:
        raise SettingsError(f'RQ_DASHBOARD_FORWARD_ROLES has {wrong[0]!r}; there are {", ".join(ROLES)}')
    return roles


def _networks(given: Any) -> tuple[Any, ...]:
    words = given.split(',') if isinstance(given, str) else given
    try:
        return tuple(ip_network(word.strip(), strict=False) for word in words)
    except ValueError as error:
        raise SettingsError(f'RQ_DASHBOARD_TRUSTED_PROXIES: {error}') from None


# --- before and after every route ---------------------------------------------------------------------------------


def current_user() -> User:
    """Whose request is being answered; for an open page whoever it is, who may do nothing."""
    return cast(User, request.environ.get(USER, NOBODY))


def require(*wanted: str) -> None:
    """Nothing if the user may do one of these (a role, an action by name); raises Forbidden."""
    if not current_user().may(*wanted):
        raise Forbidden('You may not do this: it needs the role ' + ' or '.join(one for one in wanted if one in ROLES))


def install(target: Blueprint | Flask) -> None:
    """Guards every route of a blueprint; of an application also what is no route."""
    target.before_request(_before)
    target.after_request(_after)


def _before() -> Response | None:
    if USER in request.environ:
        return None
    access = access_of(current_app)
    access.hosts.check(request)
    guard.check_method(request)
    guard.check_origin(request, tokens=access.mode in ('basic', 'token'))
    endpoint = (request.endpoint or '').rpartition('.')[2]
    if endpoint in OPEN:
        return None
    try:
        user = (access.reader(request) if endpoint == 'metrics' else None) or access.user(request)
    except Unauthorized as error:
        if access.mode == 'token' and request.method == 'GET' and wants_page():
            return login_form(str(error.description), request.script_root + request.full_path.removesuffix('?'))
        raise
    if not user.may('metrics' if endpoint == 'metrics' else 'viewer'):
        raise Forbidden('You may not see the dashboard.')
    if access.read_only and request.method == 'POST' and endpoint != 'logout':
        raise Forbidden('This dashboard is read-only.')
    request.environ[USER] = user
    return None


def _after(response: Response) -> Response:
    endpoint = (request.endpoint or '').rpartition('.')[2]
    if response.status_code == 401:
        response.headers['WWW-Authenticate'] = access_of(current_app).challenge
    if RETRY_AFTER in request.environ:
        response.headers['Retry-After'] = str(request.environ[RETRY_AFTER])
    return guard.add_headers(response, lasting=endpoint == 'static' and response.status_code < 400)
