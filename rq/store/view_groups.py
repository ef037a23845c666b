"""Groups for readers: which there are, how many jobs they have, and in which states these are. Only reads."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from . import keys, read
from .fields import text
from .read import hash_fields, many

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['MOST_GROUPS', 'names', 'states']

# Names that are read, to put them in order: about 5 ms.
MOST_GROUPS = 10_000


def names(connection: Any) -> tuple[list[str], int]:
    """The names of groups, of very many a part; and how many are left out. One round trip."""
    return read.names(connection, keys.groups(), MOST_GROUPS)


def states(connection: Any, asked: Sequence[str], most: int) -> list[tuple[int, Counter[str]]]:
    """Of each group how many jobs it has, and the statuses of `most` of them ('' for one that is not stored any more).

    A round trip, and one for each 1,000 jobs.
    """
    answers = many(
        connection,
        [
            command
            for name in asked
            for command in (('SCARD', keys.group(name)), ('SRANDMEMBER', keys.group(name), most))
        ],
    )
    sizes = [size if isinstance(size, int) else 0 for size in answers[::2]]
    members = [list(map(text, found)) if isinstance(found, (list, set)) else [] for found in answers[1::2]]
    ids = [job_id for some in members for job_id in some]
    told = iter([text(row[0] or b'')[:40] for row in hash_fields(connection, map(keys.job, ids), 'status')])
    return [(size, Counter(next(told) for _ in some)) for size, some in zip(sizes, members, strict=True)]
