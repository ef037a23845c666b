"""Values as they come from Redis, where anybody may have written them: read without ever raising."""

from __future__ import annotations

from datetime import UTC, datetime

from rq.utils import str_to_date

__all__ = ['age', 'clamped', 'moment', 'real', 'whole', 'written']

# The last second of the year 9999: datetime knows none after it.
LATEST = 253_402_300_799.0
# No count or duration of ours comes near it.
MOST = 1e18
# Digits of a number that means something; int() takes a long time for a million of them.
DIGITS = 18


def clamped(epoch: float) -> datetime:
    """The moment of an epoch, that of the nearest one that there is for one beyond."""
    return datetime.fromtimestamp(min(max(epoch, 0.0), LATEST) if epoch == epoch else 0.0, UTC)


def moment(given: str | bytes | float | None) -> datetime | None:
    """The moment of an epoch as text or number; None for what is none, or beyond what a calendar has."""
    epoch = real(given)
    try:
        return None if epoch is None else datetime.fromtimestamp(epoch, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def written(given: str | bytes | None) -> datetime | None:
    """The moment that a field of a hash names, as RQ writes it; None for none, and for what is no time."""
    try:
        return str_to_date(given) if given else None
    except (ValueError, OverflowError):
        return None


def age(given: str | bytes | None, now: float) -> float | None:
    """Seconds since such a moment, at an instant (epoch)."""
    at = written(given)
    return None if at is None else max(now - at.timestamp(), 0.0)


def real(given: str | bytes | float | None) -> float | None:
    """The number; None for what is none, too long to be meant, infinite or `nan`."""
    try:
        number = None if given is None or (isinstance(given, str | bytes) and len(given) > 40) else float(given)
    except (ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < MOST else None


def whole(given: str | bytes | None, default: int = 0) -> int:
    """The whole number; the default for what is none, or too long to be meant."""
    try:
        return int(given) if given and len(given) <= DIGITS else default
    except ValueError:
        return default
