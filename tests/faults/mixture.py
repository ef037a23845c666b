"""A small workload with a bit of everything, and what must have become of it whatever went wrong meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from redis import Redis

from rq import Callback, Queue, RateLimit, Repeat, Retry
from rq.job import Dependency, Job
from rq.store import admin, keys
from tests.faults import jobs
from tests.faults.ledger import Ledger
from tests.store.hands import Horse, age

__all__ = ['LATE', 'LONG', 'SCALED', 'Mixture']

# Lease 1 s, renewed every 0.3 s, looked at every 0.2 s (guarantees.md, section 5), and the rest to match.
SCALED: dict[str, Any] = {
    'ANNOUNCE_AFTER': 0.03,
    'WATCH_EVERY': 0.01,
    'RENEW_LEASE_EVERY': 0.3,
    'RENEW_WIP_EVERY': 0.3,
    'REAP_EVERY': 0.2,
    'LEASE': 1,
    'PROMOTE_EVERY': 0.1,
    'NOTES_EVERY': 0.1,
    'NUDGE_EVERY': 0.1,
    'NUDGE_RIGHT': 0.5,
    'SWEEP_EVERY': 0.5,
    'pace.PACK_WORK': 0.1,
    'horse.PACK_WORK': 0.1,
    'outage.SHORTEST': 0.01,
    'outage.LONGEST': 0.2,
    'supervisor.FRUITLESS_WAIT': 0.01,
    'horse.TOO_OLD': 800_000_000,
    'notes.LEASE': 2,
    'aftermath.AGAIN_AFTER': 0.2,
    'rq.store.worker.LEASE_MS': 1000,
    'rq.store.worker.UNRENEWED': 2,
}
# How long a process must stand still for its lease to be another's.
PAUSE = 2.3

SPAWNER, CHILD, DIES, CALLS, LATE, LONG = 30, 31, 32, 33, 90, 95
ENDED = {'finished', 'failed', 'stopped', 'canceled'}


class Mixture:
    """Jobs `j<number>` in one queue or in three."""

    def __init__(self, redis: Redis, names: list[str]) -> None:
        self.redis = redis
        self.names = names
        self.queues = [Queue(name, connection=redis) for name in names]
        self.begins: dict[int, int] = {}  # how often each job begins if nothing goes wrong
        self.fails: set[int] = set()

    def leave_to_the_dead(self) -> None:
        """One job, claimed by a worker that is dead."""
        self._put(99, jobs.note)
        dead = Horse(self.redis, 'dead', self.names[:1])
        dead.one(room=1)
        dead.wire.close()
        self.redis.delete(keys.lease('dead'))
        age(self.redis, 70, self.names[0])

    def put(self) -> None:
        """Enqueues all but the late ones."""
        for number in range(16):
            self._put(number, jobs.note)
        self._put(16, jobs.note, 0.12)
        for number in range(17, 23):
            self._put(number, jobs.note)
        self._put(23, jobs.fails, retry=Retry(max=1))
        self._put(24, jobs.fails)
        first = self._put(25, jobs.note, 0.01)
        self._put(26, jobs.note, depends_on=Dependency([first], allow_failure=True))
        for number in (27, 28, 29):
            self._put(number, jobs.note, 0.005, rate_limit=RateLimit('few', 1))
        self._put(SPAWNER, jobs.spawn, CHILD, self.names[-1])
        self._put(DIES, jobs.die, on_failure=Callback(jobs.told, timeout=1))
        self._put(CALLS, jobs.note, on_success=Callback(jobs.told))
        self._put(34, jobs.note, repeat=Repeat(2), begins=3)
        due = datetime.now(UTC) + timedelta(seconds=0.3)
        self._queue(35).enqueue_at(due, jobs.note, 35, job_id='j35')
        self.begins[35] = self.begins[CHILD] = 1

    def put_late(self) -> None:
        """One more job, for a worker that waits by now."""
        self._put(LATE, jobs.note)

    def put_long(self) -> None:
        """One that still runs when its worker is told to stop."""
        self._put(LONG, jobs.note, 0.15)

    def _queue(self, number: int) -> Queue:
        return self.queues[number % len(self.queues)]

    def _put(self, number: int, function: Any, *args: Any, begins: int = 1, **options: Any) -> Job:
        if function in (jobs.fails, jobs.die):
            self.fails.add(number)
            begins += 'retry' in options
        self.begins[number] = begins
        return self._queue(number).enqueue(function, number, *args, job_id=f'j{number}', **options)

    # --- what became of them

    def status(self) -> dict[int, str]:
        """Of every job that is there, by number."""
        found = admin.census(self.redis, self.names).status
        return {int(job_id[1:]): status for job_id, status in found.items()}

    def all_ended(self) -> bool:
        """Whether nothing is under way or still to come."""
        status = self.status()
        if CHILD not in status and status.get(SPAWNER) == 'failed':
            status[CHILD] = 'failed'  # its parent died before it was made
        notes = any(self.redis.zcard(keys.aftermath(name)) for name in self.names)
        return not notes and all(status.get(number) in ENDED for number in self.begins)

    def lost(self) -> set[int]:
        """Jobs that failed because their process or their worker had died."""
        status, found = self.status(), set()
        for number in self.begins:
            if status.get(number) == 'failed' and number != DIES:
                result = Job.fetch(f'j{number}', self.redis).latest_result()
                text = str(result.exc_string if result else '')
                if 'terminated unexpectedly' in text or 'AbandonedJobError' in text:
                    found.add(number)
        return found

    def wrong(self, ledger: Ledger, may_lose: int, may_repeat: int, may_fail: int = -1) -> list[str]:
        """What is not as it should be, if so many jobs may have been lost with a process, or begun once more.

        `may_fail`: a job in whose own code the fault has struck.
        """
        status, begun, lost = self.status(), ledger.counts(), self.lost()
        told = {entry.number for entry in ledger.entries('c')}
        found = []
        for number, begins in self.begins.items():
            right = 'failed' if number in self.fails or number in lost else 'finished'
            if number == may_fail and status.get(number) == 'failed':
                continue
            unmade = number == CHILD and (SPAWNER in lost or may_fail == SPAWNER)
            if status.get(number) != right and not unmade:
                found.append(f'I2: {number} is {status.get(number)} and should be {right}')
            if begun[number] < (0 if number in lost or unmade else begins):
                found.append(f'{number} began {begun[number]} times and not {begins}')
        again = {number: begun[number] for number, begins in self.begins.items() if begun[number] > begins}
        if len(lost) > may_lose:
            found.append(f'falsely failed: {sorted(lost)}, of which {may_lose} may')
        if len(again) > may_repeat or any(count > self.begins[number] + 1 for number, count in again.items()):
            found.append(f'begun again: {again}, of which {may_repeat} may')
        callbacks = {DIES, *({CALLS} - lost)}
        if not callbacks <= told:
            found.append(f'I5: callbacks of {callbacks - told} were not called')
        return found
