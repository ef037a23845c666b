"""What jobs weigh, and how much memory the server has left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import keys
from .read import many

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['sizes', 'used']


def used(connection: Any) -> tuple[int, int]:
    """Bytes used, and bytes that may be used at most (0: no limit)."""
    found = connection.info('memory')
    return int(found.get('used_memory', 0)), int(found.get('maxmemory', 0))


def sizes(connection: Any, job_ids: Sequence[str]) -> list[int]:
    """The bytes of each job's hash and results. One round trip per 500."""
    commands = [('MEMORY', 'USAGE', key) for one in job_ids for key in (keys.job(one), keys.results(one))]
    found = [size if isinstance(size, int) else 0 for size in many(connection, commands)]
    return [hash_ + results for hash_, results in zip(found[::2], found[1::2], strict=True)]
