"""Workers as their page shows them: some fields of their hashes, their leases, what they run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .read import hash_fields, many

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['FIELDS', 'MOST', 'Record', 'births', 'count', 'names', 'records', 'runs']

# Names that are read to be sorted; of more workers than that some are not listed.
MOST = 5_000
# Runs that are shown of one worker; ours has one at a time.
MOST_RUNS = 20
FIELDS = (
    'hostname', 'pid', 'ip_address', 'version', 'python_version', 'state', 'queues', 'current_job', 'birth', 'death',
    'last_heartbeat', 'shutdown_requested_date', 'successful_job_count', 'failed_job_count', 'total_working_time',
    'incarnation', 'rss', 'cpu', 'horses', 'code',
)  # fmt: skip
# What is read of a run.
RUN_FIELDS = ('started_at', 'timeout', 'origin', 'execution', 'enqueued_at')
# Characters of a field that are kept: whoever wrote a longer one is no worker.
LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Record:
    """What Redis has of a worker. `fields` is empty for one whose hash has expired; `lease`: milliseconds, 0 for none."""

    name: str
    fields: dict[str, str]
    lease: int
    runs: tuple[tuple[str, str], ...]  # (job, execution)


def count(connection: Any, queue: str | None = None) -> int:
    """How many workers are registered, of one queue or of all."""
    return int(connection.scard(keys.workers() if queue is None else keys.workers_of(queue)))


def names(connection: Any, queue: str | None = None) -> list[str]:
    """Names of the registered workers, sorted, 5,000 at most."""
    found = connection.srandmember(keys.workers() if queue is None else keys.workers_of(queue), MOST)
    start = keys.worker('')
    return sorted(text(key)[len(start) :] for key in found if text(key).startswith(start))


def records(connection: Any, wanted: Sequence[str]) -> list[Record]:
    """What Redis has of these workers, in their order. One round trip per 300."""
    commands: list[tuple[Any, ...]] = []
    for name in wanted:
        commands += [
            ('HMGET', keys.worker(name), *FIELDS),
            ('PTTL', keys.lease(name)),
            ('SRANDMEMBER', keys.worker_executions(name), MOST_RUNS),
        ]
    answers = many(connection, commands)
    rows = zip(wanted, answers[::3], answers[1::3], answers[2::3], strict=True)
    return [
        Record(
            name,
            {field: text(value[:LONGEST]) for field, value in zip(FIELDS, found, strict=True) if value is not None}
            if isinstance(found, list)
            else {},
            max(lease, 0) if isinstance(lease, int) else 0,
            tuple(_pair(text(member)) for member in sorted(members)) if isinstance(members, list) else (),
        )
        for name, found, lease, members in rows
    ]


def _pair(member: str) -> tuple[str, str]:
    job_id, _, execution = member.rpartition(':')
    return job_id, execution


def births(connection: Any, wanted: Sequence[str]) -> list[tuple[str, str, str]]:
    """(birth, version, code) of workers, '' for what is not known. One round trip per 1,000."""
    rows = hash_fields(connection, map(keys.worker, wanted), 'birth', 'version', 'code')
    return [tuple(text(value[:LONGEST]) if value else '' for value in row) for row in rows]  # type: ignore[misc]


def runs(connection: Any, ids: Sequence[str]) -> list[dict[str, str]]:
    """What is known of running jobs: `started_at`, `timeout`, `origin`, `execution`, `enqueued_at`. One round trip."""
    rows = hash_fields(connection, map(keys.job, ids), *RUN_FIELDS)
    return [
        {field: text(value[:LONGEST]) for field, value in zip(RUN_FIELDS, row, strict=True) if value} for row in rows
    ]
