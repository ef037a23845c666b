"""Everything that is known when a run is over: what was written down, and what Redis holds."""

from __future__ import annotations

import base64
import pickle
import re
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from chaos.ledger import Attempt, Entry, attempts, records
from chaos.world import QUEUES, Kill, Pause, World
from rq.store import keys
from tests.support.invariants import violations

__all__ = ['TERMINAL', 'Facts', 'Outcome', 'gather', 'unsettled']

TERMINAL = {'finished', 'failed', 'stopped', 'canceled'}
REAPED = re.compile(r'took job (\S+) from dead worker (\S+):')
BURIED = re.compile(r'Worker (\S+) died without a word')


@dataclass
class Outcome:
    """One entry of a job's results."""

    kind: int  # 1 success, 2 failure, 3 stopped, 4 retried, 5 retries used up
    at: float  # wall clock
    value: Any = None
    text: str = ''


@dataclass
class Facts:
    """Of one run. Moments are monotonic seconds unless said otherwise; `offset` makes wall clock of them."""

    ours: bool
    records: list[dict[str, Any]]
    deeds: list[dict[str, Any]]
    entries: list[Entry]
    kills: list[Kill]
    outages: list[tuple[str, float, float]]  # of Redis, as seen by workers
    offset: float
    began: float
    hashes: dict[str, dict[str, str]] = field(default_factory=dict)
    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    reaped: list[tuple[str, str]] = field(default_factory=list)  # job, worker
    exits: list[str] = field(default_factory=list)
    halts: list[tuple[float, float]] = field(default_factory=list)  # of a process, or of one connection
    pauses: list[Pause] = field(default_factory=list)
    births: int = 0  # workers that could not say hello
    killed_workers: set[str] = field(default_factory=set)  # or stood still, or ended by themselves
    fds: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    slip: float = 0.0
    rested: float = 0.0  # seconds until nothing moved any more
    attempts: dict[int, list[Attempt]] = field(default_factory=dict)

    @cached_property
    def last(self) -> dict[int, Attempt]:
        """Of each process: the run that it began last."""
        everything = sorted((a for each in self.attempts.values() for a in each), key=lambda attempt: attempt.began)
        return {attempt.pid: attempt for attempt in everything}

    def vanished(self, kill: Kill) -> bool:
        """Whether the whole host went: both halves of a worker, before one had told of the other."""
        return kill.what == 'host' or any(
            other.worker == kill.worker and other.what != 'horse' and 0 <= other.at - kill.at < 5
            for other in self.kills
        )

    def status(self, job_id: str) -> str:
        """'' when Redis has no such job."""
        return self.hashes.get(job_id, {}).get('status', '')

    def moment(self, job_id: str, field: str) -> float | None:
        """When it ended (`ended_at`) or was queued (`enqueued_at`) as Redis says, monotonic."""
        text = self.hashes.get(job_id, {}).get(field, '')
        return datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp() - self.offset if text else None


def unsettled(redis: Redis, found: Iterable[dict[str, Any]], ours: bool) -> list[str]:
    """Jobs that are still to come to an end, by id; those that wait for a failed one will not."""
    found = [record for record in found if record['id']]
    status = _statuses(redis, [record['id'] for record in found])
    open_ = []
    for record in found:
        state = status[record['id']]
        parents = [status.get(parent, '') for parent in record.get('parents', [])]
        forlorn = state == 'deferred' and not record['lenient'] and set(parents) & {'failed', 'stopped', 'canceled'}
        if state and state not in TERMINAL and not forlorn:
            open_.append(record['id'])
    notes = sum(int(redis.zcard(keys.aftermath(queue))) for queue in QUEUES) if ours else 0
    return open_ + ['a note'] * notes


def _statuses(redis: Redis, ids: list[str]) -> dict[str, str]:
    pipeline = redis.pipeline(transaction=False)
    for job_id in ids:
        pipeline.hget(keys.job(job_id), 'status')
    return {job_id: (value or b'').decode() for job_id, value in zip(ids, pipeline.execute(), strict=True)}


def gather(world: World) -> Facts:
    """All that a finished run has left, while its server still runs."""
    found = records(world.folder / 'produced')
    facts = Facts(
        world.target.ours, found, records(world.folder / 'deeds'), world.ledger.entries(), world.kills, world.outages,
        time.time() - time.monotonic(), world.began,
    )  # fmt: skip
    facts.attempts = attempts(facts.entries)
    ids = sorted({record['id'] for record in found if record['id']} | {entry.id for entry in facts.entries})
    facts.hashes = _hashes(world.redis, ids)
    facts.outcomes = {job_id: _outcomes(world.redis, job_id) for job_id in ids}
    facts.places = _places(world.redis)
    if facts.ours:
        facts.violations = _violations(world.redis)
    facts.pauses, facts.halts = world.pauses, world.halts
    ended_by_themselves = {worker.name for worker in world.gone if not worker.asked}  # why is another question
    dead = {kill.worker for kill in world.kills if kill.what != 'horse'}
    facts.killed_workers = dead | ended_by_themselves | {pause.worker for pause in world.pauses}
    for worker in [*world.workers, *world.gone]:
        log = worker.log.read_text(errors='replace')
        facts.reaped += [(m[1], m[2]) for m in REAPED.finditer(log)]
        facts.reaped += [('(all)', m[1]) for m in BURIED.finditer(log)]
    return facts


def _violations(redis: Redis) -> list[str]:
    try:
        return violations(redis)
    except RedisError as error:
        return [f'the census failed: {error}']


def _hashes(redis: Redis, ids: list[str]) -> dict[str, dict[str, str]]:
    pipeline = redis.pipeline(transaction=False)
    wanted = ['status', 'ended_at', 'enqueued_at', 'losses']
    for job_id in ids:
        pipeline.hmget(keys.job(job_id), wanted)
    answers = zip(ids, pipeline.execute(), strict=True)
    return {
        i: {n: (v or b'').decode() for n, v in zip(wanted, values, strict=True)} for i, values in answers if any(values)
    }


def _outcomes(redis: Redis, job_id: str) -> list[Outcome]:
    found = []
    for stamp, fields in redis.xrange(keys.results(job_id)):
        outcome = Outcome(int(fields[b'type']), int(stamp.split(b'-')[0]) / 1000)
        if fields.get(b'return_value'):
            outcome.value = pickle.loads(base64.b64decode(fields[b'return_value']))
        if fields.get(b'exc_string'):
            outcome.text = zlib.decompress(base64.b64decode(fields[b'exc_string'])).decode(errors='replace')
        found.append(outcome)
    return found


def _places(redis: Redis) -> dict[str, list[str]]:
    """Where each id is."""
    found: dict[str, list[str]] = {}
    for queue in QUEUES:
        for where, key in (('queue', keys.queue(queue)), ('intermediate', keys.intermediate(queue))):
            for member in redis.lrange(key, 0, -1):
                found.setdefault(member.decode(), []).append(f'{where} {queue}')
        for kind in (keys.wip, keys.finished, keys.failed, keys.deferred, keys.scheduled, keys.canceled, keys.ready):
            for member in redis.zrange(kind(queue), 0, -1):
                job_id = member.decode().partition(':')[0]
                found.setdefault(job_id, []).append(f'{kind.__name__} {queue}')
    return found
