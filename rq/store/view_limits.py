"""Rate limits for readers: who holds slots of which, and who waits for one. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import keys, read
from .fields import text
from .read import many, scored

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['Limit', 'limits', 'names']

# Names that are read, to put them in order: about 5 ms.
MOST_NAMES = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit: (id, epoch) of some of those that hold a slot or wait for one, the longest first; and how many do."""

    name: str
    concurrency: str
    holders: tuple[tuple[str, float], ...]
    holder_total: int
    waiters: tuple[tuple[str, float], ...]
    waiter_total: int


def names(connection: Any) -> tuple[list[str], int]:
    """The names of rate limits in use, of very many a part; and how many are left out. One round trip."""
    return read.names(connection, keys.limits(), MOST_NAMES)


def limits(connection: Any, asked: Sequence[str], most: int) -> list[Limit]:
    """These limits, with `most` of each side. One round trip per 200."""
    commands: list[tuple[Any, ...]] = []
    for name in asked:
        commands.append(('HGET', keys.limit(name), 'concurrency'))
        for key in (keys.limit_holders(name), keys.limit_waiters(name)):
            commands += [('ZRANGE', key, 0, most - 1, 'WITHSCORES'), ('ZCARD', key)]
    answers = many(connection, commands)
    return [_limit(name, answers[at : at + 5]) for name, at in zip(asked, range(0, len(answers), 5), strict=True)]


def _limit(name: str, answers: Sequence[Any]) -> Limit:
    most, holders, holding, waiters, waiting = answers
    return Limit(
        name,
        text(most)[:20] if isinstance(most, bytes) else '',
        tuple(scored(holders)),
        holding if isinstance(holding, int) else 0,
        tuple(scored(waiters)),
        waiting if isinstance(waiting, int) else 0,
    )
