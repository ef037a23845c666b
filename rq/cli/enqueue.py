"""`rq enqueue`: a job from the command line, now or at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from rq.exceptions import TimeoutFormatError

from .arguments import parse_function_args, parse_schedule
from .errors import note
from .options import check_queue_names, common_options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from .config import CliConfig

__all__ = ['enqueue']


def _duration(context: click.Context, parameter: click.Parameter, words: str | None) -> int | None:
    from rq.utils import parse_timeout

    try:
        return parse_timeout(words)
    except TimeoutFormatError:
        raise click.BadParameter(f'{words!r} is not seconds, nor a time such as 30s, 5m, 2h, 1d') from None


OPTIONS = (
    click.option('-q', '--queue', default='default', callback=check_queue_names, help='Queue (default: default).'),
    click.option('--timeout', callback=_duration, help='What one run may take: 30s, 5m, 2h; -1: no limit.'),
    click.option('--result-ttl', callback=_duration, help='How long the result is kept; -1: for ever.'),
    click.option('--ttl', callback=_duration, help='How long the job may wait before it is dropped.'),
    click.option('--failure-ttl', callback=_duration, help='How long a failed job is kept.'),
    click.option('--description', help='Text for people (default: the call).'),
    click.option('--depends-on', multiple=True, help='Id of a job that has to finish before (repeatable).'),
    click.option('--job-id', help='Id of the job (default: a random one).'),
    click.option('--at-front', is_flag=True, help='To the head of the queue; also when it is scheduled.'),
    click.option('--retry-max', type=click.IntRange(min=0), default=0, help='How often it is tried again.'),
    click.option(
        '--retry-interval',
        type=click.IntRange(min=0),
        default=[0],
        multiple=True,
        help='Seconds before it is tried again (repeatable; the last repeats).',
    ),
    click.option('--schedule-in', help='Queue it after a time: 10s, 5m, 2d.'),
    click.option('--schedule-at', help='Queue it at a local time: 2027-05-27T21:45:00.'),
    click.option('--quiet', is_flag=True, help='Print nothing but errors.'),
)


def _enqueue_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command with its own options."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.command()
@_enqueue_options
@click.argument('function')
@click.argument('arguments', nargs=-1)
@common_options
def enqueue(config: CliConfig, function: str, arguments: tuple[str, ...], queue: str, **options: Any) -> None:
    """Enqueues a job from the command line."""
    from rq.utils import get_call_string

    quiet = options.pop('quiet')
    when = _when(options.pop('schedule_in'), options.pop('schedule_at'))
    args, kwargs = parse_function_args(arguments)
    into = config.queue_class(
        queue, connection=config.quick_connection, job_class=config.job_class, serializer=config.serializer
    )
    call = {'args': args, 'kwargs': kwargs, **_options(options)}
    try:
        job = into.enqueue(function, **call) if when is None else into.enqueue_at(when, function, **call)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    _tell_unknown(config, call.get('depends_on', ()))
    if not quiet and job is not None:  # django-rq's queue may keep it until the transaction ends
        from .chart import printable

        told = printable(str(get_call_string(function, args, kwargs, max_length=200)))
        click.echo(f"Enqueued {told} with job-id '{job.id}'.")


def _tell_unknown(config: CliConfig, ids: Sequence[str]) -> None:
    """Says which jobs that were to finish before are not there: nobody waits for those, as in RQ."""
    from rq.store import job as store

    for job_id in store.missing(config.quick_connection, ids) if ids else ():
        note(f'No job {job_id!r} is known (any more): it is not waited for')


def _when(schedule_in: str | None, schedule_at: str | None) -> datetime | None:
    try:
        when = parse_schedule(schedule_in, schedule_at)
        if when is not None:
            when.timestamp()
        return when
    except (TimeoutFormatError, OverflowError) as error:
        if schedule_in is None:
            raise click.BadParameter(f'{schedule_at!r} is out of range', param_hint='--schedule-at') from error
        raise click.BadParameter(
            f'{schedule_in!r} is no time such as 10s, 5m, 2d', param_hint='--schedule-in'
        ) from None
    except ValueError:
        raise click.BadParameter(
            f'{schedule_at!r} is no time such as 2027-05-27T21:45:00', param_hint='--schedule-at'
        ) from None


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options by `Queue.enqueue`'s names, those that were not given left out."""
    from rq.job import Retry

    found = {
        'job_timeout': options['timeout'],
        'depends_on': list(options['depends_on']) or None,
        'retry': Retry(options['retry_max'], list(options['retry_interval'])) if options['retry_max'] else None,
        'at_front': options['at_front'] or None,
    }
    found |= {name: options[name] for name in ('result_ttl', 'ttl', 'failure_ttl', 'description', 'job_id')}
    return {name: value for name, value in found.items() if value is not None}
