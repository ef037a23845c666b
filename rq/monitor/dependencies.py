"""Jobs that wait for other jobs: who waits for whom, what most of them wait for, and the chain around one job."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rq.store import view_depend as store
from rq.store import view_jobs, view_timed

from .lenient import moment
from .matching import Row, row

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

__all__ = ['Blocked', 'Blocker', 'Chain', 'Other', 'Waiting', 'chain', 'waiting']

# Of what a job waits for so many are named, and of what most wait for.
NAMED = 5
BLOCKERS = 10
# The chain around a job: levels each way, jobs of a level, links of a job.
LEVELS, WIDE, LINKS = 4, 20, 12
ENDED_BADLY = ('failed', 'stopped', 'canceled')


@dataclass(frozen=True, slots=True)
class Other:
    """A job that another one waits for. `state`: 'gone' where it is not stored any more."""

    id: str
    function: str
    state: str

    @property
    def hinders(self) -> bool:
        """Whether it has ended, and not well: who waits for it waits for somebody to act."""
        return self.state in (*ENDED_BADLY, 'gone')


@dataclass(frozen=True, slots=True)
class Blocked:
    """A job that waits for others."""

    job: Row
    since: datetime | None
    waits_for: tuple[Other, ...]
    more: int  # others that it waits for, and that are not named
    dependents: int  # jobs that wait for this one

    @property
    def stuck(self) -> bool:
        """Whether something that it waits for has ended badly, as far as is known here."""
        return any(other.hinders for other in self.waits_for)


@dataclass(frozen=True, slots=True)
class Blocker:
    """A job that some of those on a page wait for."""

    other: Other
    waiting: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A page of the jobs that wait for others, those that wait longest first."""

    jobs: tuple[Blocked, ...]
    blockers: tuple[Blocker, ...]  # of those on this page
    total: int
    queues: tuple[tuple[str, int], ...]
    left_out: int
    too_deep: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """The jobs around one, level by level: what it waits for, what that waits for ...; who waits for it, and so on."""

    job: Other
    before: tuple[tuple[Other, ...], ...]  # the farthest first
    after: tuple[tuple[Other, ...], ...]
    cut: bool  # there are more than are shown


def waiting(connection: Any, queue: str = '', offset: int = 0, most: int = 25) -> Waiting:
    """A page of the deferred jobs of a queue, or of all. At most nine round trips."""
    names, left_out = ([queue], 0) if queue else view_jobs.queue_names(connection)
    found = view_timed.deferred(connection, names, offset, most)
    ids = [place.id for place in found.jobs]
    around = store.links(connection, ids, NAMED)
    stored = view_jobs.fetch(connection, ids, data=True)
    others = _others(connection, [other for links in around for other in links.parents])
    jobs = [
        Blocked(
            job=row(one, 'deferred'),
            since=moment(place.score),
            waits_for=tuple(others[other] for other in links.parents),
            more=links.parent_total - len(links.parents),
            dependents=links.child_total,
        )
        for place, links, one in zip(found.jobs, around, stored, strict=True)
        if one is not None
    ]
    counts = Counter(other for links in around for other in links.parents)
    blockers = [Blocker(others[other], count) for other, count in counts.most_common(BLOCKERS)]
    return Waiting(
        jobs=tuple(jobs),
        blockers=tuple(blockers),
        total=found.total,
        queues=found.queues[:20],
        left_out=left_out + found.left_out,
        too_deep=found.too_deep,
    )


def chain(connection: Any, job_id: str) -> Chain:
    """What is around a job, four levels each way. At most seven round trips."""
    seen = {job_id}
    ups, downs = [[job_id]], [[job_id]]
    cut = False
    for _ in range(LEVELS):
        level = list(dict.fromkeys([*ups[-1], *downs[-1]]))
        if not level:
            break
        links = dict(zip(level, store.links(connection, level, LINKS), strict=True))
        up = _new((other for one in ups[-1] for other in links[one].parents), seen)
        down = _new((other for one in downs[-1] for other in links[one].children), seen)
        cut = cut or len(up) > WIDE or len(down) > WIDE
        cut = cut or any(one.parent_total > LINKS or one.child_total > LINKS for one in links.values())
        ups.append(up[:WIDE])
        downs.append(down[:WIDE])
    others = _others(connection, [job_id, *(one for level in [*ups[1:], *downs[1:]] for one in level)])
    before = [tuple(others[one] for one in level) for level in reversed(ups[1:]) if level]
    after = [tuple(others[one] for one in level) for level in downs[1:] if level]
    deepest = len(before) == LEVELS or len(after) == LEVELS
    return Chain(others[job_id], tuple(before), tuple(after), cut or deepest)


def _new(ids: Iterable[str], seen: set[str]) -> list[str]:
    """Those not seen yet, who are seen now: a circle ends."""
    found = [one for one in dict.fromkeys(ids) if one not in seen]
    seen.update(found)
    return found


def _others(connection: Any, ids: Sequence[str]) -> dict[str, Other]:
    asked = list(dict.fromkeys(ids))
    found = {}
    for job_id, stored in zip(asked, view_jobs.fetch(connection, asked, data=True), strict=True):
        if stored is None:
            found[job_id] = Other(job_id, '', 'gone')
        else:
            shown = row(stored)
            found[job_id] = Other(job_id, shown.function, shown.state or 'created')
    return found
