"""Durations and moments in words, as a person would say them."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime

from rq.limits import printable

__all__ = ['clock', 'count', 'listed', 'named', 'span', 'typed']


def span(seconds: float) -> str:
    """A duration: `0.02 s`, `12 s`, `3 m 4 s`, `5 h 2 m`, `3 d 4 h`."""
    seconds = max(0.0, seconds)
    if seconds < 0.095:
        return f'{seconds * 1000:.0f} ms'
    if seconds < 9.95:
        return f'{seconds:.1f} s'
    whole = round(seconds)
    for large, small, unit, rest in ((86400, 3600, 'd', 'h'), (3600, 60, 'h', 'm'), (60, 1, 'm', 's')):
        if whole >= large:
            left = whole % large // small
            return f'{whole // large:,} {unit} {left} {rest}' if left else f'{whole // large:,} {unit}'
    return f'{whole} s'


def clock(moment: float) -> str:
    """A moment (epoch seconds) in UTC; one that no calendar has as the number that it is."""
    try:
        return datetime.fromtimestamp(moment, tz=UTC).strftime('%Y-%m-%d %H:%M:%S UTC')
    except (ValueError, OverflowError, OSError):
        return f'{moment:g} s after 1970'


def count(number: int, thing: str) -> str:
    """`1 job`, `1,234 jobs`."""
    return f'{number:,} {thing}' if number == 1 else f'{number:,} {thing}s'


def listed(parts: list[str], most: int = 3) -> str:
    """`a`, `a and b`, `a, b, c and 4 more`."""
    shown, left = parts[:most], len(parts) - most
    if left > 0:
        return f'{", ".join(shown)} and {left:,} more'
    return ' and '.join([', '.join(shown[:-1]), shown[-1]]) if len(shown) > 1 else ''.join(shown)


def named(name: str) -> str:
    """A name between backticks, short, without what steers a terminal or ends the backticks."""
    return f'`{printable(name).replace("`", chr(39))}`'


def typed(name: str) -> str:
    """A name as one types it in a shell."""
    return f'-- {shlex.quote(name)}' if name.startswith('-') else shlex.quote(name)
