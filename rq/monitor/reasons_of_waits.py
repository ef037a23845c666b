"""A job that waits: for a worker, for its time, for other jobs, for a slot of its rate limit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rq import signing
from rq.exceptions import SigningConfigError

from .reason import Fact, Why
from .reasons_of_runs import again, start_one, workers_of
from .situation import ENDED_BADLY, moment, number
from .words import clock, count, listed, named, span, typed

if TYPE_CHECKING:
    from rq.store.view_job import Other

    from .situation import Situation

__all__ = ['created', 'deferred', 'expected', 'queued', 'ready', 'scheduled']

# Workers promote what is due every second; later than this something keeps them from it.
LATE = 5.0
# Other RQs' workers have at most so long a job between the list and its start; then ours take it back.
STRANDED = 60


def created(found: Situation) -> Why:
    """It was stored and put nowhere."""
    return Why(
        f'It was made and never enqueued: call `{again(found)}`.' if found.queue else
        'It was made and never enqueued, and names no queue: pass it to `Queue.enqueue_job`.',
        'created', 'fault',
    )  # fmt: skip


# --- on its queue


def queued(found: Situation) -> Why:
    """It is on the list, or should be; and whether it can be run at all when its turn has come."""
    reason, doubt = _queued(found), _doubt(found)
    if not doubt or reason.odd:
        return reason
    return replace(reason, sentence=f'{reason.sentence} {doubt}', facts=(*reason.facts, ('will fail', 'probably')))


def _doubt(found: Situation) -> str:
    message, at = found.unknown
    if message:
        return (
            f'It may fail then: {span(found.start.now - at)} ago a worker could not import its function '
            f'({named(message)}); put its module on their path and start them anew.'
        )
    if not found.start.size:
        return 'It will fail then: its hash has no call; delete it and enqueue it anew.'
    if _must_be_signed(found.queue) and 'sig' not in found.fields:
        return 'It will fail then: it is not signed, and its queue takes signed jobs only (`rq doctor`); enqueue it anew, signed.'
    return ''


def _must_be_signed(queue: str) -> bool:
    """Whether a queue takes signed jobs only, as far as the settings of this process say."""
    try:
        rules = signing.load()
    except SigningConfigError:  # `rq doctor` says so
        return False
    return rules is not None and rules.mode(queue) == 'require'


def _queued(found: Situation) -> Why:
    place = found.place
    if place is None:
        return Why('It is queued and names no queue: delete it and enqueue it anew.', 'no-queue', 'fault', odd=True)
    if place.position is None and place.searched:
        return _not_on_its_list(found)
    held = _suspended(found)
    if held:
        return held
    if not found.workers:
        return _no_worker(found)
    return _in_line(found)


def _not_on_its_list(found: Situation) -> Why:
    assert found.place is not None
    queue = named(found.queue)
    if found.place.popped:
        return Why(
            f'A worker of another RQ has taken it off queue {queue} and not begun it yet: if that one died, one of ours takes '
            f'it back after {STRANDED} s ({workers_of(found)}).',
            'popped', 'waits' if found.workers else 'fault',
        )  # fmt: skip
    if found.place.leases:
        return Why(
            f'Its status is queued, but a lease holds it: worker {named(found.fields.get("worker_name", "?"))} runs it, and '
            'something else has written over its status; that mends itself at its end.',
            'queued-and-leased', 'waits', odd=True,
        )  # fmt: skip
    return Why(
        f'Its status is queued, yet it is not in queue {queue} ({count(found.place.length, "job")}), so no worker finds it: '
        f'something has taken it off the list; put it back by `{again(found)}`, and see `rq doctor`.',
        'not-on-list', 'fault', odd=True,
    )  # fmt: skip


def _suspended(found: Situation) -> Why | None:
    assert found.place is not None
    both = ((found.start.suspended, 'All workers are', '`rq resume`'),
            (found.place.suspended, f'Queue {named(found.queue)} is', 'somebody resumes the queue'))  # fmt: skip
    for seconds, what, how in both:
        if seconds is not None:
            until = (
                how if seconds == float('inf') else f'{clock(found.start.now + seconds)} (in {span(seconds)}) or {how}'
            )
            kind = 'suspended' if what.startswith('All') else 'queue-suspended'
            return Why(f'{what} suspended: no job is taken until {until}; it is {_line(found)}.', kind, 'waits')
    return None


def _no_worker(found: Situation) -> Why:
    alive = [f'{named(one.name)} on {listed([named(name) for name in one.queues])}' for one in found.others]
    who = f'alive {"is" if len(alive) == 1 else "are"} {listed(alive)}' if alive else 'no worker is alive at all'
    dead = (
        f'; {count(len(found.dead), "worker")} that did {"has" if len(found.dead) == 1 else "have"} died'
        if found.dead
        else ''
    )
    return Why(
        f'No live worker listens on queue {named(found.queue)} ({who}{dead}): {start_one(found)}; it is {_line(found)}.',
        'no-worker', 'fault', _expiry(found),
    )  # fmt: skip


def _line(found: Situation) -> str:
    """'3rd of 40 in line'."""
    assert found.place is not None
    position, length = found.place.position, found.place.length
    if position is None:
        return f'somewhere in the middle of {length:,} in line, with more than 50,000 before it'
    return 'next in line' if position == 0 else f'number {position + 1:,} of {length:,} in line'


def _in_line(found: Situation) -> Why:
    assert found.place is not None
    workers, facts = found.workers, _expiry(found)
    twice = f'; its id stands there {found.place.entries} times, of which one counts' if found.place.entries > 1 else ''
    if found.ahead:
        total = sum(found.ahead.values())
        before = listed([named(name) for name in found.ahead])
        return Why(
            f'Its workers serve {before} first, where {count(total, "job")} {"waits" if total == 1 else "wait"}; then it is '
            f'{_line(found)} of queue {named(found.queue)} ({workers_of(found)}): for more speed '
            f'{start_one(found)}{twice}.',
            'other-queues-first', 'waits', facts,
        )  # fmt: skip
    idle = [one for one in workers if one.fields.get('state') == 'idle']
    busy = [one for one in workers if one.fields.get('state') == 'busy']
    where = f'queue {named(found.queue)}, on which {workers_of(found)}'
    if found.place.position == 0 and busy and len(busy) == len(workers):
        jobs = [
            f'{named(one.name)} with {named(one.fields["current_job"])}'
            if 'current_job' in one.fields
            else named(one.name)
            for one in busy
        ]
        return Why(
            f'It is next in line of {where}, and all are busy: {listed(jobs)}; it starts when one of them ends its job, '
            f'or {start_one(found)}{twice}.',
            'all-busy', 'waits', facts, tuple(one.fields['current_job'] for one in busy if 'current_job' in one.fields),
        )  # fmt: skip
    if found.place.position == 0 and idle:
        return Why(
            f'It is next in line of {where} and {named(idle[0].name)} is idle: it starts at once; if this stays so, that '
            f'worker hangs, see `rq doctor`{twice}.',
            'next', 'waits', facts,
        )  # fmt: skip
    return Why(f'It is {_line(found)} of {where}{_expected(found)}{twice}.', 'in-line', 'waits', facts)


def _expected(found: Situation) -> str:
    """When it may start, by what the jobs of its workers have taken so far."""
    seconds = expected(found)
    if seconds is None:
        return ''
    left = found.start.ttl
    if left is not None and number(found.fields, 'ttl') and seconds > left:
        return (
            f': it would start in about {span(seconds)}, but its `ttl` drops it in {span(left)} already, so '
            f'{start_one(found)}'
        )
    return f'; as fast as that queue is now, it starts in about {span(seconds)}'


def expected(found: Situation) -> float | None:
    """Seconds until it starts, as far as anybody can tell."""
    if found.place is None:
        return None
    if found.rate and found.place.position is not None:
        return found.place.position / found.rate
    done = sum((number(one.fields, 'successful_job_count') or 0) + (number(one.fields, 'failed_job_count') or 0)
               for one in found.workers)  # fmt: skip
    worked = sum(number(one.fields, 'total_working_time') or 0 for one in found.workers)
    if not done or found.place.position is None:
        return None
    return found.place.position * worked / done / len(found.workers)


def _expiry(found: Situation) -> tuple[Fact, ...]:
    left = found.start.ttl
    return (('its ttl drops it in', span(left)),) if left is not None and found.fields.get('ttl') else ()


# --- among the scheduled


def scheduled(found: Situation) -> Why:
    """It waits for its time."""
    due = found.place.homes.get('scheduled') if found.place else None
    if due is None or found.place is None:
        return Why(
            f'Its status is scheduled, yet it is not among the scheduled of queue {named(found.queue)}, so nobody will move '
            f'it: put it on its queue by `{again(found)}`, and see `rq doctor`.',
            'not-scheduled', 'fault', odd=True,
        )  # fmt: skip
    left = due - found.start.now
    if not left < 1e11:  # also nan
        return Why('Its time never comes (the score is no date): enqueue it anew.', 'never-due', 'fault')
    what, kind = _which_try(found)
    nobody = _nobody_promotes(found)
    if left < -LATE:
        return Why(f'{what} was due {span(-left)} ago, and {nobody or _late(found)}.', 'overdue-schedule', 'fault')
    when = f'in {span(left)} ({clock(due)})' if left > 0 else 'now'
    if nobody:
        return Why(f'{what} is due {when}, but {nobody}.', f'{kind}-unserved', 'fault')
    return Why(
        f'{what} is due {when}; then it goes to queue {named(found.queue)} ({workers_of(found)}).', kind, 'waits'
    )


def _which_try(found: Situation) -> tuple[str, str]:
    used, left = number(found.fields, 'retries_used') or 0, number(found.fields, 'retries_left') or 0
    returned = number(found.fields, 'number_of_retries') or 0
    if used:
        return f'Its next try (attempt {used + 1:.0f} of {used + left + 1:.0f})', 'retry'
    if returned:
        return f'Its next try (the function has asked for {returned:.0f} so far)', 'retry'
    return 'It', 'due'


def _nobody_promotes(found: Situation) -> str:
    """What is wrong with those who would move it; '' for nothing."""
    if not found.workers:
        return f'no live worker listens on queue {named(found.queue)} to move it: {start_one(found)}'
    if not any(worker.ours for worker in found.workers) and found.place is not None and not found.place.lock:
        return (
            f'only workers of another RQ listen on queue {named(found.queue)}, and none of them has its scheduler: start one '
            'with `--with-scheduler`, or one of ours'
        )
    return ''


def _late(found: Situation) -> str:
    assert found.place is not None
    if found.place.lock:
        return (
            f'the scheduler {named(found.place.lock)} has locked the queue for itself and does not move it: restart that '
            'one; its lock ends a minute after it'
        )
    return 'no worker has moved it: see whether they reach this server (`rq doctor`)'


# --- waiting for other jobs


def deferred(found: Situation) -> Why:
    """It waits for other jobs."""
    if found.place is not None and 'deferred' not in found.place.homes:
        return Why(
            f'Its status is deferred, yet it is not among the deferred of queue {named(found.queue)}, so nobody will look '
            f'after it: put it on its queue by `{again(found)}`, and see `rq doctor`.',
            'not-deferred', 'fault', odd=True,
        )  # fmt: skip
    if not found.chain:
        return Why(
            f'It waits for other jobs, and none is named: {_sweep(found)} by `{again(found)}` you need not wait.',
            'waits-for-nobody', 'waits' if found.workers else 'fault', odd=True,
        )  # fmt: skip
    first, root = found.jobs[found.chain[0]], found.jobs[found.chain[-1]]
    more = found.start.parent_count - 1
    others = f' (and {count(more, "other")})' if more > 0 else ''
    through = (
        f', which waits {"through others " if len(found.chain) > 2 else ""}for {named(root.id)}'
        if root is not first
        else ''
    )
    ends, kind, level = _hangs_on(found, root)
    return Why(
        f'It waits for job {named(first.id)}{others}{through}, which {ends}.',
        kind, level, (('waits for', f'{found.start.parent_count:,}'),), found.chain,
    )  # fmt: skip


def _hangs_on(found: Situation, root: Other) -> tuple[str, str, str]:
    """What is the matter with the job on which all hangs, and what to do."""
    status, ago = root.fields.get('status', ''), _ago(found, root)
    if not root.fields:
        return f'is not there any more: {_sweep(found)} it is canceled then', 'waits-for-missing', 'waits'
    if status in ENDED_BADLY:
        error = f' with {named(found.error)}' if found.error else ''
        requeue = f'`rq requeue {typed(root.id)}`, ' if status != 'canceled' else 'enqueue that one anew, '
        said = (
            f'{"was " if status != "failed" else ""}{status}{ago}{error}: {requeue}or press Enqueue now on the page of this '
            'one in the dashboard, or cancel it'
        )
        return said, f'waits-for-{status}', 'fault'
    if status == 'finished':
        return f'has finished{ago}: {_sweep(found)} it goes to its queue then', 'waits-for-finished', 'waits'
    if status == 'started':
        worker = named(root.fields.get('worker_name', '?'))
        return f'runs on worker {worker} since {_since(found, root)}', 'waits-for-running', 'waits'
    plain = status.replace('_', ' ') or 'created'
    return f'is {plain}: see `rq why {typed(root.id)}`', f'waits-for-{plain.replace(" ", "-")}', 'waits'


def _sweep(found: Situation) -> str:
    if found.workers:
        return 'a worker notices within some minutes, and'
    return f'no live worker listens on queue {named(found.queue)} to notice, so {start_one(found)};'


def _ago(found: Situation, other: Other) -> str:
    at = moment(other.fields, 'ended_at')
    return f' {span(found.start.now - at)} ago' if at else ''


def _since(found: Situation, other: Other) -> str:
    at = moment(other.fields, 'started_at')
    return span(found.start.now - at) if at else 'an unknown time'


def ready(found: Situation) -> Why:
    """RQ 3.0's: those that it waited for have ended, and it is about to be queued."""
    there = found.place is not None and 'ready' in found.place.homes
    do = 'a worker of RQ 3.0 queues it within a minute' if there else 'it stands nowhere'
    return Why(
        f'What it waited for has ended, and another RQ was about to queue it: {do}; if this stays so, `{again(found)}`.',
        'ready', 'waits' if there else 'fault', odd=not there,
    )  # fmt: skip
