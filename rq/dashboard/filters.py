"""How values look to a person: times, durations, sizes, long texts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

__all__ = ['FILTERS', 'ago', 'number', 'rate', 'seconds', 'short', 'size']

NOTHING = '–'
MINUTE, HOUR, DAY = 60, 3_600, 86_400


def number(value: float | None) -> str:
    """1,234,567; a dash for None; a fraction with as many digits as it is worth."""
    if value is None:
        return NOTHING
    if not float(value).is_integer():
        return f'{value:,.0f}' if abs(value) >= 100 else f'{value:,.1f}' if abs(value) >= 1 else f'{value:.2g}'
    return f'{int(value):,}'


def size(value: float | None) -> str:
    """1.2 MB: bytes in the unit that suits them."""
    if value is None:
        return NOTHING
    for unit in ('B', 'KB', 'MB', 'GB'):
        if abs(value) < 1000:
            return f'{value:.0f} {unit}' if unit == 'B' or abs(value) >= 100 else f'{value:.1f} {unit}'
        value /= 1000
    return f'{value:,.1f} TB'


def seconds(value: float | None) -> str:
    """A duration in its two largest units: 12 ms, 1.2 s, 3 m 4 s, 2 d 5 h."""
    if value is None:
        return NOTHING
    if value < 0:
        return '-' + seconds(-value)
    if value < 0.0995:
        return f'{value * 1000:.1f} ms' if value < 0.00995 else f'{value * 1000:.0f} ms'
    if value < 10:
        return f'{value:.1f} s'
    if value < MINUTE:
        return f'{value:.0f} s'
    whole = int(value)
    for large, name, small, part in ((DAY, 'd', HOUR, 'h'), (HOUR, 'h', MINUTE, 'm'), (MINUTE, 'm', 1, 's')):
        if whole >= large:
            rest = whole % large // small
            return f'{whole // large:,} {name} {rest} {part}' if rest else f'{whole // large:,} {name}'
    return f'{whole} s'


def _coarse(value: float) -> str:
    """One unit: what is told of the past need not be finer."""
    for large, name in ((DAY, 'd'), (HOUR, 'h'), (MINUTE, 'm')):
        if value >= large:
            return f'{int(value // large):,} {name}'
    return f'{int(value)} s'


def ago(value: datetime | float | None) -> Markup:
    """A <time> that says how long ago, or in how long; the instant itself in its title."""
    if value is None:
        return Markup(NOTHING)
    try:
        moment = datetime.fromtimestamp(value, UTC) if isinstance(value, (int, float)) else value
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):  # a score that is no time
        return escape(value)
    passed = (datetime.now(UTC) - moment).total_seconds()
    words = f'in {_coarse(-passed)}' if passed <= -1 else 'now' if passed < 1 else f'{_coarse(passed)} ago'
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(), moment.strftime('%Y-%m-%d %H:%M:%S UTC'), words
    )


def short(value: Any, most: int = 80) -> Markup:
    """The text on one line, cut in its middle to `most` characters; then whole, or its first 1,000, in a title."""
    text = ' '.join(str(value).encode('utf-8', 'replace').decode()[:20_000].split())
    if len(text) <= most:
        return escape(text)
    head = (most - 1) * 2 // 3
    cut = f'{text[:head]}…{text[-(most - 1 - head) :]}'
    return Markup('<span title="{}">{}</span>').format(text[:1_000], cut)


def rate(value: float | None) -> str:
    """12.3/s, or 4.2/min for what is rarer than once a second."""
    if value is None:
        return NOTHING
    return f'{number(round(value, 1))}/s' if value >= 1 else f'{number(round(value * 60, 1))}/min'


FILTERS = {
    'ago': ago,
    'seconds': seconds,
    'number': number,
    'bytes': size,
    'short': short,
    'rate': rate,
    'zip': lambda one, other: list(zip(one, other, strict=True)),
}
