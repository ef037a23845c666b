"""What can be done to an action on many jobs: ended, gone on with, undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rq.store import bulk

from . import running
from .deeds import ACTIONS, Asked, Done, JobAction, Refused, action, job_action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rq.store.bulk import Seen

__all__ = ['go_on', 'halt', 'undo']

STATUSES = (
    'queued', 'rate_limited', 'deferred', 'scheduled', 'failed', 'stopped', 'finished', 'canceled', 'created',
    'started', 'ready_to_enqueue',
)  # fmt: skip


@job_action('undo', label='Bring back', past='brought back', good=STATUSES, asks=False)
def undo(asked: Asked, ids: Sequence[str], seen: Seen) -> list[str]:
    """Deleted jobs come back to where they were, but for those whose id was used again."""
    return bulk.restore(asked.connection, asked.fields['on'], ids)


def _record(asked: Asked) -> dict[str, str]:
    found = bulk.read(asked.connection, asked.text('on', 'action on many jobs')[:64])
    if not found:
        raise Refused('There is no such action on many jobs any more')
    return found


@action('halt', label='Stop here')
def halt(asked: Asked) -> Done:
    """An action on many jobs ends after its next step; what it has done stays done."""
    record = _record(asked)
    running.halt(asked.connection, asked.fields['on'])
    return Done('It ends after its next step; what is done stays done', record.get('what', ''))


@action('go-on', label='Go on')
def go_on(asked: Asked) -> Done:
    """An action on many jobs that had ended before its end goes on."""
    record, on = _record(asked), asked.fields['on']
    one = ACTIONS.get(record.get('action', ''))
    if not isinstance(one, JobAction):
        raise Refused('That cannot be gone on with')
    if record.get('state') == 'done' or bulk.is_worked_on(asked.connection, on):
        raise Refused('It is at work, or done')
    running.go_on(one, asked, on, record)
    return Done('It goes on', record.get('what', ''), more={'bulk': on})
