"""Finding jobs by a filter (language.py): newest first, as many as a page shows, and what there is by state and function.

A search looks at so many jobs as fit in its time, says how many those were, and gives a cursor to go on with. All
containers that may hold a fitting job are gone through at the same pace, so that a long queue does not hide the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

from rq.store import errors as error_store
from rq.store import view_jobs as store
from rq.store.fields import text

from .language import STATES, Filter, FilterError, parse, without
from .matching import Matcher, Row, function_of, row, when

if TYPE_CHECKING:
    from rq.store.view_jobs import Stored

__all__ = ['MOST', 'Counted', 'Facet', 'Filter', 'FilterError', 'Found', 'count', 'find', 'ids', 'parse', 'with_term']

# Jobs that a search looks at in all its steps, unless told otherwise.
MOST = 50_000
# Jobs that are looked at in one step, about 10 ms each: where calls are read, where other fields are, where only ids.
STEP_PAYLOAD, STEP, STEP_IDS = 500, 1_000, 5_000
# Seconds after which one request begins no more step, and steps, so that a page makes at most 20 round trips.
SECONDS = 0.03
STEPS_PAYLOAD, STEPS_FIELDS = 4, 4
# Of an unfiltered list, functions are counted over so many.
SAMPLE = 500
# What is done to all that are found may take longer than a page: all states of 10,000 queues, about half a second.
EVERYWHERE = 100_000
# Ids that one command reads.
RANGE = 1_000
FACET = 12
FINGERPRINTS = 20


@dataclass(frozen=True, slots=True)
class Facet:
    """How many of the jobs looked at have a value; `exact`: of all jobs, by the lengths of what holds them."""

    name: str
    counts: tuple[tuple[str, int], ...]  # most frequent first
    exact: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a search. `cursor` goes on behind it, '' where there is no more."""

    jobs: tuple[Row, ...]
    matched: int  # of the jobs looked at
    scanned: int  # jobs looked at, from the cursor that was given on
    before: int  # jobs that were looked at before that
    total: int  # jobs in all that could fit
    exact: bool  # whether all jobs in `total` fit
    limit: int  # jobs behind which no search goes on
    cursor: str
    facets: tuple[Facet, ...]
    unread: int  # jobs whose call was too large to be looked into
    left_out: int  # queues that were not looked at


@dataclass(frozen=True, slots=True)
class Counted:
    """How many jobs fit, of those looked at; `exact`: there are no others."""

    count: int
    scanned: int
    exact: bool


