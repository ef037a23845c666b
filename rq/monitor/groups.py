"""Groups of jobs: how many there are of each, and how far they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rq.store import view_groups as store

__all__ = ['Group', 'Groups', 'listing']

# Jobs of a group whose states are looked at, of one and for a list: 2,000 on a page, about 15 ms.
ALONE, LISTED = 2_000, 80
ENDED = ('finished', 'failed', 'stopped', 'canceled', 'gone')


@dataclass(frozen=True, slots=True)
class Group:
    """A group. Where it has more jobs than were looked at, `states` counts those that were."""

    name: str
    total: int  # jobs that are still in it: those that were deleted or have expired leave
    looked_at: int
    states: tuple[tuple[str, int], ...]  # 'gone': not stored any more
    ended: int

    @property
    def exact(self) -> bool:
        """Whether all of its jobs were looked at."""
        return self.looked_at >= self.total


@dataclass(frozen=True, slots=True)
class Groups:
    """A page of the groups, by name."""

    groups: tuple[Group, ...]
    total: int
    left_out: int


def listing(connection: Any, part: str = '', offset: int = 0, most: int = 25) -> Groups:
    """A page of the groups whose names hold `part`; one alone is looked at whole. At most five round trips."""
    names, left_out = store.names(connection)
    if part:
        names = [name for name in names if part.casefold() in name.casefold()]
    page = names[offset : offset + most]
    share = ALONE if len(page) == 1 else min(LISTED, ALONE // max(1, len(page)))
    found = [
        _group(name, size, dict(states))
        for name, (size, states) in zip(page, store.states(connection, page, share), strict=True)
    ]
    return Groups(tuple(found), len(names), left_out)


def _group(name: str, size: int, states: dict[str, int]) -> Group:
    named = {state or 'gone': count for state, count in states.items()}
    looked_at = sum(named.values())
    ended = sum(count for state, count in named.items() if state in ENDED)
    ordered = sorted(named.items(), key=lambda pair: -pair[1])
    return Group(name, size, looked_at, tuple(ordered), ended)
