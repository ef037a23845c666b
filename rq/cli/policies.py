"""Options of workers for jobs whose process dies, and for their own end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ['POLICIES', 'policies']

POLICIES = (
    click.option(
        '--on-lost',
        type=click.Choice(('fail', 'requeue')),
        help='What becomes of a job whose process dies, if it has no policy of its own (default: its Retry decides).',
    ),
    click.option(
        '--max-deaths', type=click.IntRange(min=0), help='Give a job up after so many deaths (default 3; 0: never).'
    ),
    click.option(
        '--grace',
        type=click.FloatRange(min=0),
        metavar='SECONDS',
        help='Told to stop, end within so many seconds (default: when the running job ends).',
    ),
)


def policies(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those that were given."""
    names = ('on_lost', 'max_deaths', 'grace')
    return {name: options[name] for name in names if options[name] is not None}
