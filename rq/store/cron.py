"""Cron: slots that are enqueued once, what people ask of cron jobs, and the schedulers as readers see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rq.defaults import DEFAULT_CRON_JOB_HISTORY_LIMIT as HISTORY
from rq.defaults import DEFAULT_CRON_JOB_HISTORY_TTL as HISTORY_TTL
from rq.defaults import DEFAULT_CRON_SCHEDULER_TTL as SCHEDULER_TTL

from . import keys
from .fields import text
from .read import hashes
from .script import Script, nonce

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .enqueue import Entry

__all__ = [
    'ALWAYS',
    'Slot',
    'State',
    'add_name',
    'beat',
    'begin',
    'drop_stale',
    'enqueue_slot',
    'fetch_schedulers',
    'history',
    'last_heartbeat',
    'look',
    'members',
    'pause',
    'paused',
    'register',
    'resume',
    'run_now',
    'show',
    'unregister',
]

_enqueue_slot = Script('enqueue_slot')
_steer_cron = Script('steer_cron')

# A yearly slot that was missed is still known when the next one comes.
STATE_TTL = 2 * 366 * 86400
# The request of a run that nothing is asked about.
ALWAYS = 'always'


@dataclass(frozen=True, slots=True)
class State:
    """What Redis knows of one definition of a cron job. Times: epoch in microseconds."""

    last: int | None = None  # its last slot that was enqueued, or the beginning of its life
    paused: bool = False
    since: int = 0  # slots up to here fell into a pause
    run: str = ''  # the last request to run now ...
    ran: str = ''  # ... and the last one that was served
    enqueued: bool = False  # whether `last` is a slot


@dataclass(frozen=True, slots=True)
class Slot:
    """One enqueue of a cron job: for a slot, or for a request to run now (`run`)."""

    name: str
    definition: str
    slot: int = 0  # epoch, us
    due: int = 0  # epoch, us
    gap: int = 1  # us
    run: str = ''


def look(connection: Any, jobs: Sequence[tuple[str, str]]) -> tuple[int, list[State]]:
    """Redis time (epoch, us) and the states of cron jobs (name, definition). One round trip."""
    pipeline = connection.pipeline(transaction=False)
    pipeline.time()
    for name, definition in jobs:
        pipeline.hmget(keys.cron_state(name), 'paused', 'since', 'run', f'slot:{definition}', f'ran:{definition}')
    (seconds, micros), *found = pipeline.execute()
    return int(seconds) * 1_000_000 + int(micros), [_state(*map(_plain, row)) for row in found]


def _plain(value: bytes | None) -> str:
    return text(value) if value else ''


def _state(paused: str, since: str, run: str, slot: str, ran: str) -> State:
    last, _, job_id = slot.partition(' ')
    served = ran.partition(' ')[0]
    return State(_micros(last), bool(paused), _micros(since) or 0, run, served, bool(job_id))


def _micros(stored: str) -> int | None:
    """An epoch; None for what is none: a record that somebody spoilt costs no other job its time."""
    return int(stored) if stored.isdecimal() and len(stored) <= 17 else None


def begin(connection: Any, name: str, definition: str, at: int) -> None:
    """The life of a definition begins (epoch, us), unless it had: slots missed from here on can be caught up."""
    pipeline = connection.pipeline()
    pipeline.hsetnx(keys.cron_state(name), f'slot:{definition}', at)
    pipeline.expire(keys.cron_state(name), STATE_TTL)
    pipeline.execute()


def enqueue_slot(connection: Any, queue: str, entry: Entry, slot: Slot) -> Any:
    """b'QUEUED', or why not: b'TAKEN' (somebody had it), b'EARLY' (by Redis time), b'PAUSED'."""
    moment = (slot.name, slot.definition, slot.slot, slot.due, slot.gap, slot.run)
    flat = [part for item in entry.fields.items() for part in item]
    limits = (HISTORY, HISTORY_TTL, STATE_TTL)
    return _enqueue_slot(connection, keys.queue(queue), queue, entry.id, *moment, entry.ttl, *limits, *flat)


def pause(connection: Any, name: str) -> bool:
    """Whether it was not paused before. No scheduler enqueues it until `resume`."""
    return bool(_steer_cron(connection, keys.cron_state(name), 'pause', nonce(), STATE_TTL))


def resume(connection: Any, name: str) -> bool:
    """Whether it was paused. What fell into the pause is not caught up."""
    return bool(_steer_cron(connection, keys.cron_state(name), 'resume', nonce(), STATE_TTL))


def run_now(connection: Any, name: str, nonce: str) -> None:
    """Asks for one run by whichever scheduler looks first. `nonce`: this request's own."""
    _steer_cron(connection, keys.cron_state(name), 'run', nonce, STATE_TTL)


def paused(connection: Any, names: Sequence[str]) -> list[bool]:
    """Which cron jobs are paused. One round trip."""
    pipeline = connection.pipeline(transaction=False)
    for name in names:
        pipeline.hexists(keys.cron_state(name), 'paused')
    return [bool(found) for found in pipeline.execute()]


def history(connection: Any, name: str, start: int = 0, end: int = -1) -> list[str]:
    """Ids of the jobs that a cron job made, newest first."""
    return [text(member) for member in connection.zrevrange(keys.cron_history(name), start, end)]


# --- schedulers, for readers ------------------------------------------------------------------------------------------


def register(connection: Any, name: str, at: float) -> Any:
    """1 if the scheduler was not registered; in a pipeline the pipeline. `at`: epoch of its heartbeat."""
    return connection.zadd(keys.cron_schedulers(), {name: at})


def beat(connection: Any, name: str, at: float, fields: Mapping[str, Any]) -> bool:
    """Whether the scheduler was not registered; it is now, and its record is written."""
    pipeline = connection.pipeline()
    register(pipeline, name, at)
    show(pipeline, name, fields)
    return bool(pipeline.execute()[0])


def unregister(connection: Any, name: str) -> None:
    """Takes a scheduler off the list; its hash expires by itself."""
    connection.zrem(keys.cron_schedulers(), name)


def show(connection: Any, name: str, fields: Mapping[str, Any]) -> None:
    """Writes what readers see of a scheduler; in a pipeline as part of it."""
    connection.hset(keys.cron_scheduler(name), mapping=dict(fields))
    connection.expire(keys.cron_scheduler(name), SCHEDULER_TTL)


def last_heartbeat(connection: Any, name: str) -> float | None:
    """Epoch of the last heartbeat, None for a scheduler that is not registered."""
    found: float | None = connection.zscore(keys.cron_schedulers(), name)
    return found


def fetch_schedulers(connection: Any, names: Sequence[str]) -> list[dict[bytes, bytes]]:
    """The hashes of schedulers, empty where there is none. One round trip per 1,000."""
    return hashes(connection, map(keys.cron_scheduler, names))


# --- both registries: names with an epoch -----------------------------------------------------------------------------


def add_name(connection: Any, name: str, at: float) -> None:
    """A cron job made a job (epoch)."""
    connection.zadd(keys.cron_jobs(), {name: at})


def members(connection: Any, key: str, alive_after: float | str = '-inf') -> list[str]:
    """Names by their epochs, of those after one."""
    return [text(name) for name in connection.zrangebyscore(key, alive_after, '+inf')]


def drop_stale(connection: Any, key: str, before: float) -> int:
    """How many names were dropped whose epoch is not after this one."""
    return int(connection.zremrangebyscore(key, '-inf', before))
