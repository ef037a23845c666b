"""Is it working, and what needs attention: the state of queues, workers and server at one look, in plain words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rq.store import view_health as store

from .lenient import age, real
from .words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

    from rq.store.view_totals import Totals

    from .functions import Function
    from .workers import Worker

__all__ = ['Concern', 'Health', 'QueueState', 'Running', 'concerns', 'health']

# Queues that are looked at closely: those with most jobs in them.
CLOSELY = 100
# Concerns of one kind that are listed; more are counted.
OF_A_KIND = 5
# A function fails if so many of its runs did in the last hour, and so large a share.
FAILURES, SHARE = 5, 0.1
# Seconds beyond its timeout after which a run should have been ended: with what a kill takes.
LATE = 30
FULL = 0.8


@dataclass(frozen=True, slots=True)
class Running:
    """A job that runs. Times in seconds."""

    job_id: str
    queue: str
    worker: str
    elapsed: float | None
    timeout: float | None


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue. `oldest`: seconds for which the next job has waited."""

    name: str
    waiting: int
    running: int
    failed: int
    scheduled: int
    workers: int
    paused: bool
    oldest: float | None
    overdue: tuple[str, float] | None  # the scheduled job that is most overdue, and for how many seconds
    left: tuple[str, float] | None  # the run that nobody has taken back from a dead worker, and for how long


