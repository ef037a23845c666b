"""What can be done to jobs. Each step gets some ids and answers a code for each; the scripts of the store decide."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from rq.command import send_stop_job_command
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import anew
from rq.queue import Queue
from rq.store import bulk
from rq.store import job as store

from .deeds import Asked, Refused, job_action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rq.store.bulk import Seen

__all__ = ['again', 'cancel', 'delete', 'enqueue_now', 'move', 'requeue', 'stop', 'trash_room']

logger = logging.getLogger('rq.dashboard')
# Bytes of deleted jobs that are kept, of all bulks together.
TRASH_BYTES = 128 * 1024 * 1024


@job_action('requeue', label='Requeue', past='requeued', good=['QUEUED', 'RATE_LIMITED'])
def requeue(asked: Asked, ids: Sequence[str], seen: Seen) -> list[str]:
    """Failed and stopped jobs go back to their queues."""
    answers: dict[str, str] = {}
    for queue, some in _by_queue(asked, ids, seen).items():
        if not queue:
            answers.update(dict.fromkeys(some, 'GONE'))
            continue
        for at in range(0, len(some), bulk.CHUNK):
            ids_now = some[at : at + bulk.CHUNK]
            found = store.requeue(asked.connection, queue, ids_now, asked.fields.get('front') == '1', seen.before)
            answers.update(zip(ids_now, found, strict=True))
    elsewhere = [job_id for job_id, code in answers.items() if code == 'NOT_FAILED']
    answers.update(zip(elsewhere, store.statuses(asked.connection, elsewhere), strict=True))
    return [answers[job_id] for job_id in ids]


def _by_queue(asked: Asked, ids: Sequence[str], seen: Seen) -> dict[str, list[str]]:
    if seen.queue:
        return {seen.queue: list(ids)}
    found: dict[str, list[str]] = {}
    for job_id, queue in zip(ids, store.origins(asked.connection, ids), strict=True):
        found.setdefault(queue, []).append(job_id)
    return found


@job_action(
    'delete',
    label='Delete',
    past='deleted',
    good=['KEPT', 'DELETED'],
    warning='Jobs that wait for them are canceled, and stay so.',
)
def delete(asked: Asked, ids: Sequence[str], seen: Seen) -> list[str]:
    """Jobs go, with their results; for a day they can be brought back, as many as the trash holds."""
    if asked.fields.get('keep') == 'no' or not asked.bulk:
        return bulk.discard(asked.connection, ids, seen)[1]
    kept, answers = bulk.discard(asked.connection, ids, seen, asked.bulk, trash_room(asked))
    try:
        bulk.add_bytes(asked.connection, asked.bulk, kept)
    except RedisError as trouble:  # they are deleted, whether a full server takes note of it or not
        logger.warning('What the trash holds could not be noted: %s', trouble)
    return answers


def trash_room(asked: Asked) -> int:
    """The bytes of deleted jobs that can still be kept."""
    most = int(asked.settings.get('trash_bytes') or TRASH_BYTES)
    return max(0, most - bulk.trash_bytes(asked.connection))


@job_action('cancel', label='Cancel', past='canceled', good=['CANCELED'])
def cancel(asked: Asked, ids: Sequence[str], seen: Seen) -> list[str]:
    """Jobs that wait will not be run. A running one is left alone but where it alone is meant: it runs on, for nothing."""
    answers = bulk.cancel_many(asked.connection, ids, seen)
    if answers == ['started'] and not seen.home:
        answers = [store.cancel(asked.connection, ids[0])[0].decode()]
    return answers


@job_action('enqueue-now', label='Enqueue now', past='enqueued', good=['QUEUED', 'RATE_LIMITED'])
def enqueue_now(asked: Asked, ids: Sequence[str], seen: Seen) -> list[str]:
    """Scheduled jobs do not wait for their time any more, deferred ones not for other jobs."""
    return bulk.enqueue_now(asked.connection, ids, seen)


@job_action('stop', label='Stop', past='told to stop', good=['TOLD'], leaves=False)
def stop(asked: Asked, ids: Sequence[str], seen: Seen) -> list[str]:
    """The workers of running jobs are told to end them; they become `stopped` and are not retried."""
    return [_stop(asked, job_id) for job_id in ids]


def _stop(asked: Asked, job_id: str) -> str:
    try:
        send_stop_job_command(asked.connection, job_id)
    except NoSuchJobError:
        return 'GONE'
    except InvalidJobOperation:
        return store.statuses(asked.connection, [job_id])[0]
    return 'TOLD'


@job_action('again', label='Run again as a copy', past='copied and enqueued', good=['QUEUED'], leaves=False, once=True)
def again(asked: Asked, ids: Sequence[str], seen: Seen) -> list[str]:
    """The same calls as new jobs, on their queues; the old ones stay as they are."""
    return [anew.enqueue_copy(asked.connection, job_id, asked.bulk) for job_id in ids]


def _check_queue(asked: Asked) -> None:
    try:
        Queue(asked.text('to', 'queue they shall go to').strip(), connection=asked.connection)
    except ValueError as error:
        raise Refused(str(error)) from None


@job_action('move', label='Move', past='moved', good=['MOVED'], check=_check_queue)
def move(asked: Asked, ids: Sequence[str], seen: Seen) -> list[str]:
    """Jobs leave their queue for another one, where they are what they were: waiting, scheduled, failed."""
    to = asked.fields['to'].strip()
    signed = anew.signatures_for(asked.connection, ids, to)
    return bulk.move(asked.connection, to, signed, seen)
