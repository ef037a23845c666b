"""What is still to be done for jobs that a horse cannot speak for any more: their outcomes, their return, their end.

Every step may be repeated, so a settlement is simply tried again until Redis has taken it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rq.results import encode_exception
from rq.store import claim as store

if TYPE_CHECKING:
    from redis import Redis

    from rq.store.claim import Lease, Outcome

    from .board import Snapshot

__all__ = ['Settlement', 'of_death']


@dataclass(slots=True)
class Settlement:
    """In this order: outcomes, jobs whose process died, a pack by its number, and unbegun jobs to their queues."""

    worker: str
    outcomes: list[bytes] = field(default_factory=list)  # arguments, eight each
    lost: list[Outcome] = field(default_factory=list)
    pack: int = 0  # number of a request; 0: none
    unbegun: list[Lease] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.outcomes or self.lost or self.pack or self.unbegun)

    def run(self, connection: Redis) -> list[bytes]:
        """Does it all; answers what became of the lost jobs. Raises redis-py's errors: then run it again."""
        store.finish_packed(connection, self.worker, self.outcomes)
        became = store.finish(connection, self.worker, self.lost) if self.lost else []
        if self.pack:
            # What was claimed last stands behind what was claimed before: it goes back to the head first.
            store.release_pack(connection, self.worker, self.pack)
        store.release(connection, self.unbegun)
        return became

    def ids(self) -> list[str]:
        """Ids of the jobs that would be left behind if it were not run."""
        return [
            *(part.decode() for part in self.outcomes[2::8]),
            *(outcome.lease.id for outcome in self.lost),
            *(lease.id for lease in self.unbegun),
        ]


def of_death(worker: str, packs: list[Snapshot], next_seq: int, reason: str, clock_ns: int) -> Settlement:
    """What the death of a horse leaves: outcomes are sent, the job that ran is lost, what had not begun goes back."""
    from .board import BEGUN, CLAIMED

    told = Settlement(worker)
    for pack in packs:
        told.outcomes += pack.outcomes
        for slot in pack.slots:
            if slot.state == BEGUN:
                times = (pack.redis_us(slot.started_ns), pack.redis_us(clock_ns))
                told.lost.append(store.Outcome('L', slot.lease, *times, 0, encode_exception(reason)))
            elif slot.state == CLAIMED:
                told.unbegun.append(slot.lease)
    if next_seq and all(pack.seq != next_seq for pack in packs):
        told.pack = next_seq
    return told
