"""What can be done to rate limits: a slot that is held for nothing is given back."""

from __future__ import annotations

from rq.dashboard.actions.deeds import Asked, Done, Refused, action
from rq.dashboard.actions.words import jobs
from rq.rate_limit import RateLimitRegistry

__all__ = ['release']


@action(
    'release',
    label='Release',
    question='Job {holder} gives back its slot of limit {limit}. If it still runs, more jobs of this limit run than it allows',
)
def release(asked: Asked) -> Done:
    """A job gives back its slot; who waits longest gets it."""
    name, holder = asked.text('limit', 'limit'), asked.text('holder', 'job')
    registry = RateLimitRegistry(name, asked.connection)
    if holder not in registry.get_allowed_job_ids():
        raise Refused(f'Job {holder[:100]} does not hold a slot of {name[:100]} any more')
    queued = registry.release_and_enqueue(holder)
    return Done(f'The slot is free again; {jobs(len(queued))} got one', f'{holder} of {name}')
