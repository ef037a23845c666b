"""The horse: the process that runs jobs. Claims a pack, runs it, sends what came of it with the next claim.

While packs are short the next one is asked for before the pack in hand is run, so that the server works while the
horse does (worth 1.4 to 1.6 times). A job has a ticket in a pipe until it begins: the supervisor, and the horse when it
is told to end or a pack takes too long, takes back by reading them; whoever read the byte owns the job.
"""

from __future__ import annotations

import os
import time
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from rq._faultpoints import ARMED, reach
from rq.defaults import DEFAULT_FAILURE_TTL
from rq.results import encode_exception
from rq.store import keys
from rq.store import worker as worker_store
from rq.store.wire import Wire, bulk

from . import board as layout
from . import settings
from .board import Phase
from .courier import Courier
from .deadline import Deadline
from .lifeline import Lifeline
from .log import JobLog
from .order import QueueOrder
from .pace import Pace
from .pack import Pack, timeout_of
from .reload import SourceWatch
from .runner import Runner, packed_outcome
from .settings import PACK_MOST, PACK_WORK, WIRE_TIMEOUT
from .surroundings import Surroundings, close_old_connections
from .tally import tally_of

if TYPE_CHECKING:
    from rq.store.claim import Answer, Claim, Claimed

    from .base import BaseWorker
    from .board import Board

__all__ = ['Horse', 'Limits']

