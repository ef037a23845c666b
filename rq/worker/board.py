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
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rq.store.claim import Lease

from .settings import PACK_MOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rq.store.claim import Claimed

__all__ = [
    'BEGUN',
    'CLAIMED',
    'PREFETCH',
    'RETURNED',
    'SENDING',
    'Board',
    'Phase',
    'Slot',
    'Snapshot',
    'TakenBack',
    'bulks',
]

# Words (64 bits) of the header.
PHASE, NEXT_SEQ, STOP, ENDED, LOG_LENGTH, LOG_WRITTEN, LOG_ROUNDS, DONE, FAILED, WORKED_US, STALE = range(11)
# CALLBACK: BEGINNINGS (times MOST_SECONDS) of the job whose callback runs, and the seconds that it may take.
BEGINNINGS, RUNNING, TAKEN, CALLBACK = range(11, 15)
MOST_SECONDS = 1 << 24
HEADER = 16
# Words of a pack's head, then of each of its slots.
# OFFERED, DELIVERED: how many of its outcomes the supervisor is sending or has sent, and how many Redis has from it.
# Both with the number of the pack before them (times COUNTS): the horse may put another one there at any moment.
SEQ, SIZE, OUTCOME_LENGTH, OFFERED, DELIVERED, NOW_US, CLOCK_NS = range(7)
PACK_HEAD = 8
COUNTS = 128
# TEXT_END: where the text of the job ends; it begins where that of the one before it ends.
STATE, STARTED_NS, TIMEOUT, TEXT_END = range(4)
SLOT = 4
PACK_WORDS = PACK_HEAD + SLOT * PACK_MOST

# States of a slot. SENDING: it has returned, and the horse holds an outcome that is too large for the board.
CLAIMED, BEGUN, RETURNED, SENDING = range(4)

# Bytes of a pack's text (queue, execution and id of each job) and of its outcomes, and of the log lines not yet
# written. Memory that is never touched is never allocated.
TEXT_BYTES = 64 * 1024
# What stands in the text besides an id.
LINE_BYTES = 64
OUTCOME_BYTES = 1024 * 1024
LOG_BYTES = 256 * 1024
# LOG_WRITTEN holds how often the log was taken, times this, and how much of it was read since.
LOG_ROUND = 1 << 20

# Ticket bytes, by pack. Capitals: the ticket of the pack that was asked for ahead; last in the pipe.
TICKETS = (b'a', b'b')
PREFETCH = (b'A', b'B')


class Phase:
    """What a horse does, for the supervisor: waiting for work, or at it; and why it ended."""

    IDLE, WORKING = range(2)
    ALIVE, BURST_DONE, MAX_JOBS, MAX_IDLE, RECYCLE, STOPPED, SUSPENDED, TIMED_OUT = range(8)


@dataclass(slots=True)
class Slot:
    """A job on the board."""

    lease: Lease
    state: int
    started_ns: int  # monotonic
    timeout: int  # seconds; -1: no limit


@dataclass(slots=True)
class Snapshot:
    """A pack as the supervisor reads it: its jobs, its outcomes from the one numbered `delivered` on, and its clocks."""

    area: int
    seq: int
    slots: list[Slot]
    outcomes: list[bytes]
    delivered: int
    now_us: int  # Redis time when it was claimed
    clock_ns: int  # monotonic at the same moment

    def redis_us(self, clock_ns: int) -> int:
        """A monotonic instant as Redis time in microseconds."""
        return self.now_us + (clock_ns - self.clock_ns) // 1000


