"""Who waits for whom: the sets of what jobs wait for, and of who waits for them. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .read import many

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['Links', 'links']


@dataclass(frozen=True, slots=True)
class Links:
    """Some of the jobs that a job waits for, and of those that wait for it; and how many there are."""

    parents: tuple[str, ...]
    parent_total: int
    children: tuple[str, ...]
    child_total: int


def links(connection: Any, ids: Sequence[str], most: int) -> list[Links]:
    """Of each job both sides, `most` of each. One round trip per 250 jobs."""
    commands: list[tuple[Any, ...]] = []
    for job_id in ids:
        for key in (keys.dependencies(job_id), keys.dependents(job_id)):
            commands += [('SRANDMEMBER', key, most), ('SCARD', key)]
    answers = many(connection, commands)
    return [
        Links(_ids(one[0]), _count(one[1]), _ids(one[2]), _count(one[3]))
        for one in (answers[at : at + 4] for at in range(0, len(answers), 4))
    ]


def _ids(answer: Any) -> tuple[str, ...]:
    return tuple(sorted(map(text, answer))) if isinstance(answer, (list, set)) else ()


def _count(answer: Any) -> int:
    return answer if isinstance(answer, int) else 0
