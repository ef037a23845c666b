"""Why a job does not run, or what became of it: one sentence that names what holds it, and what to do about it.

From reads of present state alone (`situation.py`); each function here turns facts into words, for one status each.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rq.limits import tame

from . import reasons_of_ends, reasons_of_limits, reasons_of_runs, reasons_of_waits
from .reason import Why
from .situation import gather
from .words import listed, named

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from .situation import Situation

__all__ = ['Why', 'explain', 'look', 'why']

BY_STATUS: dict[str, Callable[[Situation], Why]] = {
    'created': reasons_of_waits.created,
    'queued': reasons_of_waits.queued,
    'scheduled': reasons_of_waits.scheduled,
    'deferred': reasons_of_waits.deferred,
    'rate_limited': reasons_of_limits.limited,
    'ready_to_enqueue': reasons_of_waits.ready,
    'started': reasons_of_runs.started,
    'finished': reasons_of_ends.finished,
    'failed': reasons_of_ends.failed,
    'stopped': reasons_of_ends.stopped,
    'canceled': reasons_of_ends.canceled,
}


def why(connection: Redis, job_id: str) -> Why:
    """What holds a job, or became of it. Raises redis-py's errors; writes nothing."""
    return look(connection, job_id)[1]


def look(connection: Redis, job_id: str) -> tuple[Situation, Why]:
    """The facts of a job, and what they come to."""
    found = gather(connection, job_id)
    reason = explain(found)
    if reason.odd:
        # It is read in some steps, and a job may move between them: what contradicts itself is looked at again.
        found = gather(connection, job_id)
        reason = explain(found)
    return found, reason


def explain(found: Situation) -> Why:
    """The facts in words; names in them come from Redis and may hold anything."""
    reason = _explained(found)
    return replace(reason, sentence=tame(reason.sentence))


def _explained(found: Situation) -> Why:
    if found.start.kind != 'hash':
        return _nobody(found)
    status = found.fields.get('status', '')
    if status in BY_STATUS:
        return BY_STATUS[status](found)
    if not status and 'created_at' in found.fields:
        return reasons_of_waits.created(found)
    what = f'its status is {named(status)}, which no RQ knows' if status else 'its hash has no status'
    return Why(
        f'No worker looks at it while {what}: see what wrote `rq:job:{found.id}`, or delete it and enqueue it anew.',
        'unknown-status',
        'fault',
    )


def _nobody(found: Situation) -> Why:
    """There is no such job."""
    if found.start.kind != 'none':
        return Why(
            f'Its key holds a {named(found.start.kind)} and no job: something else wrote there, delete it and enqueue anew.',
            'no-job',
            'fault',
        )
    if found.start.gone:
        return Why(
            'It ended less than 30 s ago and was deleted at once, as its `result_ttl` or `failure_ttl` of 0 asks.',
            'deleted-at-end',
            'ok',
        )
    waited = [queue for queue, place in found.remains if place in ('queue', 'scheduled', 'deferred')]
    if waited:
        return Why(
            f'It expired while it waited in queue {named(waited[0])}: its `ttl` was over before a worker came; '
            'its worker drops what is left of it. Enqueue it anew with a longer `ttl`, or with more workers.',
            'expired',
            'fault',
        )
    for queue, place in found.remains:
        what = {'canceled': 'was canceled', 'ready': 'was about to be queued'}.get(place, place)
        return Why(
            f'It {what} in queue {named(queue)}, and has expired since: no more is stored of it.', 'expired', 'ok'
        )
    if found.similar:
        return Why(
            f'There is no job of this id; there is {listed([named(one) for one in found.similar])}: is that meant?',
            'no-job',
            'fault',
        )
    return Why(
        'There is no job of this id here: it was never enqueued on this server and database, or it was deleted, or it has '
        'expired (a result is kept for 500 s unless `result_ttl` says otherwise): check the id and the URL.',
        'no-job',
        'fault',
    )