# A blocked horse looks again after this long, whether a token came or not.
BLOCK = 25.0
# While everything it serves is suspended, it looks so often.
SUSPENDED_POLL = 0.5
# Of what the runner tells of a run, the queue.
QUEUE = itemgetter(0)
# Nanoseconds since a claim was sent after which its jobs are not begun: they may count as abandoned from 25 s on.
TOO_OLD = 20_000_000_000
# Seconds a job is expected to take from which on what was counted before is sent before it begins.
LONG = 1.0


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
        self.lifeline = Lifeline(lifeline, board)
        self.log = JobLog(worker.log, board)
        self.deadline = Deadline()
        self.runner = Runner(worker, self.log, self.deadline)
        self.runner.on_callback = self._allow
        self.runner.stopping = self.lifeline.told_to_stop
        self.order = QueueOrder(worker.queue_names(), worker._dequeue_strategy)
        self.paces = [Pace() for _ in worker.queues]
        self.watch = SourceWatch()
        self.courier = Courier(worker, board, self.log, self.lifeline)
        self.tally = tally_of(worker)
        self.runner.done, self.runner.failed = self.words[layout.DONE], self.words[layout.FAILED]
        self.pid = os.getpid()
        self.began = self.words[layout.BEGINNINGS]
        self.idle_since = time.monotonic()
        self.outdated = False  # a source file of the jobs has changed
        self.patience = int(settings.ANNOUNCE_AFTER * 1e9)

    # --- life

    def run(self) -> int:
        """Works until the end; answers why it ended (a value of Phase). Nothing it ran is lost by then."""
        if ARMED:
            reach('horse.starts')
        os.environ['RQ_WORKER_ID'] = self.worker.name
        self.lifeline.take_signal()
        self.deadline.install()
        self.surroundings = Surroundings()
        self.log.wrap_output()
        self.courier.begin()
        reason = Phase.STOPPED
        try:
            reason = self._work()
        finally:
            self.log.flush()
            self.log.settle_output()
            self.words[layout.ENDED] = reason
        self.courier.record(self.tally, at_once=True)
        self.courier.close()
        self._pass_on()
        return reason

    def _work(self) -> int:
        pack: Pack | None = None
        while True:
            if pack is None:
                ended = self._why_end()
                if ended and not self.courier.unsent:
                    return ended
                answer = self._exchange(0 if ended else self._room())
                if ended or answer is None:
                    return ended or Phase.STOPPED
                pack = self._take(answer)
                if pack is None:
                    ended = self._rest(answer)
                    if ended:
                        return ended
                    continue
            pack = self._run_pack(pack)

    def _why_end(self) -> int:
        if self.lifeline.told_to_stop():
            return Phase.STOPPED
        if self._left() <= 0:
            return Phase.MAX_JOBS
        if self.runner.timed_out:
            return Phase.TIMED_OUT  # what the job had started and left is killed with this process's group
        if self.limits.life and self.words[layout.BEGINNINGS] - self.began >= self.limits.life:
            return Phase.RECYCLE
        if self.worker.horse_options.reload and not self.outdated:
            self.outdated = self.watch.changed(now=bool(self.courier.token))
        return Phase.RECYCLE if self.outdated else 0

    def _left(self) -> int:
        most = self.limits.max_jobs
        return PACK_MOST * 2 if most is None else most - self.words[layout.BEGINNINGS]

    def _room(self, in_hand: int = 0) -> int:
        room = min(self.order.most, self._left() - in_hand)
        if self.limits.life:
            room = min(room, self.limits.life - (self.words[layout.BEGINNINGS] - self.began) - in_hand)
        return max(room, 0)

    # --- asking

    def _request(self, room: int) -> Claim:
        return self.courier.request([(name, self.paces[number].limit) for number, name in self.order.next()], room)

    def _exchange(self, room: int) -> Answer | None:
        """The answer to a claim of up to `room` jobs, sent again until there is one; None: told to stop meanwhile."""
        self.words[layout.PHASE] = Phase.WORKING
        while True:
            answer = self.courier.receive(self._request(room), may_leave=True)
            if answer is None or answer.code != b'OLD':
                return answer

    def _claim_ahead(self, pack: Pack) -> Claim | None:
        """Asks for the next pack before this one is run, if both are short."""
        if self.limits.life == 1 or self.courier.outage.on or self._why_end():
            return None
        expected = sum(self.paces[job.queue].mean or 1.0 for job in pack.jobs)
        room = self._room(len(pack.jobs))
        if expected > PACK_WORK * 1.5 or room < 1:
            return None
        claim = self._request(room)
        self.courier.send(claim)
        return claim

    def _take(self, answer: Answer) -> Pack | None:
        """The pack of an answer, on the board; None when there is none to run."""
        if not answer.jobs:
            return None
        courier, names = self.courier, self.order.names
        jobs = self._named(answer)
        if time.monotonic_ns() - courier.sent_ns > TOO_OLD:  # the process was stopped, or the machine
            courier.give_back(names, jobs)
            return None
        fitting = self.board.fitting([job.id for job in jobs])
        if fitting == 0:
            self._refuse(answer, jobs)
            return None
        courier.give_back(names, jobs[fitting:])
        del jobs[fitting:]
        area = 1 - courier.unsent[-1].area if courier.unsent else 0
        pack = Pack(self.words[layout.NEXT_SEQ], jobs, courier.now_us, area)
        pack.clock_ns = courier.clock_ns
        queues = self.worker.queues
        self.timeouts = [timeout_of(job.hash.get(b'timeout'), queues[job.queue]._default_timeout) for job in jobs]
        self.board.put_pack(area, pack.seq, jobs, self.timeouts, (pack.now_us, pack.clock_ns))
        self.words[layout.NEXT_SEQ] = 0
        if ARMED:
            reach('after.board')
        return pack

    def _named(self, answer: Answer) -> list[Claimed]:
        """The jobs of an answer, with the numbers that their queues have here."""
        if len(self.order.names) == 1:
            return answer.jobs
        return [job._replace(queue=self.order.number(job.queue)) for job in answer.jobs]

    def _refuse(self, answer: Answer, jobs: list[Claimed]) -> None:
        """The first job's id is longer than what the board can hold."""
        first = jobs[0]
        text = f'The id of this job has {len(first.id)} bytes: too long for a worker'
        times = (answer.now_us, answer.now_us)
        queue = bulk(self.order.names[first.queue].encode())
        packed = packed_outcome(b'X', queue, first, times, DEFAULT_FAILURE_TTL, encode_exception(text))
        self.courier.give_back(self.order.names, jobs[1:])
        self.courier.finish(packed)

    # --- a pack

    def _run_pack(self, pack: Pack) -> Pack | None:
        """Runs a pack; answers the next one if it was asked for ahead and is ours."""
        courier, board = self.courier, self.board
        if self.paces[pack.jobs[0].queue].mean >= LONG:
            courier.record(self.tally, at_once=True)  # what was counted must not wait for its end
        ahead = self._claim_ahead(pack)
        board.hand_out(pack.area, len(pack.jobs), ahead is not None)
        ran = self._run_jobs(pack, ahead is not None)
        whole = ran == len(pack.jobs) and (ahead is None or self._begins(pack, 0))
        answer = None if ahead is None else courier.receive(ahead)
        courier.unsent.append(pack)
        self._after_pack()
        if whole:
            return None if answer is None else self._take(answer)
        jobs = pack.jobs[ran:]
        if answer is not None:
            jobs += self._named(answer)
        # The supervisor does this as well if it was the one to take back. But it may be late, and the next request's
        # number would leave what was claimed ahead to nobody.
        courier.give_back(self.order.names, jobs)
        return None

    def _run_jobs(self, pack: Pack, ahead: bool) -> int:
        """Runs jobs while they are ours and their time has not come too late; answers how many it ran."""
        board, words, runner = self.board, self.words, self.runner
        self.deadline.open(self.timeouts)
        if self.tally is not None:
            self.tally.begin()
        self.pack_began = time.monotonic_ns()
        behind = len(pack.jobs) - 1 + ahead
        ran, worked = 0, words[layout.WORKED_US] * 1000
        for number, claimed in enumerate(pack.jobs):
            if number and not self._begins(pack, behind - number):
                break
            self.surroundings.name_job(claimed.id)
            clock = time.monotonic_ns()
            if ARMED:
                reach('before.begin')
            board.begin(pack.area, number, clock)
            if ARMED:
                reach('after.begin')
            packed, ended = runner.run(pack, number, clock)
            if ARMED:
                reach('after.user_code')
            if os.getpid() != self.pid:
                os._exit(0)  # a child that the job forked and let return
            if board.put_outcome(pack.area, number, packed):
                pack.outcomes.append(packed)
            else:
                self._send_large(pack, number, packed)
            if ARMED:
                reach('after.outcome')
            words[layout.DONE], words[layout.FAILED] = runner.done, runner.failed
            worked += ended - clock
            words[layout.WORKED_US] = worked // 1000
            self.surroundings.restore()
            ran += 1
        self.deadline.close()
        self._learn(pack)
        return ran

    def _learn(self, pack: Pack) -> None:
        """What ran is counted, and tells how many jobs of its queue fill a pack."""
        told = self.runner.told()
        for queue, runs in groupby(told[0], QUEUE):
            times = [run[4] - run[3] for run in runs]
            self.paces[queue].learn(sum(times) / 1e9, len(times))
        if self.tally is not None:
            self.tally.take(pack, *told)

    def _begins(self, pack: Pack, behind: int) -> bool:
        """Whether the next job (or the pack asked for ahead) is ours to begin; `behind` it are so many tickets.

        It is not if the supervisor took it back. Told to end, or when the pack takes so long that others could have
        done the rest, this horse takes back itself.
        """
        if self.board.take_ticket():
            if not self.lifeline.stopping and time.monotonic_ns() - self.pack_began < self.patience:
                return True
            self.lifeline.look()
            if not behind or self.board.take_back().tickets:
                return False
        # The supervisor reads from the board what it took back; until then the board must not change.
        while self.words[layout.TAKEN] < pack.seq and not self.lifeline.orphaned:
            time.sleep(0.0005)
            self.lifeline.look()
        return False

    def _allow(self, seconds: int) -> None:
        self.board.allow(seconds, time.monotonic_ns())

    def _send_large(self, pack: Pack, number: int, packed: bytes) -> None:
        """Sends an outcome that the board has no room for, before the next job begins."""
        self.board.mark(pack.area, number, layout.SENDING)
        self.courier.finish(packed)
        self.board.mark(pack.area, number, layout.RETURNED)

    def _after_pack(self) -> None:
        self.idle_since = time.monotonic()
        close_old_connections()
        self.log.flush()
        self.log.settle_output()
        self.courier.record(self.tally)
        if self.worker.horse_options.reload:
            self.watch.learn()

    # --- nothing to do

    def _rest(self, answer: Answer) -> int:
        """Waits for work; answers why to end, or 0 to claim again."""
        if answer.jobs or self.lifeline.stopping:
            return 0  # they went back; the word to stop came while Redis was away
        self.courier.record(self.tally)
        held = set(answer.suspended)
        self.courier.show = b'suspended' if len(held) == len(self.order.names) else b'idle'
        if self.limits.burst:
            if len(held) == len(self.order.names):
                return Phase.SUSPENDED
            return 0 if answer.dropped or self.worker._promote(self.courier.client) else Phase.BURST_DONE
        self.words[layout.PHASE] = Phase.IDLE
        if answer.dropped:
            self.log.flush()  # who wonders where a job is shall not have to wait for the next one
            return 0
        if len(held) == len(self.order.names):
            self.lifeline.pause(SUSPENDED_POLL)
            return 0
        left = BLOCK
        if self.limits.max_idle is not None:
            left = self.limits.max_idle - (time.monotonic() - self.idle_since)
            if left <= 0:
                return Phase.MAX_IDLE
        # Nobody blocks on the marker of a suspended queue, so its end has to be looked for.
        left = min(left, SUSPENDED_POLL if held else BLOCK)
        left = min(left, BLOCK if self.tally is None else self.tally.wait())
        self._block([name for name in self.order.names if name.encode() not in held], left)
        return 0

    def _block(self, names: list[str], seconds: float) -> None:
        wire = self.courier.wire
        markers = [keys.wake(name).encode() for name in names]
        if ARMED:
            reach('before.block')
        try:
            wire.send(len(markers) + 2, Wire.pack([b'BLPOP', *markers, b'%.3f' % seconds]))
            if self.lifeline.wait([wire], seconds + WIRE_TIMEOUT):
                found: Any = wire.receive()
                if ARMED:
                    reach('after.block')
                if found is not None:
                    self.courier.token = keys.wake_name(found[0].decode()).encode()
            else:
                wire.close()  # told to stop: a token that is on its way is passed on at the end; or the server is silent
        except (RedisError, OSError) as error:
            self.courier.wait_out(error)

    def _pass_on(self) -> None:
        """A token that this horse may have taken goes to another worker."""
        try:
            worker_store.nudge(self.courier.client, '', self.order.names, 1, leaving=True)
        except (RedisError, OSError):
            pass  # the nudge of another supervisor does it within half a second
