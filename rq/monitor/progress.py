"""How far a running job is, as it says so itself: `progress` in its meta data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lenient import real

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ['progress']


def progress(meta: Mapping[str, str]) -> float | None:
    """The share that is done, from 0 to 1, of a number up to 1 or up to 100; None where there is none."""
    done = real(meta.get('progress'))
    share = done / 100 if done is not None and done > 1 else done
    return share if share is not None and 0 <= share <= 1 else None
