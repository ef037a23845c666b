"""What can be done to cron jobs: paused, resumed, run now."""

from __future__ import annotations

from rq.cron import control
from rq.dashboard.actions.deeds import Asked, Done, action
from rq.store import cron as store

__all__ = ['pause', 'resume', 'run_now']


@action('cron-pause', label='Pause')
def pause(asked: Asked) -> Done:
    """No scheduler enqueues the cron job until it is resumed."""
    name = asked.text('cron', 'cron job')
    was = control.pause(name, asked.connection)
    return Done(f'Cron job {name} is paused' if was else f'Cron job {name} was paused already', name, int(was))


@action('cron-resume', label='Resume')
def resume(asked: Asked) -> Done:
    """The cron job goes on with its next slot."""
    name = asked.text('cron', 'cron job')
    was = control.resume(name, asked.connection)
    return Done(
        f'Cron job {name} goes on with its next time' if was else f'Cron job {name} was not paused', name, int(was)
    )


@action('cron-run', label='Run now', question='Cron job {cron} is enqueued once more, now')
def run_now(asked: Asked) -> Done:
    """The cron job is enqueued once, by one of the schedulers that have it."""
    name = asked.text('cron', 'cron job')
    store.run_now(asked.connection, name, asked.bulk)  # a form that is sent twice asks for one run
    return Done(f'Cron job {name} is enqueued by the next scheduler that looks, within a second', name)
