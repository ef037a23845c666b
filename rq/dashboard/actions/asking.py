"""What is asked before something is done: to how many jobs, what it means, and what cannot be taken back."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from rq.monitor import room as memory
from rq.store import bulk as store

from .scope import LOOKED_AT
from .words import jobs

if TYPE_CHECKING:
    from .deeds import Action, Asked, JobAction
    from .scope import Preview, Scope

__all__ = ['job_question', 'question']

WORDS = {'queued': 'waiting', 'started': 'running'}
# Ids of a selection that are shown.
SHOWN = 20
# What a form has for itself; all else of it is passed on.
OWN = {'sure', 'seen', 'total', 'bulk', 'keep', 'place'}


def question(one: Action, asked: Asked) -> dict[str, Any]:
    """The values of the page that asks before one thing is done."""
    given = {name: value for name, value in asked.fields.items() if name not in OWN}
    words = {name: value[:200] for name, value in given.items()}
    return {
        'action': one.name,
        'label': one.label,
        'said': one.question.format_map(_Words(words)),
        'notes': [],
        'ids': [],
        'fields': {**given, 'sure': 'yes', 'bulk': secrets.token_hex(8)},
        'keep': None,
        'back': asked.fields.get('back', ''),
    }


class _Words(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ''


def job_question(one: JobAction, asked: Asked, scope: Scope, found: Preview) -> dict[str, Any]:
    """The values of the page that asks before something is done to jobs. What it counts is what its form is bound to."""
    given = {
        name: value for name, value in asked.fields.items() if name not in {*OWN, 'queue', 'state', 'where', 'error'}
    }
    bound = {
        **scope.fields,
        'seen': f'{found.at:.6f}',
        'total': str(found.count),
        'bulk': secrets.token_hex(8),
        'sure': 'yes',
    }
    return {
        'action': one.name,
        'label': f'{one.label}{":" if " " in one.label else ""} {jobs(found.count)}' if found.count else '',
        'said': _said(scope, found),
        'notes': [note for note in (one.warning, _target(given), _later(scope)) if note],
        'ids': scope.ids[:SHOWN],
        'all_ids': scope.ids,
        'fields': {**given, **bound},
        'keep': _keep(asked, scope, found) if one.name == 'delete' else None,
        'back': asked.fields.get('back', ''),
    }


def _said(scope: Scope, found: Preview) -> str:
    text = jobs(found.count)
    if scope.ids:
        return f'{text} chosen'
    if scope.error:
        return f'{text}: those that failed with error {scope.error} and have not been run again'
    if scope.queue:
        return f'{text}: all that are {WORDS.get(scope.state, scope.state)} in queue {scope.queue}'
    text += f' found by {scope.where}'
    if found.exact:
        return text
    return f'{text}; there are more: no more than the newest {LOOKED_AT:,} are looked at in one go'


def _target(given: dict[str, str]) -> str:
    return f'They go to queue {given["to"]}.' if given.get('to') else ''


def _later(scope: Scope) -> str:
    return (
        '' if scope.ids else 'Jobs that come after this count are left alone, and so are those that changed meanwhile.'
    )


def _keep(asked: Asked, scope: Scope, found: Preview) -> dict[str, Any]:
    """What can be brought back after a delete, as far as it can be told before."""
    from .jobs import trash_room

    room = trash_room(asked)
    full = memory.is_full(asked.connection)
    weight = memory.weight(asked.connection, scope.queue, scope.state) if scope.queue else 0
    needed = weight * found.count
    return {
        'hours': store.KEEP // 3600,
        'full': full,
        'room': room,
        'needed': needed,
        'exceeds': needed > room,
        'fits': room // weight if weight else found.count,
    }
