"""What became of a job that has ended, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .reason import Why
from .situation import CANNOT_IMPORT, moment
from .words import clock, named, span, typed

if TYPE_CHECKING:
    from .situation import Situation

__all__ = ['canceled', 'failed', 'finished', 'stopped']

UNBELIEVED = 'rq.exceptions.SignatureError'


def finished(found: Situation) -> Why:
    """It ran and returned."""
    left = found.start.ttl
    kept = f'for {span(left)} more' if left is not None else 'until somebody deletes it'
    return _again(found) or Why(
        f'Finished {_when(found)}{_took(found)}{_where(found)}; its result is kept {kept}.', 'finished', 'ok'
    )


def failed(found: Situation) -> Why:
    """It ran and raised, or its process died."""
    error = f' with {named(found.error)}' if found.error else ''
    head = f'Failed {_when(found)}{_took(found)}{_where(found)}{error}'
    again = f'`rq requeue {typed(found.id)}`'
    if found.error.startswith(UNBELIEVED):
        do = f'sign it by giving its producer the key that the workers have (`rq doctor` there says more), then {again}'
        return _again(found) or Why(f'{head}: {do}.', 'signature', 'fault')
    if found.error.startswith(CANNOT_IMPORT):
        do = f'the workers cannot import its function: put its module on their path, start them anew, then {again}'
        return _again(found) or Why(f'{head}: {do}.', 'import', 'fault')
    return _again(found) or Why(f'{head}: mend the cause, then {again}.', 'failed', 'fault')


def stopped(found: Situation) -> Why:
    """Somebody had it stopped."""
    return _again(found) or Why(
        f'Stopped on request {_when(found)}{_took(found)}{_where(found)}: if that was wrong, `rq requeue {typed(found.id)}`.',
        'stopped',
        'ok',
    )


def canceled(found: Situation) -> Why:
    """Nobody will run it."""
    since = found.place.homes.get('canceled') if found.place else None
    when = f' {span(found.start.now - since)} ago' if since else ''
    if found.place and found.place.leases:
        who = f' on worker {named(found.fields.get("worker_name", "?"))}'
        return Why(
            f'Canceled{when} while it ran, and it still runs{who}: what it returns is not kept; to end it now, stop it.',
            'canceled-runs',
            'waits',
        )
    return Why(f'Canceled{when}: nobody will run it; enqueue it anew if it is wanted after all.', 'canceled', 'ok')


def _again(found: Situation) -> Why | None:
    """It has ended, and its id is on the list: some other program pushed it there."""
    if found.place is None or found.place.position is None:
        return None
    status, queue = found.fields['status'], named(found.queue)
    return Why(
        f'Its status is {status}, yet its id stands in queue {queue}, so a worker will run it once more: '
        f'let it, or take it out by `Queue({found.queue!r}).remove({found.id!r})`.',
        'ended-and-queued',
        'fault',
        odd=True,
    )


def _when(found: Situation) -> str:
    at = moment(found.fields, 'ended_at')
    return f'{span(found.start.now - at)} ago ({clock(at)})' if at else 'at a time that nobody noted'


def _took(found: Situation) -> str:
    began, ended = moment(found.fields, 'started_at'), moment(found.fields, 'ended_at')
    return f' after {span(ended - began)}' if began and ended and ended >= began else ''


def _where(found: Situation) -> str:
    worker = found.fields.get('worker_name')
    return f' on worker {named(worker)}' if worker else ''
