"""Which jobs an action is for: a selection, the jobs of one state of a queue, or all that a filter finds.

What is in a home is walked in place: jobs that an action takes out of it make room for the next, those that it leaves
are stepped over. So no list of 200,000 ids is made, and nothing is met twice.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rq.monitor import jobs_in as homes
from rq.store import bulk
from rq.store.bulk import Seen

from .deeds import Refused
from .words import plural

if TYPE_CHECKING:
    from redis import Redis

__all__ = ['LOOKED_AT', 'MOST_CHOSEN', 'Preview', 'Scope', 'preview', 'read', 'steps']

# Of a selection: as many as a page can show.
MOST_CHOSEN = 200
# Jobs that are looked at for a filter: what the Jobs page does too.
LOOKED_AT = 50_000
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
        if self.trash:
            return f'deleted by {self.trash}'
        return f'queue:{self.queue} state:{self.state}' if self.queue else self.where

    @property
    def fields(self) -> dict[str, str]:
        """As a form has it, but for the ids."""
        given = {'queue': self.queue, 'state': self.state, 'where': self.where, 'trash': self.trash}
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
        return Scope(ids=tuple(dict.fromkeys(ids)), state=state)
    if fields.get('queue') and state:
        return Scope(queue=fields['queue'], state=state)
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
        return Preview(len(scope.ids), 0, True, homes.now(connection))
    if scope.queue:
        count, at = homes.count(connection, scope.queue, scope.state)
        return Preview(count, 0, True, at)
    if scope.trash:
        return Preview(bulk.trashed_count(connection, [scope.trash])[0], 0, True, homes.now(connection))
    search = _search()
    at = homes.now(connection)
    found = search.count(connection, _filter(search, scope.where), LOOKED_AT)
    return Preview(found.count, found.scanned, found.exact, at)


def _search() -> Any:
    try:
        return import_module('rq.monitor.search')
    except ImportError:
        raise Refused('Filters are not there yet') from None


def _filter(search: Any, where: str) -> Any:
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
        yield scope.ids, Seen(scope.state, before)
    elif scope.queue or scope.trash:
        yield from _walks(connection, scope, before, leaves)
    else:
        search = _search()
        ids = list(search.ids(connection, _filter(search, scope.where), LOOKED_AT))
        for at in range(0, len(ids), bulk.CHUNK):
            yield ids[at : at + bulk.CHUNK], Seen('', before)


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
