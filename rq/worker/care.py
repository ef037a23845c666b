"""What every living worker does for itself and for all, a few times a minute: renew, reap, promote, nudge.

A supervisor calls `tick` between its other duties, a SimpleWorker from a helper thread.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from rq.exceptions import AbandonedJobError
from rq.results import encode_death
from rq.store import depend as depend_store
from rq.store import enqueue as enqueue_store
from rq.store import group as group_store
from rq.store import limit as limit_store
from rq.store import registry as registry_store
from rq.store import stats
from rq.store import worker as store
from rq.store.claim import Lease
from rq.store.replies import Trouble, classify

from . import notes, settings
from .plan import Rhythm
from .tally import tally_of
from .usage import cpu_of, memory_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis import Redis

    from rq.store.claim import Outcome
    from rq.store.enqueue import Promoted

    from .base import BaseWorker
    from .tally import Tally

__all__ = ['Care', 'promote']

ABANDONED_TEXT = (
    f'{AbandonedJobError.__module__}.{AbandonedJobError.__name__}: the worker that ran this job died, or lost Redis '
    'for longer than its lease\n'
)
ABANDONED = encode_death(ABANDONED_TEXT)


def promote(connection: Redis, queues: Sequence[str]) -> Promoted:
    """Due jobs go to their queues, and some of those who wait for a job that many wait for are told of its end."""
    found = enqueue_store.promote_due(connection, queues)
    if found.releasing:
        depend_store.release_dependents(connection)
    return found


class Care:
    """One worker's share. `leases` tells which jobs it holds now."""

    def __init__(self, worker: BaseWorker, connection: Redis, leases: Callable[[], list[Lease]]) -> None:
        self.worker = worker
        self.connection = connection
        self.leases = leases
        self.rhythm = Rhythm(
            {
                'renew': settings.RENEW_LEASE_EVERY,
                'promote': settings.PROMOTE_EVERY,
                'nudge': settings.NUDGE_EVERY,
                'notes': settings.NOTES_EVERY,
                'reap': settings.REAP_EVERY,
                'clean': settings.CLEAN_EVERY,
                'sample': settings.SAMPLE_EVERY,
                'record': settings.RECORD_EVERY,
                'sweep': settings.SWEEP_EVERY,
            }
        )
        self.horses = 0  # processes for jobs that were started
        self.superseded = False  # another worker has our name: nobody renews our leases any more
        self.on_notes: Callable[[Redis], object] = lambda connection: None  # called when it is time to look for notes
        self.tally = tally_of(worker)
        self._renewed_wip = 0.0
        self._contact = self._clocks()
        self._reap_from = time.monotonic() + settings.LEASE
        self._nudging = False
        self._cursors: dict[str, str] = {}  # how far the deferred jobs of each queue were looked through

    def tick(self) -> None:
        """Does what is due. Raises redis-py's errors; what was not done is due again."""
        now = time.monotonic()
        due = self.rhythm.due(now)
        refused: RedisError | None = None
        for number, task in enumerate(due):
            try:
                self._stay_alive()
                getattr(self, task)(now)
            except (RedisError, OSError) as error:
                if not isinstance(error, RedisError) or classify(error) is not Trouble.BUG:
                    for undone in due[number:]:
                        self.rhythm.delay(undone, now)
                    raise
                refused = error  # a key of a wrong type, perhaps: it must not keep the other duties from being done
            self._in_touch()
        if refused is not None:
            raise refused

    def next(self) -> float:
        """When something is due (monotonic seconds)."""
        return self.rhythm.next()

    @staticmethod
    def _clocks() -> tuple[float, float]:
        # The monotonic clock stands still while the machine sleeps; the other one may be set. Both are asked.
        return time.monotonic(), time.time()

    def _in_touch(self) -> None:
        # Who was cut off cannot tell the dead from those who were cut off as well: they get a lease's time.
        clocks = self._clocks()
        if max(now - before for now, before in zip(clocks, self._contact, strict=True)) > settings.LEASE / 2:
            self._reap_from = clocks[0] + settings.LEASE
        self._contact = clocks

    def renew(self, now: float) -> None:
        """The worker's own lease, and every 15 s those of its jobs."""
        leases: list[Any] = []
        if now - self._renewed_wip >= settings.RENEW_WIP_EVERY:
            leases = self.leases()
        worker = self.worker
        ttl, fields = worker.worker_ttl + 60, {**worker._birth_fields(), **self.vitals()}
        held = store.renew(self.connection, worker.name, worker.incarnation, ttl, leases, fields)
        if not held and not self.superseded:
            worker.log.error('Worker %s: another worker has taken this name', worker.name)
        self.superseded = not held
        if leases:
            self._renewed_wip = now

    def started(self, horse: int) -> None:
        """A process for jobs was started; 0: none could be."""
        self.worker._horse_pid = horse
        self.horses += horse > 0

    def vitals(self) -> dict[str, Any]:
        """What the worker's processes cost now, for readers; nothing where nothing is counted."""
        if self.tally is None:
            return {}
        horse = self.worker._horse_pid
        rss = memory_of(os.getpid()) + (memory_of(horse) if horse else 0)
        cpu = sum(os.times()[:4]) + (cpu_of(horse) if horse else 0.0)  # with that of those that have ended
        return {'rss': rss, 'cpu': f'{cpu:.2f}', 'horses': self.horses}

    def _stay_alive(self) -> None:
        # Between the steps of long work: on a slow server it must not cost the worker its own lease.
        now = time.monotonic()
        if self.rhythm.at.get('renew', 0.0) <= now:
            self.renew(now)
            self.rhythm.delay('renew', now + settings.RENEW_LEASE_EVERY)

    def promote(self, now: float) -> None:
        """Due jobs to their queues, and word to those who wait for a job that many wait for."""
        found = promote(self.connection, self.worker.queue_names())
        if found.moved >= 1000 or found.releasing:
            self.rhythm.delay('promote', now)
        elif found.wait and found.wait < settings.PROMOTE_EVERY:
            self.rhythm.delay('promote', now + found.wait)

    def nudge(self, now: float) -> None:
        """Tokens for what nobody announced, if it is this worker's turn."""
        wait = store.nudge(
            self.connection, self.worker.incarnation, self.worker.queue_names(), int(settings.NUDGE_RIGHT * 1000)
        )
        self._nudging = wait == 0
        if wait:
            self.rhythm.delay('nudge', now + wait / 1000)

    def notes(self, now: float) -> None:
        """User code for the dead, and webhooks."""
        self.on_notes(self.connection)

    def reap(self, now: float) -> None:
        """The jobs of dead workers."""
        if now < self._reap_from:
            return
        # A server that is younger than a lease knows of no renewal that was due before it.
        age = store.server_uptime(self.connection)
        if age < settings.LEASE:
            self._reap_from = now + settings.LEASE - age
            return
        if self._nudging:  # one worker does it for all
            for name in store.bury(self.connection):
                self.worker.log.warning('Worker %s died without a word', name)
        handlers = notes.tells(self.worker)
        for name in self.worker.queue_names():
            self._stay_alive()
            for job_id, became in store.adopt(self.connection, name, ABANDONED, handlers=handlers):
                self.worker.log.warning('%s: took job %s, stranded by another RQ: %s', name, job_id, became)
            for job_id, became, owner in store.reap(self.connection, name, ABANDONED, handlers=handlers):
                told = (name, job_id, owner or '(unknown)', became)
                self.worker.log.warning('%s: took job %s from dead worker %s: %s', *told)
                if self.tally is not None and became != 'KEPT':
                    self.tally.lose(Lease(name, job_id, ''), (0, 0), ABANDONED_TEXT)

    def clean(self, now: float) -> None:
        """Expired members out of the registries; readers leave them out in the meantime."""
        if registry_store.clean(self.connection, self.worker.queue_names()) >= 1000:
            self.rhythm.delay('clean', now)

    def sweep(self, now: float) -> None:
        """What nobody else will ever move: jobs that wait for what is gone, slots held for nothing, empty groups."""
        if not self._nudging:
            return  # one worker does it for all
        for name in self.worker.queue_names():
            self._stay_alive()
            cursor, moved = depend_store.sweep_deferred(self.connection, name, self._cursors.get(name, '0'))
            self._cursors[name] = cursor
            if moved:
                self.worker.log.warning('%s: %d jobs waited for others that are gone', name, moved)
        limit_store.sweep(self.connection)
        group_store.sweep(self.connection)

    def sample(self, now: float) -> None:
        """How many jobs wait, for charts."""
        if self._nudging and self.tally is not None:  # one worker does it for all
            stats.sample_waiting(self.connection)

    def record(self, now: float) -> None:
        """What was counted since the last time, as far as it is this thread that sends it."""
        if self.tally is not None and self.tally.due():
            self._send(self.tally)

    def lost(self, outcome: Outcome, reason: str) -> None:
        """Counts a run whose process died."""
        if self.tally is not None:
            times = outcome.started_us, outcome.ended_us
            self.tally.lose(outcome.lease, times, reason, stopped=outcome.kind == 'S')

    def _send(self, tally: Tally) -> None:
        connection = self.connection
        tally.send(lambda writer, number, batch: stats.record_text(connection, writer, number, batch), connection)

    def leave(self) -> None:
        """Gives up the turn to nudge, and wakes others for what waits."""
        if self.tally is not None and self.tally.pending:
            self._send(self.tally)
        who = self.worker.incarnation if self._nudging else ''
        store.nudge(self.connection, who, self.worker.queue_names(), 1, leaving=True)