@dataclass(slots=True)
class TakenBack:
    """What draining the tickets gave: how many jobs at the end of which pack, and whether the pack asked for ahead."""

    area: int = -1
    count: int = 0
    prefetch: bool = False

    @property
    def tickets(self) -> int:
        """How many tickets there were."""
        return self.count + self.prefetch


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

    @staticmethod
    def fitting(job_ids: Sequence[bytes]) -> int:
        """How many of these jobs fit on the board together (all, unless their ids are hundreds of bytes long)."""
        length = 0
        for number, job_id in enumerate(job_ids):
            length += len(job_id) + LINE_BYTES
            if length > TEXT_BYTES:
                return number
        return len(job_ids)

    def put_pack(
        self, area: int, seq: int, jobs: Sequence[Claimed], timeouts: list[int], clocks: tuple[int, int]
    ) -> None:
        """Writes a pack down. `clocks`: Redis time (microseconds) and the monotonic clock at the same moment."""
        words, head = self.words, self._head(area)
        words[head + SIZE] = 0
        at = end = self._text_at + area * TEXT_BYTES
        slots: list[int] = []
        lines: list[bytes] = []
        for job, seconds in zip(jobs, timeouts, strict=True):
            line = b'%d %b %b' % (job.queue, job.execution, job.id)
            lines.append(line)
            end += len(line)
            slots += (CLAIMED, 0, seconds, end - at)
        self._memory[at:end] = b''.join(lines)
        words[head + OUTCOME_LENGTH] = 0
        words[head + NOW_US], words[head + CLOCK_NS] = clocks
        first = head + PACK_HEAD
        words[first : first + len(slots)] = memoryview(array('q', slots))
        words[head + SEQ] = seq
        words[head + SIZE] = len(jobs)  # last: from here on the pack is on the board

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

    def allow(self, seconds: int, clock_ns: int) -> None:
        """Notes that the running job may take so many seconds from now on, whatever its timeout was: for its callback."""
        area, number = divmod(self.words[RUNNING] - 1, PACK_MOST)
        slot = self._head(area) + PACK_HEAD + SLOT * number
        self.words[slot + TIMEOUT] = (clock_ns - self.words[slot + STARTED_NS]) // 1_000_000_000 + 1 + seconds
        self.words[CALLBACK] = self.words[BEGINNINGS] * MOST_SECONDS + max(0, min(seconds, MOST_SECONDS - 1))

    def callback(self) -> int:
        """The seconds that the callback may take which runs after the running job's function; 0: none runs."""
        of, seconds = divmod(self.words[CALLBACK], MOST_SECONDS)
        return seconds if of == self.words[BEGINNINGS] else 0

    def put_outcome(self, area: int, number: int, packed: bytes) -> bool:
        """Notes an outcome and that its job returned. False: it does not fit, and the job counts as running still."""
        words, head = self.words, self._head(area)
        length = words[head + OUTCOME_LENGTH]
        if length + len(packed) > OUTCOME_BYTES:
            return False
        at = self._outcome_at + area * OUTCOME_BYTES + length
        self._memory[at : at + len(packed)] = packed
        words[head + OUTCOME_LENGTH] = length + len(packed)
        words[head + PACK_HEAD + SLOT * number + STATE] = RETURNED
        return True

    def mark(self, area: int, number: int, state: int) -> None:
        """Notes the state of a job."""
        self.words[self._head(area) + PACK_HEAD + SLOT * number + STATE] = state

    def delivered(self, area: int) -> int:
        """How many outcomes of a pack Redis has from the supervisor."""
        return self._told(area, DELIVERED)

    def offered(self, area: int) -> int:
        """How many outcomes of a pack the supervisor has sent or is about to send."""
        return self._told(area, OFFERED)

    def _told(self, area: int, word: int) -> int:
        head = self._head(area)
        seq, count = divmod(self.words[head + word], COUNTS)
        return count if seq == self.words[head + SEQ] else 0

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
        words, length = self.words, self.words[LOG_LENGTH]
        round_, written = divmod(words[LOG_WRITTEN], LOG_ROUND)
        if round_ != words[LOG_ROUNDS]:
            written = 0  # what was read then is gone
        words[LOG_LENGTH] = 0  # before the round: a length of the last one must not count in the next
        words[LOG_ROUNDS] += 1
        return self._memory[self._log_at + written : self._log_at + length]

    def read_log(self) -> bytes:
        """The log text not yet written, which counts as written from now on. For the supervisor while a horse lives.

        The horse may take its log at the same moment: then lines are written twice, and none is lost.
        """
        words = self.words
        now = words[LOG_ROUNDS]
        round_, written = divmod(words[LOG_WRITTEN], LOG_ROUND)
        if round_ != now:
            written = 0
        length = words[LOG_LENGTH]
        text = self._memory[self._log_at + written : self._log_at + length]
        words[LOG_WRITTEN] = now * LOG_ROUND + max(length, written)
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
        """One pack as it is now; without slots when there is none, or when the horse was just writing another."""
        words, head = self.words, self._head(area)
        seq, size = words[head + SEQ], words[head + SIZE]
        first = head + PACK_HEAD
        slots = words[first : first + SLOT * size].tolist()
        at = self._text_at + area * TEXT_BYTES
        text = self._memory[at : at + slots[-SLOT + TEXT_END]] if slots else b''
        delivered = self.delivered(area)
        at = self._outcome_at + area * OUTCOME_BYTES
        packed = self._memory[at : at + words[head + OUTCOME_LENGTH]]
        now_us, clock_ns = words[head + NOW_US], words[head + CLOCK_NS]
        if (words[head + SEQ], words[head + SIZE]) != (seq, size) or not size:
            return Snapshot(area, 0, [], [], 0, 0, 0)
        return Snapshot(
            area, seq, self._slots(slots, text), bulks(packed)[8 * delivered :], delivered, now_us, clock_ns
        )

    def _slots(self, words: list[int], text: bytes) -> list[Slot]:
        found, begin = [], 0
        for at in range(0, len(words), SLOT):
            state, started_ns, timeout, end = words[at : at + SLOT]
            queue, execution, job_id = text[begin:end].split(b' ', 2)
            begin = end
            lease = Lease(self.queues[int(queue)], job_id.decode(), execution.decode())
            found.append(Slot(lease, state, started_ns, timeout))
        return found

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

    def last(self) -> tuple[str, int]:
        """Of a dead horse: the job that began last and when (monotonic nanoseconds), also off the board; ('', 0): none."""
        area, number = divmod(self.words[RUNNING] - 1, PACK_MOST)
        slot = self._head(area) + PACK_HEAD + SLOT * number
        if area < 0 or self.words[slot + STATE] == CLAIMED:
            return '', 0
        at = self._text_at + area * TEXT_BYTES
        begin = at + self.words[slot - SLOT + TEXT_END] if number else at
        parts = self._memory[begin : at + self.words[slot + TEXT_END]].split(b' ', 2)
        return parts[-1].decode('utf-8', 'replace'), self.words[slot + STARTED_NS]

    def set_offered(self, area: int, seq: int, count: int) -> None:
        """Notes that so many outcomes of a pack, from the first on, are being sent."""
        self.words[self._head(area) + OFFERED] = seq * COUNTS + count

    def set_delivered(self, area: int, seq: int, count: int) -> None:
        """Notes that so many outcomes of a pack, from the first on, are with Redis."""
        self.words[self._head(area) + DELIVERED] = seq * COUNTS + count

    def reset(self) -> None:
        """Clears what a dead horse left; its counters stay."""
        for word in (PHASE, NEXT_SEQ, ENDED, LOG_LENGTH, RUNNING, TAKEN):
            self.words[word] = 0
        self.words[LOG_ROUNDS] += 1
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
