"""Options of those who run jobs: which functions they may name, how much they may return. Pools hand them on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ['SAFETY', 'apply_safety']


def _size(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    from rq.limits import parse_size

    try:
        return None if text is None else parse_size(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


SAFETY = (
    click.option(
        '--allow', multiple=True, metavar='PATTERN', help="Functions that jobs may name, as 'shop.jobs.*' (repeatable)."
    ),
    click.option('--max-result', metavar='SIZE', callback=_size, help='What a job may return (default: 64MB).'),
)


def apply_safety(options: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Puts the options, else ALLOW of the settings, in force for this process and those it starts. Raises BadParameter."""
    from rq.allow import VARIABLE, AllowList
    from rq.limits import LIMITS

    if options['max_result'] is not None:
        LIMITS.result = options['max_result']
        os.environ['RQ_MAX_RESULT'] = str(LIMITS.result)
    listed = options['allow'] or settings.get('ALLOW') or ()
    if listed:
        patterns = [listed] if isinstance(listed, str) else list(listed)
        try:
            AllowList(patterns)
        except (ValueError, TypeError) as error:
            raise click.BadParameter(str(error), param_hint='--allow') from None
        os.environ[VARIABLE] = ','.join(patterns)
