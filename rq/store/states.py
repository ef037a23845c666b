"""The statuses of a job, where a job of each status lives, and which transitions are legal.

The scripts in `lua/` make the transitions; this page says which there are. Tests hold both to each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

__all__ = ['HOMES', 'TRANSITIONS', 'JobStatus']


class JobStatus(str, Enum):
    """What a job's hash says it is. A `str`, so that it compares and serialises as its value."""

    __module__ = 'rq.job'  # the name under which other RQs find it in a pickle

    CREATED = 'created'  # made by Job.create, not enqueued; nobody moves it but its owner
    QUEUED = 'queued'  # on the queue's list; any worker of the queue may claim it
    FINISHED = 'finished'  # its result is stored until result_ttl
    FAILED = 'failed'  # its traceback is stored until failure_ttl; requeue takes it back
    STARTED = 'started'  # claimed: one lease in rq:wip; its worker finishes it or the reaper takes it
    DEFERRED = 'deferred'  # waits for other jobs
    SCHEDULED = 'scheduled'  # waits for its time; any supervisor promotes it
    STOPPED = 'stopped'  # ended on request while it ran; kept among the failed
    CANCELED = 'canceled'  # will not be run; stays until deleted
    RATE_LIMITED = 'rate_limited'  # RQ 3.0's: waits for a slot of its rate limit
    READY_TO_ENQUEUE = 'ready_to_enqueue'  # RQ 3.0's, passing: dependencies met, not yet pushed


S = JobStatus
Move = tuple[JobStatus | None, JobStatus | None]

# Where a job of this status is found (the registry's key function in keys.py); None: in no container.
HOMES: dict[JobStatus, str | None] = {
    S.CREATED: None,
    S.QUEUED: 'queue',
    S.STARTED: 'wip',
    S.FINISHED: 'finished',
    S.FAILED: 'failed',
    S.STOPPED: 'failed',
    S.DEFERRED: 'deferred',
    S.SCHEDULED: 'scheduled',
    S.CANCELED: 'canceled',
    S.RATE_LIMITED: None,
    S.READY_TO_ENQUEUE: 'ready',
}

# Where a job goes that has nothing else to wait for: its queue, or those who wait for a slot of its rate limit.
PLACES = (S.QUEUED, S.RATE_LIMITED)
# Where it goes when it is looked up what it waits for.
WAITS = (*PLACES, S.DEFERRED)
# Another try, or another run.
AGAIN = (S.QUEUED, S.SCHEDULED)


def _moves(before: Iterable[JobStatus | None], after: Iterable[JobStatus | None]) -> frozenset[Move]:
    return frozenset((b, a) for b in before for a in after)


# script -> (status before, status after); None: no hash. What the end of a job does to those who wait for it, or for its
# slot of a rate limit, is `release_dependents` and `admit` in whatever script it happens.
TRANSITIONS: dict[str, frozenset[Move]] = {
    'enqueue': _moves([None, *S], [S.QUEUED]),
    'enqueue_when_ready': _moves([None, *S], WAITS),
    'schedule': _moves([None, *S], [S.SCHEDULED]),
    'claim': _moves([s for s in S if s not in {S.CANCELED, S.DEFERRED}], [S.STARTED]),
    'hold': _moves(S, [S.STARTED]),
    'finish': _moves([S.STARTED], [S.FINISHED, None, *AGAIN]),
    'fail': _moves([S.STARTED], [S.FAILED, None, *AGAIN]),
    'stop': _moves([S.STARTED], [S.STOPPED, None]),
    'release': _moves([S.STARTED], [S.QUEUED]),
    'reap': _moves([S.STARTED], [S.FAILED, None, *AGAIN]),
    # A slot is never free while somebody waits for it.
    'promote_due': _moves([s for s in S if s is not S.CANCELED], WAITS) - {(S.RATE_LIMITED, S.QUEUED)},
    'release_dependents': _moves([S.DEFERRED], [*PLACES, S.CANCELED]),
    'admit': _moves([S.RATE_LIMITED], [S.QUEUED]),
    'requeue': _moves([S.FAILED, S.STOPPED], PLACES),
    'enqueue_now': _moves([S.SCHEDULED, S.DEFERRED, S.READY_TO_ENQUEUE], PLACES),
    'restore': _moves([None], [s for s in S if s not in {S.STARTED, S.READY_TO_ENQUEUE}]),
    'cancel': _moves([s for s in S if s is not S.CANCELED], [S.CANCELED]),
    'delete': _moves(S, [None]),
    'drop_finished': _moves([S.FINISHED], [None]),
    'withdraw': _moves(AGAIN, [None]),
}
