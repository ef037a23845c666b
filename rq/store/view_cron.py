"""Cron jobs for readers: the schedulers' records, the runs, and what became of them. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .read import hash_fields, many, scored

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['Scheduler', 'State', 'forgotten', 'histories', 'outcomes', 'schedulers', 'states']

MOST_SCHEDULERS = 50
MOST_NAMES = 1_000
# Bytes of a scheduler's list of cron jobs that are read: about 5,000 of them.
MOST_BYTES = 2_000_000
FIELDS = ('hostname', 'pid', 'created_at', 'config_file')


@dataclass(frozen=True, slots=True)
class Scheduler:
    """What a cron scheduler has told of itself. `jobs`: JSON, None where it is too long to be read."""

    name: str
    heartbeat: float  # epoch
    host: str
    pid: str
    config: str
    jobs: bytes | None


def schedulers(connection: Any) -> tuple[list[Scheduler], int, float]:
    """The schedulers heard of last, 50 at most; how many there are; Redis time. Three round trips."""
    total, found, (seconds, _) = many(
        connection,
        [
            ('ZCARD', keys.cron_schedulers()),
            ('ZREVRANGE', keys.cron_schedulers(), 0, MOST_SCHEDULERS - 1, 'WITHSCORES'),
            ('TIME',),
        ],
    )
    heard = scored(found)
    names = [name for name, _ in heard]
    sizes = many(connection, [('HSTRLEN', keys.cron_scheduler(name), 'cron_jobs') for name in names])
    rows = many(
        connection,
        [
            ('HMGET', keys.cron_scheduler(name), *FIELDS, *(('cron_jobs',) if _bearable(size) else ()))
            for name, size in zip(names, sizes, strict=True)
        ],
    )
    told = [
        _scheduler(name, at, row if isinstance(row, list) else [None] * len(FIELDS))
        for (name, at), row in zip(heard, rows, strict=True)
    ]
    return told, total if isinstance(total, int) else 0, float(seconds)


@dataclass(frozen=True, slots=True)
class State:
    """What Redis knows of a definition of a cron job. Times: epoch."""

    paused: bool
    since: float  # what was due up to here fell into a pause
    last: float | None  # its last slot that was enqueued, or the beginning of its life


def states(connection: Any, jobs: Sequence[tuple[str, str]]) -> list[State]:
    """The states of cron jobs (name, definition). Whoever wrote them: what is no number is none. One round trip."""
    answers = many(
        connection, [('HMGET', keys.cron_state(name), 'paused', 'since', f'slot:{what}') for name, what in jobs]
    )
    return [_state(row if isinstance(row, list) else [None] * 3) for row in answers]


def _state(row: Sequence[bytes | None]) -> State:
    return State(row[0] is not None, _seconds(row[1]) or 0.0, _seconds((row[2] or b'').partition(b' ')[0]))


def _seconds(micros: bytes | None) -> float | None:
    """Of an epoch in microseconds."""
    return int(micros) / 1e6 if micros and micros.isdigit() and len(micros) <= 17 else None


def _bearable(size: Any) -> bool:
    return isinstance(size, int) and size <= MOST_BYTES


def _scheduler(name: str, at: float, row: Sequence[bytes | None]) -> Scheduler:
    host, pid, _, config = (text(value or b'')[:300] for value in row[:4])
    return Scheduler(name, at, host, pid, config, row[4] or b'' if len(row) > 4 else None)


def forgotten(connection: Any) -> list[tuple[str, float]]:
    """Names of cron jobs that have made jobs in the last year, and the epochs of the last ones; 1,000, the latest first."""
    [found] = many(connection, [('ZREVRANGE', keys.cron_jobs(), 0, MOST_NAMES - 1, 'WITHSCORES')])
    return scored(found)


def histories(connection: Any, names: Sequence[str], most: int) -> list[list[tuple[str, float]]]:
    """Of each cron job its last runs, (id, epoch), the latest first. One round trip."""
    return list(
        map(
            scored,
            many(connection, [('ZREVRANGE', keys.cron_history(name), 0, most - 1, 'WITHSCORES') for name in names]),
        )
    )


def outcomes(connection: Any, ids: Sequence[str]) -> list[str]:
    """The statuses of jobs, empty for those that are not stored any more. One round trip per 1,000."""
    return [text(row[0] or b'')[:40] for row in hash_fields(connection, map(keys.job, ids), 'status')]
