"""Jobs that somebody wants stopped: found on the board, ended, and `stopped` instead of failed.

Which outcome a run has is decided once. Before it begins: by its ticket. While it runs: its horse is halted first, so
that what the board says is so still when the horse is killed; a run that has returned keeps its outcome.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from rq.store import claim as store

from . import board as layout
from .board import BEGUN, CLAIMED

if TYPE_CHECKING:
    from rq.store.claim import Lease

    from .supervisor import Supervisor

__all__ = ['Stops', 'halt']

# Seconds that a run is looked for: Redis says who has claimed a job before its worker knows.
PATIENCE = 1.0
# Wishes at a time; others are not listened to: each costs a look at the board.
MOST = 100
# A process that is told to halt does so at once, unless it waits for a disk: then it does nothing else either.
HALT_WITHIN = 0.05


class Stops:
    """What one supervisor was asked to stop and has not stopped yet."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.killed: set[str] = set()  # executions for which the horse was killed
        self._wishes: dict[tuple[str, str], float] = {}

    def ask(self, job_id: str, execution: str) -> None:
        """Wishes a run stopped, by the id of its job or its own; '' is any."""
        if len(self._wishes) < MOST:
            self._wishes.setdefault((job_id, execution), time.monotonic() + PATIENCE)
        self.look()

    def look(self) -> None:
        """Stops what can be found. To be called with every turn of the loop."""
        known = self._known() if self._wishes else set()
        for (job_id, execution), until in list(self._wishes.items()):
            if (job_id or execution) in known and self._stop(job_id, execution):
                del self._wishes[job_id, execution]
            elif time.monotonic() > until:
                del self._wishes[job_id, execution]
                what, name = ('job', job_id) if job_id else ('execution', execution)
                self.supervisor.ear.ignore(f'not working on {what} {name}')

    def _stop(self, job_id: str, execution: str) -> bool:
        """Whether it is settled: stopped, or too late. False: look again."""

        def meant(lease: Lease) -> bool:
            return (lease.id == job_id or not job_id) and (lease.execution == execution or not execution)

        chief = self.supervisor
        for debt in chief.debts:
            for lease in filter(meant, debt.unbegun):
                debt.stop(lease)
                return True
        for pack in chief.board.snapshots():
            returned = set(pack.outcomes[3::8])
            for slot in pack.slots:
                if not meant(slot.lease):
                    continue
                if slot.state == CLAIMED:
                    return chief._take_back(slot.lease)
                if slot.state == BEGUN and slot.lease.execution.encode() not in returned:
                    return self._kill(slot.lease)
                return True  # it has returned: too late
        return any(chief._take_back(lease) for lease in filter(meant, self._ahead()))

    def _known(self) -> set[str]:
        """Ids of the jobs and runs that may be ours to stop: wishes for others, however many, cost nothing more."""
        chief = self.supervisor
        held = [slot.lease for pack in chief.board.snapshots() for slot in pack.slots]
        held += [lease for debt in chief.debts for lease in debt.unbegun] + self._ahead()
        return {lease.id for lease in held} | {lease.execution for lease in held}

    def _ahead(self) -> list[Lease]:
        """What a pack holds that was asked for ahead: only Redis knows."""
        chief = self.supervisor
        seq = chief.board.words[layout.NEXT_SEQ]
        if time.monotonic() < chief._quiet_until:
            return []  # it is away
        try:
            return store.claimed(chief.connection, chief.worker.name, seq) if seq else []
        except (RedisError, OSError):
            return []

    def _kill(self, lease: Lease) -> bool:
        chief = self.supervisor
        if not chief.horse:
            return False  # 0 would be our own process group
        halt(chief.horse)
        slot = next((s for pack in chief.board.snapshots() for s in pack.slots if s.lease == lease), None)
        returned = {told for pack in chief.board.snapshots() for told in pack.outcomes[3::8]}
        if slot is None or slot.state != BEGUN or lease.execution.encode() in returned:
            with suppress(ProcessLookupError):
                os.kill(chief.horse, signal.SIGCONT)
            return False
        self.killed.add(lease.execution)
        chief.killing.group(chief.horse)
        self.supervisor.log.info('Killed horse pid %s to stop job %s', chief.horse, lease.id)
        return True


def halt(pid: int) -> None:
    """Halts a process, and comes back when it does nothing any more."""
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        return
    end = time.monotonic() + HALT_WITHIN
    while time.monotonic() < end and not _halted(pid):
        time.sleep(0.0005)


def _halted(pid: int) -> bool:
    try:
        with open(f'/proc/{pid}/stat', 'rb') as told:
            return told.read().rpartition(b')')[2].split()[0] in b'TtZX'
    except OSError:  # no /proc here: it is given its time
        return False
