"""Results of many jobs at once, for the one who asked for them: waited for by one blocking read, then dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .job import patience
from .script import Script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ['Entries', 'drop_finished', 'statuses', 'wait_results', 'withdraw']

# job id -> (entry id, fields) of its results, oldest first
Entries = dict[str, list[tuple[str, dict[bytes, bytes]]]]

_drop_finished = Script('drop_finished')
_withdraw = Script('withdraw')


def wait_results(connection: Any, after: Mapping[str, str], seconds: float) -> Entries:
    """The results of jobs that came after the entry given for each ('0-0': all), in one round trip.

    Waits up to `seconds` for the first; empty when the time is over, which may be sooner where the client's own timeout is.
    """
    streams = {keys.results(job_id): entry for job_id, entry in after.items()}
    block = int(min(seconds, patience(connection)) * 1000)
    found = connection.xread(streams, block=block or None)
    prefix = len(keys.results(''))
    pairs = found.items() if isinstance(found, dict) else found or ()
    return {text(key)[prefix:]: [(text(entry), fields) for entry, fields in _flat(entries)] for key, entries in pairs}


def _flat(entries: Any) -> Any:
    return entries[0] if entries and isinstance(entries[0], list) else entries  # RESP3 wraps once more


def statuses(connection: Any, job_ids: Sequence[str]) -> dict[str, str]:
    """What the hashes of jobs say they are, '' without a hash; one round trip."""
    pipeline = connection.pipeline(transaction=False)
    for job_id in job_ids:
        pipeline.hmget(keys.job(job_id), 'status')
    return {job_id: text(found[0] or b'') for job_id, found in zip(job_ids, pipeline.execute(), strict=True)}


def drop_finished(connection: Any, queue: str, job_ids: Sequence[str]) -> int:
    """How many of at most 1,000 jobs went: those that have finished, and that nobody else has a part in."""
    return int(_drop_finished(connection, keys.queue(queue), queue, *job_ids))


def withdraw(connection: Any, queue: str, job_ids: Sequence[str]) -> int:
    """How many of at most 1,000 jobs, enqueued together, went: those that wait."""
    return int(_withdraw(connection, keys.queue(queue), queue, *job_ids))
