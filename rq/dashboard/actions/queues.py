"""What can be done to queues: paused, resumed, one or all."""

from __future__ import annotations

from rq.dashboard.actions.deeds import Asked, Done, Refused, action
from rq.queue import Queue
from rq.store import admin

__all__ = ['resume', 'suspend']


def _name(asked: Asked) -> str | None:
    """The queue named; None for all, which has to be said."""
    if asked.fields.get('all') == 'yes':
        return None
    try:
        return Queue(asked.text('queue', 'queue'), connection=asked.connection).name
    except ValueError as error:
        raise Refused(str(error)) from None


@action('suspend', label='Pause')
def suspend(asked: Asked) -> Done:
    """No worker takes a job any more, of one queue or of all; what runs goes on."""
    queue = _name(asked)
    if admin.is_suspended(asked.connection, queue):
        return Done(f'{_called(queue)} paused already', queue or 'all queues', 0)
    admin.suspend(asked.connection, queue=queue)
    return Done(f'{_called(queue)} paused: no job is begun until you resume', queue or 'all queues')


@action('resume', label='Resume')
def resume(asked: Asked) -> Done:
    """Workers take jobs again."""
    queue = _name(asked)
    if not admin.resume(asked.connection, queue):
        return Done(f'{_called(queue)} not paused', queue or 'all queues', 0)
    said = f'{_called(queue)} resumed'
    if queue is not None and admin.is_suspended(asked.connection):
        return Done(f'{said}, but all queues are paused: resume them too', queue, kind='warn')
    return Done(said, queue or 'all queues')


def _called(queue: str | None) -> str:
    return 'All queues are' if queue is None else f'Queue {queue} is'
