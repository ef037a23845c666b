"""A job that has started: on which worker, and whether that one lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .reason import Fact, Why
from .situation import moment, number
from .words import count, named, span, typed

if TYPE_CHECKING:
    from rq.store.view_job import Worker

    from .situation import Situation

__all__ = ['again', 'start_one', 'started', 'workers_of']

# A dead worker's jobs are taken by another one: its lease of 30 s must be over, which is looked for every 5 s, and a worker
# that was cut off itself waits (docs/guarantees.md, I9).
TAKEN_WITHIN = 40
# The supervisor ends a job by force so long after its time limit.
GRACE = 5


def started(found: Situation) -> Why:
    """A worker has it."""
    if found.place is None or not found.place.leases:
        return _nobody_holds(found)
    name, runner = found.fields.get('worker_name', ''), found.runner
    if runner is None or not runner.fields:
        return _dead(
            found, f'worker {named(name)} has no record any more' if name else 'no worker is named in its hash'
        )
    if not runner.alive:
        return _dead(found, f'worker {named(name)} gives no sign of life')
    return _runs(found, runner)


def _runs(found: Situation, runner: Worker) -> Why:
    since = moment(found.fields, 'started_at')
    lasts = found.start.now - since if since else 0.0
    fields = runner.fields
    where = f'worker {named(runner.name)} ({fields.get("hostname", "?")}, process {fields.get("pid", "?")})'
    limit = number(found.fields, 'timeout')
    facts: list[Fact] = []
    if not runner.ours:
        facts.append(('worker is', 'of another RQ: no live stack'))
        return Why(
            f'Runs for {span(lasts)} on {where}, a worker of another RQ, whose lease on it is alive.',
            'running-foreign', 'ok', tuple(facts),
        )  # fmt: skip
    if limit and limit > 0 and lasts > limit + 2 * GRACE:
        return Why(
            f'Runs for {span(lasts)} on {where}, which is longer than its timeout of {span(limit)} allows: the worker should '
            f'have ended it by now; look where it stands by `rq stack {typed(found.id)}`, and stop it or the worker.',
            'overdue', 'fault', tuple(facts),
        )  # fmt: skip
    left = f'; its timeout ends it in {span(limit - lasts)}' if limit and limit > lasts else ''
    return Why(f'Runs for {span(lasts)} on {where}, which is alive{left}.', 'running', 'ok', tuple(facts))


def _dead(found: Situation, what: str) -> Why:
    began = moment(found.fields, 'started_at')
    head = f'Started {span(found.start.now - began)} ago' if began else 'Started'
    if found.workers:
        return Why(
            f'{head}, but {what}: another worker of queue {named(found.queue)} takes it within {TAKEN_WITHIN} s '
            f'({workers_of(found)}).',
            'worker-died', 'waits',
        )  # fmt: skip
    return Why(
        f'{head}, but {what}, and no other live worker listens on queue {named(found.queue)} to take it: {start_one(found)}.',
        'worker-died-alone', 'fault',
    )  # fmt: skip


def _nobody_holds(found: Situation) -> Why:
    name = found.fields.get('worker_name', '')
    who = f' by worker {named(name)}' if name else ''
    if found.place is not None and found.place.position is not None:
        return Why(
            f'Its status is started{who} and no lease holds it, but it stands in queue {named(found.queue)} again: the next '
            'worker takes it.',
            'started-and-queued', 'waits', odd=True,
        )  # fmt: skip
    return Why(
        f'Its status is started{who}, yet no lease holds it, so nobody runs it and nobody will: something other than a '
        f'worker has written here (`rq doctor`); put it back by `{again(found)}`.',
        'no-lease', 'fault', odd=True,
    )  # fmt: skip


def again(found: Situation) -> str:
    """The Python that puts a job on its queue, whatever its status is."""
    return f'Queue({found.queue!r}).enqueue_job(Job.fetch({found.id!r}))'


def start_one(found: Situation) -> str:
    """What to do when no live worker listens."""
    return f'start one by `rq worker {typed(found.queue)}`'


def workers_of(found: Situation) -> str:
    """How many live workers its queue has: '3 workers listen'."""
    number = len(found.workers)
    listen = 'listens' if number == 1 else 'listen'
    many = found.place is not None and found.place.worker_count > number + len(found.dead)
    return f'{"at least " if many else ""}{count(number, "worker")} {listen}'
