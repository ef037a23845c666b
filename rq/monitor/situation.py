"""What holds a job, as facts: gathered in at most six round trips, plain reads all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from rq import inert
from rq.limits import printable
from rq.store import stats
from rq.store import view_job as view
from rq.store.part import Part, look

from .failing import text_of
from .lenient import real, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from redis import Redis

    from rq.store.view_job import Fields, Limit, Other, Place, Start, Worker

__all__ = ['CANNOT_IMPORT', 'Situation', 'gather', 'last_line', 'last_words', 'moment', 'number']

# Round trips of one question; each step along a chain of jobs that wait for each other is one.
MOST_TRIPS = 6
# What ends a job that others wait for, and does not let them go.
ENDED_BADLY = ('failed', 'stopped', 'canceled')
# Worst first; '' is a job that is not there.
ORDER = (*ENDED_BADLY, '', 'deferred', 'rate_limited', 'scheduled', 'created', 'queued', 'started')
# What a worker says that could not find a function: the first words of the exception.
CANNOT_IMPORT = ('ImportError: ', 'ModuleNotFoundError: ', 'ValueError: Invalid attribute name')
# Seconds over which it is counted how fast a queue is.
RECENT = 300
# Queues that are looked at, of those that workers serve first.
AHEAD = 20
FRAME = re.compile(r' +(\| )?File ".*", line \d+')


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a job is, who could run it, and whom it waits for."""

    id: str
    start: Start
    place: Place | None = None  # None: its hash names no queue
    workers: tuple[Worker, ...] = ()  # of its queue, some of them where they are many; the living
    dead: tuple[Worker, ...] = ()  # registered for its queue, and without a sign of life
    others: tuple[Worker, ...] = ()  # the living ones of other queues
    runner: Worker | None = None  # whom the hash names
    jobs: dict[str, Other] = field(default_factory=dict)  # those that it waits for, directly or not
    chain: tuple[str, ...] = ()  # from a job that it waits for to the one on which all hangs
    ahead: dict[str, int] = field(default_factory=dict)  # queues that its workers look at before its own: how many wait
    rate: float = 0.0  # jobs of its queue that began in a second, in the best of the last minutes; 0: not known
    unknown: tuple[str, float] = ('', 0.0)  # its function could not be imported lately: the message, and when (epoch)
    error: str = ''  # the last line of the failure: its own, or of the last in the chain
    similar: tuple[str, ...] = ()  # ids that may have been meant
    remains: tuple[tuple[str, str], ...] = ()  # (queue, place) where there is still the id of a job that is gone

    @property
    def fields(self) -> Fields:
        """Of the job's hash."""
        return self.start.fields

    @property
    def queue(self) -> str:
        """Its name; '' where the hash names none."""
        return self.fields.get('origin', '')

    @property
    def limit(self) -> Limit | None:
        """Its rate limit."""
        return self.place.limit if self.place else None


class _Asker:
    """Asks, and knows how often it may do so yet."""

    def __init__(self, connection: Redis) -> None:
        self.connection = connection
        self.left = MOST_TRIPS

    def __call__(self, *parts: Part[Any]) -> list[Any]:
        self.left -= 1
        return look(self.connection, *parts)


def gather(connection: Redis, job_id: str) -> Situation:
    """The situation of a job. Raises redis-py's errors."""
    ask = _Asker(connection)
    [start] = ask(view.start(job_id))
    if start.kind != 'hash':
        return _of_nobody(ask, job_id, start)
    fields = start.fields
    parents = start.parents if fields.get('status') == 'deferred' else ()
    soon = fields.get('status') in ('queued', 'scheduled')
    parts: list[Part[Any]] = [
        view.links(parents),
        view.last_result(job_id, start.results),
        view.call(job_id, start.size if soon else 0),
        view.late_failures() if soon else Part([], tuple),
    ]
    if 'origin' in fields:
        runs = list(dict.fromkeys(run for run in (fields.get('execution', ''), *start.runs) if run))
        parts.append(view.place(job_id, fields['origin'], runs, fields.get('rate_limit_key', '')))
    jobs, result, call, failed, *places = ask(*parts)
    found = Situation(job_id, start, places[0] if places else None, jobs=jobs, error=last_words(result))
    return _with_others(ask, found, call, failed)


def _of_nobody(ask: _Asker, job_id: str, start: Start) -> Situation:
    """There is no such job: what may have been meant, and what is left of it."""
    plain = job_id.strip().strip('"\'<>')
    guesses = [
        plain,
        plain.removeprefix(view.PREFIX_OF_JOBS),
        plain.lower(),
        plain.rpartition(':')[0],
        plain.rpartition(' ')[2],
    ]
    similar, queues = ask(
        view.near([guess for guess in dict.fromkeys(guesses) if guess not in ('', job_id)]), view.queues()
    )
    [remains] = ask(view.elsewhere(job_id, queues))
    return Situation(job_id, start, similar=tuple(similar), remains=tuple(remains))


