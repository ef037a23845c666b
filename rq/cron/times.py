"""When a cron string comes: in local time or a time zone, across changes of the clock.

Five fields `minute hour day month weekday`, or six with the second as the last one, which is RQ's order. As Debian's
cron has it: a job with a fixed hour and minute that the clock skips runs at the end of the gap, and once in an hour that
comes twice; one with a star there runs as the clock goes, in both.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

__all__ = ['LOCAL', 'Times', 'zone']

ALIASES = {
    '@yearly': '0 0 1 1 *',
    '@annually': '0 0 1 1 *',
    '@monthly': '0 0 1 * *',
    '@weekly': '0 0 * * 0',
    '@daily': '0 0 * * *',
    '@midnight': '0 0 * * *',
    '@hourly': '0 * * * *',
}
NAMES = 'minute', 'hour', 'day of the month', 'month', 'day of the week', 'second'
LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6), (0, 59))
MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
RANGE = re.compile(r'(\d+)-(\d+)(?:/(\d+))?')
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
JUST_BEFORE = timedelta(microseconds=1)


class _Local(tzinfo):
    """The local time of this machine with its changes, whatever TZ or /etc/localtime says."""

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        return None if dt is None else dt.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, dt: datetime | None) -> timedelta | None:
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        return None if dt is None else dt.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, dt: datetime) -> datetime:
        local = dt.replace(tzinfo=UTC).astimezone()
        naive = local.replace(tzinfo=None)
        second_time = naive.astimezone().utcoffset() != local.utcoffset()
        return naive.replace(tzinfo=self, fold=int(second_time))


LOCAL = _Local()


def zone(tz: str | tzinfo | None) -> tzinfo:
    """The time zone of a name, local time for None. Raises ValueError for a name that this machine does not know."""
    if tz is None:
        return LOCAL
    if isinstance(tz, tzinfo):
        return tz
    if not isinstance(tz, str):
        raise ValueError(f'tz={tz!r}: give a name such as "Europe/Prague", or a tzinfo')
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError):
        raise ValueError(f'tz={tz!r}: this machine knows no such time zone') from None


class Times:
    """The times of a cron string. Raises ValueError for one that cannot be read, or that never comes."""

    def __init__(self, expression: str, tz: tzinfo) -> None:
        if not isinstance(expression, str):
            raise ValueError(f'cron={expression!r}: give a text such as "0 3 * * *"')
        self.expression = expression
        self.tz = tz
        fields = ALIASES.get(expression.strip().lower(), expression).upper().split()
        if len(fields) not in (5, 6):
            raise ValueError(
                f'cron={expression!r}: {len(fields)} fields, and there are 5 (minute hour day month weekday) '
                'or 6 with the second as the last one'
            )
        read = [self._field(place, field) for place, field in enumerate(fields)]
        self._minutes = ' '.join(read[:5])
        try:
            # cronsim has the second as the first of six.
            self._seconds = sorted(CronSim(f'{read[5]} * * * * *', datetime(2000, 1, 1)).seconds) if read[5:] else [0]  # noqa: DTZ001
            CronSim(self._minutes, datetime(2000, 1, 1, tzinfo=UTC))
        except (CronSimError, AssertionError, TypeError, ValueError) as error:
            raise ValueError(
                f'cron={expression!r} cannot be read, or never comes: {str(error) or "bad field"}'
            ) from None

    def _field(self, place: int, text: str) -> str:
        """A field in cronsim's form: RQ's cron strings may have ranges over the end, and `?`, and `L5`."""
        for number, name in enumerate(MONTHS if place == 3 else DAYS if place == 4 else (), start=int(place == 3)):
            text = text.replace(name, str(number))
        low, high = LIMITS[place]
        if text == '?':
            return '*'
        if text.startswith('*/') and place in (2, 4):
            # A day of the month and one of the week are either-or unless one is a star; `*/2` counts as none in RQ.
            text = f'{low}-{high}{text[1:]}'
        if place == 4:
            text = re.sub(r'\bL([0-7])\b', r'\1L', text)
        return ','.join(self._around(term, low, high) for term in text.split(','))

    @staticmethod
    def _around(term: str, low: int, high: int) -> str:
        """`22-2` as the values it stands for."""
        match = RANGE.fullmatch(term)
        if not match or int(match[1]) <= int(match[2]) or not low <= int(match[2]) <= int(match[1]) <= high:
            return term
        first, last, step = int(match[1]), int(match[2]), int(match[3] or 1)
        values = [*range(first, high + 1), *range(low, last + 1)][:: step or 1]
        return ','.join(map(str, sorted(values)))

    def after(self, moment: datetime) -> datetime:
        """The first time after a moment, in UTC. Raises ValueError when there is none in 50 years."""
        if moment.utcoffset() is None:
            moment = moment.astimezone()  # naive ones are local, as everywhere
        moment = moment.astimezone(UTC)
        minute = self._minute_after(moment.replace(second=0, microsecond=0) - JUST_BEFORE)
        if minute + self._seconds[-1] * SECOND <= moment:
            minute = self._minute_after(minute)
        return next(found for second in self._seconds if (found := minute + second * SECOND) > moment)

    def _minute_after(self, moment: datetime) -> datetime:
        found = self._by_cronsim(moment)
        # cronsim counts in hours, and may step over the beginning of one where a clock changes by half an hour.
        hour = found - found.astimezone(self.tz).minute * MINUTE
        return min(found, self._by_cronsim(hour - SECOND)) if moment < hour < found else found

    def _by_cronsim(self, moment: datetime) -> datetime:
        for found in CronSim(self._minutes, moment.astimezone(self.tz)):
            instant = found.astimezone(UTC)
            if instant > moment:  # it may be earlier in an hour that comes twice
                return instant
        raise ValueError(f'cron={self.expression!r} never comes: there is no such day in the next 50 years')

    def between(self, first: datetime, last: datetime) -> list[datetime]:
        """All times from `first` to `last`, both included."""
        found = []
        moment = self.after(first - JUST_BEFORE)
        while moment <= last:
            found.append(moment)
            moment = self.after(moment)
        return found

    def newest(self, first: datetime, last: datetime, most: int) -> tuple[list[datetime], bool]:
        """Up to `most` times from `first` to `last`, the newest of them, and whether older ones were left out."""
        span = timedelta(minutes=1)
        while True:
            start = max(first, last - span)
            found = self.between(start, last)
            if len(found) > most or start == first:
                return found[-most:], len(found) > most
            span *= 4
