"""All about one job, as a person reads it: nothing of it is loaded, secrets are hidden by name, what is large is cut."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rq import inert
from rq.store import view_job, view_page
from rq.store.part import look

from . import lenient
from .attempts import Attempt, Step, attempts, steps
from .cost import Cost, cost
from .failing import Failure, failure
from .progress import progress
from .situation import moment
from .stack import Stack, read
from .why import Why
from .why import look as facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from redis import Redis

    from .situation import Situation

__all__ = ['Call', 'JobPage', 'Relative', 'page', 'raw']

# Characters of a result, and of a raw view.
SHOWN, RAW = 20_000, 500_000
# Jobs that it was made to wait for, of which so many are shown.
PARENTS = 12
# What is an option of a job, with its name for a person; times in seconds get their unit.
OPTIONS = (
    ('timeout', 'Timeout', 's'), ('ttl', 'Time to live while it waits', 's'), ('result_ttl', 'Result is kept', 's'),
    ('failure_ttl', 'Failure is kept', 's'), ('on_lost', 'When its process dies', ''), ('retries_left', 'Retries left', ''),
    ('retries_used', 'Retries used', ''), ('retry_intervals', 'Retry intervals', 's'), ('retry_on', 'Retried for', ''),
    ('give_up_on', 'Not retried for', ''), ('number_of_retries', 'Retries asked for by the function', ''),
    ('repeats_left', 'Repeats left', ''), ('repeat_intervals', 'Repeat intervals', 's'),
    ('enqueue_at_front', 'Enqueued at the front', '?'), ('enqueue_at_front_on_retry', 'Retried at the front', '?'),
    ('allow_dependency_failures', 'Runs if those before it fail', '?'), ('success_callback_name', 'On success', ''),
    ('success_callback_timeout', 'Its timeout', 's'), ('failure_callback_name', 'On failure', ''),
    ('failure_callback_timeout', 'Its timeout', 's'), ('stopped_callback_name', 'When stopped', ''),
    ('stopped_callback_timeout', 'Its timeout', 's'), ('webhooks', 'Webhooks', ''), ('serializer', 'Serializer', ''),
    ('losses', 'Its process died', 'times'), ('rate_limit_key', 'Rate limit', ''),
    ('rate_limit_concurrency', 'Jobs of it at a time', ''), ('execution', 'Execution', ''),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """What it calls."""

    function: str  # dotted path; '' where it cannot be told
    args: tuple[str, ...]
    kwargs: dict[str, str]
    more: int  # arguments that are not shown
    size: int  # bytes as stored
    problem: str  # why not all is shown; '' nothing


@dataclass(frozen=True, slots=True)
class Relative:
    """A job that it waits for, or that waits for it."""

    id: str
    status: str  # '': there is no such job any more


@dataclass(frozen=True, slots=True)
class JobPage:
    """All about one job."""

    id: str
    status: str
    queue: str
    now: datetime
    why: Why
    call: Call
    description: str
    worker: str
    worker_is_ours: bool
    created: datetime | None
    enqueued: datetime | None
    started: datetime | None
    ended: datetime | None
    due: datetime | None  # of a scheduled one
    expires: datetime | None
    seconds: float | None  # for how long it has run, or ran
    steps: tuple[Step, ...]
    attempts: tuple[Attempt, ...]
    attempt_count: int  # results that are stored; with those that are not shown
    retried: int  # attempts that failed and were tried again, of which nothing is kept
    options: tuple[tuple[str, str], ...]
    meta: dict[str, str]
    progress: float | None  # from 0 to 1, of meta data of this name
    result: str | None  # None: there is none
    failure: Failure | None
    deaths: tuple[str, ...]  # a line each
    stack: Stack | None
    cost: Cost | None
    parents: tuple[Relative, ...]
    parent_count: int
    children: tuple[Relative, ...]
    child_count: int
    group: str
    in_group: int | None
    limit: view_job.Limit | None
    signed: bool
    other_fields: int  # of its hash, which no RQ of ours knows
    too_large: tuple[tuple[str, int], ...]  # fields that are not shown, and their bytes


def page(connection: Redis, job_id: str) -> JobPage | None:
    """All about a job; None if there is none. At most thirteen round trips, plain reads."""
    found, reason = facts(connection, job_id)
    if found.start.kind != 'hash':
        return None
    told, sizes, count, size = _fields(connection, job_id)
    fields = {name: _cut(value) for name, value in told.items() if name not in view_page.PAYLOADS}
    wanted = _ids(fields.get('dependency_ids', ''))
    group = fields.get('group_id', '')
    (results, entries), around = look(connection, view_page.results(job_id, size), view_page.around(job_id, group))
    before = list(dict.fromkeys([*wanted, *around.waits_for]))
    [others] = look(connection, view_job.links([*before[:PARENTS], *around.children]))
    last = entries[0] if entries else None
    now, call = found.start.now, _call(told.get('data', b''), sizes.get('data', 0))
    return JobPage(
        id=job_id,
        why=reason,
        now=lenient.moment(now) or datetime.now(UTC),
        call=call,
        worker_is_ours=found.runner is not None and found.runner.ours,
        **_texts(fields),
        **_times(fields, found),
        steps=steps(fields, now),
        attempts=attempts(entries, fields, now),
        attempt_count=results,
        retried=lenient.whole(fields.get('retries_used')),
        options=_options(fields),
        **_meta(told.get('meta')),
        result=_result(last, told),
        failure=failure(last, told, fields.get('status', '')),
        deaths=tuple(inert.scrub(line) for line in fields.get('deaths', '').splitlines()),
        stack=read(around.stack),
        cost=cost(connection, call.function, job_id, moment(fields, 'ended_at'), now),
        **_family(before, around, others),
        group=group,
        in_group=around.in_group,
        limit=found.limit,
        signed='sig' in fields,
        other_fields=max(0, count - sum(1 for one in sizes.values() if one)),
        too_large=tuple((name, one) for name, one in sizes.items() if one > view_page.LARGE),
    )


def _fields(connection: Redis, job_id: str) -> tuple[dict[str, bytes], dict[str, int], int, int]:
    [(sizes, count, results)] = look(connection, view_page.sizes(job_id))
    small = [name for name, size in sizes.items() if 0 < size <= view_page.LARGE]
    [told] = look(connection, view_page.contents(job_id, small))
    return told, sizes, count, results


def _cut(value: bytes, most: int = SHOWN) -> str:
    return value[: 4 * most].decode('utf-8', 'replace')[:most]


def _texts(fields: Mapping[str, str]) -> dict[str, Any]:
    return {
        'status': fields.get('status') or 'created',
        'queue': fields.get('origin', ''),
        'description': inert.scrub(fields.get('description', '')),
        'worker': fields.get('worker_name', ''),
    }


def _times(fields: Mapping[str, str], found: Situation) -> dict[str, Any]:
    at = {name: moment(fields, f'{name}_at') for name in ('created', 'enqueued', 'started', 'ended')}
    runs = fields.get('status') == 'started'
    end = found.start.now if runs else at['ended']
    began = at['started']
    due = found.place.homes.get('scheduled') if found.place else None
    return {
        **{name: lenient.moment(value) for name, value in at.items()},
        'due': lenient.moment(due),
        'expires': lenient.moment(found.start.now + found.start.ttl) if found.start.ttl is not None else None,
        'seconds': end - began if end is not None and began is not None and end >= began else None,
    }


def _ids(stored: str) -> list[str]:
    try:
        found = json.loads(stored or '[]')
    except (ValueError, RecursionError):
        return []
    return [one for one in found[:1000] if isinstance(one, str)] if isinstance(found, list) else []


def _call(stored: bytes, size: int) -> Call:
    if size and not stored:
        return Call('', (), {}, 0, size, f'it takes {size:,} bytes')
    if not stored:
        return Call('', (), {}, 0, 0, 'no call is stored')
    found = inert.call(stored)
    return Call(found.path, found.args, found.kwargs, found.more, size, found.problem)


def _options(fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    shown = []
    for name, label, unit in OPTIONS:
        value = fields.get(name, '')
        if value:
            text = {'?': 'yes' if value == '1' else 'no'}.get(unit) or inert.scrub(value[:2000])
            shown.append((label, 'for ever' if unit == 's' and value == '-1' else f'{text} {unit}'.rstrip(' ?')))
    return tuple(shown)


def _meta(stored: bytes | None) -> dict[str, Any]:
    found = inert.mapping(stored) if stored else {}
    return {'meta': found, 'progress': progress(found)}


def _result(last: view_page.Entry | None, told: Mapping[str, bytes]) -> str | None:
    if last is not None and last.fields.get('type') in (b'1', b'4', b'5'):
        stored = last.fields.get('return_value')
        return inert.result(stored, SHOWN) if stored else 'None'
    return inert.value(told['result'], SHOWN) if 'result' in told else None


def _family(before: list[str], around: view_page.Around, others: Mapping[str, view_job.Other]) -> dict[str, Any]:
    return {
        'parents': _relatives(before[:PARENTS], others),
        'parent_count': len(before),
        'children': _relatives(around.children, others),
        'child_count': around.child_count,
    }


def _relatives(ids: Iterable[str], others: Mapping[str, view_job.Other]) -> tuple[Relative, ...]:
    return tuple(
        Relative(one, others[one].fields.get('status', 'created' if others[one].fields else '')) for one in ids
    )


# --- raw views --------------------------------------------------------------------------------------------------------


def raw(connection: Redis, job_id: str, what: str) -> str | None:
    """One part of a job as plain text, much longer than its page shows it; None where there is no such part."""
    told, sizes, _, size = _fields(connection, job_id)
    if what == 'fields':
        return (
            '\n'.join(_field(name, told.get(name), sizes[name]) for name in sizes if sizes[name]) + '\n'
            if told
            else None
        )
    if what == 'call' and 'data' in told:
        return inert.value(told['data'], RAW)
    if what == 'meta' and 'meta' in told:
        return inert.value(told['meta'], RAW)
    [(_, entries)] = look(connection, view_page.results(job_id, size))
    last = entries[0] if entries else None
    if what == 'error':
        found = failure(last, told, told.get('status', b'').decode('utf-8', 'replace'), RAW)
        return None if found is None else found.text
    if what == 'result' and last is not None and last.fields.get('return_value'):
        return inert.result(last.fields['return_value'], RAW)
    return None


def _field(name: str, value: bytes | None, size: int) -> str:
    if value is None or name in view_page.PAYLOADS or name == 'exc_info':
        return f'{name}: ({size:,} bytes)'
    return f'{name}: {inert.redact(name, inert.scrub(_cut(value, RAW)))}'
