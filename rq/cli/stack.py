"""`rq stack`: where a running job stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .errors import CommandError, ExitCode
from .options import common_options

if TYPE_CHECKING:
    from .config import CliConfig

__all__ = ['stack']

# Seconds: a worker answers at once, unless it is halted, or Redis is far away.
PATIENCE = 3.0


@click.command()
@click.argument('job_id')
@common_options
def stack(config: CliConfig, job_id: str) -> None:
    """Shows where a running job stands: the stack of its process."""
    from rq.command import send_dump_stack_command
    from rq.exceptions import InvalidJobOperation
    from rq.logutils import harmless
    from rq.monitor.stack import wait

    connection = config.quick_connection
    try:
        send_dump_stack_command(connection, job_id)
    except InvalidJobOperation as error:
        raise CommandError(f'{error}: `rq why {job_id}` says where it is', ExitCode.PARTLY) from None
    found = wait(connection, job_id, PATIENCE)
    if found is None:
        raise CommandError('Its worker does not answer: `rq doctor` says whether it lives')
    if found.note:
        click.echo(harmless(found.note, one_line=True), err=True)
    if not found.text:
        raise click.exceptions.Exit(ExitCode.PARTLY)
    click.echo(harmless(found.text))
