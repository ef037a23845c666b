"""`rq worker-pool`: several workers of some queues, in one process tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rq.defaults import DEFAULT_LOGGING_DATE_FORMAT, DEFAULT_LOGGING_FORMAT

from .limits import SAFETY, apply_safety
from .options import check_queue_names, common_options
from .policies import POLICIES, policies
from .worker import checked_level, configure_logging, handlers, queues_of, refuse_when_suspended, wanted_level

if TYPE_CHECKING:
    from collections.abc import Callable

    from .config import CliConfig

__all__ = ['worker_pool']

OPTIONS = (
    click.option('-b', '--burst', is_flag=True, help='Work off what is there and end.'),
    click.option(
        '-l', '--logging-level', default='INFO', callback=checked_level, help='DEBUG, INFO, WARNING, ERROR or CRITICAL.'
    ),
    click.option('--exception-handler', multiple=True, help='Function to call when a job fails (repeatable).'),
    click.option('-v', '--verbose', is_flag=True, help='Log more: level DEBUG.'),
    click.option('-q', '--quiet', is_flag=True, help='Log less: level WARNING.'),
    click.option('--log-format', default=DEFAULT_LOGGING_FORMAT, help='Format of the log lines.'),
    click.option('--date-format', default=DEFAULT_LOGGING_DATE_FORMAT, help='Format of their time.'),
    click.option('-n', '--num-workers', type=click.IntRange(min=1), default=1, help='How many workers (default: 1).'),
)


def _pool_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with its own options."""
    for option in reversed((*OPTIONS, *POLICIES, *SAFETY)):
        command = option(command)
    return command


@click.command('worker-pool')
@click.argument('queues', nargs=-1, callback=check_queue_names)
@_pool_options
@common_options
def worker_pool(config: CliConfig, queues: tuple[str, ...], **options: Any) -> None:
    """Starts a RQ worker pool."""
    from rq.logutils import setup_loghandlers
    from rq.worker_pool import WorkerPool

    level = wanted_level(options)
    configure_logging(config.settings)
    apply_safety(options, config.settings)
    refuse_when_suspended(config)
    pool = WorkerPool(
        queues or queues_of(config.settings),
        connection=config.connection,
        num_workers=options['num_workers'],
        worker_class=config.worker_class,
        serializer=config.serializer,
        job_class=config.job_class,
        queue_class=config.queue_class,
        exception_handlers=handlers(options['exception_handler']),
    )
    pool.policies = policies(options)
    for name in ('rq.worker_pool', 'rq.worker'):
        setup_loghandlers(level, options['date_format'], options['log_format'], name)
    pool.start(burst=options['burst'], logging_level=level)
