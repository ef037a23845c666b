"""What came of an action on jobs, in words: how many were done, and why the others were not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .deeds import JobAction

__all__ = ['Counts', 'jobs', 'kind_of', 'left_alone', 'plural', 'sentence']

Counts = Mapping[str, int]

# What the store answers for a job that was left alone, after a number of jobs: one, many.
LEFT: dict[str, tuple[str, str]] = {
    'started': ('had already started', 'had already started'),
    'queued': ('waits on its queue', 'wait on their queues'),
    'finished': ('has finished', 'have finished'),
    'failed': ('has failed', 'have failed'),
    'stopped': ('was stopped', 'were stopped'),
    'canceled': ('is canceled', 'are canceled'),
    'scheduled': ('is scheduled', 'are scheduled'),
    'deferred': ('waits for other jobs', 'wait for other jobs'),
    'rate_limited': ('waits for its limit', 'wait for their limits'),
    'created': ('was never enqueued', 'were never enqueued'),
    'GONE': ('is not there any more', 'are not there any more'),
    'LATER': ('changed after you looked', 'changed after you looked'),
    'SAME': ('is on that queue', 'are on that queue'),
    'SIGNED': (
        'is signed for its queue, and the dashboard has no signing key',
        'are signed for their queues, and the dashboard has no signing key',
    ),
    'BROKEN': ('has a key of a wrong type', 'have keys of a wrong type'),
    'TAKEN': ('has its id in use again', 'have their ids in use again'),
    'EXPIRED': ('has expired since', 'have expired since'),
    'FOREIGN': ('runs in a worker of another RQ', 'run in workers of another RQ'),
}


def plural(number: int, one: str, many: str = '') -> str:
    """`1 job`, `12,345 jobs`."""
    return f'{number:,} {one if number == 1 else many or one + "s"}'


def jobs(number: int) -> str:
    """So many jobs, in words."""
    return plural(number, 'job')


def left_alone(counts: Counts, good: Iterable[str]) -> list[str]:
    """Why some were left alone, the most frequent reason first: `3 had already started`."""
    done = set(good)
    rest = sorted(((n, code) for code, n in counts.items() if n and code not in done), reverse=True)
    return [f'{n:,} {LEFT.get(code, ("is " + code, "are " + code))[0 if n == 1 else 1]}' for n, code in rest]


def sentence(one: JobAction, counts: Counts) -> str:
    """`197 jobs requeued. 3 were left alone: 3 had already started.`"""
    why = left_alone(counts, one.good)
    text = f'{jobs(one.is_done(counts))} {one.past}.'
    if one.name == 'delete' and counts.get('DELETED') and counts.get('KEPT'):
        text += f' {counts["KEPT"]:,} of them can be brought back.'
    return f'{text} Left alone: {", ".join(why)}.' if why else text


def kind_of(one: JobAction, counts: Counts) -> str:
    """How the line is marked: warn where some were left alone."""
    return 'warn' if left_alone(counts, one.good) else 'ok'
