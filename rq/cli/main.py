"""The group `rq`: its commands are imported when they are called or listed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from rq.version import PACKHORSE_VERSION, VERSION

__all__ = ['main']

# Command -> the module with a click command of that name.
COMMANDS = {
    'bench': 'bench',
    'cron': 'cron',
    'dashboard': 'dashboard',
    'doctor': 'doctor',
    'empty': 'empty',
    'enqueue': 'enqueue',
    'info': 'info',
    'requeue': 'requeue',
    'resume': 'suspend',
    'server': 'server',
    'stack': 'stack',
    'suspend': 'suspend',
    'up': 'up',
    'why': 'why',
    'worker': 'worker',
    'worker-pool': 'worker_pool',
}


class _Commands(click.Group):
    """The commands by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command: Any = getattr(import_module(f'rq.cli.{COMMANDS[cmd_name]}'), cmd_name.replace('-', '_'))
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands)
@click.version_option(VERSION, prog_name='rq', message=f'%(prog)s, version %(version)s (Packhorse {PACKHORSE_VERSION})')
def main() -> None:
    """RQ command line tool."""
