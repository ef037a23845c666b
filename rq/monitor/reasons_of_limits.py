"""A job that waits for a slot of its rate limit: who holds it, since when, and whether for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .reason import Why
from .reasons_of_runs import again, start_one
from .words import count, named, span, typed

if TYPE_CHECKING:
    from rq.store.view_job import Limit

    from .situation import Situation

__all__ = ['limited']


def limited(found: Situation) -> Why:
    """It waits for a slot of its rate limit."""
    limit = found.limit
    if limit is None or limit.waits_since is None:
        name = named(found.fields.get('rate_limit_key', '?'))
        return Why(
            f'Its status is rate_limited, yet it is not among those who wait for {name}, so nobody lets it go: put it on its '
            f'queue by `{again(found)}`, and see `rq doctor`.',
            'not-among-waiters', 'fault', odd=True,
        )  # fmt: skip
    before = f', after {count(limit.rank, "other")},' if limit.rank else ', as the next one,'
    if not limit.first or (limit.most is not None and limit.holders < limit.most):
        return Why(
            f'It waits for a slot of rate limit {named(limit.name)}{before} and there is a free one: {_admission(found)}.',
            'limit-free', 'waits' if found.workers else 'fault', odd=True,
        )  # fmt: skip
    return _held(found, limit, before)


def _held(found: Situation, limit: Limit, before: str) -> Why:
    holder, since = limit.first[0]
    other = found.jobs.get(holder)
    status = other.fields.get('status', '') if other else ''
    slots = f'{count(limit.most or 1, "slot")} of rate limit {named(limit.name)}'
    head = (
        f'It waits{before} for one of {slots}, held by job {named(holder)} for {span(found.start.now - since)}'
        f'{f" and {limit.holders - 1:,} more" if limit.holders > 1 else ""}'
    )
    facts = (('waits for the slot since', span(found.start.now - (limit.waits_since or 0))),)
    if status == 'started':
        return Why(f'{head}, which runs.', 'rate-limited', 'waits', facts, (holder,))
    if status == 'queued':
        return Why(
            f'{head}, which is queued itself: see `rq why {typed(holder)}`.', 'rate-limited', 'waits', facts, (holder,)
        )
    what = f'is {status}' if status else 'is not there any more'
    return Why(
        f'{head}, which {what} and holds it for nothing: {_admission(found)}.',
        'limit-held-for-nothing', 'waits' if found.workers else 'fault', facts, (holder,), odd=True,
    )  # fmt: skip


def _admission(found: Situation) -> str:
    if found.workers:
        return 'a worker notices within some minutes'
    return f'no live worker listens on queue {named(found.queue)} to notice, so {start_one(found)}'
