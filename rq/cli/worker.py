"""`rq worker`: runs the jobs of some queues."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from rq.defaults import (
    DEFAULT_JOB_MONITORING_INTERVAL,
    DEFAULT_LOGGING_DATE_FORMAT,
    DEFAULT_LOGGING_FORMAT,
    DEFAULT_MAINTENANCE_TASK_INTERVAL,
    DEFAULT_RESULT_TTL,
    DEFAULT_WORKER_TTL,
)

from .errors import CommandError
from .limits import SAFETY, apply_safety
from .options import check_queue_names, common_options
from .policies import POLICIES, policies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .config import CliConfig

__all__ = [
    'SUSPENDED',
    'apply_stats',
    'checked_level',
    'configure_logging',
    'handlers',
    'queues_of',
    'refuse_when_suspended',
    'wanted_level',
    'worker',
]

SUSPENDED = 'RQ is currently suspended, to resume job execution run "rq resume"'
STRATEGIES = ('default', 'round_robin', 'random')


def checked_level(context: click.Context, parameter: click.Parameter, name: str) -> str:
    """The level in capitals; raises BadParameter for one that logging does not know."""
    if name.upper() not in logging.getLevelNamesMapping():
        raise click.BadParameter(f'{name!r} is not one of DEBUG, INFO, WARNING, ERROR, CRITICAL')
    return name.upper()


POSITIVE = click.IntRange(min=1)
OPTIONS = (
    click.option('-b', '--burst', is_flag=True, help='Work off what is there and end.'),
    click.option(
        '--logging_level', default='INFO', callback=checked_level, help='DEBUG, INFO, WARNING, ERROR or CRITICAL.'
    ),
    click.option('--log-format', default=DEFAULT_LOGGING_FORMAT, help='Format of the log lines.'),
    click.option('--date-format', default=DEFAULT_LOGGING_DATE_FORMAT, help='Format of their time.'),
    click.option('-n', '--name', help='Name of the worker (default: a random one).'),
    click.option('--results-ttl', type=int, default=DEFAULT_RESULT_TTL, help='Seconds that results are kept.'),
    click.option(
        '--worker-ttl', type=POSITIVE, default=DEFAULT_WORKER_TTL, help='Seconds its record outlives silence.'
    ),
    click.option(
        '--maintenance-interval',
        type=POSITIVE,
        default=DEFAULT_MAINTENANCE_TASK_INTERVAL,
        help='Seconds between two rounds of maintenance.',
    ),
    click.option(
        '--job-monitoring-interval',
        type=POSITIVE,
        default=DEFAULT_JOB_MONITORING_INTERVAL,
        help='Seconds between two heartbeats of a running job.',
    ),
    click.option('--disable-job-desc-logging', is_flag=True, help='Leave the descriptions of jobs out of the log.'),
    click.option('-v', '--verbose', is_flag=True, help='Log more: level DEBUG.'),
    click.option('-q', '--quiet', is_flag=True, help='Log less: level WARNING.'),
    click.option('--exception-handler', multiple=True, help='Function to call when a job fails (repeatable).'),
    click.option('--pid', metavar='FILE', help='File for the process id; removed at the end.'),
    click.option(
        '-d',
        '--disable-default-exception-handler',
        is_flag=True,
        help='Accepted for RQ: failures are kept all the same.',
    ),
    click.option('--max-jobs', type=POSITIVE, help='End after so many jobs.'),
    click.option('--max-idle-time', type=click.IntRange(min=0), help='End after so many seconds without a job.'),
    click.option('-s', '--with-scheduler', is_flag=True, help='Accepted; every worker enqueues jobs that are due.'),
    click.option(
        '-ds',
        '--dequeue-strategy',
        type=click.Choice(STRATEGIES, case_sensitive=False),
        default='default',
        help='Which queue is next: in the order given, in turn, or any.',
    ),
    click.option('--fork-per-job', is_flag=True, help='A new process for every job, as in RQ: isolated, and slow.'),
    click.option(
        '--max-jobs-per-horse', type=click.IntRange(min=0), default=0, help='A new process after so many jobs.'
    ),
    *POLICIES,
    click.option('--preload', multiple=True, metavar='MODULE', help='Module to import once, early (repeatable).'),
    click.option(
        '--with-dashboard', is_flag=True, help='Serve the dashboard as well (RQ_DASHBOARD_... has its options).'
    ),
    click.option('--no-reload', is_flag=True, help='Do not look for changed source files.'),
    click.option('--no-stats', is_flag=True, help='Record no counters for the dashboard (also: RQ_STATS=0).'),
    click.option('--release', metavar='TEXT', help='Name of the code it runs, to mark on charts (also: RQ_RELEASE).'),
)


def _worker_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with the worker's own options."""
    for option in reversed((*OPTIONS, *SAFETY)):
        command = option(command)
    return command


