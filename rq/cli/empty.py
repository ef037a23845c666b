"""`rq empty`: deletes the jobs that wait in queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .errors import note
from .options import check_queue_names, common_options

if TYPE_CHECKING:
    from .config import CliConfig

__all__ = ['empty']


@click.command()
@click.argument('queues', nargs=-1, callback=check_queue_names)
@click.option('-a', '--all', 'everything', is_flag=True, help='Every known queue.')
@common_options
def empty(config: CliConfig, queues: tuple[str, ...], everything: bool) -> None:
    """Empty given queues."""
    from rq.store import queue as store

    from .chart import printable

    connection = config.quick_connection
    known = store.names(connection)
    names = known if everything else list(dict.fromkeys(queues))
    if not names:
        click.echo('Nothing to do')
        return
    for name in names:
        gone = store.empty(connection, name)
        click.echo(f'{gone} jobs removed from {printable(name)} queue')
        if name == 'failed' and name not in known:
            note('The row `failed` of `rq info` shows the failed jobs of all queues; those are kept until they expire')
        elif name not in known and not gone:
            note(f'No queue {name!r} is known yet: no job was put in it')
