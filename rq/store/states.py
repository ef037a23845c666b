"""The statuses of a job, where a job of each status lives, and which transitions are legal.

The scripts in `lua/` make the transitions; this page says which there are. Tests hold both to each other.
"""

from __future__ import annotations

from enum import Enum

__all__ = ['HOMES', 'TRANSITIONS', 'JobStatus']


class JobStatus(str, Enum):
    """What a job's hash says it is. A `str`, so that it compares and serialises as its value."""

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

# script -> (status before, status after); None: no hash.
TRANSITIONS: dict[str, frozenset[tuple[JobStatus | None, JobStatus | None]]] = {
    'enqueue': frozenset({(None, S.QUEUED), *((s, S.QUEUED) for s in S)}),
    'schedule': frozenset({(None, S.SCHEDULED), *((s, S.SCHEDULED) for s in S)}),
    'claim': frozenset((s, S.STARTED) for s in S if s not in {S.CANCELED, S.DEFERRED}),
    'finish': frozenset({(S.STARTED, S.FINISHED), (S.STARTED, None)}),
    'fail': frozenset({(S.STARTED, S.FAILED), (S.STARTED, S.QUEUED), (S.STARTED, S.SCHEDULED), (S.STARTED, None)}),
    'release': frozenset({(S.STARTED, S.QUEUED)}),
    'reap': frozenset({(S.STARTED, S.QUEUED), (S.STARTED, S.FAILED), (S.STARTED, S.SCHEDULED), (S.STARTED, None)}),
    'promote_due': frozenset((s, S.QUEUED) for s in S if s is not S.CANCELED),
    'requeue': frozenset({(S.FAILED, S.QUEUED), (S.STOPPED, S.QUEUED)}),
    'cancel': frozenset((s, S.CANCELED) for s in S if s is not S.CANCELED),
    'delete': frozenset((s, None) for s in S),
}
