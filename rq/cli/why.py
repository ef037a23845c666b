"""`rq why`: what holds a job, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .errors import ExitCode
from .options import common_options

if TYPE_CHECKING:
    from .config import CliConfig

__all__ = ['why']


@click.command()
@click.argument('job_id')
@click.option('--json', 'as_json', is_flag=True, help='One line of JSON.')
@common_options
def why(config: CliConfig, job_id: str, as_json: bool) -> None:
    """Says why a job does not run, or what became of it."""
    from rq.monitor.why import why as ask

    found = ask(config.quick_connection, job_id)
    if as_json:
        import json
        from dataclasses import asdict

        click.echo(json.dumps({'job': job_id, **asdict(found)}, ensure_ascii=False))
    else:
        click.echo(found.sentence)
    if found.kind == 'no-job':
        raise click.exceptions.Exit(ExitCode.PARTLY)
