"""What comes by itself: cron jobs with what became of their runs, the schedulers that look after them, scheduled jobs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rq import inert
from rq.cron import CronJob
from rq.defaults import DEFAULT_FAILURE_TTL, DEFAULT_RESULT_TTL
from rq.store import view_cron as store
from rq.store import view_jobs, view_timed

from .lenient import moment
from .matching import Row, row
from .when import Patience, schedule, words

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['Cron', 'Crons', 'Due', 'Later', 'Run', 'Scheduler', 'crons', 'later', 'missed']

RUNS = 50
NEXT = 5
# A scheduler that was not heard of for so long is dead: its record expires then.
SILENT = 120
# A slot without a run this long after it was due is missed.
LATE = 60
# Bytes of a scheduler's list that are read where only what was missed is asked for: about 250 cron jobs.
SMALL = 100_000
FAILED = ('failed', 'stopped', 'canceled')
OPEN = ('queued', 'started', 'deferred', 'scheduled', 'rate_limited')


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a cron job, or a time at which there should have been one."""

    at: datetime
    state: str  # of its job; 'missed'; of one that is not stored any more 'ok' where a failure would be, else 'none'
    job_id: str


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron job."""

    name: str
    function: str
    arguments: str
    queue: str
    expression: str
    is_interval: bool
    words: str
    zone: str  # '' the local time of its scheduler
    misfire: str
    jitter: float
    paused: bool
    next: tuple[datetime, ...]
    runs: tuple[Run, ...]  # the last ones, the oldest first
    last: datetime | None
    last_state: str
    last_id: str
    streak: int  # runs that ended alike, up to the last one; below 0: failures
    missed: int | None  # among those shown; None: not worked out
    schedulers: int
    problem: str

    @property
    def cells(self) -> list[tuple[str, str]]:
        """The runs as a strip."""
        return [(run.state, f'{run.at:%Y-%m-%d %H:%M:%S} UTC') for run in self.runs]


@dataclass(frozen=True, slots=True)
class Scheduler:
    """A process that looks after cron jobs."""

    name: str
    host: str
    pid: str
    config: str
    heartbeat: datetime | None
    alive: bool
    jobs: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class Crons:
    """A page of the cron jobs, by name."""

    crons: tuple[Cron, ...]
    total: int
    schedulers: tuple[Scheduler, ...]
    more_schedulers: int
    orphans: tuple[tuple[str, datetime | None], ...]  # names that made jobs, and that no living scheduler has
    orphan_total: int


@dataclass(frozen=True, slots=True)
class Due:
    """A job that waits for its time."""

    at: datetime | None
    job: Row
    retry: bool  # it has run, and failed


@dataclass(frozen=True, slots=True)
class Later:
    """A page of the scheduled jobs, the soonest due first."""

    jobs: tuple[Due, ...]
    total: int
    queues: tuple[tuple[str, int], ...]
    left_out: int
    too_deep: bool


# --- cron -------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Known:
    """One definition of a cron job, and how many living schedulers have it."""

    job: CronJob
    told: dict[str, Any]
    schedulers: int = 0


def crons(connection: Any, offset: int = 0, most: int = 25) -> Crons:
    """A page of the cron jobs. Seven round trips, eight where their last runs are more than 1,000."""
    told, total, now = store.schedulers(connection)
    known: dict[tuple[str, str], _Known] = {}
    schedulers = []
    for one in told:
        alive = now - one.heartbeat <= SILENT
        jobs, unreadable = _jobs(one.jobs)
        for job, data in jobs if alive else ():
            known.setdefault((job.name, job.definition), _Known(job, data)).schedulers += 1
        heard = moment(one.heartbeat)
        schedulers.append(Scheduler(one.name, one.host, one.pid, one.config, heard, alive, len(jobs), unreadable))
    ordered = [known[key] for key in sorted(known)]
    page = ordered[offset : offset + most]
    orphans = [pair for pair in store.forgotten(connection) if pair[0] not in {name for name, _ in known}]
    return Crons(
        crons=tuple(_page(connection, page, datetime.fromtimestamp(now, UTC))),
        total=len(ordered),
        schedulers=tuple(schedulers),
        more_schedulers=total - len(told),
        orphans=tuple((name, moment(at)) for name, at in orphans[:most]),
        orphan_total=len(orphans),
    )


def missed(connection: Any, most: int = 200) -> list[tuple[str, float]]:
    """(name, seconds since) of cron jobs whose last time passed without a run, of `most` of them. Four round trips.

    Only small lists of living schedulers are read: this is asked every two seconds.
    """
    told, _, clock = store.schedulers(connection)
    lists = [one.jobs for one in told if clock - one.heartbeat <= SILENT and len(one.jobs or b'') <= SMALL]
    known = {(job.name, job.definition): job for stored in lists for job, _ in _jobs(stored)[0]}
    states = store.states(connection, list(known)[:most])
    patience, found = Patience(), []
    for job, state in zip(known.values(), states, strict=False):
        due = None if state.paused or state.last is None else _due(job, max(state.last, state.since), clock, patience)
        if due is not None:
            found.append((job.name, clock - due))
    return found


def _due(job: CronJob, since: float, at: float, patience: Patience) -> float | None:
    """The first time after `since` at which it should have run by `at` (epoch), if there is one."""
    late = at - LATE - job.jitter
    if not job.cron:
        due = since + (job.interval or 0)
        return due if due < late else None
    try:
        first, last = datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(late, UTC)
        slots = schedule(job.cron, str(job.tz) if job.tz else None).between(first, last, 10 * RUNS, patience)
    except (ValueError, OverflowError):
        return None
    return slots[0].timestamp() if slots else None


def _jobs(stored: bytes | None) -> tuple[list[tuple[CronJob, dict[str, Any]]], int]:
    """The cron jobs of a scheduler's record, and how many cannot be read."""
    try:
        told = json.loads(stored or b'[]') if stored is not None else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, list):
        return [], 1
    found = []
    for data in told:
        try:
            job = CronJob.from_dict(data)
            if _is_plain(job):
                found.append((job, data))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
            continue
    return found, len(told) - len(found)


