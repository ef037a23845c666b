"""The horse: the process that runs jobs. Claims a pack, runs it, sends what came of it with the next claim.

While packs are short the next one is asked for before the pack in hand is run, so that the server works while the
horse does (worth 1.4 to 1.6 times). Every request is numbered and kept until it is answered, through any outage.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from rq.connections import clone
from rq.store import claim as store
from rq.store import keys
from rq.store import worker as worker_store
from rq.store.wire import Wire

from . import board as layout
from .board import Phase
from .deadline import Deadline
from .log import JobLog
from .order import QueueOrder
from .outage import Outage
from .pace import Pace
from .reload import SourceWatch
from .runner import Pack, Runner
from .settings import PACK_MOST, PACK_WORK, WIRE_TIMEOUT
from .surroundings import Surroundings, close_old_connections

if TYPE_CHECKING:
    from rq.store.claim import Answer

    from .base import BaseWorker
    from .board import Board

__all__ = ['Horse', 'Limits']

# A blocked horse looks again after this long, whether a token came or not.
BLOCK = 25.0
# While everything it serves is suspended, it looks so often.
SUSPENDED_POLL = 0.5


class Limits:
    """When a worker's horses stop: at the end of the work, after so many jobs, after so much idleness."""

    __slots__ = ('burst', 'life', 'max_idle', 'max_jobs')

    def __init__(self, burst: bool, max_jobs: int | None, max_idle: float | None, life: int = 0) -> None:
        self.burst = burst
        self.max_jobs = max_jobs
        self.max_idle = max_idle
        self.life = life  # jobs of one horse; 0: no limit


