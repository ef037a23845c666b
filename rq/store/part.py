"""Questions of several parts: what each part asks for, all in one round trip."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from .read import many

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ['Command', 'Part', 'look']

Command = tuple[Any, ...]
T = TypeVar('T')


class Part(NamedTuple, Generic[T]):
    """Something to ask for: the commands, and what their answers mean."""

    commands: list[Command]
    parse: Callable[[list[Any]], T]


def look(connection: Any, *parts: Part[Any]) -> list[Any]:
    """What each part asks for; an answer that is an error (a key of a wrong type) is None, and hides nothing else."""
    told = many(connection, [command for part in parts for command in part.commands])
    plain = iter(None if isinstance(one, Exception) else one for one in told)
    return [part.parse(list(islice(plain, len(part.commands)))) for part in parts]
