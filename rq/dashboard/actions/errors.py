"""What can be done to a group of errors: muted, and heard again. Its jobs are requeued and deleted as others are."""

from __future__ import annotations

from rq.dashboard.actions.deeds import Asked, Done, Refused, action
from rq.store import errors as store

__all__ = ['mute', 'unmute']


@action('mute', label='Mute')
def mute(asked: Asked) -> Done:
    """A group of errors is shown apart; it is counted on."""
    return _mute(asked, True, 'is muted: it is counted on, and calls for no attention')


@action('unmute', label='Unmute')
def unmute(asked: Asked) -> Done:
    """A group of errors calls for attention again."""
    return _mute(asked, False, 'calls for attention again')


def _mute(asked: Asked, muted: bool, said: str) -> Done:
    name = asked.text('error', 'error group')[:40]
    if not store.mute(asked.connection, name, muted):
        raise Refused(f'There is no error group {name} any more')
    return Done(f'Error {name} {said}', name)