class Horse:
    """Runs in a process of its own until it is told to stop or has reached a limit; `run` answers why (Phase)."""

    def __init__(self, worker: BaseWorker, board: Board, limits: Limits, lifeline: int) -> None:
        self.worker = worker
        self.board = board
        self.words = board.words
        self.limits = limits
        self.lifeline = lifeline
        self.name = worker.name.encode()
        self.log = JobLog(worker.log, board)
        self.deadline = Deadline()
        self.runner = Runner(worker, self.log, self.deadline)
        self.order = QueueOrder(worker.queue_names(), worker._dequeue_strategy)
        self.paces = [Pace() for _ in worker.queues]
        self.watch = SourceWatch()
        self.outage = Outage(worker.log, f'Worker {worker.name}')
        self.client = clone(worker.connection, WIRE_TIMEOUT)
        self.wire = Wire(self.client)
        self.seq = 0
        self.began = self.words[layout.BEGINNINGS]
        self.stopping = False
        self.token = b''
        self.idle_since = time.monotonic()
        self.unsent: deque[Pack] = deque()  # run, and their outcomes not yet with Redis

    # --- life

    def run(self) -> int:
        """Works until the end; answers why it ended (a value of Phase). Nothing it ran is lost by then."""
        os.environ['RQ_WORKER_ID'] = self.worker.name
        signal.signal(signal.SIGTERM, self._drain)
        self.deadline.install()
        self.surroundings = Surroundings()
        self.log.wrap_output()
        self.seq = self._first_number()
        reason = Phase.STOPPED
        try:
            reason = self._work()
        finally:
            self.log.flush()
            self.log.settle_output()
            self.words[layout.ENDED] = reason
        self.wire.close()
        self._pass_on()
        return reason

    def _drain(self, signum: int, frame: Any) -> None:
        self.stopping = True

    def _first_number(self) -> int:
        while not self._told_to_stop():
            try:
                seconds, micros = self.wire.command(b'TIME')
                return int(seconds) * 1_000_000 + int(micros)
            except (RedisError, OSError) as error:
                self._wait_out(error)
        return 0

    def _told_to_stop(self) -> bool:
        if not self.stopping and (self.words[layout.STOP] or self._orphaned()):
            self.stopping = True
        return self.stopping

    def _orphaned(self) -> bool:
        # The lifeline is a pipe whose other end the supervisor holds: at its end there is no supervisor.
        try:
            return os.read(self.lifeline, 64) == b''
        except BlockingIOError:
            return False

    def _work(self) -> int:
        pack: Pack | None = None
        while True:
            if pack is None:
                ended = self._why_end()
                if ended and not self.unsent:
                    return ended
                answer = self._exchange(0 if ended else self._room())
                if ended:
                    return ended
                if answer is None:
                    return Phase.STOPPED
                pack = self._take(answer)
                if pack is None:
                    ended = self._rest(answer)
                    if ended:
                        return ended
                    continue
            pack = self._run_pack(pack)

    def _why_end(self) -> int:
        if self._told_to_stop():
            return Phase.STOPPED
        if self._left() <= 0:
            return Phase.MAX_JOBS
        if self.limits.life and self.words[layout.BEGINNINGS] - self.began >= self.limits.life:
            return Phase.RECYCLE
        if self.worker.horse_options.reload and self.watch.changed(now=bool(self.token)):
            return Phase.RECYCLE
        return 0

    def _left(self) -> int:
        most = self.limits.max_jobs
        return PACK_MOST if most is None else most - self.words[layout.BEGINNINGS]

    def _room(self, in_hand: int = 0) -> int:
        room = min(PACK_MOST, self._left() - in_hand)
        if self.limits.life:
            room = min(room, self.limits.life - (self.words[layout.BEGINNINGS] - self.began) - in_hand)
        return max(room, 0)

    # --- requests

    def _request(self, room: int) -> store.Claim:
        self.seq += 1
        words = self.words
        outcomes = [packed for pack in self.unsent for packed in pack.outcomes[self.board.delivered(pack.area) :]]
        words[layout.NEXT_SEQ] = self.seq
        token, self.token = self.token, b''
        counters = (words[layout.DONE], words[layout.FAILED], words[layout.WORKED_US] / 1e6)
        queues = [(name, self.paces[number].limit) for number, name in self.order.next()]
        return store.Claim(
            self.name, self.worker.incarnation, self.seq, queues, room, outcomes, token, b'idle', counters
        )

    def _exchange(self, room: int) -> Answer | None:
        """The answer to a claim of up to `room` jobs, sent again until there is one; None: told to stop meanwhile."""
        self.words[layout.PHASE] = Phase.WORKING
        claim = self._request(room)
        return self._receive(claim, sent=False)

    def _receive(self, claim: store.Claim, sent: bool) -> Answer | None:
        while True:
            try:
                answer = claim.receive(self.wire) if sent else store.exchange(self.wire, claim)
                break
            except (RedisError, OSError) as error:
                sent = False
                self._wait_out(error)
                if self.stopping and not claim.outcomes:
                    return None  # what it may have claimed, the supervisor gives back by its number
        self.outage.passed()
        self.words[layout.NEXT_SEQ] = 0 if not answer.jobs else claim.seq
        self._sent(answer)
        return answer

    def _wait_out(self, error: BaseException) -> None:
        self.log.flush()
        self.wire.close()
        self._pause(self.outage.failed(error))

    def _sent(self, answer: Answer) -> None:
        for pack in self.unsent:
            self.board.clear_pack(pack.area)
        self.unsent.clear()
        if b'STALE' in answer.became or b'BROKEN' in answer.became:
            late, broken = answer.became.count(b'STALE'), answer.became.count(b'BROKEN')
            self.words[layout.STALE] += late
            if late:
                self.log.error(f'{late} outcome(s) came too late and were dropped: their leases had gone to others')
            if broken:
                self.log.error(f'{broken} outcome(s) could not be stored: keys of the jobs have a wrong type')
        for job_id in answer.dropped:
            self.log.info(f'Skipped {job_id.decode("utf-8", "backslashreplace")}: expired, canceled or running already')
        for name in answer.broken:
            self.log.error(f'Queue {name.decode("utf-8", "backslashreplace")}: a key has a wrong type, nothing was claimed')

    def _take(self, answer: Answer) -> Pack | None:
        """The pack of an answer, on the board; None when it has no jobs."""
        if not answer.jobs:
            return None
        jobs = [job._replace(queue=self.order.number(job.queue)) for job in answer.jobs]
        area = self._free_area()
        pack = Pack(self.words[layout.NEXT_SEQ], jobs, answer.now_us, area)
        lines = [b'%d %b %b' % (job.queue, job.id, job.execution) for job in jobs]
        timeouts = [_timeout(job.hash.get(b'timeout')) for job in jobs]
        fitting = self.board.put_pack(area, pack.seq, lines, timeouts, answer.now_us, pack.clock_ns)
        self.words[layout.NEXT_SEQ] = 0
        if fitting < len(jobs):
            self._give_back(pack, fitting)
        self.timeouts = timeouts
        return pack

    def _free_area(self) -> int:
        return 1 - self.unsent[-1].area if self.unsent else 0

    def _give_back(self, pack: Pack, first: int) -> None:
        names = self.order.names
        leases = [store.Lease(names[j.queue], j.id.decode(), j.execution.decode()) for j in pack.jobs[first:]]
        del pack.jobs[first:]
        self._insist(lambda: store.release(self.client, leases))

    def _insist(self, request: Any) -> None:
        while True:
            try:
                request()
                self.outage.passed()
                return
            except (RedisError, OSError) as error:
                self._pause(self.outage.failed(error))

    def _pause(self, seconds: float) -> None:
        """Waits; a word from the supervisor ends it early."""
        select.select([self.lifeline], [], [], seconds)
        self._told_to_stop()

    # --- a pack

    def _run_pack(self, pack: Pack) -> Pack | None:
        """Runs a pack; answers the next one if it was asked for ahead and not taken back."""
        ahead = self._claim_ahead(pack)
        self.board.hand_out(pack.area, len(pack.jobs), ahead is not None)
        taken = self._run_jobs(pack)
        if ahead is not None and not taken:
            taken = not self.board.take_ticket()
        if taken:
            self._await_taking(pack)
        answer = self._receive(ahead, sent=True) if ahead is not None else None
        self.unsent.append(pack)
        self._after_pack()
        if answer is None or taken:
            return None  # a pack that was asked for ahead and taken back is the supervisor's
        return self._take(answer)

    def _await_taking(self, pack: Pack) -> None:
        """Until the supervisor has read from the board what it took back, the board must not change."""
        while self.words[layout.TAKEN] < pack.seq and not self._orphaned():
            time.sleep(0.0005)

    def _claim_ahead(self, pack: Pack) -> store.Claim | None:
        """Asks for the next pack before this one is run, if both are short."""
        if self.limits.life == 1 or self._why_end():
            return None
        expected = sum(self.paces[job.queue].mean or 1.0 for job in pack.jobs)
        room = self._room(len(pack.jobs))
        if expected > PACK_WORK * 1.5 or room < 1:
            return None
        claim = self._request(room)
        try:
            claim.send(self.wire)
        except (RedisError, OSError):
            self.wire.close()  # it is sent again when its answer is wanted
        return claim

    def _run_jobs(self, pack: Pack) -> bool:
        """Runs jobs while their tickets are there. Answers whether some were taken back."""
        board, words, runner = self.board, self.words, self.runner
        self.deadline.open(self.timeouts)
        began = time.monotonic_ns()
        spent: dict[int, list[int]] = {}
        taken = False
        for number, claimed in enumerate(pack.jobs):
            if number and not board.take_ticket():
                taken = True
                break
            self.surroundings.name_job(claimed.id)
            clock = time.monotonic_ns() if number else began
            board.begin(pack.area, number, clock)
            packed, ended = runner.run(pack, number, clock)
            if board.put_outcome(pack.area, number, packed):
                pack.outcomes.append(packed)
            else:
                self._send_large(pack, number, packed)
            words[layout.DONE] += runner.done
            words[layout.FAILED] += runner.failed
            words[layout.WORKED_US] += (ended - clock) // 1000
            runner.done = runner.failed = 0
            spent.setdefault(claimed.queue, []).append(ended - clock)
            self.surroundings.restore()
        self.deadline.close()
        for queue, times in spent.items():
            self.paces[queue].learn(sum(times) / 1e9, len(times))
        return taken

    def _send_large(self, pack: Pack, number: int, packed: bytes) -> None:
        """Sends an outcome that the board has no room for, before the next job begins."""
        args = layout.bulks(packed)
        self._insist(lambda: store.finish_packed(self.client, self.worker.name, args))
        self.board.mark_returned(pack.area, number)

    def _after_pack(self) -> None:
        self.idle_since = time.monotonic()
        close_old_connections()
        self.log.flush()
        self.log.settle_output()
        if self.worker.horse_options.reload:
            self.watch.learn()

    # --- nothing to do

    def _rest(self, answer: Answer) -> int:
        """Waits for work; answers why to end, or 0 to claim again."""
        held = set(answer.suspended)
        if self.limits.burst:
            if len(held) == len(self.order.names):
                return Phase.SUSPENDED
            return 0 if answer.dropped else Phase.BURST_DONE
        self.words[layout.PHASE] = Phase.IDLE
        if answer.dropped:
            return 0
        if len(held) == len(self.order.names):
            self._pause(SUSPENDED_POLL)
            return 0
        left = BLOCK
        if self.limits.max_idle is not None:
            left = self.limits.max_idle - (time.monotonic() - self.idle_since)
            if left <= 0:
                return Phase.MAX_IDLE
        return self._block([name for name in self.order.names if name.encode() not in held], min(left, BLOCK))

    def _block(self, names: list[str], seconds: float) -> int:
        markers = [keys.wake(name).encode() for name in names]
        try:
            self.wire.send(len(markers) + 2, Wire.pack([b'BLPOP', *markers, b'%.3f' % seconds]))
            ready, _, _ = select.select([self.wire, self.lifeline], [], [], seconds + WIRE_TIMEOUT)
            if self.lifeline in ready and self._told_to_stop():
                self.wire.close()  # a token that is on its way is passed on at the end
                return 0
            if self.wire in ready:
                found = self.wire.receive()
                if found is not None:
                    self.token = keys.wake_name(found[0].decode()).encode()
            else:
                self.wire.close()  # the server is silent past its own time limit
        except (RedisError, OSError) as error:
            self._wait_out(error)
        return 0

    def _pass_on(self) -> None:
        """A token that this horse may have taken goes to another worker."""
        try:
            worker_store.nudge(self.client, '', self.order.names, 1, leaving=True)
        except (RedisError, OSError):
            pass  # the nudge of another supervisor does it within half a second


def _timeout(stored: bytes | None) -> int:
    try:
        return int(stored or 180)
    except ValueError:
        return 180  # a field that is no number fails the job when it is read; until then RQ's default bounds it
