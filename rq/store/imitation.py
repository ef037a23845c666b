"""Imitations of a server inside the process (fakeredis): users' own tests run on one."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any

from rq.exceptions import ScriptsUnavailable

__all__ = ['explained', 'is_imitation', 'require_scripts']

_NO_SCRIPTS = re.compile(r'unknown command\W+eval', re.IGNORECASE)
_ADVICE = 'The server runs no Lua scripts. fakeredis needs its extra for them: pip install "fakeredis[lua]"'


def is_imitation(connection: Any) -> bool:
    """Whether the server lives in this process, so that neither another process nor a socket reaches it."""
    made = getattr(getattr(connection, 'connection_pool', None), 'connection_class', None)
    return str(getattr(made, '__module__', '')).partition('.')[0] == 'fakeredis'


def require_scripts(connection: Any) -> None:
    """Nothing, if the server runs scripts as far as one can know without asking it. Raises ScriptsUnavailable."""
    if is_imitation(connection) and find_spec('lupa') is None:
        raise ScriptsUnavailable(_ADVICE)


def explained(error: Exception) -> Exception:
    """The refusal of a script in words that help, any other error as it is."""
    return ScriptsUnavailable(_ADVICE) if _NO_SCRIPTS.match(str(error)) else error
