"""The workers: who they are, whether they live, what they run, and which of them run other code than the rest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rq.store import view_jobs
from rq.store import view_workers as store

from .lenient import real, whole, written
from .matching import row
from .words import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redis import Redis

__all__ = ['Birth', 'Fleet', 'Run', 'Worker', 'births', 'calls', 'fleet', 'named', 'starts', 'versions', 'with_calls']

# Queues that are kept of one worker.
MOST_QUEUES = 200
# Jobs whose calls are read at once.
MOST_CALLS = 200
# Seconds without a sign of life after which a worker of another RQ counts as silent: its heartbeats are rarer than ours
# (every 405 s when it is idle), and its record expires after 480.
SILENT_FOREIGN = 420
# Workers that started within so many seconds of each other started together.
TOGETHER = 120


@dataclass(frozen=True, slots=True)
class Run:
    """A job that a worker runs. `elapsed` and `timeout`: seconds."""

    job_id: str
    execution: str
    queue: str
    started: datetime | None
    elapsed: float | None
    timeout: float | None
    function: str = ''  # '' where it was not asked for, or cannot be told
    arguments: str = ''

    @property
    def overdue(self) -> bool:
        """Whether it has run for longer than its timeout, with what a kill takes."""
        return bool(self.timeout and self.timeout > 0 and self.elapsed and self.elapsed > self.timeout + 15)


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker. `state`: idle, busy, suspended, started, stopping, silent (no sign of life) or gone (no record)."""

    name: str
    state: str
    host: str
    pid: str
    address: str
    version: str
    python: str
    code: str  # '' where the worker does not tell it
    foreign: bool  # a worker of another RQ
    queues: tuple[str, ...]
    born: datetime | None
    heartbeat: datetime | None
    runs: tuple[Run, ...]
    finished: int
    failed: int
    worked: float  # seconds
    utilisation: float | None  # share of its life for which it worked
    rss: int | None  # bytes
    cpu: float | None  # seconds
    horses: int | None  # processes that it has started for its jobs; more than one: they died, or had done their share

    @property
    def alive(self) -> bool:
        """Whether there is a sign of its life."""
        return self.state not in ('silent', 'gone')


@dataclass(frozen=True, slots=True)
class Birth:
    """The begin of a worker: when, and with which version of the queue and of its application ('': not told)."""

    when: datetime | None
    version: str
    code: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """Some of the workers, in the order of their names, and how many there are."""

    total: int
    workers: tuple[Worker, ...]

    @property
    def busy(self) -> int:
        """Those of them that run a job."""
        return sum(worker.state == 'busy' for worker in self.workers)

    @property
    def alive(self) -> int:
        """Those of them that live."""
        return sum(worker.alive for worker in self.workers)


def fleet(connection: Redis, start: int = 0, most: int = 1_000, queue: str | None = None) -> Fleet:
    """The workers, of one queue or of all: `most` from the `start`th on, by name. Three round trips for 300 of them."""
    names = store.names(connection, queue)
    total = len(names) if len(names) < store.MOST else store.count(connection, queue)
    return Fleet(total, tuple(named(connection, names[start : start + most])))


def named(connection: Redis, names: Sequence[str]) -> list[Worker]:
    """The workers of these names; one that has no record is `gone`. Two round trips for 300 of them."""
    records = store.records(connection, names)
    running = [_running(record) for record in records]
    ids = [job_id for pairs in running for job_id, _ in pairs]
    jobs = dict(zip(ids, store.runs(connection, ids), strict=True))
    now = datetime.now(UTC)
    return [_worker(record, pairs, jobs, now) for record, pairs in zip(records, running, strict=True)]


def with_calls(connection: Redis, workers: Sequence[Worker]) -> list[Worker]:
    """The same workers, with what they run by function and arguments. Two to four round trips."""
    told = calls(connection, [run.job_id for worker in workers for run in worker.runs])
    return [replace(worker, runs=tuple(_told(run, told) for run in worker.runs)) for worker in workers]


