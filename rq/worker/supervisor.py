"""The supervisor: the process that was started as `rq worker`. Keeps a horse running and never runs user code.

One thread and one loop: signals, the horse's death, deadlines and Redis are served in turn; no Redis call takes longer
than a second. What it decides is in plan.py, what it does for all workers in care.py.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from rq.connections import clone
from rq.store import worker as store
from rq.store.replies import Trouble, classify

from . import board as layout
from . import plan, settings, stacks
from .aftermath import Aftermath
from .board import Board, Phase
from .care import Care
from .hearing import Ear
from .horse import Horse, Limits
from .killing import Killing
from .log import plain_fd, write_all
from .outage import Outage
from .settlement import Settlement, of_death, of_living
from .start import Death, ForkStart, NurseryStart
from .stops import Stops
from .wakeup import Wakeup

if TYPE_CHECKING:
    from rq.store.claim import Lease

    from .base import BaseWorker

__all__ = ['Supervisor']

# A cold stop waits so long for Redis to take what the horse left; then it says which jobs it leaves behind.
COLD_PATIENCE = 5.0
# Seconds before the next horse when the last one died and had run nothing; doubled each time, up to 64 times.
FRUITLESS_WAIT = 0.1
# Seconds that log lines of a horse wait for a terminal held with Ctrl-S; then they are lost, and nothing else.
LOG_PATIENCE = 1.0
# What Redis answers so often that it can never take (a bug of ours, a key of a wrong type) must not hold up the rest.
REFUSALS = 3


class Supervisor:
    """Runs a worker's horses until the work is done or a signal says stop; `run` answers whether any job ran."""

    tells_deaths = False

    def __init__(self, worker: BaseWorker, limits: Limits) -> None:
        self.worker = worker
        self.log = worker.log
        self.limits = limits
        self.board = Board(worker.queue_names())
        self.lifeline, self._lifeline_write = os.pipe()
        os.set_blocking(self.lifeline, False)
        self.connection = clone(worker.connection, settings.SUPERVISOR_TIMEOUT)
        self.log_fd = plain_fd(self.log)
        self.killing = Killing(worker)
        self.outage = Outage(self.log, f'Worker {worker.name}')
        self.aftermath = Aftermath(worker)
        self.care = Care(worker, self.connection, self._leases)
        self.care.on_notes = self.aftermath.take
        options = worker.horse_options
        self.starter: Any = NurseryStart(self._horse, options.preload) if options.preload else ForkStart(self._horse)
        self.horse = 0
        self.watched = plan.Watched()
        self.debts: list[Settlement] = []
        self.ear = Ear(worker)
        self.stops = Stops(self)
        self.teller = stacks.Teller(worker.name)
        self.wakeup = Wakeup()
        self.stopping_since: float | None = None
        self.cold = False
        self.ending = False
        self._quiet_until = 0.0
        self._start_at = 0.0
        self._fruitless = 0
        self._beginnings = 0
        self._signals: list[float] = []  # when stop signals came

    # --- the loop

    def run(self) -> bool:
        """Works until the end. Raises SystemExit(1) when jobs had to be left behind."""
        self.wakeup.take(self._on_stop)
        self.worker._chief = self
        self.worker.subscribe()
        try:
            while not (self.ending and not self.horse and (not self.debts or self._given_up()) and self._all_told()):
                self._start_horse()
                self._serve()
                self._sleep()
                self._obey()
                self._look_after_horse()
                self._mind_grace()
                self.aftermath.look()
            self._leave()
        finally:
            self.worker._chief = None
            self.worker.unsubscribe()
            self.wakeup.give_back()
            self.starter.close()
            self.aftermath.close()
            os.close(self._lifeline_write)
            os.close(self.lifeline)
            self.killing.close()
            self.connection.connection_pool.disconnect()
        ran = self.board.words[layout.BEGINNINGS] > 0
        self.board.close()
        if self.debts:
            raise SystemExit(1)
        return ran

    def _horse(self) -> int:
        os.close(self._lifeline_write)
        self.worker._is_horse = True
        self.killing.be_known()
        horse = Horse(self.worker, self.board, self.limits, self.lifeline)
        self.worker._runner = horse.runner
        return horse.run()

    def _start_horse(self) -> None:
        if self.horse or self.ending:
            return
        if self.stopping_since is not None:
            self.ending = True
            return
        # A new horse's first request would take the number from what the last one claimed and nobody has given back;
        # and it would overtake what must go back to the head of its queue.
        if self.debts or time.monotonic() < self._start_at:
            return
        self._beginnings = self.board.words[layout.BEGINNINGS]
        try:
            self.horse = self.starter.start()
        except OSError as error:  # no memory or no process left: others may end
            self.log.error('Worker %s: no work-horse can be started (%s); trying again', self.worker.name, error)
            self._after('later', False)
        self.care.started(self.horse)

    def _serve(self) -> None:
        """Redis: what is owed first, then what is due. While Redis is away it is tried ever less often."""
        if time.monotonic() < self._quiet_until:
            return
        try:
            self._settle()
            self.care.tick()
        except (RedisError, OSError) as error:
            self._quiet_until = time.monotonic() + self.outage.failed(error)
        else:
            self.outage.passed()
        if self.care.superseded and self.stopping_since is None:
            self.stop()

    def _sleep(self) -> None:
        now = time.monotonic()
        wait = settings.WATCH_EVERY
        running = self.board.running() if self.horse else None
        if running is not None and not self.watched.shown:
            # A job that may become a long one is looked at in time: those behind it wait so much less.
            wait = min(wait, max(running[2] / 1e9 + settings.ANNOUNCE_AFTER - now, 0.001))
        elif not (self.horse or self.ending or self.debts):
            wait = min(wait, max(self._start_at - now, 0.0))
        self.wakeup.wait(wait, self.ear.files())

    # --- the horse

    def _look_after_horse(self) -> None:
        if not self.horse:
            return
        death = self.starter.reap(self.horse)
        if death is not None:
            self._bury(death)
            return
        now = time.monotonic_ns()
        running = self.board.running()
        run = None if running is None else (running[2], running[0] * settings.PACK_MOST + running[1])
        for task in plan.watch(self.watched, run, running[3] if running else -1, now):
            if running is not None:
                getattr(self, f'_{task}')(running)

    def _show(self, running: tuple[int, int, int, int]) -> None:
        """A job runs for 100 ms: what waits behind it goes back, what was done before it is sent, readers see it."""
        self._take_back()
        for pack in self.board.snapshots():
            if pack.outcomes:
                told = of_living(self.worker.name, pack)
                self.board.set_offered(pack.area, pack.seq, told.count)
                self._owe(told)
        self._renew(running)
        self._write(self.board.read_log())
        self._serve()

    def _renew(self, running: tuple[int, int, int, int]) -> None:
        area, number, started_ns, _ = running
        pack = self.board.snapshot(area)
        slot = pack.slots[number] if number < len(pack.slots) else None
        if slot is None or slot.state != layout.BEGUN or slot.started_ns != started_ns:
            return  # it has just ended
        if time.monotonic() < self._quiet_until:
            self.watched.shown_at = 0.0  # told again at the next look
            return
        started = pack.redis_us(started_ns) / 1e6
        try:
            store.announce(self.connection, self.worker.name, slot.lease, started, settings.ANNOUNCE_TTL)
        except (RedisError, OSError) as error:
            self._quiet_until = time.monotonic() + self.outage.failed(error)
            self.watched.shown_at = 0.0

    def _write(self, lines: bytes) -> None:
        if lines:
            write_all(self.log_fd, lines, LOG_PATIENCE)

    def _take_back(self, stop: Lease | None = None) -> bool:
        """What has not begun goes back to its queue; whether the job to `stop` was of it, which becomes `stopped`."""
        taken = self.board.take_back()
        if taken.area < 0:
            return False
        pack = self.board.snapshot(taken.area)
        unbegun = [slot.lease for slot in pack.slots[len(pack.slots) - taken.count :]] if taken.count else []
        told = Settlement(self.worker.name, pack=pack.seq + 1 if taken.prefetch else 0, unbegun=unbegun)
        ours = stop in unbegun or (taken.prefetch and all(slot.lease != stop for slot in pack.slots))
        if stop is not None and ours:
            told.stop(stop)
            told.taken = pack.seq
        else:
            self.board.words[layout.TAKEN] = pack.seq  # from here on the horse may use the area again
        self._owe(told)
        return bool(told.taken)

    def _kill(self, running: tuple[int, int, int, int]) -> None:
        self.killing.late(self.horse, running[3], self.board.callback())

    def _bury(self, death: Death) -> None:
        """What a horse left behind is settled, whatever it died of; then a new one may start."""
        board, pid = self.board, self.horse
        self.horse = 0
        stopped = self.stopping_since is not None and self.worker._grace is not None
        if not death.clean or stopped or board.words[layout.ENDED] == Phase.TIMED_OUT:
            self.killing.all_of(pid, *board.last())
        self._write(board.take_log())
        board.take_back()
        ended = board.words[layout.ENDED]
        next_seq = board.words[layout.NEXT_SEQ]
        end = self.killing.report(death, self.stops)
        told = of_death(self.worker.name, board.snapshots(), next_seq, end, time.monotonic_ns())
        fruitful = board.words[layout.BEGINNINGS] > self._beginnings
        board.reset()
        self.watched = plan.Watched()
        for outcome in told.lost:
            board.words[layout.FAILED] += 1
            self.care.lost(outcome, end.reason)
            if outcome.kind == 'S':
                self.log.info('Job %s stopped by user, moving job to FailedJobRegistry', outcome.lease.id)
            else:
                self.aftermath.remember(outcome.lease.execution, death)
                self.log.error('Job %s of queue %s: %s', outcome.lease.id, outcome.lease.queue, end.brief)
        self.stops.killed.clear()
        if not death.clean and not told.lost:
            self.log.error('%s; it ran no job', end.brief)
        self._owe(told)
        self._after(plan.after_end(ended, death.clean, self.stopping_since is not None), fruitful)

    def _after(self, what: str, fruitful: bool) -> None:
        if what == 'end':
            self.ending = True
        elif what == 'later':
            # A horse that dies without having run anything will die again: each waits longer than the last.
            self._fruitless = 0 if fruitful else min(self._fruitless + 1, 6)
            self._start_at = time.monotonic() + (FRUITLESS_WAIT * 2**self._fruitless if self._fruitless else 0.0)

    # --- Redis

    def _leases(self) -> list[Lease]:
        # Also of jobs that have returned: until Redis has their outcomes nobody else must take them.
        held = [slot.lease for pack in self.board.snapshots() for slot in pack.slots]
        return held + [lease for debt in self.debts for lease in debt.leases()]

    def _owe(self, settlement: Settlement) -> None:
        if settlement:
            self.debts.append(settlement)
            self._serve()

    def _settle(self) -> None:
        while self.debts:
            debt = self.debts[0]
            try:
                debt.run(self.connection)
            except RedisError as error:
                if classify(error) is not Trouble.BUG:
                    raise
                debt.refusals += 1
                if debt.refusals < REFUSALS:
                    raise
                self.log.error('Redis refuses what became of %s (%s); other workers will find the jobs', debt, error)
            else:
                debt.mark(self.board)
                if debt.lost:
                    self.care.rhythm.delay('notes', 0.0)  # its user code need not wait
            debt.let_go(self.board)
            self.debts.pop(0)

    def _given_up(self) -> bool:
        if self.stopping_since is None:
            return False
        if not self._must_leave():
            if time.monotonic() - self.stopping_since < COLD_PATIENCE:
                return False
            if not self.cold and any(debt.outcomes or debt.lost for debt in self.debts):
                return False  # what ran is kept until Redis has it; a second signal, or the end of grace, ends the wait
        for debt in self.debts:
            self.log.error('Redis is away; left behind for other workers: %s (%d bytes)', debt, debt.size())
        return True

    def _must_leave(self) -> bool:
        return plan.grace(self.stopping_since, self.worker._grace, time.monotonic()) == 'leave'

    def _all_told(self) -> bool:
        """Whether user code for the dead and webhooks are done, as far as this worker does them before it ends."""
        hurry = self.cold or self._must_leave()
        if hurry or not self.aftermath.over(self.connection, self.stopping_since is not None):
            return hurry
        if self.limits.burst and self.aftermath.ran and self.stopping_since is None:
            self.ending = self.aftermath.ran = False  # it may have enqueued more
        return self.ending

    def _leave(self) -> None:
        try:
            self.care.leave()
        except (RedisError, OSError):
            pass  # tokens end by themselves, and others nudge

    # --- signals

    def _on_stop(self, signum: int, frame: Any) -> None:
        """Only takes the signal down: it may strike in the middle of anything."""
        self._signals.append(time.monotonic())

    def shut_down(self) -> None:
        """As SIGINT, by command."""
        self.told()

    def kill_horse(self) -> bool:
        """Kills the horse that is at work, by command; False when there is none."""
        at_work = self.horse and (self.board.running() or self.board.words[layout.PHASE] == Phase.WORKING)
        if at_work:
            self.log.info('Killing horse...')
            self.killing.end(self.horse)
        return bool(at_work)

    def stop_run(self, job_id: str, execution: str) -> None:
        """Stops a job or a run of one, by command."""
        self.stops.ask(job_id, execution)

    def tell_stack(self, job_id: str) -> None:
        """Where a job stands, by command."""
        if not self.teller.is_soon():
            self.teller.tell(self.connection, job_id, stacks.of_horse(self, job_id))

    def told(self, at_once: bool = False) -> None:
        """Told to stop by the worker's own methods, from whatever thread or signal handler."""
        now = time.monotonic()
        self._signals += [now, now + 1] if at_once else [now]

    def _obey(self) -> None:
        self.ear.listen()
        self.stops.look()
        while self._signals:
            what = plan.on_signal(self.stopping_since, self._signals.pop(0))
            if what:
                self.stop(cold=what == 'cold')

    def stop(self, cold: bool = False) -> None:
        """Warm: the running job ends, what has not begun goes back now. Cold: the horse is killed."""
        self.stopping_since = self.stopping_since or time.monotonic()
        self.board.words[layout.STOP] = 1
        os.write(self._lifeline_write, b'!')
        if cold:
            self.cold = True
            self.log.info('Cold shut down')
            if self.horse:
                self.killing.end(self.horse)
        else:
            self.log.info('Warm shut down requested')
            self._take_back()

    def _mind_grace(self) -> None:
        """Told to stop with a time limit: what still runs near its end is killed, and follows its policy."""
        seconds = self.worker._grace
        if self.killing.grace_over or not self.horse:
            return
        if plan.grace(self.stopping_since, seconds, time.monotonic()) and seconds is not None:
            self.log.info('The grace of %g seconds is over, the running job is ended', seconds)
            self.killing.stop(self.horse, seconds)
