"""`rq requeue`: failed jobs back to the queues they came from, a thousand a step."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

import click

from .errors import CommandError, ExitCode, note
from .options import check_queue_names, common_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from redis import Redis

    from .config import CliConfig

__all__ = ['requeue']

T = TypeVar('T')
STEP = 1000
# click's bar at its end. click itself shows none off a terminal; the article's reader is to see it in any case.
WHOLE_BAR = f'  [{"#" * 36}]  100%'


@click.command()
@click.argument('job_ids', nargs=-1)
@click.option('-a', '--all', 'everything', is_flag=True, help='All failed jobs.')
@click.option('--queue', callback=check_queue_names, help='Only the failed jobs of this queue (default: of every one).')
@common_options
def requeue(config: CliConfig, job_ids: tuple[str, ...], everything: bool, queue: str | None) -> None:
    """Requeue failed jobs."""
    from rq.store import queue as queues

    if everything and job_ids:
        raise click.UsageError('Give ids or --all, not both')
    connection = config.quick_connection
    known = queues.names(connection)
    if queue is not None and queue not in known:
        note(f'No queue {queue!r} is known yet: no job was put in it')
    names = known if queue is None else [queue]
    if everything:
        _requeue_all(connection, names)
    elif job_ids:
        _requeue_some(connection, names, list(dict.fromkeys(job_ids)))
    else:
        click.echo('Nothing to do')


def _requeue_all(connection: Redis, names: Sequence[str]) -> None:
    """Requeues what has failed by now: all ids are read first, so that one that fails again at once is not met again."""
    from rq.store import job as store
    from rq.store import keys, registry

    def pages(name: str) -> Iterator[list[str]]:
        at = 0
        while ids := registry.ids(connection, keys.failed(name), at, at + STEP - 1):
            yield ids
            at += STEP

    pages_of = [(name, ids) for name in names for ids in pages(name)]
    number = sum(len(ids) for _, ids in pages_of)
    if not number:
        click.echo('Nothing to do')
        return

    def run(done: Callable[[int], object]) -> int:
        expired = 0
        for name, ids in pages_of:
            expired += store.requeue(connection, name, ids).count('GONE')
            done(len(ids))
        return expired

    expired = _under_bar(number, run)
    if expired:
        note(f'{expired} of them had expired')


def _requeue_some(connection: Redis, names: Sequence[str], ids: list[str]) -> None:
    """Requeues each where it has failed. Raises CommandError, when that is done, for those that have not."""

    def run(done: Callable[[int], object]) -> list[str]:
        missing: list[str] = []
        for at in range(0, len(ids), STEP):
            page = ids[at : at + STEP]
            missing += _requeue_where_failed(connection, names, page)
            done(len(page))
        return missing

    missing = _under_bar(len(ids), run)
    for job_id in missing:
        note(f'Not among the failed jobs: {job_id}')
    if missing:
        raise CommandError(f'{len(missing)} of {len(ids)} ids were not requeued', ExitCode.PARTLY)


def _requeue_where_failed(connection: Redis, names: Sequence[str], ids: list[str]) -> list[str]:
    """The ids that have failed in none of the queues, or whose job has expired."""
    from rq.store import job as store

    left, expired = ids, []
    for name in names:
        if not left:
            break
        answers = dict(zip(left, store.requeue(connection, name, left), strict=True))
        expired += [job_id for job_id in left if answers[job_id] == 'GONE']
        left = [job_id for job_id in left if answers[job_id] == 'NOT_FAILED']
    return left + expired


def _under_bar(number: int, run: Callable[[Callable[[int], object]], T]) -> T:
    """What `run` answers, which is called with a function that moves the bar on by so many jobs."""
    click.echo(f'Requeueing {number} jobs from failed queue')
    if not sys.stdout.isatty():
        answer = run(_no_bar)
        click.echo(WHOLE_BAR)
        return answer
    with click.progressbar(length=number) as bar:
        return run(bar.update)


def _no_bar(_: int) -> None:
    """Off a terminal the bar is printed once, at its end."""
