"""Which slots of a cron job are due: a pure function of what Redis says and of the clock."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rq.store.cron import State

    from .times import Times

__all__ = ['CATCH_UP', 'MISFIRE', 'Due', 'due_intervals', 'due_times', 'jitter_of', 'micros', 'moment']

MISFIRE = ('skip', 'once', 'all')
# Missed slots of `misfire='all'` that are caught up, the newest: a week of hours, more than a night of minutes.
CATCH_UP = 1000
# So late a scheduler that looks once a second may be: an interval does not shift by it. In us.
STEADY = 1_500_000

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Epoch in microseconds; a naive moment is local."""
    return (at.astimezone(UTC) - EPOCH) // MICROSECOND


def moment(at: int) -> datetime:
    """The moment of an epoch in microseconds."""
    return EPOCH + at * MICROSECOND


def jitter_of(name: str, slot: int, jitter: float) -> int:
    """By how many microseconds a slot is put off: less than `jitter` seconds, and the same in every scheduler."""
    if not jitter:
        return 0
    share = int.from_bytes(hashlib.sha1(f'{name}:{slot}'.encode(), usedforsecurity=False).digest()[:6]) / 2**48
    return int(share * jitter * 1e6)


@dataclass(slots=True)
class Due:
    """Slots to enqueue now, in their order, as (slot, due); and the one that comes next. Times: epoch, us."""

    slots: list[tuple[int, int]] = field(default_factory=list)
    next: int = 0
    left_out: bool = False  # more had been missed than are caught up


def due_times(times: Times, cursor: int, now: int, every_one: bool, delay: tuple[str, float]) -> Due:
    """Of a cron string: `cursor` is the first slot that was not dealt with. Without `every_one` only the newest counts.

    `delay`: the name and the jitter. It is less than two slots are apart, so only the newest can be put off.
    """
    first, last = moment(cursor), moment(now)
    if cursor > now:
        return Due(next=cursor)
    found, left_out = times.newest(first, last, CATCH_UP + 1 if every_one else 2)
    slots = [(slot, slot + jitter_of(delay[0], slot, delay[1])) for slot in map(micros, found)]
    waiting = slots[-1][0] if slots and slots[-1][1] > now else None
    due = [slot for slot in slots if slot[1] <= now][-CATCH_UP if every_one else -1 :]
    return Due(due, micros(times.after(last)) if waiting is None else waiting, left_out and every_one)


def due_intervals(interval: int, state: State, now: int, every_one: bool, delay: tuple[str, float]) -> Due:
    """Of an interval in us. The first is due at once; who comes late goes on from now, or makes up for each one missed."""
    last = state.last
    if last is None:
        return Due([(now, now)], now + interval)
    slot = last + interval
    due = slot + jitter_of(delay[0], slot, delay[1])
    if due > now:
        return Due(next=slot)
    if every_one and slot > state.since:
        behind = (now - slot) // interval
        first = slot + max(0, behind - CATCH_UP + 1) * interval
        slots = [(at, due if at == slot else at) for at in range(first, now + 1, interval)]
        return Due(slots, slots[-1][0] + interval, first > slot)
    if now - slot > STEADY or slot <= state.since:
        slot = due = now
    return Due([(slot, due)], slot + interval)
