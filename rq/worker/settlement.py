"""What is still to be done for jobs that a horse cannot speak for any more: their outcomes, their return, their end.

Every step may be repeated, so a settlement is simply tried again until Redis has taken it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rq.results import encode_death, encode_exception
from rq.store import claim as store
from rq.store.claim import Lease

from . import board as layout
from .board import BEGUN, CLAIMED, SENDING

if TYPE_CHECKING:
    from collections.abc import Collection

    from redis import Redis

    from rq.store.claim import Outcome

    from .board import Board, Snapshot

__all__ = ['End', 'Settlement', 'no_grace_left', 'of_death', 'of_living']

# Arguments of an outcome; its queue, id and execution are the second to fourth.
WIDTH = 8

# RQ's words: clients show them.
STOPPED = encode_exception('Job stopped by user, work-horse terminated.')


def no_grace_left(seconds: float) -> str:
    """Why a job was ended that ran when its worker had to stop."""
    return (
        'rq.exceptions.AbandonedJobError: its worker had to stop, and the job did not end within the grace of '
        f'{seconds:g} seconds'
    )


@dataclass(slots=True)
class End:
    """How a horse ended, and what that means for the job that it ran."""

    reason: str
    lost: str = 'L'  # kind of the outcome of a job whose process was lost
    stopped: Collection[str] = ()  # executions that were to be stopped

    @property
    def brief(self) -> str:
        """The reason in one line, without the stack."""
        return self.reason.partition('\n')[0]

    def outcome(self, lease: Lease, times: tuple[int, int]) -> Outcome:
        """What becomes of the job that ran."""
        if lease.execution in self.stopped:
            return store.Outcome('S', lease, *times, 0, STOPPED)
        return store.Outcome(self.lost, lease, *times, 0, encode_death(self.reason))


@dataclass(slots=True)
class Settlement:
    """In this order: outcomes, jobs whose process died, a pack by its number, and unbegun jobs to their queues."""

    worker: str
    outcomes: list[bytes] = field(default_factory=list)  # arguments, eight each
    lost: list[Outcome] = field(default_factory=list)
    pack: int = 0  # number of a request; 0: none
    unbegun: list[Lease] = field(default_factory=list)
    area: int = -1  # of a living horse's board; its pack has so many outcomes in Redis when this is done:
    seq: int = 0
    count: int = 0
    taken: int = 0  # of a pack from which a job was stopped before it began: the horse waits until this is done
    refusals: int = 0  # how often Redis has answered that it can never take it

    def __bool__(self) -> bool:
        return bool(self.outcomes or self.lost or self.pack or self.unbegun)

    def __str__(self) -> str:
        return ', '.join(lease.id for lease in self.leases()) or 'a pack'

    def size(self) -> int:
        """Bytes of the outcomes that it holds."""
        return sum(map(len, self.outcomes)) + sum(len(outcome.payload) for outcome in self.lost)

    def run(self, connection: Redis) -> None:
        """Does it all. Raises redis-py's errors: then run it again."""
        store.finish_packed(connection, self.worker, self.outcomes)
        store.finish(connection, self.worker, self.lost)
        if self.pack:
            # What was claimed last stands behind what was claimed before: it goes back to the head first.
            store.release_pack(connection, self.worker, self.pack)
        store.release(connection, self.unbegun)

    def stop(self, lease: Lease) -> None:
        """A job that was to go back becomes `stopped` instead."""
        self.unbegun = [other for other in self.unbegun if other != lease]
        self.lost.append(store.Outcome('S', lease, 0, 0, 0, STOPPED))

    def mark(self, board: Board) -> None:
        """Tells the horse which of its outcomes it need not send."""
        if self.area >= 0:
            board.set_delivered(self.area, self.seq, self.count)

    def let_go(self, board: Board) -> None:
        """Lets the horse go on that waits for this: before, it would give back what is to be stopped."""
        if self.taken:
            board.words[layout.TAKEN] = self.taken

    def leases(self) -> list[Lease]:
        """What it speaks for, as far as it is known by name."""
        told = [
            Lease(*(part.decode() for part in self.outcomes[at + 1 : at + 4]))
            for at in range(0, len(self.outcomes), WIDTH)
        ]
        return told + [outcome.lease for outcome in self.lost] + self.unbegun


def of_living(worker: str, pack: Snapshot) -> Settlement:
    """The outcomes of a pack whose horse sits in a long job."""
    count = pack.delivered + len(pack.outcomes) // WIDTH
    return Settlement(worker, outcomes=pack.outcomes, area=pack.area, seq=pack.seq, count=count)


def of_death(worker: str, packs: list[Snapshot], next_seq: int, end: End, clock_ns: int) -> Settlement:
    """What the death of a horse leaves: outcomes are sent, the job that ran is lost, what had not begun goes back."""
    told = Settlement(worker)
    for pack in packs:
        told.outcomes += pack.outcomes
        returned = set(pack.outcomes[3::WIDTH])  # one may have died between its outcome and its mark
        for slot in pack.slots:
            if slot.state in (BEGUN, SENDING) and slot.lease.execution.encode() not in returned:
                times = (pack.redis_us(slot.started_ns), pack.redis_us(clock_ns))
                told.lost.append(end.outcome(slot.lease, times))
            elif slot.state == CLAIMED:
                told.unbegun.append(slot.lease)
    if next_seq and all(pack.seq != next_seq for pack in packs):
        told.pack = next_seq
    return told
