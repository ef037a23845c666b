"""What a job has gone through: its steps with the time between them, and each run with how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rq import inert
from rq.store import fields as codec

from .failing import text_of
from .lenient import clamped, real
from .situation import last_line, moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rq.store.view_page import Entry

__all__ = ['Attempt', 'Step', 'attempts', 'steps']

ENDS = {
    b'1': 'finished',
    b'2': 'failed',
    b'3': 'stopped',
    b'4': 'asked for a retry',
    b'5': 'asked for one retry too many',
}
# Characters of what a run returned.
SHORT = 200


@dataclass(frozen=True, slots=True)
class Step:
    """A state, and how long it lasted."""

    name: str  # created, waiting, running, finished ...
    at: datetime
    seconds: float | None  # None: it is its last
    status: str  # the status that it is shown as


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run."""

    ended: str  # finished, failed, stopped ...; running
    worker: str
    execution: str
    began: datetime | None
    until: datetime | None
    seconds: float | None
    said: str  # what it returned or raised, short


def steps(fields: Mapping[str, str], now: float) -> tuple[Step, ...]:
    """The states of the newest run, oldest first, with their times."""
    status = fields.get('status', 'created')
    names = (('created_at', 'made', 'created'), ('enqueued_at', 'waited', 'queued'), ('started_at', 'ran', 'started'))
    times = [(moment(fields, field), name, shown) for field, name, shown in names]
    ended = moment(fields, 'ended_at') if status in ('finished', 'failed', 'stopped') else None
    known = [(at, name, shown) for at, name, shown in times if at is not None]
    if ended is not None:
        known.append((ended, status, status))
    elif status in ('scheduled', 'deferred', 'canceled', 'rate_limited'):
        # A retry that waits for its time has begun and ended before; what it waits for now is its last state.
        known = [(at, name, shown) for at, name, shown in known if shown == 'created']
    # A clock that was set, or a job that runs again: what is not in order would have a length below nothing.
    ordered = [one for place, one in enumerate(known) if all(one[0] >= other[0] for other in known[:place])]
    found = []
    for place, (at, name, shown) in enumerate(ordered):
        last = place + 1 == len(ordered)
        until = ordered[place + 1][0] if not last else (None if ended is not None else now)
        found.append(
            Step(_now(name, status) if last else name, clamped(at), None if until is None else until - at, shown)
        )
    return tuple(found)


def _now(name: str, status: str) -> str:
    """What it does since its last step."""
    if status in ('finished', 'failed', 'stopped'):
        return status
    return {'ran': 'runs', 'waited': 'waits'}.get(name, status.replace('_', ' '))


def attempts(entries: Sequence[Entry], fields: Mapping[str, str], now: float) -> tuple[Attempt, ...]:
    """The runs of which something is stored, newest first; the one that runs now before them."""
    found = [_attempt(entry) for entry in entries]
    began = moment(fields, 'started_at')
    if fields.get('status') == 'started' and began is not None:
        worker, execution = fields.get('worker_name', ''), fields.get('execution', '')
        found.insert(0, Attempt('running', worker, execution, clamped(began), None, max(0.0, now - began), ''))
    return tuple(found)


def _attempt(entry: Entry) -> Attempt:
    fields = entry.fields
    began, until = _epoch(fields.get('execution_started_at')), _epoch(fields.get('execution_ended_at'))
    return Attempt(
        ended=ENDS.get(fields.get('type', b''), 'ended'),
        worker=codec.text(fields.get('worker_name', b'')[:800])[:200],
        execution=codec.text(fields.get('execution_id', b'')[:400])[:100],
        began=None if began is None else clamped(began),
        until=clamped(until if until is not None else entry.at),
        seconds=until - began if began is not None and until is not None else None,
        said=_said(fields),
    )


def _said(fields: Mapping[str, bytes]) -> str:
    if fields.get('exc_string'):
        return inert.scrub(last_line(text_of(fields['exc_string'])))
    return inert.result(fields['return_value'], SHORT) if fields.get('return_value') else ''


def _epoch(stored: bytes | None) -> float | None:
    found = real(stored)
    return found if found is not None and 0 < found < 1e11 else None
