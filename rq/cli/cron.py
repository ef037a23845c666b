"""`rq cron`: runs the cron jobs of a file; and lists, pauses, resumes and runs them."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from .config import CliConfig
from .errors import CommandError, ExitCode, note, tell
from .options import common_options

if TYPE_CHECKING:
    from rq.cron import CronJob

__all__ = ['cron']

LEVELS = ['debug', 'info', 'warning', 'error', 'critical']


@click.command()
@click.argument('config_path', required=False)
@click.option(
    '-l', '--logging-level', type=click.Choice(LEVELS, case_sensitive=False), default='INFO', show_default=True,
    help='Set logging level.',
)  # fmt: skip
@click.option('--list', 'listing', is_flag=True, help='Show the cron jobs of the file, or of all running schedulers.')
@click.option('--pause', metavar='NAME', multiple=True, help='Enqueue this cron job no more (repeatable).')
@click.option('--resume', metavar='NAME', multiple=True, help='Enqueue it again (repeatable).')
@click.option('--run-now', metavar='NAME', multiple=True, help='Have it enqueued once, now (repeatable).')
@common_options
def cron(config: CliConfig, config_path: str | None, logging_level: str, **asked: Any) -> None:
    """Starts a cron scheduler with a cron file: a path, or a dotted module.

    With --list, --pause, --resume or --run-now it does that and ends; then the file may be left out.
    """
    from rq.store import cron as store

    if asked['listing'] or asked['pause'] or asked['resume'] or asked['run_now']:
        _manage(config, config_path, **asked)
        return
    if not config_path:
        raise click.UsageError("Missing argument 'CONFIG_PATH'.")
    scheduler = _scheduler(config, config_path, logging_level.upper())
    store.look(config.quick_connection, [])  # says at once if there is no server
    if not scheduler.get_jobs():
        scheduler.log.warning('%s registers no cron job', config_path)
    scheduler.start()


def _scheduler(config: CliConfig, path: str, level: str) -> Any:
    from rq.cron import CronScheduler
    from rq.serializers import resolve_serializer

    # The scheduler has its own patience: a server that is away is asked again every second.
    scheduler = CronScheduler(config.quick_connection, logging_level=level)
    scheduler.serializer = config.serializer or resolve_serializer(None)
    scheduler.queue_class = config.queue_class
    try:
        scheduler.load_config_from_file(path)
    except ImportError as error:
        if os.environ.get('RQ_TRACEBACK'):
            raise
        raise CommandError(' '.join(str(error).split())) from error
    return scheduler


def _manage(
    config: CliConfig,
    path: str | None,
    listing: bool,
    pause: tuple[str, ...],
    resume: tuple[str, ...],
    run_now: tuple[str, ...],
) -> None:
    from rq import cron as api

    connection = config.quick_connection
    jobs = _known(config, path)
    names = {job.name for job in jobs}
    unknown = [name for name in dict.fromkeys((*pause, *resume, *run_now)) if name not in names]
    for name in unknown:
        where = f'in {path}' if path else 'in a running scheduler (name the cron file if none runs)'
        note(f'There is no cron job {name!r} {where}', 'red')
    for name in pause:
        if name in names:
            tell(f'Paused {name}' if api.pause(name, connection) else f'{name} is paused already')
    for name in resume:
        if name in names:
            tell(f'Resumed {name}' if api.resume(name, connection) else f'{name} is not paused')
    for name in run_now:
        if name in names:
            api.run_now(name, connection)
            tell(f'Asked for a run of {name}')
    if listing:
        _list(jobs, set(api.get_paused(sorted(names), connection)))
    if unknown:
        raise click.exceptions.Exit(ExitCode.PARTLY)


def _known(config: CliConfig, path: str | None) -> list[CronJob]:
    """The cron jobs of a file; without one those of the running schedulers, each once."""
    from rq.cron import CronScheduler

    if path:
        jobs: list[CronJob] = _scheduler(config, path, 'ERROR').get_jobs()
        return jobs
    found: dict[tuple[Any, ...], CronJob] = {}
    for scheduler in CronScheduler.all(config.quick_connection):
        for job in scheduler.get_jobs():
            found.setdefault((job.name, job.definition), job)
    return list(found.values())


def _list(jobs: list[CronJob], paused: set[str]) -> None:
    rows = [('NAME', 'QUEUE', 'WHEN', 'NEXT', '')]
    for job in sorted(jobs, key=lambda job: job.name):
        when = job.cron or f'every {job.interval} s'
        zone = f' {job.tz}' if job.tz else ''
        rows.append((job.name, job.queue_name, when + zone, _shown(job), 'paused' if job.name in paused else ''))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        tell('  '.join(text.ljust(width) for text, width in zip(row, [*widths, 0], strict=True)).rstrip())


def _shown(job: CronJob) -> str:
    at: datetime | None = job.next_enqueue_time
    return '-' if at is None else at.astimezone().strftime('%Y-%m-%d %H:%M:%S')