@dataclass(slots=True)
class _Plan:
    """Where to look, and what fits."""

    matcher: Matcher
    places: list[store.Container] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    left_out: int = 0
    whole: list[list[str]] = field(default_factory=list)

    @property
    def exact(self) -> bool:
        """Whether everything in these places fits."""
        return not self.matcher.fields and not self.matcher.ids

    @property
    def deepest(self) -> int:
        return max(self.sizes, default=0)

    def pace(self, depth: int) -> int:
        """How many ids of each container make a step."""
        if self.exact:
            whole = SAMPLE
        elif self.matcher.ids and not self.matcher.fields:
            whole = STEP_IDS
        else:
            whole = STEP_PAYLOAD if self.matcher.payload else STEP
        return max(1, whole // max(1, sum(size > depth for size in self.sizes)))

    def step(self, connection: Any, depth: int, pace: int) -> list[str]:
        """The ids between two depths. One round trip."""
        asked = [
            (place, start, min(RANGE, depth + pace - start))
            for place, size in zip(self.places, self.sizes, strict=True)
            for start in range(depth, min(depth + pace, size), RANGE)
            if place.kind != 'group'
        ]
        found = store.ids_at(connection, asked) + self.members(connection, depth, pace)
        return list(dict.fromkeys(job_id for some in found for job_id in some))

    def members(self, connection: Any, depth: int, pace: int) -> list[list[str]]:
        """The part of each group between two depths. A set has no places: it is read once, whole, and sorted."""
        groups = [place for place in self.places if place.kind == 'group']
        if groups and not self.whole:
            self.whole = store.ids_at(connection, [(place, 0, store.MOST_MEMBERS) for place in groups])
        return [found[depth : depth + pace] for found in self.whole]


def find(connection: Any, wanted: Filter, cursor: str | None = '', limit: int = 25, most: int = MOST) -> Found:
    """A page of the jobs that fit, newest first. At most 12 round trips, and no step that begins after 30 ms."""
    plan = _plan(connection, wanted)
    walk = _Walk(plan, *_cursor(cursor or ''))
    rows = [] if cursor else _direct(connection, wanted)
    walk.go(connection, limit - len(rows), most)
    known = {one.id for one in rows}
    rows += [one for one in _rows(connection, plan, walk.shown) if one.id not in known]
    total = sum(plan.sizes)
    return Found(
        jobs=tuple(rows),
        matched=total if plan.exact else walk.matched,
        scanned=walk.scanned,
        before=walk.before,
        total=total,
        exact=plan.exact,
        limit=most,
        cursor=walk.cursor,
        facets=_facets(plan, walk),
        unread=plan.matcher.unread,
        left_out=plan.left_out,
    )


def count(connection: Any, wanted: Filter, most: int = MOST) -> Counted:
    """How many jobs fit, of `most` looked at, however long that takes: about a second for 50,000 calls."""
    plan = _plan(connection, wanted, EVERYWHERE)
    total, everywhere = sum(plan.sizes), not plan.left_out
    if plan.exact:
        return Counted(total, total, everywhere)
    fitting = sum(1 for _ in _fitting(connection, plan, most))
    return Counted(fitting, min(most, total), everywhere and total <= most)


def ids(connection: Any, wanted: Filter, most: int = MOST) -> Iterator[str]:
    """The ids of the jobs that fit, of `most` looked at. They are noted before the first is given, so they may be moved."""
    return _fitting(connection, _plan(connection, wanted, EVERYWHERE), most)


def _fitting(connection: Any, plan: _Plan, most: int) -> Iterator[str]:
    noted: dict[str, None] = {}
    depth = 0
    while depth < plan.deepest and len(noted) < most:
        pace = plan.pace(depth)
        noted.update(dict.fromkeys(plan.step(connection, depth, pace)))
        depth += pace
    fitting = [job_id for job_id in list(noted)[:most] if plan.matcher.fits_id(job_id)]
    if not plan.matcher.fields:
        yield from fitting
        return
    for at in range(0, len(fitting), STEP_PAYLOAD):
        for stored in store.fetch(connection, fitting[at : at + STEP_PAYLOAD], plan.matcher.data, plan.matcher.meta):
            if stored is not None and plan.matcher.fits(stored):
                yield stored.id


def with_term(text: str, name: str, value: str) -> str:
    """The filter with one more condition, as one would type it, in the place of others of its name."""
    value = value.replace('"', '*')
    quoted = f'"{value}"' if any(mark == ',' or mark.isspace() for mark in value) else value
    return f'{without(text, name)} {name}:{quoted}'.strip()


# --- where to look


def _plan(connection: Any, wanted: Filter, most: int = store.MOST_CONTAINERS) -> _Plan:
    plan = _Plan(Matcher(wanted))
    special = _special(connection, wanted)
    if special is None:
        _by_queue(connection, wanted, plan, most)
    else:
        plan.places = special
        plan.matcher.be_strict(failed=bool(wanted.named('error')))
    sizes = store.sizes(connection, plan.places)
    filled = [(place, size) for place, size in zip(plan.places, sizes, strict=True) if size]
    plan.places, plan.sizes = [place for place, _ in filled], [size for _, size in filled]
    return plan


def _exact(wanted: Filter, name: str) -> list[str] | None:
    """The values of a name, if the filter asks for just these."""
    values = wanted.only(name)
    return list(dict.fromkeys(values)) if values and not any('*' in value for value in values) else None


def _special(connection: Any, wanted: Filter) -> list[store.Container] | None:
    """What holds all jobs of an id, an error, a group or a limit, if the filter names some."""
    job_ids = _exact(wanted, 'id')
    if job_ids is not None:
        return [store.one(job_id) for job_id in job_ids]
    errors = wanted.only('error')
    if errors:
        return [store.error_container(one) for one in _fingerprints(connection, errors)]
    groups = _exact(wanted, 'group')
    if groups is not None:
        return [store.group_container(name) for name in groups]
    limits = _exact(wanted, 'key')
    if limits is not None:
        return store.limit_containers(limits, holders=False) + store.limit_containers(limits, holders=True)
    return None


def _fingerprints(connection: Any, values: tuple[str, ...]) -> list[str]:
    """The fingerprints that begin so, or whose error has this in its type or message; the latest."""
    known = error_store.fingerprints(connection, 0, 1_000)
    found = [one for one in known if any(one.startswith(value.lower()) for value in values)]
    if not found:
        groups = [group for group in error_store.fetch_many(connection, known) if group is not None]
        found = [one.fingerprint for one in groups if any(_within(v, f'{one.type}: {one.message}') for v in values)]
    return found[:FINGERPRINTS]


def _within(value: str, given: str) -> bool:
    return value.casefold().strip('*') in given.casefold()


def _by_queue(connection: Any, wanted: Filter, plan: _Plan, most: int) -> None:
    """Of each queue what holds its jobs of each state, and who waits for a slot of a rate limit."""
    states = _states(wanted)
    homes = [state for state in store.STATES if state in states or (state == 'failed' and 'stopped' in states)]
    queues = _exact(wanted, 'queue')
    if queues is None:
        queues, plan.left_out = store.queue_names(connection)
    queues = [name for name in queues if plan.matcher.fits_queue(name)]
    room = most // max(1, len(homes))
    plan.left_out += max(0, len(queues) - room)
    plan.places = store.containers(queues[:room], homes)
    if 'rate_limited' in states:
        limited = store.limit_containers(store.limit_names(connection), holders=False)
        plan.places += limited
        if limited and wanted.named('queue'):
            plan.matcher.be_strict()  # their queue is in their hashes


def _states(wanted: Filter) -> set[str]:
    asked = set(wanted.only('state') or STATES)
    excluded = set(wanted.without('state'))
    if 'failed' in excluded and 'stopped' not in wanted.only('state'):
        excluded.add('stopped')
    return asked - excluded


# --- the walk


def _cursor(given: str) -> tuple[int, int, int]:
    """How deep everything has been looked at, how many that fit are shown of the step there, and jobs looked at before."""
    parts = given.split('.')
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 12 for part in parts):
        return 0, 0, 0
    return int(parts[0]), int(parts[1]), int(parts[2])


