"""What can be done to workers: told to end, or to end what they run.

A second shutdown would not let the running job finish, so a form that is sent twice is one call (`asked.bulk`).
"""

from __future__ import annotations

from rq.command import send_command
from rq.dashboard.actions.deeds import Asked, Done, Refused, action
from rq.store import worker as store

__all__ = ['kill_horse', 'shutdown']


@action(
    'shutdown',
    label='Shut down',
    role='admin',
    question='Worker {worker} takes no more jobs, finishes the one it runs, and ends. Whether it is started again is up to '
    'what has started it',
)
def shutdown(asked: Asked) -> Done:
    """A worker ends as after Ctrl-C: its running job is finished first."""
    return _tell(asked, 'shutdown', 'shut down')


@action(
    'kill-horse',
    label='Kill its job',
    role='admin',
    question='The process in which worker {worker} runs its jobs is killed. The running job counts as lost: it is retried '
    'if it may be, else it fails',
)
def kill_horse(asked: Asked) -> Done:
    """The process that runs a worker's jobs is killed; the worker starts another."""
    return _tell(asked, 'kill-horse', 'kill its job')


def _tell(asked: Asked, command: str, words: str) -> Done:
    name = asked.text('worker', 'worker')
    if not store.fetch(asked.connection, name):
        raise Refused(f'There is no worker {name[:100]} any more')
    send_command(asked.connection, name, command, call=asked.bulk)
    return Done(f'Worker {name} is told to {words}', name)
