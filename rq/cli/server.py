"""`rq server`: the embedded Valkey alone, in the foreground, its data in a folder."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .errors import CommandError, plain_errors
from .signals import Signals

if TYPE_CHECKING:
    from rq.server import EmbeddedServer

__all__ = ['DATA_FOLDER', 'server', 'server_ended', 'start_server']

# In the folder in which one works, since its modules are what the jobs in it call.
DATA_FOLDER = 'rq-data'


@click.command()
@click.option('--port', type=click.IntRange(1, 65535), default=6379, show_default=True, help='Port on 127.0.0.1.')
@click.option('--data', metavar='FOLDER', default=DATA_FOLDER, show_default=True, help='Folder in which jobs are kept.')
@plain_errors
def server(port: int, data: str) -> None:
    """Starts the embedded Valkey, for development."""
    started = start_server(data, port=port)
    address = '' if port == 6379 else f' -u {started.url}'
    client = 'Redis()' if port == 6379 else f'Redis.from_url({started.url!r})'
    click.echo(f'The server is ready at {started.url}; its data is in {os.path.abspath(data)}')
    click.echo(f'Connect with {client}, `rq worker{address}`, `rq info{address}`; Ctrl-C ends it')
    with Signals() as signals:
        while started.running:
            if signals.wait() & Signals.ENDING:
                click.echo('Stopping')
                started.stop()
                return
    raise CommandError(server_ended(started))


def start_server(data: str, **where: Any) -> EmbeddedServer:
    """A server that answers, with its data in a folder. Raises ServerError, in which are the server's own words."""
    from rq.server import EmbeddedServer

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    # Loading may take long; until it is over a SIGTERM is to leave no server behind, as Ctrl-C does.
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        started = EmbeddedServer(data_dir=data, **where).start()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    _ignore_in_git(Path(data))
    return started


def server_ended(ended: EmbeddedServer) -> str:
    """That it did, with its last words."""
    lines = [line for line in ended.log.splitlines() if line.strip()][-3:]
    return '\n'.join([f'The server has ended by itself (code {ended.wait(0)})', *lines])


def _ignore_in_git(folder: Path) -> None:
    """Keeps jobs, and what they carry, out of the project's repository."""
    rule = folder / '.gitignore'
    if not rule.exists():
        rule.write_text('*\n')