@click.command()
@click.argument('queues', nargs=-1, callback=check_queue_names)
@_worker_options
@common_options
def worker(config: CliConfig, queues: tuple[str, ...], **options: Any) -> None:
    """Starts an RQ worker."""
    level = wanted_level(options)
    configure_logging(config.settings)
    apply_safety(options, config.settings)
    apply_stats(options, config.settings)
    with _pid_file(options['pid']), _dashboard(config, options['with_dashboard']):
        refuse_when_suspended(config)
        built = _build(config, queues or queues_of(config.settings), options)
        built.work(
            burst=options['burst'],
            logging_level=level,
            date_format=options['date_format'],
            log_format=options['log_format'],
            max_jobs=options['max_jobs'],
            max_idle_time=options['max_idle_time'],
            with_scheduler=options['with_scheduler'],
            dequeue_strategy=options['dequeue_strategy'],
            **built.take_policies(policies(options)),
        )


def apply_stats(options: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """What is recorded for the dashboard, by options, settings (RQ_STATS, RQ_RELEASE) and environment; children inherit it."""
    if options.get('no_stats'):
        os.environ['RQ_STATS'] = '0'
    elif 'RQ_STATS' in settings:
        os.environ.setdefault('RQ_STATS', '1' if settings['RQ_STATS'] not in (False, 0, '0') else '0')
    name = options.get('release') or os.environ.get('RQ_RELEASE') or settings.get('RQ_RELEASE')
    if name:
        os.environ['RQ_RELEASE'] = str(name)


def refuse_when_suspended(config: CliConfig) -> None:
    """Nothing, while workers may work. Raises CommandError."""
    from rq.store import admin

    if admin.is_suspended(config.quick_connection):
        raise CommandError(SUSPENDED)
    config.quick_connection.close()


def wanted_level(options: Mapping[str, Any]) -> Any:
    """The level that the options ask for. Raises click's UsageError for both of --verbose and --quiet."""
    if options['verbose'] and options['quiet']:
        raise click.UsageError('--verbose and --quiet exclude each other')
    if options['verbose']:
        return 'DEBUG'
    return 'WARNING' if options['quiet'] else options['logging_level']


def queues_of(settings: Mapping[str, Any]) -> list[str]:
    """The queues that the settings name, else the default one."""
    names = settings.get('QUEUES') or ['default']
    return names.split(',') if isinstance(names, str) else list(names)


def _build(config: CliConfig, queues: Any, options: Mapping[str, Any]) -> Any:
    from rq.worker.settings import HorseOptions

    classes = {'job_class': config.job_class, 'serializer': config.serializer}
    built = config.worker_class(
        [config.queue_class(name, connection=config.connection, **classes) for name in queues],
        name=options['name'] or config.settings.get('NAME'),
        connection=config.connection,
        default_result_ttl=options['results_ttl'],
        worker_ttl=options['worker_ttl'],
        maintenance_interval=options['maintenance_interval'],
        job_monitoring_interval=options['job_monitoring_interval'],
        log_job_description=not options['disable_job_desc_logging'],
        exception_handlers=handlers(options['exception_handler']),
        disable_default_exception_handler=options['disable_default_exception_handler'],
        queue_class=config.queue_class,
        **classes,
    )
    built.horse_options = HorseOptions(
        fork_per_job=options['fork_per_job'],
        max_jobs_per_horse=options['max_jobs_per_horse'],
        preload=options['preload'],
        reload=not options['no_reload'],
    )
    return built


def handlers(names: tuple[str, ...]) -> list[Any]:
    """The functions of these names; raises BadParameter."""
    from rq.utils import import_attribute

    try:
        return [import_attribute(name) for name in names]
    except Exception as error:  # the import of the user's module may raise anything
        raise click.BadParameter(str(error), param_hint='--exception-handler') from error


def configure_logging(settings: Mapping[str, Any]) -> None:
    """Sets up the log as DICT_CONFIG of the settings says, if there is one. Raises CommandError."""
    if 'DICT_CONFIG' not in settings:
        return
    from logging.config import dictConfig

    try:
        dictConfig(settings['DICT_CONFIG'])
    except (ValueError, TypeError, AttributeError, ImportError) as error:
        raise CommandError(f'DICT_CONFIG of the settings cannot be used: {error.__cause__ or error}') from error


@contextmanager
def _dashboard(config: CliConfig, wanted: bool) -> Iterator[None]:
    """The dashboard beside it, if it is wanted."""
    from .companion import Companion

    companion = Companion()
    try:
        if wanted:
            companion.start(config)
        yield
    finally:
        companion.stop()


@contextmanager
def _pid_file(name: str | None) -> Iterator[None]:
    """Holds a file with our process id, for as long as it lasts. Raises CommandError if it cannot be written."""
    if not name:
        yield
        return
    path, mine = os.path.abspath(os.path.expanduser(name)), os.getpid()
    try:
        with open(path, 'w') as file:
            file.write(str(mine))
    except OSError as error:
        raise CommandError(f'The file for the process id cannot be written: {error}') from error
    try:
        yield
    finally:
        _remove_pid_file(path, mine)


def _remove_pid_file(path: str, mine: int) -> None:
    """Removes it unless it is another's by now, or we are a fork of the one that wrote it."""
    try:
        with open(path) as file:
            if os.getpid() == mine and file.read() == str(mine):
                os.unlink(path)
    except FileNotFoundError:
        pass
