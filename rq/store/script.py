"""Lua scripts by name: loaded from `lua/`, includes resolved, run by EVALSHA with one fallback to the text."""

from __future__ import annotations

import hashlib
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from redis.client import Pipeline
from redis.exceptions import NoScriptError, ResponseError

from rq._faultpoints import ARMED

from . import keys
from .imitation import explained, require_scripts

__all__ = ['FOLDER', 'Script', 'nonce', 'resolve']

FOLDER = Path(__file__).with_name('lua')
INCLUDE = re.compile(r'^--- @include (\w+)$', re.MULTILINE)


def nonce() -> str:
    """What tells one call from all others, however often it is sent (lua/lib/once.lua)."""
    return os.urandom(8).hex()


def resolve(name: str) -> str:
    """The text of a script with each include put in once, before what needs it, comments and blank lines left out.

    Raises ValueError for an include that does not exist.
    """
    seen: set[str] = set()

    def include(match: re.Match[str]) -> str:
        part = FOLDER / 'lib' / f'{match[1]}.lua'
        if match[1] in seen:
            return ''
        seen.add(match[1])
        if not part.exists():
            raise ValueError(f'{name}.lua includes {match[1]}, and there is no {part}')
        return INCLUDE.sub(include, part.read_text(encoding='utf-8'))

    text = INCLUDE.sub(include, (FOLDER / f'{name}.lua').read_text(encoding='utf-8'))
    lines = (line.rstrip() for line in text.splitlines())
    return '\n'.join(line for line in lines if line and not line.lstrip().startswith('--'))


class Script:
    """One transition. Call it with a connection, its key and its arguments; answers what the script answers.

    Inside a pipeline the text itself is sent, since a NOSCRIPT there would leave half a batch applied; the answer is
    then the pipeline's. Raises ScriptsUnavailable where the server has no scripts.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def text(self) -> str:
        """The text with its parts, as the server gets it."""
        return resolve(self.name)

    @cached_property
    def sha(self) -> str:
        """The digest by which the server knows the text."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, connection: Any, key: str, *args: Any) -> Any:
        """The answer of the script; in a pipeline the pipeline."""
        run = connection.execute_command
        if isinstance(connection, Pipeline):
            require_scripts(connection)
            return run('EVAL', self.text, 1, key, keys.PREFIX, *args)
        try:
            return run('EVALSHA', self.sha, 1, key, keys.PREFIX, *args)
        except NoScriptError:
            return run('EVAL', self.text, 1, key, keys.PREFIX, *args)
        except ResponseError as error:
            raise explained(error) from None


if ARMED:  # by a test (rq/_faultpoints.py)
    from . import faults

    faults.install(Script)
