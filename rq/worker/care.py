"""What every living worker does for itself and for all, a few times a minute: renew, reap, promote, nudge.

A supervisor calls `tick` between its other duties, a SimpleWorker from a helper thread.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rq.exceptions import AbandonedJobError
from rq.results import encode_exception
from rq.store import enqueue as enqueue_store
from rq.store import worker as store

from . import settings
from .plan import Rhythm

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis import Redis

    from rq.store.claim import Lease

    from .base import BaseWorker

__all__ = ['Care']

ABANDONED = encode_exception(
    f'{AbandonedJobError.__module__}.{AbandonedJobError.__name__}: the worker that ran this job died, or lost Redis '
    'for longer than its lease\n'
)


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
                'reap': settings.REAP_EVERY,
            }
        )
        self._renewed_wip = 0.0
        self._contact = time.monotonic()
        self._reap_from = self._contact + settings.LEASE
        self._judged_server = False
        self._nudging = False

    def tick(self) -> None:
        """Does what is due. Raises redis-py's errors; what was not done is due again."""
        now = time.monotonic()
        for task in self.rhythm.due(now):
            try:
                getattr(self, task)(now)
            except Exception:
                self.rhythm.delay(task, now)
                raise
            self._in_touch(time.monotonic())

    def next(self) -> float:
        """When something is due (monotonic seconds)."""
        return self.rhythm.next()

    def _in_touch(self, now: float) -> None:
        # Who was cut off cannot tell the dead from those who were cut off as well: they get a lease's time.
        if now - self._contact > settings.LEASE / 2:
            self._reap_from = now + settings.LEASE
            self._judged_server = False
        self._contact = now

    def renew(self, now: float) -> None:
        """The worker's own lease, and every 15 s those of its jobs."""
        leases: list[Any] = []
        if now - self._renewed_wip >= settings.RENEW_WIP_EVERY:
            leases = self.leases()
        worker = self.worker
        ttl, fields = worker.worker_ttl + 60, worker._birth_fields()
        if not store.renew(self.connection, worker.name, worker.incarnation, ttl, leases, fields):
            worker.log.error(f'Worker {worker.name}: another worker has taken this name')
        if leases:
            self._renewed_wip = now

    def promote(self, now: float) -> None:
        """Due jobs to their queues."""
        names = self.worker.queue_names()
        moved, soonest = enqueue_store.promote_due(self.connection, names)
        if moved >= 1000:
            self.rhythm.delay('promote', now)

    def nudge(self, now: float) -> None:
        """Tokens for what nobody announced, if it is this worker's turn."""
        wait = store.nudge(
            self.connection, self.worker.incarnation, self.worker.queue_names(), int(settings.NUDGE_RIGHT * 1000)
        )
        self._nudging = wait == 0
        if wait:
            self.rhythm.delay('nudge', now + wait / 1000)

    def reap(self, now: float) -> None:
        """The jobs of dead workers."""
        if not self._judged_server:
            # A server that is younger than a lease knows of no renewal that was due before it.
            age = store.server_uptime(self.connection)
            self._reap_from = max(self._reap_from if age < settings.LEASE else 0.0, now + settings.LEASE - age)
            self._judged_server = True
        if now < self._reap_from:
            return
        for name in self.worker.queue_names():
            for job_id, became, owner in store.reap(self.connection, name, ABANDONED):
                self.worker.log.warning(f'{name}: took job {job_id} from dead worker {owner or "(unknown)"}: {became}')

    def leave(self) -> None:
        """Gives up the turn to nudge, and wakes others for what waits."""
        who = self.worker.incarnation if self._nudging else ''
        store.nudge(self.connection, who, self.worker.queue_names(), 1, leaving=True)
