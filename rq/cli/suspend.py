"""`rq suspend` and `rq resume`: workers take no job, and take jobs again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .errors import CommandError
from .options import common_options

if TYPE_CHECKING:
    from .config import CliConfig

__all__ = ['resume', 'suspend']

# A hundred years; Redis refuses expiries whose end does not fit 64 bits of milliseconds.
LONGEST = 100 * 365 * 86400


@click.command()
@click.option('--duration', type=int, help='Seconds until the workers go on by themselves (default: for ever).')
@common_options
def suspend(config: CliConfig, duration: int | None) -> None:
    """Suspends all workers, to resume run `rq resume`."""
    from rq.store import admin

    if duration is not None and not 1 <= duration <= LONGEST:
        raise CommandError(f'Duration must be a whole number of seconds from 1 to {LONGEST}')
    admin.suspend(config.quick_connection, duration)
    if duration is None:
        click.echo('Suspending workers.  No new jobs will be started.  But current jobs will be completed')
    else:
        click.echo(
            f'Suspending workers for {duration} seconds.  No new jobs will be started during that time, but then will '
            'automatically resume'
        )


@click.command()
@common_options
def resume(config: CliConfig) -> None:
    """Resumes processing of queues, that were suspended with `rq suspend`."""
    from rq.store import admin

    was_suspended = admin.resume(config.quick_connection)
    click.echo('Resuming workers.' if was_suspended else 'Resuming workers. (They were not suspended.)')
