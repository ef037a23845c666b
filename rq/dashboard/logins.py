"""Names, passwords and tokens: read from settings and files, compared in constant time, and guessed at slowly."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

from .users import ROLES

__all__ = ['Failures', 'Login', 'Logins', 'SettingsError', 'ledger', 'read']

# A token is made by a program: one that a person would think of can be guessed.
LEAST_TOKEN = 20
# Seconds that the cookie of a login by token is good for: a working day.
SESSION_SECONDS = 12 * 3600
# Wrong tries that cost nothing (a typing error), then each doubles the pause, up to five minutes.
FREE_FAILURES, FIRST_PAUSE, LONGEST_PAUSE = 4, 2.0, 300.0
# After so long without a wrong try, an address begins anew.
FORGET_SECONDS = 900.0
# Addresses that are remembered; who has more than this can guess from each of them in turn, and no memory would help.
MOST_ADDRESSES = 10_000
# Hashed passwords take 50 ms to check, and a page asks every two seconds: what was right is remembered as a digest.
MOST_PROVEN = 1_000
HASHES = ('scrypt:', 'pbkdf2:')


class SettingsError(ValueError):
    """The settings of the access cannot be used; the text says which, and never holds a secret."""


@dataclass(frozen=True, repr=False)
class Login:
    """A name, a role, and the secret that proves them: plain, or as werkzeug's `generate_password_hash` makes it."""

    name: str
    role: str
    secret: str

    def __repr__(self) -> str:
        return f'Login({self.name!r}, {self.role!r})'


class Logins:
    """Those who can prove who they are: `by_password`, `by_token`, and a cookie for who has shown a token."""

    def __init__(self, passwords: Iterable[Login] = (), tokens: Iterable[Login] = ()) -> None:
        self._passwords = tuple(passwords)
        self._tokens = tuple(tokens)
        for login in self._passwords:
            if not login.secret:
                raise SettingsError(f'The password of {login.name!r} is empty')
        for login in self._tokens:
            if len(login.secret) < LEAST_TOKEN:
                raise SettingsError(f'The token of {login.name!r} is shorter than {LEAST_TOKEN} characters')
        self._own = secrets.token_bytes(32)
        self._proven: OrderedDict[bytes, Login] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f'Logins({len(self._passwords)} passwords, {len(self._tokens)} tokens)'

    @property
    def tokens(self) -> int:
        """How many have a token."""
        return len(self._tokens)

    def by_password(self, name: str, password: str) -> Login | None:
        """Whose name and password these are. Takes as long for a wrong name as for a wrong password."""
        digest = self.digest(name, password)
        with self._lock:
            if proven := self._proven.get(digest):
                return proven
        named = [login for login in self._passwords if _same(login.name, name)]
        # For a name that nobody has, somebody's password is checked all the same: it takes as long.
        login = next(iter(named or self._passwords), None)
        if login is None or not _right(login.secret, password) or not named:
            return None
        with self._lock:
            self._proven[digest] = login
            if len(self._proven) > MOST_PROVEN:
                self._proven.popitem(last=False)
        return login

    def by_token(self, token: str) -> Login | None:
        """Whose token this is."""
        found = None
        for login in self._tokens:
            if _same(login.secret, token):
                found = login
        return found

    def cookie(self, login: Login) -> str:
        """What proves for twelve hours that its bearer has shown the token; it is worthless once the token is changed."""
        ends = str(int(time.time()) + SESSION_SECONDS)
        return f'{ends}.{_signed(login, ends)}'

    def by_cookie(self, cookie: str) -> Login | None:
        """Who was given this cookie, unless it is too old."""
        ends, _, proof = cookie.partition('.')
        found = None
        for login in self._tokens:
            if _same(_signed(login, ends), proof):
                found = login
        return found if found is not None and ends.isascii() and ends.isdigit() and int(ends) > time.time() else None

    def digest(self, *words: str) -> bytes:
        """What stands for some words, in this process alone: nothing can be told from it."""
        return hmac.digest(self._own, '\0'.join(words).encode('utf-8', 'replace'), 'sha256')


class Failures:
    """How often an address was wrong, and until when it is not listened to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Record] = OrderedDict()

    def pause(self, address: str) -> float:
        """Seconds for which the address is not listened to; 0 for one that is."""
        with self._lock:
            record = self._known.get(_network(address))
            return max(0.0, record.until - time.monotonic()) if record else 0.0

    def note(self, address: str, tried: bytes) -> None:
        """Takes note of a wrong try. The same one again counts once: a forgotten tab asks every two seconds."""
        now, key = time.monotonic(), _network(address)
        with self._lock:
            record = self._known.pop(key, None)
            if record is None or now - record.last > FORGET_SECONDS:
                record = _Record()
            record.last = now
            if tried != record.tried:
                record.tried = tried
                record.count += 1
                if record.count > FREE_FAILURES:
                    doubled = FIRST_PAUSE * 2 ** min(record.count - FREE_FAILURES - 1, 10)
                    record.until = now + min(doubled, LONGEST_PAUSE)
            self._known[key] = record
            if len(self._known) > MOST_ADDRESSES:
                self._known.popitem(last=False)


@dataclass
class _Record:
    count: int = 0
    last: float = 0.0
    until: float = 0.0
    tried: bytes = b''


def ledger(lines: Any, what: str) -> list[Login]:
    """The logins of a mapping `name -> secret` or `name -> (secret, role)`, or of lines `name:role:secret`.

    Empty lines and those that begin with # are passed over. Raises SettingsError, which names the line and no secret.
    """
    if isinstance(lines, Mapping):
        pairs = [
            (name, given if isinstance(given, tuple | list) else (given, 'admin')) for name, given in lines.items()
        ]
        return [_login(str(name), str(role), str(secret), f'{what}: {name!r}') for name, (secret, role) in pairs]
    found = []
    texts = lines.splitlines() if isinstance(lines, str) else lines
    for number, line in enumerate(texts, 1):
        if not line.strip() or line.lstrip().startswith('#'):
            continue
        name, role, secret = (*line.strip().split(':', 2), '', '')[:3]
        found.append(_login(name, role, secret, f'{what}, line {number}'))
    return found


def read(path: str, what: str) -> str:
    """What is in a file of secrets, without the line break at its end. Raises SettingsError."""
    try:
        return Path(path).expanduser().read_text('utf-8').rstrip('\r\n')
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else 'it is no text'
        raise SettingsError(f'{what}: {path} cannot be read: {reason}') from None


def _login(name: str, role: str, secret: str, where: str) -> Login:
    if role not in ROLES or not name or not secret:
        raise SettingsError(f'{where}: expected name:role:secret, with a role of {", ".join(ROLES)}')
    return Login(name, role, secret)


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(_hashed(expected), _hashed(given))


def _hashed(text: str) -> bytes:
    # Equal lengths: compare_digest tells by its time whether lengths differ.
    return sha256(text.encode('utf-8', 'surrogateescape')).digest()


def _right(secret: str, given: str) -> bool:
    if secret.startswith(HASHES):
        from werkzeug.security import check_password_hash

        return check_password_hash(secret, given)
    return _same(secret, given)


def _signed(login: Login, ends: str) -> str:
    words = f'rq-dashboard\0{login.name}\0{login.role}\0{ends}'
    return hmac.new(login.secret.encode(), words.encode('utf-8', 'replace'), sha256).hexdigest()


def _network(address: str) -> str:
    """The address, of IPv6 its network: whoever has one address of it has them all."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(IPv6Address(int(found) >> 64 << 64))
    return str(found)
