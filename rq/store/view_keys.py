"""What the keys in the database are: all of a small one, of a large one some drawn at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import keys
from .fields import text
from .read import many

__all__ = ['DRAWS', 'Drawn', 'Sample', 'sample']

# Keys that are drawn: a tenth of all is then told to within 3 in a hundred. Each is asked for its size.
DRAWS = 500
# A database of so many keys is looked at whole, in at most six round trips.
WHOLE = 2_000
# Bytes of a key and characters of a queue's name that are kept.
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Drawn:
    """A key, how many bytes it takes, and the queue that a job's hash names ('' for other keys)."""

    key: str
    size: int
    queue: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Some of our keys. `looked` counts those of others too; `whole`: it is all that there is, not a sample."""

    total: int
    looked: int
    whole: bool
    ours: tuple[Drawn, ...]


def sample(connection: Any) -> Sample:
    """Our keys, or some of them. At most nine round trips."""
    total = int(connection.dbsize())
    whole = total <= WHOLE
    found = _all(connection) if whole else _some(connection)
    start = f'{keys.PREFIX}:'.encode()
    return Sample(total, len(found), whole, _weighed(connection, [key for key in found if key.startswith(start)]))


def _all(connection: Any) -> list[bytes]:
    found: set[bytes] = set()
    cursor, rounds = 0, 0
    while True:
        cursor, part = connection.scan(cursor, count=WHOLE)
        found.update(part)
        rounds += 1
        if not cursor or rounds == 4:  # more only where the database has shrunk a moment ago
            return sorted(found)


def _some(connection: Any) -> list[bytes]:
    return [key for key in many(connection, [('RANDOMKEY',)] * DRAWS) if isinstance(key, bytes)]


def _weighed(connection: Any, found: list[bytes]) -> tuple[Drawn, ...]:
    start = keys.job('').encode()
    sizes = many(connection, [('MEMORY', 'USAGE', key) for key in found])
    jobs = [key for key in found if key.startswith(start)]
    origins = dict(zip(jobs, many(connection, [('HGET', key, 'origin') for key in jobs]), strict=True))
    return tuple(
        Drawn(text(key[:LONGEST]), size if isinstance(size, int) else 0, _name(origins.get(key)))
        for key, size in zip(found, sizes, strict=True)
    )


def _name(origin: Any) -> str:
    return text(origin[:LONGEST]) if isinstance(origin, bytes) else ''