class _Walk:
    """One request's way through the containers."""

    def __init__(self, plan: _Plan, depth: int, skip: int, before: int) -> None:
        self.plan = plan
        self.depth, self.skip, self.before = depth, skip, before
        self.shown: list[Stored] = []
        self.counts: dict[str, Counter[str]] = {'state': Counter(), 'queue': Counter(), 'function': Counter()}
        self.matched = self.scanned = 0
        self.cursor = ''

    def go(self, connection: Any, limit: int, most: int) -> None:
        """Takes steps until time, jobs or steps are over, or, where nothing else is to be counted, the page is full."""
        plan = self.plan
        deadline = monotonic() + SECONDS
        steps = STEPS_PAYLOAD if plan.matcher.payload else STEPS_FIELDS
        while self.depth < plan.deepest and self.scanned < most and steps and monotonic() < deadline:
            pace = plan.pace(self.depth)
            found = plan.step(connection, self.depth, pace)
            self.take(self.fitting(connection, found), limit)
            self.scanned += len(found)
            self.depth += pace
            steps -= 1
            if plan.exact and len(self.shown) >= limit:
                break
        if not self.cursor and self.depth < plan.deepest:
            self.cursor = f'{self.depth}.0.{self.before + self.scanned}'

    def fitting(self, connection: Any, found: list[str]) -> list[Stored]:
        """Those that fit, the newest first where several containers were looked at."""
        matcher = self.plan.matcher
        asked = [job_id for job_id in found if matcher.fits_id(job_id)]
        read = store.fetch(connection, asked, matcher.data or self.plan.exact, matcher.meta)
        fit = [stored for stored in read if stored is not None and matcher.fits(stored)]
        return fit if len(self.plan.places) == 1 else sorted(fit, key=when, reverse=True)

    def take(self, fit: list[Stored], limit: int) -> None:
        self.matched += len(fit)
        for stored in fit:
            self.counts['state'][text(stored.fields.get('status', b'')[:40])] += 1
            self.counts['queue'][text(stored.fields.get('origin', b'')[:1_000])] += 1
            if stored.data is not None:
                self.counts['function'][function_of(stored)] += 1
        room = limit - len(self.shown)
        self.shown += fit[self.skip : self.skip + max(0, room)]
        # Where the page is full, the next one goes on, though the counting may do so now.
        if not self.cursor and len(self.shown) >= limit and (self.skip + room < len(fit) or self.behind()):
            self.cursor = f'{self.depth}.{self.skip + room}.{self.before + self.scanned}'
        self.skip = 0

    def behind(self) -> bool:
        """Whether there is another step."""
        return self.depth + self.plan.pace(self.depth) < self.plan.deepest


def _rows(connection: Any, plan: _Plan, shown: list[Stored]) -> list[Row]:
    if shown and not (plan.matcher.data or plan.exact):
        shown = [one for one in store.fetch(connection, [one.id for one in shown], data=True) if one is not None]
    return [row(one) for one in shown]


def _direct(connection: Any, wanted: Filter) -> list[Row]:
    """The job whose id is typed as a word: found wherever it is."""
    if len(wanted.terms) != 1 or wanted.terms[0].name != 'word' or wanted.terms[0].negated:
        return []
    [stored] = store.fetch(connection, [wanted.terms[0].values[0]], data=True)
    return [] if stored is None else [row(stored)]


def _facets(plan: _Plan, walk: _Walk) -> tuple[Facet, ...]:
    counts = dict(walk.counts)
    by_place = plan.exact and all(place.kind in STATES for place in plan.places)
    if by_place:
        counts['state'], counts['queue'] = Counter(), Counter()
        for place, size in zip(plan.places, plan.sizes, strict=True):
            counts['state'][place.kind] += size
            if place.kind != 'rate_limited':
                counts['queue'][place.name] += size
    return tuple(
        Facet(
            name,
            tuple((value, count) for value, count in found.most_common(FACET) if value),
            by_place and name != 'function',
        )
        for name, found in counts.items()
        if found
    )
