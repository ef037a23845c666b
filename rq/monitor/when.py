"""When a cron job comes: its expression in words, its next times and its past ones. Worked out once, and remembered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from time import monotonic

from cronsim import CronSim

from rq.cron.times import ALIASES, Times, zone

__all__ = ['Patience', 'Schedule', 'schedule', 'words']

# The next times that are worked out at once: cronsim takes up to half a millisecond for each.
AHEAD = 8


@dataclass(slots=True)
class Patience:
    """How long one request may work out times; what is not known by then is left for the next one."""

    seconds: float = 0.03
    began: float = field(default_factory=monotonic)

    @property
    def over(self) -> bool:
        """Whether it has had its time."""
        return monotonic() - self.began > self.seconds


class Schedule:
    """The times of one expression in one zone. Raises ValueError for one that cannot be read."""

    def __init__(self, expression: str, tz: str | None) -> None:
        self._times = Times(expression, zone(tz))
        self._next: list[datetime] = []
        self._past: list[datetime] = []  # without a gap, as far as it is known
        self._since: datetime | None = None

    def next(self, now: datetime, count: int, patience: Patience) -> tuple[datetime, ...]:
        """The next times, in UTC; fewer where the patience is over."""
        self._next = [at for at in self._next if at > now]
        if len(self._next) < count:
            while len(self._next) < AHEAD and not (patience.over and self._next):
                try:
                    self._next.append(self._times.after(self._next[-1] if self._next else now))
                except ValueError:
                    break  # never again
        return tuple(self._next[:count])

    def between(self, first: datetime, last: datetime, most: int, patience: Patience) -> list[datetime] | None:
        """Past times after `first` up to `last`; None where they are more than `most`, or not worked out yet."""
        if self._since is None or first < self._since or (self._past and self._past[0] < first - timedelta(days=400)):
            self._since, self._past = first, []
        at = self._past[-1] if self._past else self._since
        while not patience.over and len(self._past) < 4 * most:
            at = self._times.after(at)
            if at > last:
                found = [one for one in self._past if first < one <= last]
                return found if len(found) <= most else None
            self._past.append(at)
        if len(self._past) >= 4 * most:
            self._since, self._past = first, []
        return None


@lru_cache(maxsize=512)
def schedule(expression: str, tz: str | None) -> Schedule:
    """The times of an expression, with what was worked out of them before. Raises ValueError."""
    return Schedule(expression, tz)


@lru_cache(maxsize=512)
def words(expression: str) -> str:
    """A cron expression in words, such as `At 03:00 every day`; empty where it cannot be told."""
    fields = ALIASES.get(expression.strip().lower(), expression).split()
    try:
        told: str = CronSim(' '.join(fields[:5]), datetime(2000, 1, 1, tzinfo=UTC)).explain()
    except Exception:  # noqa: BLE001 - an expression of another RQ, or words that cronsim has not
        return ''
    second = fields[5] if len(fields) == 6 else '0'
    return told if second == '0' else f'{told}, at second {second}'
