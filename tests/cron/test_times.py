"""Cron strings: RQ's order of the fields, what is refused, and changes of the clock against a scan of every minute."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from rq.cron.times import LOCAL, Times, zone

MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def first(expression: str, after: str, count: int = 1, tz: str = 'UTC') -> list[str]:
    times, moment, found = Times(expression, zone(tz)), at(after), []
    for _ in range(count):
        moment = times.after(moment)
        found.append(f'{moment:%Y-%m-%d %H:%M:%S}')
    return found


@pytest.mark.parametrize(
    ('expression', 'expected'),
    [
        ('* * * * *', ['2026-11-24 20:01:00', '2026-11-24 20:02:00']),
        ('* * * * * *', ['2026-11-24 20:00:01', '2026-11-24 20:00:02']),
        ('* * * * * 30', ['2026-11-24 20:00:30', '2026-11-24 20:01:30']),  # RQ: the second is the last field
        ('30 * * * * *', ['2026-11-24 20:30:00', '2026-11-24 20:30:01']),
        ('0 3 * * * 10,40', ['2026-11-25 03:00:10', '2026-11-25 03:00:40']),
        ('5/15 * * * *', ['2026-11-24 20:05:00', '2026-11-24 20:20:00']),
        (' 0  3 * * * ', ['2026-11-25 03:00:00', '2026-11-26 03:00:00']),
        ('0 0 1 JAN-MAR *', ['2027-01-01 00:00:00', '2027-02-01 00:00:00']),
        ('0 0 * * sun', ['2026-11-29 00:00:00', '2026-12-06 00:00:00']),
        ('0 0 * * 7', ['2026-11-29 00:00:00', '2026-12-06 00:00:00']),
        ('0 0 * * FRI-MON', ['2026-11-27 00:00:00', '2026-11-28 00:00:00']),
        ('0 22-2 * * *', ['2026-11-24 22:00:00', '2026-11-24 23:00:00']),
        ('0 22-2/2 * * *', ['2026-11-24 22:00:00', '2026-11-25 00:00:00']),
        ('0 0 ? * 1', ['2026-11-30 00:00:00', '2026-12-07 00:00:00']),
        ('0 0 L * *', ['2026-11-30 00:00:00', '2026-12-31 00:00:00']),
        ('0 0 LW * *', ['2026-11-30 00:00:00', '2026-12-31 00:00:00']),
        ('0 0 * * L5', ['2026-11-27 00:00:00', '2026-12-25 00:00:00']),
        ('0 0 * * 5#2', ['2026-12-11 00:00:00', '2027-01-08 00:00:00']),
        ('0 0 29 2 *', ['2028-02-29 00:00:00', '2032-02-29 00:00:00']),
        ('0 0 1 * 1', ['2026-11-30 00:00:00', '2026-12-01 00:00:00']),  # day of the month or of the week
        ('0 0 */2 * 1', ['2026-11-25 00:00:00', '2026-11-27 00:00:00']),  # so here, as in RQ
        ('@daily', ['2026-11-25 00:00:00', '2026-11-26 00:00:00']),
        ('@hourly', ['2026-11-24 21:00:00', '2026-11-24 22:00:00']),
    ],
)
def test_a_cron_string_comes_when_it_comes_in_rq_3(expression: str, expected: list[str]) -> None:
    """The expected times are those that RQ 3.0.0 answered (but for what it reads otherwise, named in docs/cron.md)."""
    assert first(expression, '2026-11-24T20:00:00', 2) == expected


@pytest.mark.parametrize(
    ('expression', 'words'),
    [
        ('', '0 fields'),
        ('x', '1 fields, and there are 5'),
        ('* * *', '3 fields'),
        ('0 0 1 1 * 0 2030', '7 fields'),
        ('@reboot', '1 fields'),
        ('60 * * * *', 'Bad minute'),
        ('* 24 * * *', 'Bad hour'),
        ('* * * 13 *', 'Bad month'),
        ('* * * * 8', 'Bad day-of-week'),
        ('* * * * * 60', 'Bad second'),
        ('1/0 * * * *', 'Bad minute'),
        ('a * * * *', 'Bad minute'),
        ('1,,2 * * * *', 'Bad minute'),
        ('- * * * *', 'Bad minute'),
        ('0 0 15W * *', 'Bad day-of-month'),
        ('0 0 30 2 *', 'Bad day-of-month'),
        ('0 0 31 4,6,9,11 *', 'Bad day-of-month'),
        (5, 'give a text'),
        (b'* * * * *', 'give a text'),
    ],
)
def test_a_cron_string_that_cannot_be_read_or_never_comes_is_refused(expression: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Times(expression, UTC)


def test_a_time_zone_is_a_name_or_an_object_and_local_without() -> None:
    assert zone(None) is LOCAL
    assert zone('Europe/Prague') == ZoneInfo('Europe/Prague')
    fixed = timezone(timedelta(hours=2))
    assert zone(fixed) is fixed
    for wrong in ('Mars/Olympus', 'Europe', '../etc/passwd', '', 5):
        with pytest.raises(ValueError, match='tz='):
            zone(wrong)  # type: ignore[arg-type]


def test_the_newest_times_of_a_long_absence_are_found_without_counting_all() -> None:
    times = Times('* * * * * *', UTC)
    now = at('2026-11-24T20:00:00.5')
    begun = time.monotonic()
    found, more = times.newest(at('2016-01-01T00:00:00'), now, 3)
    assert time.monotonic() - begun < 2
    assert ([f'{moment:%H:%M:%S}' for moment in found], more) == (['19:59:58', '19:59:59', '20:00:00'], True)
    assert times.newest(now, now, 3) == ([], False)
    yearly = Times('@yearly', UTC)
    assert yearly.newest(at('2024-01-01T00:00:00'), now, 3)[0][0] == at('2024-01-01T00:00:00')
    assert yearly.newest(at('2023-01-01T00:00:01'), now, 3) == (
        [at(f'{year}-01-01T00:00:00') for year in (2024, 2025, 2026)],
        False,
    )


# --- changes of the clock, against a scan of every minute -------------------------------------------------------------

# A zone, and an instant just before its clock changes.
CHANGES = [
    ('Europe/Prague', '2027-03-28T01:00:00'),
    ('Europe/Prague', '2026-10-25T01:00:00'),
    ('America/New_York', '2027-03-14T07:00:00'),
    ('America/New_York', '2026-11-01T06:00:00'),
    ('Australia/Lord_Howe', '2026-10-03T15:30:00'),  # by half an hour
    ('Australia/Lord_Howe', '2027-04-03T15:00:00'),
    ('America/Havana', '2027-03-14T05:00:00'),  # midnight is skipped
    ('America/Havana', '2026-11-01T05:00:00'),  # midnight comes twice
]
FIXED = [
    '30 2 * * *',
    '0 3 * * *',
    '0,30 2 * * *',
    '15 0-3 * * *',
    '0 0 * * *',
    '59 1 * * *',
    '30 0 * * 0',
    '10-50/20 1,2 * * *',
]
FLOWING = ['* * * * *', '*/20 * * * *', '0 * * * *', '30 */2 * * *', '*/30 2 * * *', '5 * * * 0']


def values(field: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for term in field.split(','):
        span, _, step = term.partition('/')
        first_value, _, last = (f'{low}-{high}' if span == '*' else span).partition('-')
        found |= set(range(int(first_value), int(last or first_value) + 1, int(step or 1)))
    return found


def minutes(begin: datetime, hours: int) -> Iterator[datetime]:
    return (begin + number * MINUTE for number in range(hours * 60))


def scan(expression: str, tz: ZoneInfo, begin: datetime, hours: int) -> list[datetime]:
    """Every minute that is one: by the clock on the wall; a fixed time once, at the end of the gap if it is in one."""
    minute, hour, _, _, weekday = expression.split()
    fields = values(minute, 0, 59), values(hour, 0, 23), values(weekday, 0, 6)
    fixed = not minute.startswith('*') and not hour.startswith('*')

    def comes(wall: datetime) -> bool:
        return wall.minute in fields[0] and wall.hour in fields[1] and wall.isoweekday() % 7 in fields[2]

    found, before = [], None
    for instant in minutes(begin, hours):
        local = instant.astimezone(tz)
        wall = local.replace(tzinfo=None, fold=0)
        skipped = []
        if fixed and before is not None:
            gap = (wall - before) // MINUTE
            skipped = [before + number * MINUTE for number in range(1, gap)]
        if (comes(wall) and not (fixed and local.fold)) or any(map(comes, skipped)):
            found.append(instant)
        before = wall
    return found


@pytest.mark.parametrize(('name', 'change'), CHANGES, ids=lambda value: str(value)[:24])
def test_changes_of_the_clock_are_as_a_scan_of_every_minute_has_them(name: str, change: str) -> None:
    tz, begin, hours = ZoneInfo(name), at(change) - timedelta(hours=14), 40
    for expression in (*FIXED, *FLOWING):
        found = Times(expression, tz).between(begin, begin + timedelta(hours=hours) - MINUTE)
        assert found == scan(expression, tz, begin, hours), expression


@pytest.mark.parametrize(('name', 'change'), CHANGES[:2], ids=['spring', 'autumn'])
def test_from_any_moment_on_the_next_time_is_the_same(name: str, change: str) -> None:
    tz, begin = ZoneInfo(name), at(change) - timedelta(hours=3)
    for expression in ('30 2 * * *', '*/20 * * * *', '0,30 2 * * *'):
        times = Times(expression, tz)
        every = scan(expression, tz, begin, 60)
        for instant in list(minutes(begin, 6))[::7]:
            assert times.after(instant) == next(moment for moment in every if moment > instant), (expression, instant)


def test_seconds_follow_the_minutes_across_a_change() -> None:
    assert first('30 2 * * * 15', '2027-03-27T23:00:00', 2, 'Europe/Prague') == [
        '2027-03-28 01:00:15',
        '2027-03-29 00:30:15',
    ]
    assert first('30 2 * * * 15', '2026-10-24T23:00:00', 2, 'Europe/Prague') == [
        '2026-10-25 00:30:15',
        '2026-10-26 01:30:15',
    ]


@pytest.mark.parametrize(('name', 'change'), CHANGES, ids=lambda value: str(value)[:24])
def test_local_time_is_that_of_its_zone(name: str, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('TZ', name)
    time.tzset()
    try:
        begin = at(change) - timedelta(hours=14)
        for expression in ('30 2 * * *', '0 0 * * *', '*/30 * * * *'):
            local, named = Times(expression, LOCAL), Times(expression, ZoneInfo(name))
            assert local.between(begin, begin + timedelta(hours=40)) == named.between(
                begin, begin + timedelta(hours=40)
            )
    finally:
        monkeypatch.undo()
        time.tzset()
