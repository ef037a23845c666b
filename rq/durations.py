"""Durations in a histogram, and what it tells: percentiles that are at most an eighth off.

Each octave of microseconds has four steps, so an hour is index 120 and a step is at most a quarter of where it begins.
A percentile is the middle of its step: the true one lies within 12.5 % of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ['ERROR', 'edges', 'index', 'merged', 'quantile']

# How far a percentile may be off, as a part of it.
ERROR = 0.125


def index(us: int) -> int:
    """The place of a duration, in microseconds, in a histogram."""
    if us < 8:
        return max(us, 0)
    octave = us.bit_length() - 3
    return 4 * (octave + 1) + (us >> octave) - 4


def edges(index: int) -> tuple[float, float]:
    """The seconds between which the durations of a place lie."""
    if index < 4:
        return index / 1e6, (index + 1) / 1e6
    octave, quarter = divmod(index, 4)
    step = 1 << (octave - 1)
    return (4 + quarter) * step / 1e6, (5 + quarter) * step / 1e6


def quantile(histogram: Mapping[int, int], part: float) -> float | None:
    """The seconds below which this part of the durations lies; None of an empty histogram."""
    left = part * sum(histogram.values())
    middle = None
    for place in sorted(histogram):
        left -= histogram[place]
        middle = sum(edges(place)) / 2
        if left <= 0:
            break
    return middle


def merged(histograms: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """The sum of histograms."""
    found: dict[int, int] = {}
    for histogram in histograms:
        for place, count in histogram.items():
            found[place] = found.get(place, 0) + count
    return found
