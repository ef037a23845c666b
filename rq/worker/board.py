"""The board: shared memory on which a horse writes what it holds, and tickets that decide who owns an unbegun job.

Made by the supervisor before it forks. The horse writes; the supervisor reads, and takes back. Nothing here can be left
locked by a process that is killed between any two instructions: every area ends with one aligned word that makes it
valid, and who owns a job that has not begun is decided by who read its byte from a pipe (0.56 us a job; a semaphore
was left held 175 times in 400 kills).

There are two packs, since the outcomes of one travel while the next runs.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass

from rq.store.claim import Lease

from .settings import PACK_MOST

__all__ = ['BEGUN', 'CLAIMED', 'PREFETCH', 'RETURNED', 'Board', 'Phase', 'Slot', 'Snapshot', 'TakenBack',
 'bulks']

# Words (64 bits) of the header.
PHASE, NEXT_SEQ, STOP, ENDED, LOG_LENGTH, LOG_WRITTEN, DONE, FAILED, WORKED_US, STALE, BEGINNINGS, RUNNING, TAKEN = range(13)
HEADER = 16
# Words of a pack's head, then of each of its slots.
SEQ, SIZE, TEXT_LENGTH, OUTCOME_LENGTH, OUTCOME_COUNT, DELIVERED, NOW_US, CLOCK_NS = range(8)
PACK_HEAD = 8
STATE, STARTED_NS, TIMEOUT = range(3)
SLOT = 4
PACK_WORDS = PACK_HEAD + SLOT * PACK_MOST

# States of a slot.
CLAIMED, BEGUN, RETURNED = range(3)

# Bytes of a pack's text (one line a job) and of its outcomes, and of the log lines not yet written. Memory that is
# never touched is never allocated; an outcome too large for its area is sent by the horse before its next job.
TEXT_BYTES = 64 * 1024
OUTCOME_BYTES = 1024 * 1024
LOG_BYTES = 256 * 1024

# Ticket bytes, by pack. Capitals: the ticket of the pack that was asked for ahead; last in the pipe.
TICKETS = (b'a', b'b')
PREFETCH = (b'A', b'B')


class Phase:
    """What a horse does, for the supervisor: waiting for work, or at it; and why it ended."""

    IDLE, WORKING = range(2)
    ALIVE, BURST_DONE, MAX_JOBS, MAX_IDLE, RECYCLE, STOPPED, SUSPENDED = range(7)


@dataclass(slots=True)
class Slot:
    """A job on the board."""

    lease: Lease
    state: int
    started_ns: int  # monotonic
    timeout: int  # seconds; -1: no limit


@dataclass(slots=True)
class Snapshot:
    """A pack as the supervisor reads it: its jobs, its packed outcomes from `delivered` on, and its clocks."""

    area: int
    seq: int
    slots: list[Slot]
    outcomes: list[bytes]
    now_us: int  # Redis time when it was claimed
    clock_ns: int  # monotonic at the same moment

    def redis_us(self, clock_ns: int) -> int:
        """A monotonic instant as Redis time in microseconds."""
        return self.now_us + (clock_ns - self.clock_ns) // 1000

    def running(self) -> Slot | None:
        """The job that has begun and not returned."""
        return next((slot for slot in self.slots if slot.state == BEGUN), None)


@dataclass(slots=True)
class TakenBack:
    """What draining the tickets gave: how many jobs at the end of which pack, and whether the pack asked for ahead."""

    area: int = -1
    count: int = 0
    prefetch: bool = False


class Board:
    """Shared by one supervisor and, one after the other, its horses."""

    def __init__(self, queues: list[str]) -> None:
        self.queues = queues
        words = HEADER + 2 * PACK_WORDS
        self._text_at = words * 8
        self._outcome_at = self._text_at + 2 * TEXT_BYTES
        self._log_at = self._outcome_at + 2 * OUTCOME_BYTES
        self._memory = mmap.mmap(-1, self._log_at + LOG_BYTES)
        self.words = memoryview(self._memory)[: words * 8].cast('q')
        self.tickets_read, self.tickets_write = os.pipe()
        os.set_blocking(self.tickets_read, False)

    def close(self) -> None:
        """Gives memory and pipe back; the board cannot be used any more."""
        self.words.release()
        self._memory.close()
        os.close(self.tickets_read)
        os.close(self.tickets_write)

    # --- the horse's side

    def put_pack(self, area: int, seq: int, lines: list[bytes], timeouts: list[int], now_us: int, clock_ns: int) -> int:
        """Writes a pack down; answers how many of its jobs fit (all, unless their ids are hundreds of bytes long)."""
        words, head = self.words, self._head(area)
        words[head + SIZE] = 0
        text = b'\n'.join(lines)
        while len(text) > TEXT_BYTES:
            lines = lines[:-1]
            text = b'\n'.join(lines)
        at = self._text_at + area * TEXT_BYTES
        self._memory[at : at + len(text)] = text
        words[head + TEXT_LENGTH] = len(text)
        words[head + OUTCOME_LENGTH] = words[head + OUTCOME_COUNT] = words[head + DELIVERED] = 0
        words[head + NOW_US], words[head + CLOCK_NS] = now_us, clock_ns
        slot = head + PACK_HEAD
        for seconds in timeouts[: len(lines)]:
            words[slot + STATE] = CLAIMED
            words[slot + TIMEOUT] = seconds
            slot += SLOT
        words[head + SEQ] = seq
        words[head + SIZE] = len(lines)  # last: from here on the pack is on the board
        return len(lines)

    def clear_pack(self, area: int) -> None:
        """Takes a pack off the board: its outcomes are with Redis."""
        self.words[self._head(area) + SIZE] = 0

    def hand_out(self, area: int, count: int, prefetch: bool) -> None:
        """Puts the tickets of a pack into the pipe in one write; the first job needs none, it begins at once."""
        tickets = TICKETS[area] * (count - 1) + (PREFETCH[area] if prefetch else b'')
        if tickets:
            os.write(self.tickets_write, tickets)

    def take_ticket(self) -> bytes:
        """The next ticket, or nothing when they were taken back."""
        try:
            return os.read(self.tickets_read, 1)
        except BlockingIOError:
            return b''

    def begin(self, area: int, number: int, clock_ns: int) -> None:
        """Notes that a job begins."""
        words, slot = self.words, self._head(area) + PACK_HEAD + SLOT * number
        words[slot + STARTED_NS] = clock_ns
        words[slot + STATE] = BEGUN
        words[RUNNING] = area * PACK_MOST + number + 1
        words[BEGINNINGS] += 1

    def put_outcome(self, area: int, number: int, packed: bytes) -> bool:
        """Notes an outcome and that its job returned. False: it does not fit, and the job counts as running still."""
        words, head = self.words, self._head(area)
        length = words[head + OUTCOME_LENGTH]
        if length + len(packed) > OUTCOME_BYTES:
            return False
        at = self._outcome_at + area * OUTCOME_BYTES + length
        self._memory[at : at + len(packed)] = packed
        words[head + OUTCOME_LENGTH] = length + len(packed)
        words[head + OUTCOME_COUNT] += 1
        words[head + PACK_HEAD + SLOT * number + STATE] = RETURNED
        return True

    def mark_returned(self, area: int, number: int) -> None:
        """Notes that a job's outcome is with Redis already."""
        self.words[self._head(area) + PACK_HEAD + SLOT * number + STATE] = RETURNED

    def delivered(self, area: int) -> int:
        """How many outcomes of a pack the supervisor has sent."""
        return self.words[self._head(area) + DELIVERED]

    def add_log(self, text: bytes) -> bool:
        """Adds to the log text that is not written yet. False: there is no room, flush first."""
        length = self.words[LOG_LENGTH]
        if length + len(text) > LOG_BYTES:
            return False
        at = self._log_at + length
        self._memory[at : at + len(text)] = text
        self.words[LOG_LENGTH] = length + len(text)
        return True

    # --- both sides

    def take_log(self) -> bytes:
        """The log text not yet written, which is then gone from the board. For the horse, and when it is dead."""
        text = self.read_log()
        self.words[LOG_LENGTH] = self.words[LOG_WRITTEN] = 0
        return text

    def read_log(self) -> bytes:
        """The log text not yet written, which counts as written from now on. For the supervisor while a horse lives."""
        length = self.words[LOG_LENGTH]
        text = self._memory[self._log_at + self.words[LOG_WRITTEN] : self._log_at + length]
        self.words[LOG_WRITTEN] = length
        return text

    def take_back(self) -> TakenBack:
        """Drains the tickets. Whoever got a ticket owns its job: what is answered here, no horse will begin."""
        found = TakenBack()
        while True:
            try:
                tickets = os.read(self.tickets_read, 1024)
            except BlockingIOError:
                return found
            if not tickets:
                return found
            for area in (0, 1):
                count = tickets.count(TICKETS[area])
                if count:
                    found.area, found.count = area, found.count + count
                if PREFETCH[area] in tickets:
                    found.area, found.prefetch = area, True

    # --- the supervisor's side

    def snapshots(self) -> list[Snapshot]:
        """The packs on the board, the older first."""
        found = [self.snapshot(area) for area in (0, 1) if self.words[self._head(area) + SIZE]]
        return sorted((pack for pack in found if pack.slots), key=lambda pack: pack.seq)

    def snapshot(self, area: int) -> Snapshot:
        """One pack as it is now."""
        words, head = self.words, self._head(area)
        size = words[head + SIZE]
        at = self._text_at + area * TEXT_BYTES
        lines = self._memory[at : at + words[head + TEXT_LENGTH]].split(b'\n')[:size] if size else []
        slots = []
        for number, line in enumerate(lines):
            queue, job_id, execution = line.split(b' ')
            slot = head + PACK_HEAD + SLOT * number
            lease = Lease(self.queues[int(queue)], job_id.decode(), execution.decode())
            slots.append(Slot(lease, words[slot + STATE], words[slot + STARTED_NS], words[slot + TIMEOUT]))
        return Snapshot(area, words[head + SEQ], slots, self._outcomes(area), words[head + NOW_US], words[head + CLOCK_NS])

    def _outcomes(self, area: int) -> list[bytes]:
        words, head = self.words, self._head(area)
        at = self._outcome_at + area * OUTCOME_BYTES
        args = bulks(self._memory[at : at + words[head + OUTCOME_LENGTH]])
        return args[8 * words[head + DELIVERED] :]

    def running(self) -> tuple[int, int, int, int] | None:
        """(area, number, monotonic nanoseconds of its begin, timeout in seconds) of the job that runs now, or None."""
        words, place = self.words, self.words[RUNNING] - 1
        if place < 0:
            return None
        area, number = divmod(place, PACK_MOST)
        head = self._head(area)
        slot = head + PACK_HEAD + SLOT * number
        if words[slot + STATE] != BEGUN or number >= words[head + SIZE]:
            return None
        return area, number, words[slot + STARTED_NS], words[slot + TIMEOUT]

    def set_delivered(self, area: int, seq: int, count: int) -> None:
        """Notes that so many more outcomes of a pack are with Redis, if it is still the same pack."""
        head = self._head(area)
        if self.words[head + SEQ] == seq:
            self.words[head + DELIVERED] += count

    def reset(self) -> None:
        """Clears what a dead horse left; its counters stay."""
        for word in (PHASE, NEXT_SEQ, ENDED, LOG_LENGTH, LOG_WRITTEN, RUNNING):
            self.words[word] = 0
        for area in (0, 1):
            self.clear_pack(area)

    @staticmethod
    def _head(area: int) -> int:
        return HEADER + area * PACK_WORDS


def bulks(packed: bytes) -> list[bytes]:
    """Bulk strings of the Redis protocol, apart."""
    found, at = [], 0
    while at < len(packed):
        end = packed.index(b'\r\n', at)
        length = int(packed[at + 1 : end])
        found.append(packed[end + 2 : end + 2 + length])
        at = end + 4 + length
    return found
