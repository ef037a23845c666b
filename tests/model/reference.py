"""What a job's life is, in plain Python: written from rq/store/states.py, rq/store/README.md and the scripts' headers.

One instance is what Redis should hold. Nothing here was copied from a script: where the two disagree, one of them is wrong.
This page has jobs that come, wait and leave; runs.py has those that run.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tests.model.job import Job, Limit, Told

__all__ = ['Store']

REGISTRIES = ('finished', 'failed', 'deferred', 'scheduled', 'canceled')
HOMES = {'queued': 'queue', 'started': 'wip', 'stopped': 'failed'} | {name: name for name in REGISTRIES}
GONE = 30  # seconds for which the enqueue of a job that was deleted as it ended is remembered


class Store:
    """All jobs, and where they are. `now` is the server's time; whoever drives the model sets it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.jobs: dict[str, Job] = {}
        self.lists: dict[str, list[str]] = defaultdict(list)
        self.registries: dict[str, dict[str, dict[str, float]]] = {k: defaultdict(dict) for k in REGISTRIES}
        self.leases: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)  # queue -> (id, execution) -> score
        self.waits: dict[str, list[str]] = defaultdict(list)  # id -> whom it waits for
        self.awaited: dict[str, list[str]] = defaultdict(list)  # id -> who waits for it
        self.limits: dict[str, Limit] = defaultdict(Limit)
        self.results: dict[str, int] = {}
        self.result_expiry: dict[str, float] = {}
        self.gone: dict[str, tuple[str, float]] = {}
        self.notes: dict[str, set[str]] = defaultdict(set)  # queue -> what:job:execution
        self.suspended: set[str] = set()  # queues; '' is all

    # --- entering

    def _known(self, told: Told) -> bool:
        """Whether this very call has been here."""
        job = self.jobs.get(told.id)
        call, until = self.gone.get(told.id, ('', -1.0))
        if not told.call:
            return job is not None or until > self.now
        return (job is not None and job.told.call == told.call) or (until > self.now and call == told.call)

    def _write(self, told: Told, status: str, stays: bool = False) -> Job:
        """The hash of a job; an earlier use of its id has left its home, its run, its slot and what it waited for."""
        old = self.jobs.get(told.id)
        if old is not None:
            if not stays:
                self._leave(old)
            self._drop_leases(old)
            self._forget_others(old.told.id)
        job = Job(told, status, told.retries, told.repeats)
        job.expires = self.now + told.ttl if told.ttl else math.inf
        self.jobs[told.id] = job
        if old is not None:
            if told.ttl:
                self.result_expiry[told.id] = job.expires
            self._give_slot_back(old)
        return job

    def _waits_there(self, told: Told) -> bool:
        job = self.jobs.get(told.id)
        # On another list there may be an entry of a use before.
        return job is not None and job.status == 'queued' and job.queue == told.queue

    def enqueue(self, told: Told) -> str:
        if self._known(told):
            return 'AGAIN'
        if told.unique and told.id in self.jobs:
            return 'DUPLICATE'
        if self._waits_there(told):  # it keeps its place
            self._write(told, 'queued', stays=True)
            return 'AGAIN'
        if told.id not in self.jobs:  # it may have expired after it was canceled
            self.registries['canceled'][told.queue].pop(told.id, None)
        self._push(self._write(told, 'queued'), told.front)
        return 'QUEUED'

    def write_only(self, told: Told) -> str:
        """An enqueue that does not push."""
        if self._known(told):
            return 'AGAIN'
        self._write(told, 'created')
        return 'QUEUED'

    def schedule(self, told: Told, due: float) -> str:
        if self._known(told):
            return 'AGAIN'
        if told.unique and told.id in self.jobs:
            return 'DUPLICATE'
        self._write(told, 'scheduled')
        self.registries['scheduled'][told.queue][told.id] = due
        return 'QUEUED'

    def enqueue_when_ready(self, told: Told, before: list[str] | None = None) -> str:
        """`before`: ids that come to its queue before it."""
        if self._known(told):
            waits = self.jobs.get(told.id)
            return waits.status.upper() if waits and waits.status in {'deferred', 'rate_limited'} else 'AGAIN'
        if self._is_circle(told.id, told.others):
            return 'CYCLE'
        job = self._write(told, 'created')
        self.lists[told.queue] += before or []
        if before:
            before.clear()
        return self._arrive(job)

    def enqueue_many(self, queue: str, many: tuple[Told, ...]) -> list[str]:
        """In their order; who is admitted to the queue meanwhile may come before them."""
        answers: list[str] = []
        back: list[str] = []
        for told in many:
            if told.others or told.limit:
                answers.append(self.enqueue_when_ready(told, back))
                continue
            answers.append(self.enqueue(told))
            if answers[-1] == 'QUEUED' and not told.front:
                self.lists[queue].remove(told.id)
                back.append(told.id)
        self.lists[queue] += back
        return answers

    # --- waiting for other jobs

    def _is_met(self, job_id: str, allow: bool) -> bool:
        other = self.jobs.get(job_id)
        if other is None or other.forget or other.status == 'finished':
            return True
        return allow and other.status in {'failed', 'stopped'}

    def _unmet(self, told: Told) -> list[str]:
        return [
            other
            for other in dict.fromkeys(told.others)
            if not self._is_met(other, told.allow) and not self._is_circle(told.id, [other])
        ]

    def _is_circle(self, job_id: str, others: Sequence[str]) -> bool:
        """Whether one of those that a job is to wait for waits for it."""
        todo, seen = list(others), set()
        while todo:
            one = todo.pop()
            if one == job_id:
                return True
            if one not in seen:
                seen.add(one)
                todo += self.waits.get(one, [])
        return False

    def _arrive(self, job: Job) -> str:
        """A stored job goes where it waits."""
        others = self._unmet(job.told)
        if not others:
            return self._place(job)
        job.status = 'deferred'
        self.registries['deferred'][job.queue][job.told.id] = self.now
        for other in others:
            self.waits[job.told.id].append(other)
            self.awaited[other].append(job.told.id)
        return 'DEFERRED'

    def _forget_others(self, job_id: str) -> None:
        for other in self.waits.pop(job_id, []):
            self._unlink(job_id, other)

    def _unlink(self, job_id: str, other: str) -> None:
        if job_id in self.awaited.get(other, []):
            self.awaited[other].remove(job_id)
        if other in self.waits.get(job_id, []):
            self.waits[job_id].remove(other)

    def _tell(self, job_id: str, how: str) -> list[Job]:
        """Those who wait for a job learn how it ended: `finished`, `failed`, `gone` (without an end) or `released`.

        Answers those that wait for no other any more.
        """
        released = []
        for name in list(self.awaited.get(job_id, [])):
            job = self.jobs[name]
            if how in {'finished', 'released'} or job.told.allow:
                self._unlink(name, job_id)
                if not self.waits.get(name):
                    del self.registries['deferred'][job.queue][name]
                    self._place(job)
                    released.append(job)
            elif how == 'gone':
                self._unlink(name, job_id)
                del self.registries['deferred'][job.queue][name]
                self._to_canceled(job)
        return released

    # --- a slot of a rate limit

    def _place(self, job: Job) -> str:
        """A job that waits for no other: to its queue, or to those who wait for a slot."""
        if not job.told.limit:
            self._push(job, job.told.later_front)
            return 'QUEUED'
        limit = self.limits[job.told.limit]
        limit.most = job.told.most
        job.status = 'rate_limited'
        limit.waiters.append(job.told.id)
        self._admit(job.told.limit)
        return 'QUEUED' if job.status == 'queued' else 'RATE_LIMITED'

    def _admit(self, name: str) -> list[str]:
        """Free slots go to those who wait longest."""
        limit, admitted = self.limits[name], []
        while limit.waiters and len(limit.holders) < limit.most:
            job_id = limit.waiters.pop(0)
            limit.holders.add(job_id)
            self._push(self.jobs[job_id], self.jobs[job_id].told.later_front)
            admitted.append(job_id)
        return admitted

    def _give_slot_back(self, job: Job) -> None:
        if not job.told.limit:
            return
        limit = self.limits[job.told.limit]
        if job.told.id in limit.waiters:
            limit.waiters.remove(job.told.id)
        limit.holders.discard(job.told.id)
        self._admit(job.told.limit)

    # --- moving

    def _is_stale(self, queue: str, job: Job) -> bool:
        """Whether an entry of a list is left over from a use of its id that expired."""
        if job.has_run and job.status in {'finished', 'failed', 'stopped', 'scheduled'}:
            return True
        runs = any(member[0] == job.told.id for member in self.leases[job.queue])
        return queue != job.queue and (runs or job.told.id in self.lists[job.queue])

    def _push(self, job: Job, front: bool) -> None:
        job.status = 'queued'
        self.lists[job.queue].insert(0 if front else len(self.lists[job.queue]), job.told.id)

    def _leave(self, job: Job) -> None:
        """Off its list and registries; its lease, its slot and what it waits for are other things."""
        job_id = job.told.id
        if job.status == 'queued':  # else its entries there are of uses before
            self.lists[job.queue] = [other for other in self.lists[job.queue] if other != job_id]
        # Of others the id may be left, by a use of it that expired where it was canceled.
        self.registries.get(HOMES.get(job.status, ''), {}).get(job.queue, {}).pop(job_id, None)

    def _drop_leases(self, job: Job) -> None:
        for member in [member for member in self.leases[job.queue] if member[0] == job.told.id]:
            del self.leases[job.queue][member]

    def _to_canceled(self, job: Job) -> None:
        self._forget_others(job.told.id)
        job.status = 'canceled'
        self.registries['canceled'][job.queue][job.told.id] = self.now

    def _erase(self, job: Job, how: str = 'gone') -> None:
        """A job goes for good, with all that belongs to it."""
        del self.jobs[job.told.id]
        self.results.pop(job.told.id, None)
        self._forget_others(job.told.id)
        self._tell(job.told.id, how)
        self._give_slot_back(job)

    # --- people

    def cancel(self, job_id: str, release: bool = False) -> tuple[str, dict[str, list[str]]]:
        job = self.jobs.get(job_id)
        if job is None or job.forget:
            return 'GONE', {}
        if job.status == 'canceled':
            return 'ALREADY', {}
        runs = job.status == 'started'
        self._leave(job)
        self._to_canceled(job)
        released: dict[str, list[str]] = {}
        for one in self._tell(job_id, 'released') if release else []:
            released.setdefault(one.queue, []).append(one.told.id)
        if not runs:
            self._give_slot_back(job)
        return 'CANCELED', released

    def delete(self, job_id: str) -> int:
        job = self.jobs.get(job_id)
        if job is None:
            return 0
        self._leave(job)
        self._drop_leases(job)
        self._erase(job)
        return 1

    def empty(self, queue: str) -> int:
        ids = list(self.lists[queue])
        for job_id in ids:
            self.lists[queue].remove(job_id)
            job = self.jobs.get(job_id)
            if job is not None and job.status != 'started' and not self._is_stale(queue, job):
                self._erase(job)
        return len(ids)

    def requeue(self, queue: str, ids: tuple[str, ...], front: bool) -> list[str]:
        answers = []
        for job_id in ids:
            if self.registries['failed'][queue].pop(job_id, None) is None:
                answers.append('NOT_FAILED')
                continue
            job = self.jobs[job_id]
            job.losses = 0
            job.has_run = False
            job.expires = math.inf
            if job.told.limit:
                answers.append(self._place(job))
            else:
                self._push(job, front)
                answers.append('QUEUED')
        return answers

    def enqueue_dependents(self, job_id: str) -> dict[str, list[str]]:
        released: dict[str, list[str]] = {}
        for one in self._tell(job_id, 'released'):
            released.setdefault(one.queue, []).append(one.told.id)
        return released

    # --- time

    def promote_due(self, queues: tuple[str, ...]) -> int:
        moved = 0
        for queue in queues:
            due = sorted((score, job_id) for job_id, score in self.registries['scheduled'][queue].items())
            for score, job_id in due:
                if score <= self.now:
                    del self.registries['scheduled'][queue][job_id]
                    self._arrive(self.jobs[job_id])
                    moved += 1
        return moved

    def pass_time(self, seconds: float) -> None:
        """All that is dated is so much older."""
        for scores in (self.leases, self.registries['scheduled']):
            for members in scores.values():
                for member in members:
                    members[member] -= seconds  # type: ignore[index]
        self.gone = {job_id: (call, until - seconds) for job_id, (call, until) in self.gone.items()}
        for job in self.jobs.values():
            job.expires -= seconds
            job.expires_again -= seconds
        self.drop_expired()
        self.result_expiry = {job_id: until - seconds for job_id, until in self.result_expiry.items()}
        self.results = {job_id: n for job_id, n in self.results.items() if self.result_expiry[job_id] > self.now}

    def drop_expired(self) -> None:
        """Jobs whose time is over are gone; nobody takes their ids off the lists."""
        self.jobs = {job_id: job for job_id, job in self.jobs.items() if job.expires > self.now}

    # --- what can be seen of it

    def projection(self) -> dict[str, Any]:
        """As view.py reads it from Redis: containers and jobs that are empty or gone are left out."""
        return {
            'jobs': {
                job_id: {
                    'status': job.status, 'queue': job.queue, 'retries': job.retries, 'repeats': job.repeats,
                    'losses': job.losses, 'forget': job.forget,
                }
                for job_id, job in self.jobs.items()
            },
            'lists': {queue: ids for queue, ids in self.lists.items() if ids},
            **{
                kind: {queue: set(ids) for queue, ids in self.registries[kind].items() if ids} for kind in REGISTRIES
            },
            'wip': {queue: {':'.join(m) for m in members} for queue, members in self.leases.items() if members},
            'waits': {job_id: set(others) for job_id, others in self.waits.items() if others},
            'limits': {
                name: {'most': limit.most, 'holders': set(limit.holders), 'waiters': list(limit.waiters)}
                for name, limit in self.limits.items() if limit.holders or limit.waiters
            },
            'results': dict(self.results),
            'notes': {queue: set(notes) for queue, notes in self.notes.items() if notes},
        }  # fmt: skip