@dataclass(frozen=True, slots=True)
class Health:
    """Queues with most jobs first, what runs with the longest first, and the memory of the server."""

    queues: tuple[QueueState, ...]
    running: tuple[Running, ...]
    suspended: bool
    used: int | None  # bytes
    limit: int | None  # bytes; 0: none
    policy: str
    silent_cron: tuple[tuple[str, float], ...]  # (cron scheduler, seconds since it was heard of)

    @property
    def oldest(self) -> QueueState | None:
        """The queue whose next job has waited longest."""
        known = [queue for queue in self.queues if queue.oldest is not None]
        return max(known, key=lambda queue: queue.oldest or 0.0, default=None)


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that a person should look at: what it is, why, what to do, and the page that shows it."""

    level: str  # bad or warn
    what: str
    why: str = ''
    todo: str = ''
    page: str = ''
    parts: dict[str, str] = field(default_factory=dict)


def health(connection: Redis, totals: Totals) -> Health:
    """The state of everything, given the counts of the queues. Two round trips."""
    busiest = sorted(totals.queues, key=lambda one: (-one.waiting - one.running - one.scheduled, -one.failed, one.name))
    closely = busiest[:CLOSELY]
    looked = store.look(connection, [queue.name for queue in closely], totals.now)
    heads = [signs.head for signs in looked.signs]
    runs = [(queue.name, job_id) for queue, signs in zip(closely, looked.signs, strict=True) for job_id in signs.runs][
        :200
    ]
    jobs = store.jobs(connection, [*heads, *(job_id for _, job_id in runs)])
    since = [age(job.enqueued_at, totals.now) if head else None for head, job in zip(heads, jobs, strict=False)]
    memory = looked.memory
    return Health(
        queues=tuple(
            QueueState(
                name=counts.name,
                waiting=counts.waiting,
                running=counts.running,
                failed=counts.failed,
                scheduled=counts.scheduled,
                workers=signs.workers,
                paused=signs.paused,
                oldest=oldest if counts.waiting else None,
                overdue=_ago(signs.overdue, totals.now),
                left=_ago(signs.left, totals.now),
            )
            for counts, signs, oldest in zip(closely, looked.signs, since, strict=True)
        ),
        running=_running(runs, jobs[len(heads) :], totals.now),
        suspended=totals.suspended,
        used=_whole(memory.get('used_memory')),
        limit=_whole(memory.get('maxmemory')),
        policy=str(memory.get('maxmemory_policy', '')),
        silent_cron=tuple((name, totals.now - heard) for name, heard in looked.silent_cron),
    )


def _running(runs: Sequence[tuple[str, str]], jobs: Sequence[store.Job], now: float) -> tuple[Running, ...]:
    found = [
        Running(job_id, queue, job.worker_name, age(job.started_at, now), real(job.timeout))
        for (queue, job_id), job in zip(runs, jobs, strict=True)
    ]
    return tuple(sorted(found, key=lambda run: -(run.elapsed or 0.0)))


def _ago(found: tuple[str, float] | None, now: float) -> tuple[str, float] | None:
    return (found[0], now - found[1]) if found else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) else None


# --- what needs attention


def concerns(
    found: Health,
    workers: Sequence[Worker],
    functions: Sequence[Function],
    goal: float,
    missed: Sequence[tuple[str, float]] = (),
) -> list[Concern]:
    """What needs attention, the worst first. `goal`: seconds that a job may wait; `functions`: of the last hour;
    `missed`: cron jobs that should have run so many seconds ago."""
    every = [
        *_of_everything(found, workers),
        *_few(_of_queues(found, workers, goal), 'queue', 'queues'),
        *_few(_of_runs(found), 'run', 'jobs'),
        *_few(_of_functions(functions), 'function', 'functions'),
        *_few(_of_cron(missed), 'cron job', 'schedules'),
        *_few(_of_workers(workers), 'worker', 'workers'),
        *_of_server(found),
    ]
    return sorted(every, key=lambda concern: concern.level != 'bad')


def _few(of_a_kind: list[Concern], noun: str, page: str) -> list[Concern]:
    of_a_kind.sort(key=lambda concern: concern.level != 'bad')
    more = len(of_a_kind) - OF_A_KIND
    if more <= 1:
        return of_a_kind
    words = f'{more:,} more concerns about {noun}s'
    return [*of_a_kind[:OF_A_KIND], Concern(of_a_kind[OF_A_KIND].level, words, page=page)]


def _of_everything(found: Health, workers: Sequence[Worker]) -> list[Concern]:
    listed = []
    if found.suspended:
        listed.append(Concern('warn', 'All work is paused', 'No worker takes a job.', 'Resume when you are ready.'))
    waiting = sum(queue.waiting for queue in found.queues)
    if waiting and not any(worker.alive for worker in workers):
        why = f'{count(waiting, "job")} waiting.'
        listed.append(Concern('bad', 'No worker is running', why, 'Start one: rq worker', 'workers'))
    return listed


def _of_queues(found: Health, workers: Sequence[Worker], goal: float) -> list[Concern]:
    from_nobody = not any(worker.alive for worker in workers)  # then it is said once, for all
    listed = []
    for queue in found.queues:
        to = ('queue', {'name': queue.name})
        name = _name(queue.name)
        if queue.waiting and not queue.workers and not from_nobody:
            why = f'{count(queue.waiting, "job")} waiting.'
            listed.append(Concern('bad', f'Queue {name} has no worker', why, f'Start one: rq worker {name}', *to))
        elif queue.waiting and queue.paused:
            listed.append(
                Concern('warn', f'Queue {name} is paused', f'{count(queue.waiting, "job")} waiting.', '', *to)
            )
        elif queue.waiting and queue.workers and not found.suspended and (queue.oldest or 0) > goal:
            why = f'Its next job has waited {_span(queue.oldest)}; the goal is {_span(goal)}.'
            todo = 'Start more workers, or see what they run.'
            listed.append(Concern('warn', f'Queue {name} is slow', why, todo, *to))
        if queue.overdue and not queue.paused and not found.suspended:
            job, late = queue.overdue
            why = f'Job {_name(job)} was due {_span(late)} ago. Any worker of this queue would move it on.'
            listed.append(Concern('bad', f'Scheduled jobs of queue {name} are overdue', why, '', *to))
    return listed


def _of_runs(found: Health) -> list[Concern]:
    listed = []
    for queue in found.queues:
        if queue.left:
            job, late = queue.left
            why = f'Its worker has been silent for {_span(late)}, and no other worker has taken the job back.'
            todo = f'Start a worker: rq worker {_name(queue.name)}'
            listed.append(Concern('bad', f'Job {_name(job)} is stuck', why, todo, 'job', {'job_id': job}))
    for run in found.running:
        if run.timeout and run.timeout > 0 and run.elapsed and run.elapsed > run.timeout + LATE:
            why = f'It has run for {_span(run.elapsed)}; {_span(run.timeout)} are allowed.'
            listed.append(
                Concern('bad', f'Job {_name(run.job_id)} is past its timeout', why, '', 'job', {'job_id': run.job_id})
            )
    return listed


def _of_cron(missed: Sequence[tuple[str, float]]) -> list[Concern]:
    why = 'It should have run {} ago, and was not enqueued.'
    return [
        Concern('warn', f'Cron job {_name(name)} was missed', why.format(_span(late)), '', 'schedules')
        for name, late in sorted(missed, key=lambda one: -one[1])
    ]


def _of_functions(functions: Sequence[Function]) -> list[Concern]:
    failing = [one for one in functions if one.failures >= FAILURES and one.failure_rate >= SHARE]
    return [
        Concern(
            'bad' if one.failure_rate >= 0.5 else 'warn',
            f'{_name(one.name)} fails',
            f'{one.failures:,} of its {one.runs:,} runs in the last hour ({one.failure_rate:.0%}).',
            '',
            'function',
            {'name': one.name},
        )
        for one in sorted(failing, key=lambda one: -one.failures)
    ]


def _of_workers(workers: Sequence[Worker]) -> list[Concern]:
    listed = [
        Concern(
            'bad',
            f'Worker {_name(one.name)} is silent',
            'There is no sign of its life.',
            '',
            'worker',
            {'name': one.name},
        )
        for one in workers
        if one.state == 'silent'
    ]
    versions = {(one.version, one.code) for one in workers if one.alive}
    if len(versions) > 1:
        words = ', '.join(sorted(' '.join(filter(None, pair)) or '?' for pair in versions)[:4])
        listed.append(
            Concern('warn', 'Workers run different versions', f'{_name(words)}.', 'Restart the old ones.', 'workers')
        )
    return listed


def _of_server(found: Health) -> list[Concern]:
    listed = []
    for name, silent in found.silent_cron:
        why = f'It was last heard of {_span(silent)} ago. Its jobs are not enqueued unless another one has them.'
        listed.append(Concern('bad', f'Cron scheduler {_name(name)} is gone', why, 'Start it: rq cron', 'schedules'))
    if found.limit and found.policy not in ('', 'noeviction'):
        why = f'When it is full it forgets keys, jobs among them (maxmemory-policy {found.policy}).'
        listed.append(Concern('bad', 'Redis may drop jobs', why, 'Set maxmemory-policy noeviction.', 'redis'))
    if found.limit and found.used and found.used / found.limit >= FULL:
        why = f'{found.used / found.limit:.0%} of its limit are used. When it is full, nothing can be enqueued.'
        listed.append(
            Concern('bad', 'Redis is almost full', why, 'Raise maxmemory, or keep results for a shorter time.', 'redis')
        )
    return listed


def _name(name: str) -> str:
    return name if len(name) <= 60 else f'{name[:59]}…'


def _span(value: float | None) -> str:
    whole = int(value or 0)
    for large, name in ((86_400, 'd'), (3_600, 'h'), (60, 'm')):
        if whole >= large:
            return f'{whole // large:,} {name}'
    return f'{whole} s'