def _is_plain(job: CronJob) -> bool:
    """Whether it has texts and numbers where there should be some: its record may have been written by anybody."""
    texts = (job.name, job.func_name, job.queue_name, job.cron or '', str(job.tz or ''), job.misfire)
    numbers = (job.interval or 0, job.jitter)
    for text in texts:
        text.encode()  # raises for halves of characters, which no key can have
    return all(isinstance(number, (int, float)) for number in numbers) and max(map(len, texts)) <= view_jobs.MOST_NAME


def _page(connection: Any, page: Sequence[_Known], now: datetime) -> list[Cron]:
    if not page:
        return []
    states = store.states(connection, [(one.job.name, one.job.definition) for one in page])
    histories = store.histories(connection, [one.job.name for one in page], RUNS)
    ids = [job_id for history in histories for job_id, _ in history]
    outcomes = dict(zip(ids, store.outcomes(connection, ids), strict=True))
    patience = Patience()
    return [
        _cron(one, state, _runs(one.job, history, outcomes, now), now, patience)
        for one, state, history in zip(page, states, histories, strict=True)
    ]


def _runs(job: CronJob, history: Sequence[tuple[str, float]], outcomes: dict[str, str], now: datetime) -> list[Run]:
    """The oldest first."""
    found = []
    for job_id, epoch in reversed(history):
        at = moment(epoch)
        if at is not None:
            state = outcomes.get(job_id) or _forgotten(job, (now - at).total_seconds())
            found.append(Run(at, state, job_id))
    return found


def _forgotten(job: CronJob, age: float) -> str:
    """What a run came to whose job is not stored any more: results are kept for minutes, failures for a year."""
    options = job.job_options
    result, failure = options.get('result_ttl', DEFAULT_RESULT_TTL), options.get('failure_ttl', DEFAULT_FAILURE_TTL)
    if not isinstance(result, int) or not isinstance(failure, int) or options.get('ttl'):
        return 'none'
    return 'ok' if 0 <= result <= age and (failure < 0 or age < failure) else 'none'