def calls(connection: Redis, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Function and arguments of some jobs, 200 at most, as a list shows them. Two to four round trips."""
    found = view_jobs.fetch(connection, ids[:MOST_CALLS], data=True) if ids else []
    rows = [row(stored) for stored in found if stored is not None]
    return {one.id: (one.function, one.arguments) for one in rows}


def _told(run: Run, told: dict[str, tuple[str, str]]) -> Run:
    function, arguments = told.get(run.job_id, ('', ''))
    return replace(run, function=function, arguments=arguments)


def births(connection: Redis, most: int = 500) -> list[Birth]:
    """When the registered workers began, and with what code, oldest first. Two round trips."""
    found = store.births(connection, store.names(connection)[:most])
    return sorted((Birth(written(birth), version, code) for birth, version, code in found if birth), key=_moment)


def versions(found: Sequence[Birth]) -> tuple[tuple[str, int], ...]:
    """(version, how many have it), the most frequent first: more than one is drift."""
    return tuple(Counter(' '.join(filter(None, (birth.version, birth.code))) or '?' for birth in found).most_common())


def starts(births: Sequence[Birth]) -> list[tuple[datetime, str]]:
    """(when, words) of each time when workers were started together: the marks on charts."""
    found = [(birth.when, birth.version) for birth in births if birth.when]
    groups: list[list[tuple[datetime, str]]] = []
    for moment, version in found:
        if groups and (moment - groups[-1][-1][0]).total_seconds() <= TOGETHER:
            groups[-1].append((moment, version))
        else:
            groups.append([(moment, version)])
    return [(group[0][0], _started(group)) for group in groups]


def _moment(birth: Birth) -> float:
    return birth.when.timestamp() if birth.when else 0.0


def _started(group: Sequence[tuple[datetime, str]]) -> str:
    versions = sorted({version for _, version in group if version})
    words = f'{count(len(group), "worker")} started'
    return f'{words}, version {", ".join(versions)}' if versions else words


def _running(record: store.Record) -> tuple[tuple[str, str], ...]:
    current = record.fields.get('current_job', '')
    # A worker of RQ 2 that has no set of runs tells of one job by its record alone.
    return record.runs or (((current, ''),) if current and current != 'None' else ())


def _worker(
    record: store.Record, pairs: Iterable[tuple[str, str]], jobs: dict[str, dict[str, str]], now: datetime
) -> Worker:
    fields = record.fields
    born, heartbeat, worked = (
        written(fields.get('birth')),
        written(fields.get('last_heartbeat')),
        real(fields.get('total_working_time')),
    )
    life = (now - born).total_seconds() if born else 0
    rss = real(fields.get('rss'))
    return Worker(
        name=record.name,
        state=_state(record, heartbeat, now),
        host=fields.get('hostname', ''),
        pid=fields.get('pid', ''),
        address=fields.get('ip_address', ''),
        version=fields.get('version', ''),
        python=fields.get('python_version', '').partition(' ')[0],
        code=fields.get('code', ''),
        foreign=bool(fields) and 'incarnation' not in fields,
        queues=tuple(part for part in fields.get('queues', '').split(',')[:MOST_QUEUES] if part),
        born=born,
        heartbeat=heartbeat,
        runs=tuple(_run(job_id, execution, jobs.get(job_id, {}), now) for job_id, execution in pairs),
        finished=int(real(fields.get('successful_job_count')) or 0),
        failed=int(real(fields.get('failed_job_count')) or 0),
        worked=worked or 0.0,
        utilisation=min(worked / life, 1.0) if worked is not None and life > 1 else None,
        rss=int(rss) if rss is not None else None,
        cpu=real(fields.get('cpu')),
        horses=whole(fields['horses']) if 'horses' in fields else None,
    )


def _state(record: store.Record, heartbeat: datetime | None, now: datetime) -> str:
    fields = record.fields
    if not fields or 'death' in fields:
        return 'gone'
    if 'incarnation' in fields:
        if not record.lease:
            return 'silent'
    elif heartbeat is not None and (now - heartbeat).total_seconds() > SILENT_FOREIGN:
        return 'silent'
    if 'shutdown_requested_date' in fields:
        return 'stopping'
    return fields.get('state', '?')


def _run(job_id: str, execution: str, job: dict[str, str], now: datetime) -> Run:
    started = written(job.get('started_at'))
    return Run(
        job_id=job_id,
        execution=execution,
        queue=job.get('origin', ''),
        started=started,
        elapsed=max((now - started).total_seconds(), 0.0) if started else None,
        timeout=real(job.get('timeout')),
    )
