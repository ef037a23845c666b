"""The model's other half: jobs that are claimed, run, end, come back; workers that live and die."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tests.model.job import Job
from tests.model.reference import GONE, Store

__all__ = ['Ended', 'Model']

LEASE = 90  # seconds a lease is ahead of its renewal
WORKER_LEASE = 30
WORKER_HASH = 480
UNRENEWED = 25  # of a dead worker's
ABANDONED = 150  # of anybody's
LOSSES = 3
RECORD = 600  # seconds for which a worker's last request is known
KEPT_RESULTS = 10
YEAR = 31_536_000


class Ended(NamedTuple):
    """An outcome."""

    kind: str
    queue: str
    id: str
    execution: str
    ttl: int = 500


def _wait(intervals: Sequence[int], number: int) -> int:
    """Seconds before the try or run of this number, from 1; the last interval is for all that follow."""
    return intervals[min(number, len(intervals)) - 1] if intervals else 0


@dataclass
class Pack:
    """The last numbered request of a worker."""

    seq: int
    members: list[tuple[str, str, str]]
    became: list[str] | None  # None: it was given back before it came
    until: float


class Model(Store):
    """All of the store."""

    def __init__(self) -> None:
        super().__init__()
        self.workers: dict[str, tuple[str, float]] = {}  # name -> incarnation, end of its hash
        self.alive: dict[str, tuple[str, float]] = {}  # name -> incarnation, end of its lease
        self.packs: dict[str, Pack] = {}

    def pass_time(self, seconds: float) -> None:
        super().pass_time(seconds)
        for known in (self.workers, self.alive):
            known.update({name: (who, until - seconds) for name, (who, until) in known.items()})
        for pack in self.packs.values():
            pack.until -= seconds

    # --- workers

    def living(self, name: str) -> str:
        """The incarnation of the living worker of this name; '' when there is none."""
        who, until = self.alive.get(name, ('', 0.0))
        return who if until > self.now else ''

    def known(self, name: str) -> str:
        """The incarnation in the hash of a worker, which may be dead."""
        who, until = self.workers.get(name, ('', 0.0))
        return who if until > self.now else ''

    def _lives(self, name: str, incarnation: str) -> None:
        self.alive[name] = incarnation, self.now + WORKER_LEASE
        self.workers[name] = incarnation, self.now + WORKER_HASH

    def register(self, name: str, incarnation: str) -> bool:
        if self.living(name):
            return False
        self._lives(name, incarnation)
        return True

    def vanish(self, name: str) -> None:
        """Its host is gone, and the time of its lease is over."""
        self.alive.pop(name, None)

    def renew(self, name: str, incarnation: str, leases: Sequence[tuple[str, str, str]]) -> bool:
        if {self.living(name), self.known(name)} - {'', incarnation}:
            return False
        self._lives(name, incarnation)
        for queue, job_id, execution in leases:
            if (job_id, execution) in self.leases[queue]:
                self.leases[queue][job_id, execution] = self.now + LEASE
        return True

    def announce(self, queue: str, job_id: str, execution: str) -> bool:
        if (job_id, execution) not in self.leases[queue]:
            return False
        self.jobs[job_id].announced = execution
        return True

    # --- claim

    def exchange(
        self, name: str, incarnation: str, seq: int, queues: Sequence[str], most: int, outcomes: Sequence[Ended]
    ) -> tuple[str, list[str], list[tuple[str, str]]]:
        """finish_and_claim: code, what became of the outcomes, (id, execution) of the jobs claimed."""
        last = self.packs.get(name)
        if last is not None and last.until <= self.now:
            last = None
        if last is not None and seq < last.seq:
            return 'OLD', [], []
        if last is not None and seq == last.seq:
            if last.became is None:
                last.became = [self.settle(outcome) for outcome in outcomes]
            still = [member for member in last.members if member[1:] in self.leases[member[0]]]
            for queue, job_id, execution in still:
                self.leases[queue][job_id, execution] = self.now + LEASE
            return 'SAME', list(last.became), [member[1:] for member in still]
        became = [self.settle(outcome) for outcome in outcomes]
        members = self._claim(incarnation, seq, queues, most)
        self.packs[name] = Pack(seq, members, became, self.now + RECORD)
        return 'OK', list(became), [member[1:] for member in members]

    def _claim(self, incarnation: str, seq: int, queues: Sequence[str], most: int) -> list[tuple[str, str, str]]:
        claimed: list[tuple[str, str, str]] = []
        for queue in queues:
            while len(claimed) < most and self.lists[queue] and not self.suspended & {'', queue}:
                found = self._first(queue)
                if found is None:
                    break
                job = found
                alone = job.told.on_lost == 'fail'  # it must never start twice
                if alone and claimed:
                    return claimed
                self.lists[queue].pop(0)
                job.status = 'started'
                job.has_run = True
                job.expires_again, job.expires = job.expires, math.inf
                job.execution = f'{incarnation}{seq:014x}{len(claimed):02x}'
                job.announced = job.execution if alone else job.announced
                self.leases[queue][job.told.id, job.execution] = self.now + LEASE
                claimed.append((queue, job.told.id, job.execution))
                if alone:
                    return claimed
        return claimed

    def _first(self, queue: str) -> Job | None:
        """The first job of a list that may run. Before it are ids whose job has expired, or has its place elsewhere."""
        while self.lists[queue]:
            job = self.jobs.get(self.lists[queue][0])
            if job is not None and self._may_run(queue, job):
                return job
            self.lists[queue].pop(0)
        return None

    def _may_run(self, queue: str, job: Job) -> bool:
        held = any(member[0] == job.told.id for member in self.leases[queue])
        return not (held or job.status == 'canceled' or self._is_stale(queue, job))

    # --- what goes back unbegun

    def release(self, leases: Sequence[tuple[str, str, str]]) -> int:
        return sum(self._give_back(*lease) for lease in reversed(leases))

    def _give_back(self, queue: str, job_id: str, execution: str) -> int:
        if self.leases[queue].pop((job_id, execution), None) is None:
            return 0
        job = self.jobs[job_id]
        if job.status in {'canceled', 'stopped'}:
            self._give_slot_back(job)
            return 0
        job.has_run, job.expires, job.expires_again = False, job.expires_again, math.inf
        self._push(job, front=True)
        self.drop_expired()
        return 1

    def release_pack(self, name: str, seq: int) -> int:
        last = self.packs.get(name)
        if last is not None and last.until > self.now and seq <= last.seq:
            return self.release(last.members) if seq == last.seq else 0
        self.packs[name] = Pack(seq, [], None, self.now + RECORD)
        return 0

    # --- the end of a run

    def settle(self, ended: Ended) -> str:
        """What became of an outcome."""
        if self.leases[ended.queue].pop((ended.id, ended.execution), None) is None:
            return 'STALE'
        job = self.jobs[ended.id]
        if job.status in {'canceled', 'stopped'}:
            self._give_slot_back(job)
            return 'KEPT'
        if ended.kind == 'F':
            return self._succeed(job, ended)
        if ended.kind in 'RA':
            job.losses = 0
            self._add_result(job, math.inf)
            return self._again(job, ended.ttl, front=ended.kind == 'A')
        rule = ''
        if ended.kind in 'LHGK':
            rule = job.told.on_lost
            if ended.kind in 'LH':  # else its worker had to end: that does not count
                job.losses += 1
                rule = 'fail' if job.losses >= LOSSES else rule
            self._note(job, ended, 'lost')
        if rule == 'requeue':
            return self._again(job, 0, job.told.retry_front or ended.kind in 'GK')
        if ended.kind in 'XLHGK' and rule != 'fail' and job.retries:
            job.retries -= 1
            job.tries += 1
            return self._again(job, _wait(job.told.retry_intervals, job.tries), job.told.retry_front)
        return self._fail(job, ended)

    def finish(self, outcomes: Sequence[Ended]) -> list[str]:
        return [self.settle(outcome) for outcome in outcomes]

    def _add_result(self, job: Job, until: float) -> None:
        self.result_expiry[job.told.id] = until
        self.results[job.told.id] = min(self.results.get(job.told.id, 0) + 1, KEPT_RESULTS)

    def _again(self, job: Job, wait: int, front: bool) -> str:
        """Another try or run."""
        if wait <= 0:
            self._push(job, front)
            return 'QUEUED'
        job.status = 'scheduled'
        self.registries['scheduled'][job.queue][job.told.id] = math.ceil(self.now + wait)
        self._give_slot_back(job)
        return 'SCHEDULED'

    def _succeed(self, job: Job, ended: Ended) -> str:
        self._note(job, ended, 'webhook')
        if job.repeats:
            if ended.ttl:
                self._add_result(job, math.inf)
            job.repeats -= 1
            job.runs += 1
            job.losses = 0
            became = self._again(job, _wait(job.told.repeat_intervals, job.runs), front=False)
            self._tell(ended.id, 'finished')
            return became
        self._close(job, 'finished', 'finished', math.inf if ended.ttl < 0 else self.now + ended.ttl)
        return 'FINISHED'

    def _fail(self, job: Job, ended: Ended) -> str:
        for what in ('stopped', 'webhook'):
            self._note(job, ended, what)
        ttl = YEAR if job.told.failure_ttl is None else job.told.failure_ttl
        until = math.inf if ttl < 0 else self.now + ttl
        self._close(job, 'stopped' if ended.kind == 'S' else 'failed', 'failed', until)
        return job.status.upper()

    def _close(self, job: Job, status: str, home: str, until: float) -> None:
        """The last end of a job. One that is not kept is forgotten, but for its notes."""
        job_id, job.status = job.told.id, status
        if until > self.now:
            self._add_result(job, until)
            job.expires = until
            self.registries[home][job.queue][job_id] = until
            self._tell(job_id, home)
            self._give_slot_back(job)
            return
        self._erase(job, 'finished' if home == 'finished' else 'gone')
        self.gone[job_id] = (job.told.call, self.now + GONE)
        if any(note.endswith(f':{job_id}:{job.execution}') for note in self.notes[job.queue]):
            job.forget, job.expires = True, self.now + RECORD
            self.jobs[job_id] = job

    def _note(self, job: Job, ended: Ended, what: str) -> None:
        """Leaves a note of what is to be done outside of Redis."""
        due = {
            'lost': ended.kind in 'HK' or job.told.callbacks,
            'stopped': ended.kind == 'S' and job.told.callbacks,
            'webhook': ended.kind != 'S' and job.told.webhooks,
        }
        if due[what]:
            self.notes[job.queue].add(f'{what}:{ended.id}:{ended.execution}')

    def drop_note(self, queue: str, note: str) -> bool:
        """What was to be done is done."""
        if note not in self.notes[queue]:
            return False
        self.notes[queue].remove(note)
        job = self.jobs.get(note.split(':')[1])
        run = note.partition(':')[2]  # of its last run, or an earlier one
        if (
            job is not None
            and job.forget
            and run.endswith(job.execution)
            and not any(other.endswith(run) for other in self.notes[queue])
        ):
            del self.jobs[job.told.id]
        return True

    # --- the dead

    def reap(self, queue: str) -> dict[str, str]:
        """id -> what became of it, of the jobs of dead workers. Those claimed last are dealt with first."""
        became = {}
        for job_id, execution in sorted(self.leases[queue], key=lambda member: member[1][16:], reverse=True):
            unrenewed = self.now - (self.leases[queue][job_id, execution] - LEASE)
            alive = execution[:16] in {self.living(name) for name in self.alive}
            if unrenewed < UNRENEWED or (alive and unrenewed < ABANDONED):
                continue
            job = self.jobs[job_id]
            may_begin_again = job.announced != execution and job.told.on_lost != 'fail' and job.losses + 1 < LOSSES
            if not may_begin_again or job.status in {'canceled', 'stopped'}:
                became[job_id] = self.settle(Ended('L', queue, job_id, execution))
                continue
            job.losses += 1
            self._give_back(queue, job_id, execution)
            became[job_id] = 'QUEUED'
        return became