def _cron(known: _Known, state: store.State, runs: list[Run], now: datetime, patience: Patience) -> Cron:
    job = known.job
    problem, missed = '', None
    coming: tuple[datetime, ...] = ()
    try:
        coming = _next(job, runs, now, patience)
        missed = _missed(job, state, runs, now, patience)
    except (ValueError, OverflowError) as error:
        problem = str(error)[:200]
    shown = sorted([*runs, *(missed or ())], key=lambda run: run.at)[-RUNS:]
    last = runs[-1] if runs else None
    return Cron(
        name=job.name,
        function=job.func_name[:300],
        arguments=_arguments(known.told),
        queue=job.queue_name,
        expression=str(job.cron or f'every {job.interval:g} s')[:200],
        is_interval=not job.cron,
        words=words(job.cron) if job.cron else _interval(job.interval or 0),
        zone=str(job.tz or ''),
        misfire=job.misfire,
        jitter=job.jitter,
        paused=state.paused,
        next=coming,
        runs=tuple(shown),
        last=last.at if last else None,
        last_state=last.state if last else '',
        last_id=last.job_id if last else '',
        streak=_streak(runs),
        missed=None if missed is None else sum(run.state == 'missed' for run in shown),
        schedulers=known.schedulers,
        problem=problem,
    )


def _next(job: CronJob, runs: list[Run], now: datetime, patience: Patience) -> tuple[datetime, ...]:
    if job.cron:
        return schedule(job.cron, str(job.tz) if job.tz else None).next(now, NEXT, patience)
    last = runs[-1].at if runs else now
    step = timedelta(seconds=job.interval or 0)
    first = max(last + step, now) if runs else now
    return tuple(first + place * step for place in range(NEXT))


def _missed(job: CronJob, state: store.State, runs: list[Run], now: datetime, patience: Patience) -> list[Run] | None:
    """Times of a cron string at which nothing was enqueued, since the oldest run that is shown."""
    if not job.cron or not runs:
        return [] if not job.cron else None
    until = runs[-1].at if state.paused else now - timedelta(seconds=LATE + job.jitter)
    since = max(runs[0].at, datetime.fromtimestamp(state.since, UTC))
    slots = schedule(job.cron, str(job.tz) if job.tz else None).between(since, until, 10 * RUNS, patience)
    if slots is None:
        return None
    found = []
    place = 0
    for slot, after in pairwise([*slots, now]):
        while place < len(runs) and runs[place].at < slot:
            place += 1
        if place == len(runs) or runs[place].at >= max(after, slot + timedelta(seconds=LATE)):
            found.append(Run(slot, 'missed', ''))
    return found


def _streak(runs: list[Run]) -> int:
    """How many of the last runs ended alike, as far as that is known."""
    count = 0
    for run in reversed(runs):
        if run.state in OPEN:
            continue
        if run.state == 'none':
            break
        step = -1 if run.state in FAILED else 1
        if count * step < 0:
            break
        count += step
    return count


def _arguments(told: dict[str, Any]) -> str:
    """The arguments of a cron job, redacted: in its record they are JSON within JSON."""
    args = told.get('args') if isinstance(told.get('args'), str) else None
    kwargs = told.get('kwargs') if isinstance(told.get('kwargs'), str) else None
    stored = f'["f", null, {args or "[]"}, {kwargs or "{}"}]'
    return inert.call(stored.encode('utf-8', 'replace'), 60, 8_000).arguments[:200]


def _interval(seconds: float) -> str:
    for size, name in ((86_400, 'day'), (3_600, 'hour'), (60, 'minute')):
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return f'Every {name}' if count == 1 else f'Every {count:,} {name}s'
    return 'Every second' if seconds == 1 else f'Every {seconds:g} seconds'


# --- scheduled --------------------------------------------------------------------------------------------------------


def later(connection: Any, queue: str = '', offset: int = 0, most: int = 25) -> Later:
    """A page of the scheduled jobs of a queue, or of all. Six round trips, seven with thousands of queues."""
    names, left_out = ([queue], 0) if queue else view_jobs.queue_names(connection)
    found = view_timed.scheduled(connection, names, offset, most)
    stored = view_jobs.fetch(connection, [one.id for one in found.jobs], data=True)
    jobs = [
        Due(moment(place.score), row(one, 'scheduled'), bool(one.fields.get('started_at')))
        for place, one in zip(found.jobs, stored, strict=True)
        if one is not None
    ]
    return Later(tuple(jobs), found.total, found.queues[:20], left_out + found.left_out, found.too_deep)
