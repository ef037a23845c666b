"""`rq info`: what waits, what runs, who works; once or again and again."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from .errors import explain, note
from .options import check_queue_names, common_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .config import CliConfig
    from .survey import Survey

__all__ = ['info', 'lines']

HOME, ERASE_LINE, ERASE_BELOW = '\x1b[H', '\x1b[K', '\x1b[J'
CLEAR = '\x1b[2J'


@click.command()
@click.argument('queues', nargs=-1, callback=check_queue_names)
@click.option('-i', '--interval', type=click.FloatRange(0), help='Show it again every so many seconds, until Ctrl-C.')
@click.option('-r', '--raw', is_flag=True, help='Only the numbers, for scripts; no bars.')
@click.option('-Q', '--only-queues', is_flag=True, help='Only the queues.')
@click.option('-W', '--only-workers', is_flag=True, help='Only the workers.')
@click.option('-R', '--by-queue', is_flag=True, help='The workers of each queue, by name.')
@click.option('--json', 'as_json', is_flag=True, help='One line of JSON, with everything.')
@common_options
def info(config: CliConfig, queues: tuple[str, ...], interval: float | None, **form: bool) -> None:
    """RQ command-line monitor."""
    from .survey import survey

    found = survey(config.quick_connection, queues)
    for name in found.unknown:
        note(f'No queue {name!r} is known yet: no job was put in it and no worker listens on it')
    if not interval:
        for line in lines(found, **form):
            click.echo(line)
        return
    try:
        _watch(config, queues, interval, found, form)
    except KeyboardInterrupt:
        click.echo()


def _watch(config: CliConfig, queues: tuple[str, ...], interval: float, found: Survey, form: dict[str, bool]) -> None:
    from redis.exceptions import RedisError

    from .survey import survey

    _show(list(lines(found, **form)), CLEAR)
    while True:
        time.sleep(interval)
        try:
            _show(list(lines(survey(config.quick_connection, queues), **form)))
        except RedisError as error:  # a server that is started again is one more thing to watch
            _show([explain(error).message])


def _show(lines: list[str], before: str = '') -> None:
    """Prints over what was printed before on a terminal (cut to its height), below it elsewhere."""
    if not sys.stdout.isatty():
        click.echo('\n'.join([*lines, '']))
        return
    height = max(2, shutil.get_terminal_size().lines)
    if len(lines) >= height:
        lines = [*lines[: height - 2], f'... and {len(lines) - height + 2} more lines']
    click.echo(before + HOME + ''.join(f'{line}{ERASE_LINE}\n' for line in lines) + ERASE_BELOW, nl=False)
    sys.stdout.flush()


def lines(
    found: Survey, raw: bool, only_queues: bool, only_workers: bool, by_queue: bool, as_json: bool = False
) -> Iterator[str]:
    """What `rq info` prints, by its options."""
    from . import chart

    # Both of them ask for the queues, as in RQ.
    show_queues, show_workers = only_queues or not only_workers, not only_queues
    if as_json:
        yield _json(found)
    elif raw:
        yield from chart.raw_lines(found, show_queues, show_workers, by_queue)
    else:
        if show_queues:
            yield from chart.bar_lines(found)
        if show_queues and show_workers:
            yield ''
        if show_workers:
            yield from chart.workers_by_queue(found) if by_queue else chart.worker_lines(found)
        if found.suspended:
            yield from ['', chart.suspended_line()]
        if show_queues and show_workers:
            yield from ['', chart.updated_line()]


def _json(found: Any) -> str:
    import json
    from dataclasses import asdict

    return json.dumps(asdict(found), ensure_ascii=False)
