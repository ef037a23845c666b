"""What is hidden from view, by the name of the argument, key or field: passwords, tokens and the like.

`RQ_REDACT` in the environment adds names and takes some away: `RQ_REDACT="iban ssn -token"`.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache

__all__ = ['HIDDEN', 'WORDS', 'configure', 'is_hidden', 'redact', 'scrub', 'scrub_urls']

# Shown instead of a value.
HIDDEN = '(hidden)'
# One word of a name is enough: user_password, accessToken, X-Authorization. Several: together, in this order.
WORDS = (
    'password', 'passwords', 'passwd', 'passphrase', 'passcode', 'pwd', 'secret', 'secrets', 'token', 'tokens',
    'authorization', 'authentication', 'bearer', 'cookie', 'cookies', 'credential', 'credentials', 'jwt', 'otp', 'cvv', 'cvc',
    'apikey', 'api key', 'access key', 'private key', 'secret key', 'signing key', 'encryption key', 'auth key', 'session key',
    'session id', 'sessionid', 'card number', 'credit card',
)  # fmt: skip

_SPLIT = re.compile(r'[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+')
# A name with a value after it, as in a call, a dict or a header: password='x', "token": "x", Authorization: x.
_ASSIGNED = re.compile(
    r"""(?P<name>[A-Za-z_][\w-]{0,80}+)(?P<sign>['"]?\s{0,3}(?:=|:)\s{0,3})"""
    r"""(?P<value>[bB]?'(?:[^'\\\n]|\\.)*+'?|[bB]?"(?:[^"\\\n]|\\.)*+"?|(?:Bearer|Basic)\s+[^\s,)}\]]++|[^\s,)}\]]++)"""
)
_IN_URL = re.compile(r'(?<=://)(?P<user>[^\s/:@]{0,200}+):[^\s/@]{1,1000}+@')

_words: frozenset[tuple[str, ...]] = frozenset()


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.lower() for part in _SPLIT.findall(name))


def configure(changes: str) -> None:
    """Hides names besides those in WORDS, and shows those with a minus before them: 'iban ssn -token'."""
    global _words
    found = {_parts(words) for words in WORDS}
    for change in changes.replace(',', ' ').split():
        (found.discard if change.startswith('-') else found.add)(_parts(change))
    _words = frozenset(words for words in found if words)
    _is_hidden.cache_clear()


def is_hidden(name: str) -> bool:
    """Whether a value of this name is hidden."""
    return _is_hidden(name[:200])


@lru_cache(maxsize=4096)
def _is_hidden(name: str) -> bool:
    parts = _parts(name)
    return any(parts[at : at + size] in _words for size in (1, 2, 3) for at in range(len(parts) - size + 1))


def redact(name: str, text: str) -> str:
    """The text, or what is shown instead where the name says that it is secret."""
    return HIDDEN if is_hidden(name) else scrub_urls(text)


def scrub_urls(text: str) -> str:
    """The text without the passwords of URLs in it."""
    return _IN_URL.sub(r'\g<user>:***@', text) if '://' in text else text


def scrub(text: str) -> str:
    """Free text, such as a description or a message, without values that follow a name which says that they are secret."""
    return scrub_urls(_ASSIGNED.sub(_assigned, text))


def _assigned(found: re.Match[str]) -> str:
    return f'{found["name"]}{found["sign"]}{HIDDEN}' if is_hidden(found['name']) else found[0]


configure(os.environ.get('RQ_REDACT', ''))
