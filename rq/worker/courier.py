"""The horse's requests: each has a number and is sent again until it is answered, through any outage.

One is outstanding at a time. Its number stands on the board before it is sent, so that the supervisor can give back
what a dead horse may have claimed.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from rq.connections import clone
from rq.store import claim as store
from rq.store import stats
from rq.store.wire import Wire

from . import board as layout
from .outage import Outage
from .settings import WIRE_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rq.store.claim import Answer, Claimed

    from .base import BaseWorker
    from .board import Board
    from .lifeline import Lifeline
    from .log import JobLog
    from .pack import Pack
    from .tally import Tally

__all__ = ['Courier']

# An orphan whose outcomes Redis does not take for so long ends all the same: their leases have gone to others by then,
# whose reapers wait a lease's time after an outage.
ORPHAN_PATIENCE = 600.0


class Courier:
    """Carries outcomes to Redis and jobs back."""

    def __init__(self, worker: BaseWorker, board: Board, log: JobLog, lifeline: Lifeline) -> None:
        self.worker = worker
        self.board = board
        self.words = board.words
        self.lines = log
        self.lifeline = lifeline
        self.name = worker.name.encode()
        self.outage = Outage(worker.log, f'Worker {worker.name}')
        self.client = clone(worker.connection, WIRE_TIMEOUT)
        self.wire = Wire(self.client)
        self.seq = 0
        self.show = b'idle'  # what readers shall see when nothing is claimed
        self.token = b''  # the queue whose marker woke us
        self.unsent: deque[Pack] = deque()  # run, and their outcomes not yet with Redis
        self.now_us = self.clock_ns = 0  # Redis time, and the monotonic clock at the same moment
        self.sent_ns = 0  # when the request was sent that was answered last
        self._away_since = 0.0
        self._under_way = False
        self._skipped: list[int] = []  # outcomes of each unsent pack that the supervisor had delivered

    # --- numbers and clocks

    def begin(self) -> None:
        """Takes the first number: Redis time in microseconds, so it is larger than those of any horse before."""
        while not self.lifeline.told_to_stop():
            try:
                self.sent_ns = time.monotonic_ns()
                seconds, micros = self.wire.command(b'TIME')
            except (RedisError, OSError) as error:
                self.wait_out(error)
                continue
            self.outage.passed()
            self.seq = int(seconds) * 1_000_000 + int(micros)
            self._read_clock(self.seq)
            return

    def _read_clock(self, now_us: int) -> None:
        # The server saw `now_us` between sending and this moment. What was known before is kept where it fits between,
        # so that the times of one pack never reach back into those of the pack before.
        clock = time.monotonic_ns()
        known = self.now_us + (clock - self.clock_ns) // 1000
        self.now_us = min(max(known, now_us), now_us + (clock - self.sent_ns) // 1000)
        self.clock_ns = clock

    # --- requests

    def request(self, queues: Sequence[tuple[bytes, int]], room: int) -> store.Claim:
        """The next request: all outcomes not yet sent, and a claim of up to `room` jobs (0: none)."""
        self.seq += 1
        words, board = self.words, self.board
        self._skipped = [board.delivered(pack.area) for pack in self.unsent]
        outcomes = [
            packed for pack, count in zip(self.unsent, self._skipped, strict=True) for packed in pack.outcomes[count:]
        ]
        words[layout.NEXT_SEQ] = self.seq
        token, self.token = self.token, b''
        counters = (words[layout.DONE], words[layout.FAILED], words[layout.WORKED_US] / 1e6)
        return store.Claim(
            self.name, self.worker.incarnation, self.seq, queues, room, outcomes, token, self.show, counters
        )

    def send(self, claim: store.Claim) -> None:
        """Sends a request whose answer is wanted later."""
        self.sent_ns = time.monotonic_ns()
        try:
            claim.send(self.wire)
            self._under_way = True
        except (RedisError, OSError):
            self.wire.close()  # it is sent again when its answer is wanted

    def receive(self, claim: store.Claim, may_leave: bool = False) -> Answer | None:
        """The answer. With `may_leave`, None when told to stop while Redis is away and there is nothing to deliver.

        An answer of OLD has done nothing: take a new request.
        """
        while True:
            try:
                if not self._under_way:
                    self.sent_ns = time.monotonic_ns()
                    claim.send(self.wire)
                self._under_way = False
                answer = claim.receive(self.wire)
                break
            except (RedisError, OSError) as error:
                self._under_way = False
                self.wait_out(error)
                if may_leave and self.lifeline.stopping and not claim.outcomes:
                    return None  # what it may have claimed, the supervisor gives back by its number
        self.outage.passed()
        self._read_clock(answer.now_us)
        if answer.code == b'OLD':  # the server's clock went back, or another worker used our name
            self.seq, self.token = max(answer.now_us, self.seq), claim.token
            self.words[layout.NEXT_SEQ] = 0
            return answer
        self.words[layout.NEXT_SEQ] = claim.seq if answer.jobs else 0
        self._delivered(answer)
        return answer

    def _delivered(self, answer: Answer) -> None:
        late = answer.became.count(b'STALE')
        if late:
            # Those that the supervisor sent meanwhile have arrived; only the rest came too late.
            late -= sum(self.board.offered(p.area) - n for p, n in zip(self.unsent, self._skipped, strict=True))
        for pack in self.unsent:
            self.board.clear_pack(pack.area)
        self.unsent.clear()
        if late > 0:
            self.words[layout.STALE] += late
            self.lines.error(f'{late} outcome(s) came too late and were dropped: their leases had gone to others')
        broken = answer.became.count(b'BROKEN')
        if broken:
            self.lines.error(f'{broken} outcome(s) could not be stored: keys of the jobs have a wrong type')
        for job_id in answer.dropped:
            self.lines.info(f'Skipped {_shown(job_id)}: expired, canceled or running already')
        for name in answer.broken:
            self.lines.error(f'Queue {_shown(name)}: a key has a wrong type, nothing was claimed')

    # --- other requests

    def give_back(self, queues: list[str], jobs: Sequence[Claimed]) -> None:
        """Claimed jobs that have not begun, in the order they were claimed; whoever does it as well does no harm."""
        leases = [store.Lease(queues[job.queue], job.id.decode(), job.execution.decode()) for job in jobs]
        if leases:
            self.insist(lambda: store.release(self.client, leases))

    def finish(self, packed: bytes) -> None:
        """Sends one outcome by itself."""
        args = layout.bulks(packed)
        self.insist(lambda: store.finish_packed(self.client, self.worker.name, args))

    def insist(self, request: Callable[[], Any]) -> None:
        """Makes a request that may be repeated until it succeeds."""
        while True:
            try:
                request()
                self.outage.passed()
                return
            except (RedisError, OSError) as error:
                self._wait(error)

    def record(self, tally: Tally | None, at_once: bool = False) -> None:
        """Sends what was counted if a second is over, or `at_once`. Not while a request is under way; Redis away: later."""
        if tally is None or not (tally.pending if at_once else tally.due()) or self.outage.on:
            return
        for _ in range(1 + at_once):  # what may be the last is tried twice
            try:
                tally.send(lambda writer, number, batch: stats.packed(self.wire, writer, number, batch))
                break
            except (RedisError, OSError):
                self.wire.close()

    # --- trouble

    def wait_out(self, error: BaseException) -> None:
        """Redis is away: lets go of the connection and waits, each time longer."""
        self.wire.close()
        self._wait(error)

    def _wait(self, error: BaseException) -> None:
        self.lines.flush()
        now = time.monotonic()
        if not self.outage.on:
            self._away_since = now
        seconds = self.outage.failed(error)
        if self.lifeline.orphaned and now - self._away_since > ORPHAN_PATIENCE:
            raise SystemExit(1)
        self.lifeline.pause(seconds)

    def close(self) -> None:
        """Ends the connection."""
        self.wire.close()


def _shown(name: bytes) -> str:
    return name.decode('utf-8', 'backslashreplace')
