"""All that is stored of one job, for the page that shows it: what is large is measured first, and left where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import keys
from .fields import text
from .part import Command, Part

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ['LARGE', 'PAYLOADS', 'TEXTS', 'Around', 'Entry', 'around', 'contents', 'results', 'sizes']

# Fields of a job's hash that a person may want to read, besides those that say where it stands (view_job.FIELDS).
TEXTS = (
    'status', 'origin', 'description', 'created_at', 'enqueued_at', 'started_at', 'ended_at', 'last_heartbeat', 'timeout',
    'ttl', 'result_ttl', 'failure_ttl', 'worker_name', 'execution', 'retries_left', 'retries_used', 'retry_intervals',
    'number_of_retries', 'enqueue_at_front', 'enqueue_at_front_on_retry', 'retry_on', 'give_up_on', 'repeats_left',
    'repeat_intervals', 'group_id', 'dependency_ids', 'dependency_id', 'allow_dependency_failures', 'success_callback_name',
    'success_callback_timeout', 'failure_callback_name', 'failure_callback_timeout', 'stopped_callback_name',
    'stopped_callback_timeout', 'rate_limit_key', 'rate_limit_concurrency', 'webhooks', 'on_lost', 'losses', 'deaths',
    'serializer', 'sig', 'meta_sig', 'expire_at', 'exc_info', 'announced', 'call', 'forget',
)  # fmt: skip
# What its serializer wrote, or packed.
PAYLOADS = ('data', 'meta', 'result')
# Bytes of a field, and of all results together, that are fetched to be shown.
LARGE = 4_000_000
# Jobs that wait for it, of which so many are shown.
CHILDREN = 12


def sizes(job_id: str) -> Part[tuple[dict[str, int], int, int]]:
    """Bytes of each field, 0 where there is none; how many fields there are; bytes of its results."""
    names = (*TEXTS, *PAYLOADS)
    key = keys.job(job_id)
    commands: list[Command] = [('HSTRLEN', key, name) for name in names]
    commands += [('HLEN', key), ('MEMORY USAGE', keys.results(job_id))]

    def parse(told: list[Any]) -> tuple[dict[str, int], int, int]:
        return dict(zip(names, (size or 0 for size in told), strict=False)), told[-2] or 0, told[-1] or 0

    return Part(commands, parse)


def contents(job_id: str, names: Sequence[str]) -> Part[dict[str, bytes]]:
    """These fields, as they are stored; those that are there."""
    commands: list[Command] = [('HMGET', keys.job(job_id), *names)] if names else []

    def parse(told: list[Any]) -> dict[str, bytes]:
        found = zip(names, told[0] or (), strict=False) if told else ()
        return {name: value for name, value in found if value is not None}

    return Part(commands, parse)


@dataclass(frozen=True, slots=True)
class Entry:
    """One end of a run, as it stands in the results."""

    at: float  # epoch seconds
    fields: dict[str, bytes]


def results(job_id: str, size: int) -> Part[tuple[int, list[Entry]]]:
    """How many results there are, and they, newest first; of large ones none."""
    commands: list[Command] = [('XLEN', keys.results(job_id))]
    if 0 < size <= LARGE:
        commands.append(('XREVRANGE', keys.results(job_id), '+', '-', 'COUNT', 10))

    def parse(told: list[Any]) -> tuple[int, list[Entry]]:
        entries = told[1] if len(told) > 1 and told[1] else []
        found = [
            Entry(
                int(text(entry).partition('-')[0]) / 1000, {text(name): value for name, value in (fields or {}).items()}
            )
            for entry, fields in entries
        ]
        return told[0] or 0, found

    return Part(commands, parse)


@dataclass(frozen=True, slots=True)
class Around:
    """What is about it in other keys."""

    children: tuple[str, ...]  # some of the jobs that wait for it
    child_count: int
    waits_for: tuple[str, ...]  # some of those that it still waits for
    in_group: int | None  # jobs of its group
    stack: bytes | None  # the answer of its worker, when somebody has asked where it stands


def around(job_id: str, group: str) -> Part[Around]:
    """What is about a job in other keys; `group`: of its hash, '' for none."""
    commands: list[Command] = [
        ('SRANDMEMBER', keys.dependents(job_id), CHILDREN),
        ('SCARD', keys.dependents(job_id)),
        ('SRANDMEMBER', keys.dependencies(job_id), CHILDREN),
        ('GET', keys.stack(job_id)),
        ('SCARD', keys.group(group)),
    ]

    def parse(told: list[Any]) -> Around:
        return Around(
            children=tuple(sorted(text(one) for one in told[0] or ())),
            child_count=told[1] or 0,
            waits_for=tuple(sorted(text(one) for one in told[2] or ())),
            in_group=told[4] if group else None,
            stack=told[3],
        )

    return Part(commands, parse)