def _with_others(ask: _Asker, found: Situation, call: bytes, failed: tuple[str, ...]) -> Situation:
    """And the workers, the jobs that it waits for, and what these wait for."""
    place, named = found.place, found.fields.get('worker_name', '')
    of_queue = place.workers if place else ()
    chain = [_blocker(found.jobs)] if found.jobs else []
    names = list(dict.fromkeys([*of_queue, *found.start.workers, *([named] if named else [])]))
    holders = [job_id for job_id, _ in found.limit.first] if found.limit else []
    workers, jobs, held, failures = ask(
        view.people(names), view.links(_next(found.jobs, chain)), view.links(holders), view.failures(failed)
    )
    jobs = {**found.jobs, **held, **jobs}
    ours = [workers[name] for name in of_queue if workers[name].fields]
    known = replace(
        found,
        workers=tuple(worker for worker in ours if worker.alive),
        dead=tuple(worker for worker in ours if not worker.alive),
        others=tuple(workers[name] for name in found.start.workers if name not in of_queue and workers[name].alive),
        runner=workers.get(named),
        jobs=jobs,
        unknown=_cannot_be_imported(call, failures),
    )
    if chain:
        return _followed(ask, known, chain)
    return _with_pace(ask, known) if found.fields.get('status') == 'queued' and known.workers else known


def _with_pace(ask: _Asker, found: Situation) -> Situation:
    """And what its workers serve first, and how fast they are."""
    before = _looked_at_before(found)
    [waiting] = ask(view.lengths(before)) if before else [{}]
    ask.left -= 1
    starts = stats.buckets(found.start.now, 60, RECENT)
    try:
        rows = stats.queues(ask.connection, 60, starts, [found.queue])
    except (ValueError, TypeError, ResponseError):  # somebody has written there
        rows = []
    # Whole minutes in which it did something: one in which little waited says nothing of how fast it can be.
    began = [row[found.queue].started for row in rows[:-1] if found.queue in row and row[found.queue].started]
    ahead = {name: number for name, number in waiting.items() if number}
    return replace(found, ahead=ahead, rate=max(began) / 60 if len(began) > 1 else 0.0)


def _cannot_be_imported(call: bytes, failures: list[Fields]) -> tuple[str, float]:
    """Whether the function of a call could not be imported of late: the message, and when."""
    name = inert.function_name(call) if call else None
    for failure in failures:
        said = f'{failure.get("type", "")}: {failure.get("message", "")}'
        if name and name in failure.get('functions', '').split('\n') and said.startswith(CANNOT_IMPORT):
            return inert.scrub(printable(failure.get('message', ''))), number(failure, 'last') or 0.0
    return '', 0.0


def _blocker(jobs: Mapping[str, Other]) -> str:
    """Of the jobs that one waits for the one that is the least likely to let it go."""
    return min(jobs, key=lambda job_id: (_rank(jobs[job_id]), job_id))


def _rank(other: Other) -> int:
    status = other.fields.get('status', '') if other.fields else ''
    return ORDER.index(status) if status in ORDER else len(ORDER)


def _next(jobs: Mapping[str, Other], chain: list[str]) -> list[str]:
    """Those that the last one of a chain waits for itself; a circle is not gone round."""
    if not chain or jobs[chain[-1]].fields.get('status') != 'deferred':
        return []
    return [job_id for job_id in jobs[chain[-1]].waits_for if job_id not in chain]


def _followed(ask: _Asker, found: Situation, chain: list[str]) -> Situation:
    """To the job on which all hangs, and its last words; one trip is kept for these."""
    jobs = dict(found.jobs)
    while following := _next(jobs, chain):
        if following[0] not in jobs:
            if ask.left < 2:
                break
            jobs |= ask(view.links(following))[0]
        chain.append(_blocker({job_id: jobs[job_id] for job_id in following}))
    root = jobs[chain[-1]]
    error = ''
    if root.fields.get('status') == 'failed':
        error = last_words(ask(view.last_result(root.id, root.results))[0])
    return replace(found, jobs=jobs, chain=tuple(chain), error=error)


def _looked_at_before(found: Situation) -> list[str]:
    """Queues that every living worker of this one serves first."""
    before = [
        worker.queues[: worker.queues.index(found.queue)] for worker in found.workers if found.queue in worker.queues
    ]
    common = [name for name in before[0] if all(name in other for other in before)] if before else []
    return common[:AHEAD]


# --- what fields say ---------------------------------------------------------------------------------------------------


def moment(fields: Mapping[str, str], name: str) -> float | None:
    """A field with a time, in epoch seconds; None where it is none."""
    found = written(fields.get(name))
    return found.timestamp() if found else None


def number(fields: Mapping[str, str], name: str) -> float | None:
    """A field with a number; None where it is none."""
    return real(fields.get(name))


def last_words(result: Mapping[bytes, bytes]) -> str:
    """The line of the traceback in a stored result that names the failure; short, '' for none."""
    stored = result.get(b'exc_string')
    return inert.scrub(last_line(text_of(stored))) if stored else ''


def last_line(text: str) -> str:
    """The line of a traceback that names the exception; of a death as our supervisor tells it the first."""
    lines = [line for line in text.splitlines() if line.strip()]
    frames = [at for at, line in enumerate(lines) if FRAME.match(line)]
    if lines and (not frames or not lines[0].startswith(('Traceback', ' '))):
        return printable(lines[0].strip())
    after = [line for line in lines[frames[-1] :] if not line.startswith(' ')] if frames else []
    return printable((after or lines or [''])[0].strip())
