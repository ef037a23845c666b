"""Which jobs an action is for: a selection, the jobs of one state of a queue, or all that a filter finds.

What is in a home is walked in place: jobs that an action takes out of it make room for the next, those that it leaves
are stepped over. So no list of 200,000 ids is made, and nothing is met twice.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rq.monitor import jobs_in as homes
from rq.monitor import search
from rq.store import bulk, errors
from rq.store.bulk import Seen
from rq.store.job import statuses, time

from .deeds import Refused
from .words import plural

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['LOOKED_AT', 'MOST_CHOSEN', 'Preview', 'Scope', 'preview', 'read', 'steps']

# Of a selection: as many as a page can show.
MOST_CHOSEN = 200
# Jobs that are looked at for a filter: what the Jobs page does too.
LOOKED_AT = 50_000
# Of what a filter has found, so many at a time: their places on lists are looked up together.
STEP = 2_000
# Jobs of an error group that are known.
MOST_OF_ERROR = 10_000
FAILED = ('failed', 'stopped')
# Walks over a home: what workers took meanwhile moves others to places that were passed.
WALKS = 3


@dataclass(frozen=True, slots=True)
class Scope:
    """The jobs meant: `ids`, or those of a queue in a state, or those of a filter, or deleted ones."""

    ids: tuple[str, ...] = ()
    queue: str = ''
    state: str = ''
    where: str = ''
    trash: str = ''  # the bulk that deleted them
    error: str = ''  # the fingerprint of their failure
    place: int | None = None  # of `ids`, where on the list of their queue the page began

    @property
    def is_filter(self) -> bool:
        """Whether which jobs they are has to be looked up."""
        return not self.ids

    @property
    def words(self) -> str:
        """As the audit and the pages name it."""
        if self.ids:
            return (
                self.ids[0] if len(self.ids) == 1 else f'{plural(len(self.ids), "job")}: {", ".join(self.ids[:3])} ...'
            )
        if self.error:
            return f'error:{self.error} state:failed'
        if self.trash:
            return f'deleted by {self.trash}'
        return f'queue:{self.queue} state:{self.state}' if self.queue else self.where

    @property
    def fields(self) -> dict[str, str]:
        """As a form has it, but for the ids."""
        given = {
            'queue': self.queue,
            'state': self.state,
            'where': self.where,
            'trash': self.trash,
            'error': self.error,
        }
        return {name: value for name, value in given.items() if value}


def read(ids: Sequence[str], fields: Mapping[str, str], deleted: bool = False) -> Scope:
    """The scope that a form names; `deleted`: jobs that a bulk has deleted, named by `on`. Raises Refused."""
    if deleted:
        if not re.fullmatch(r'[0-9a-f]{16,40}', fields.get('on', '')):
            raise Refused('Say which deleted jobs shall come back')
        return Scope(trash=fields['on'])
    state = fields.get('state', '')
    if state and state not in homes.STATES:
        raise Refused(f'There is no state {state[:40]!r}')
    if ids:
        if len(ids) > MOST_CHOSEN:
            raise Refused(f'At most {MOST_CHOSEN} jobs can be chosen at once; for more use a filter')
        place = fields.get('place', '')
        known = state == 'queued' and re.fullmatch(r'\d{1,9}', place)
        return Scope(ids=tuple(dict.fromkeys(ids)), state=state, place=int(place) if known else None)
    if fields.get('queue') and state:
        return Scope(queue=fields['queue'], state=state)
    if fields.get('error'):
        if not re.fullmatch(r'[0-9a-f]{12}', fields['error']):
            raise Refused(f'{fields["error"][:40]!r} is no error group')
        return Scope(error=fields['error'], state='failed')
    where = fields.get('where', '').strip()
    if not where:
        raise Refused('No job is chosen')
    return Scope(where=where[:2_000])


@dataclass(frozen=True, slots=True)
class Preview:
    """What an action would be done to."""

    count: int
    looked_at: int  # 0: all are counted, none had to be looked at
    exact: bool  # False: there are more than were looked at
    at: float  # Redis time: who comes later is left alone


def preview(connection: Redis, scope: Scope) -> Preview:
    """How many jobs there are now."""
    if scope.ids:
        return Preview(len(scope.ids), 0, True, time(connection))
    if scope.queue:
        count, at = homes.count(connection, scope.queue, scope.state)
        return Preview(count, 0, True, at)
    if scope.error:
        at, ids = time(connection), _of_error(connection, scope.error)
        return Preview(sum(1 for one in statuses(connection, ids) if one in FAILED), 0, True, at)
    if scope.trash:
        return Preview(bulk.trashed_count(connection, [scope.trash])[0], 0, True, time(connection))
    at = time(connection)
    found = search.count(connection, _filter(scope.where), LOOKED_AT)
    exact = found.exact and found.count <= LOOKED_AT
    return Preview(min(found.count, LOOKED_AT), found.scanned, exact, at)


def _filter(where: str) -> search.Filter:
    try:
        return search.parse(where)
    except search.FilterError as error:
        raise Refused(str(error)) from None


Step = tuple[Sequence[str], Seen]


def steps(connection: Redis, scope: Scope, before: float | None, leaves: bool) -> Generator[Step, int, None]:
    """Some ids at a time, and where they were seen. After each the caller sends back how many of them stay there.

    `before`: epoch; who comes later is left alone. `leaves`: those to which the action is done leave.
    """
    if scope.ids:
        yield scope.ids, Seen(scope.state, before, scope.place)
    elif scope.queue or scope.trash:
        yield from _walks(connection, scope, before, leaves)
    elif scope.error:
        yield from _chunks(_of_error(connection, scope.error), Seen('failed', before))
    else:
        found = search.ids(connection, _filter(scope.where), LOOKED_AT)
        yield from _chunks(list(found), Seen('', before))


def _chunks(ids: Sequence[str], seen: Seen) -> Generator[Step, int, None]:
    for at in range(0, len(ids), STEP):
        yield ids[at : at + STEP], seen


def _of_error(connection: Redis, fingerprint: str) -> list[str]:
    """Those that failed so, the latest first; by now some may have been run again, or be gone."""
    return [job_id for job_id, _ in errors.jobs(connection, fingerprint, 0, MOST_OF_ERROR)]


def _walks(connection: Redis, scope: Scope, before: float | None, leaves: bool) -> Generator[Step, int, None]:
    for _ in range(WALKS if leaves else 1):
        place = moved = 0
        while ids := _page(connection, scope, place):
            where = place if scope.state == 'queued' else None
            stay = yield ids, Seen(scope.state, before, where, scope.queue)
            place += stay if leaves else len(ids)
            moved += len(ids) - stay
        if not moved:
            return


def _page(connection: Redis, scope: Scope, place: int) -> list[str]:
    if scope.trash:
        return bulk.trashed_ids(connection, scope.trash, place, place + bulk.CHUNK - 1)
    return homes.ids(connection, scope.queue, scope.state, place, bulk.CHUNK)
