"""What must hold in Redis at every instant: I1 conservation, I3 single lease, I15 no leaks (see guarantees.md, section 4).

Independent of the scripts: it reads the keyspace, and where jobs live from rq/store/states.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

from redis import Redis

from rq.store import admin, depend, keys, limit
from rq.store.states import HOMES, JobStatus
from tests.support.keyspace import Key, snapshot

__all__ = ['violations']

# Families of keys -> who keeps them: `permanent` by list, `ttl` they must expire, `job` they expire or their job lives.
FAMILIES: dict[Callable[..., str], str] = {
    keys.queues: 'permanent',
    keys.queue: 'permanent',
    keys.wip: 'permanent',
    keys.finished: 'permanent',
    keys.failed: 'permanent',
    keys.deferred: 'permanent',
    keys.scheduled: 'permanent',
    keys.canceled: 'permanent',
    keys.ready: 'permanent',
    keys.workers: 'permanent',
    keys.workers_of: 'permanent',
    keys.group: 'permanent',
    keys.groups: 'permanent',
    keys.limits: 'permanent',
    keys.limit: 'permanent',
    keys.limit_holders: 'permanent',
    keys.limit_waiters: 'permanent',
    keys.releasing: 'permanent',
    keys.aftermath: 'permanent',
    keys.note: 'ttl',
    keys.intermediate: 'permanent',
    keys.suspended: 'permanent',
    keys.suspended_queue: 'permanent',
    keys.wake: 'ttl',
    keys.audit: 'permanent',
    keys.bulk: 'ttl',
    keys.bulk_runner: 'ttl',
    keys.trash: 'ttl',
    keys.trashed: 'ttl',
    keys.trashed_job: 'ttl',
    keys.trashed_results: 'ttl',
    keys.cron_schedulers: 'permanent',
    keys.cron_jobs: 'permanent',
    keys.cron_state: 'permanent',
    keys.cron_history: 'ttl',
    keys.cron_scheduler: 'ttl',
    keys.nudge: 'ttl',
    keys.trial: 'ttl',
    keys.scheduler: 'ttl',
    keys.scheduler_lock: 'ttl',
    keys.first_seen: 'ttl',
    keys.gone: 'ttl',
    keys.said: 'ttl',
    keys.lease: 'ttl',
    keys.stack: 'ttl',
    keys.clean_registries: 'ttl',
    keys.clean_groups: 'ttl',
    keys.pack: 'ttl',
    keys.worker_executions: 'ttl',
    keys.worker: 'ttl',
    keys.execution: 'ttl',
    keys.executions: 'ttl',
    keys.stats: 'ttl',
    keys.recorded: 'ttl',
    keys.deploys: 'ttl',
    keys.error_groups: 'ttl',
    keys.error_group: 'ttl',
    keys.error_jobs: 'ttl',
    keys.results: 'job',
    keys.dependents: 'job',
    keys.dependencies: 'job',
    keys.job: 'home',
}
QUEUE_FAMILIES = (
    keys.queue,
    keys.wip,
    keys.finished,
    keys.failed,
    keys.deferred,
    keys.scheduled,
    keys.canceled,
    keys.ready,
)


def _pattern(function: Callable[..., str]) -> re.Pattern[str]:
    """A regular expression for a key's name; its groups are the function's arguments. Job ids have no colon."""
    count = function.__code__.co_argcount
    marks = [f'<{number}>' for number in range(count)]
    text = re.escape(function(*marks))
    plain = function in {keys.job, keys.results, keys.executions, keys.gone, keys.dependents, keys.dependencies}
    for mark in marks:
        text = text.replace(re.escape(mark), '([^:]+)' if plain or count > 1 else '(.+)')
    return re.compile(text, re.DOTALL)


PATTERNS = {function: _pattern(function) for function in FAMILIES}
# The narrow before the wide: `rq:worker:w:pack` is a pack and not the worker `w:pack`.
ORDER = sorted(FAMILIES, key=lambda function: -len(PATTERNS[function].pattern))


def _family(name: str) -> tuple[Callable[..., str], str] | None:
    for function in ORDER:
        match = PATTERNS[function].fullmatch(name)
        if match:
            return function, match[1] if match.groups() else ''
    return None


def violations(redis: Redis) -> list[str]:
    """What is wrong in the database, one sentence each."""
    found = {name.decode('utf-8', 'backslashreplace'): key for name, key in snapshot(redis).items()}
    families = {name: _family(name) for name in found}
    queues = sorted({family[1] for family in families.values() if family and family[0] in QUEUE_FAMILIES})
    census = admin.census(redis, queues or ['default'])
    jobs = {family[1]: found[name] for name, family in families.items() if family and family[0] is keys.job}
    return [
        *_leaks(redis, found, families, jobs),
        *_homes(census, jobs),
        *_strangers(census, jobs),
        *_leases(census, jobs, found),
        *_limits(redis, jobs),
        *_waits(redis, jobs, families),
        *(f'{name} holds more than one token' for name, key in found.items()
          if (family := families[name]) and family[0] is keys.wake and len(key.value) > 1),
    ]  # fmt: skip


def _leaks(
    redis: Redis,
    found: dict[str, Key],
    families: dict[str, tuple[Callable[..., str], str] | None],
    jobs: dict[str, Key],
) -> Iterable[str]:
    for name, family in families.items():
        key = found[name]
        if family is None:
            yield f'I15: {name} is no key of ours'
            continue
        keeper = FAMILIES[family[0]]
        if keeper == 'ttl' and key.ttl is None:
            yield f'I15: {name} never expires'
        if keeper != 'job' or key.ttl is not None or (family[1] in jobs and jobs[family[1]].ttl is None):
            continue
        if family[0] is not keys.dependents or not _is_awaited(redis, family[1], jobs):
            yield f'I15: {name} outlives its job'


def _is_awaited(redis: Redis, job_id: str, jobs: dict[str, Key]) -> bool:
    """Whether a deferred job waits for this one: it, or the sweep, is still to be told of its end. Or a canceled one did."""
    return any(
        other in jobs
        and jobs[other].value.get(b'status') in {b'deferred', b'canceled'}
        and job_id in depend.dependencies(redis, other)
        for other in depend.dependents(redis, job_id)
    )


def _places(census: admin.Census, job_id: str) -> list[tuple[str, str]]:
    return [
        (queue, container)
        for queue, containers in census.homes.items()
        for container in containers
        for member in census.ids_in(queue, container)
        if member == job_id
    ]


def _homes(census: admin.Census, jobs: dict[str, Key]) -> Iterable[str]:
    for job_id, key in jobs.items():
        status = JobStatus(key.value.get(b'status', b'created').decode())
        inline = status is JobStatus.STARTED and key.value.get(b'worker_name') == b'sync'
        home = None if inline else HOMES[status]
        places = [container for _, container in _places(census, job_id)]
        if b'forget' in key.value:
            home = None  # it stays a while for its note
        if status is JobStatus.CANCELED and 'wip' in places:
            places.remove('wip')  # canceled while it runs: it is left alone until it ends
        if places != ([] if home is None else [home]):
            yield f'I1: {job_id} is {status.value} and in {places or "no place"}'


def _limits(redis: Redis, jobs: dict[str, Key]) -> Iterable[str]:
    """Rate limits: who waits says so, who holds a slot is on a queue or runs, no slot is free while somebody waits."""
    waiting = {}
    for name in limit.names(redis):
        holders, waiters = limit.holders(redis, name), limit.waiters(redis, name)
        waiting.update(dict.fromkeys(waiters, name))
        for job_id in holders:
            status = jobs[job_id].value.get(b'status', b'').decode() if job_id in jobs else 'gone'
            if status not in {'queued', 'started', 'canceled'}:
                yield f'{job_id} is {status} and holds a slot of {name}'
        if waiters and len(holders) < (limit.concurrency(redis, name) or 0):
            yield f'{name} has {len(holders)} slots taken, and {waiters} wait'
    for job_id, key in jobs.items():
        limited = key.value.get(b'status') == b'rate_limited'
        if limited != (job_id in waiting):
            yield f'I1: {job_id} is {key.value.get(b"status")!r} and waits for {waiting.get(job_id, "no slot")}'


def _waits(
    redis: Redis, jobs: dict[str, Key], families: dict[str, tuple[Callable[..., str], str] | None]
) -> Iterable[str]:
    """A deferred job waits for a job that is there and knows of it."""
    telling = redis.hkeys(keys.releasing())
    for job_id, key in jobs.items():
        others = depend.dependencies(redis, job_id)
        if key.value.get(b'status') == b'deferred' and keys.dependencies(job_id) in families:
            known = [other for other in others if job_id in depend.dependents(redis, other)]
            if known != others:
                yield f'I1: {job_id} waits for {others}, of whom only {known} know it'
            if not any(other in jobs for other in others) and not any(o.encode() in telling for o in others):
                yield f'I1: {job_id} waits for {others}, and none of them is there'


def _strangers(census: admin.Census, jobs: dict[str, Key]) -> Iterable[str]:
    """Ids whose job is gone. Registries that expire are swept later; all else must not name a job that is not there."""
    for queue in census.homes:
        for container in ('queue', 'wip', 'deferred', 'scheduled', 'ready'):
            for job_id in census.ids_in(queue, container):
                if job_id not in jobs:
                    yield f'I1: {container} of {queue} names {job_id}, which is not there'


def _leases(census: admin.Census, jobs: dict[str, Key], found: dict[str, Key]) -> Iterable[str]:
    held = Counter(job_id for queue in census.homes for job_id in census.ids_in(queue, 'wip'))
    members = {member for containers in census.homes.values() for member in containers['wip']}
    for job_id, count in held.items():
        if count > 1:
            yield f'I3: {job_id} has {count} leases'
    for job_id, key in jobs.items():
        execution = key.value.get(b'execution', b'').decode()
        if key.value.get(b'status') == b'started' and held[job_id] and f'{job_id}:{execution}' not in members:
            yield f'I3: the lease of {job_id} is not of its execution'
    for name in found:
        run = re.fullmatch(re.escape(keys.execution('', '')).replace('::', ':') + '([^:]+:[^:]+)', name)
        if run and run[1] not in members:
            yield f'I1: {name} tells of a run that has no lease'
