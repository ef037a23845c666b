"""What a process of a worker has run, counted; once a second it goes to Redis (store/stats.py). `RQ_STATS=0`: nothing does.

One list entry a job while it works (runner.py), the rest here, pack by pack: the price is measured by
`python -m bench.stats`. Of a pack of more than eight jobs, only some are asked how long they waited: they were claimed
together, and their neighbours have waited as long.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from redis.exceptions import RedisError

from rq.durations import index
from rq.exceptions import DeserializationError
from rq.store import stats
from rq.store.claim import Claimed, Lease
from rq.store.fields import instant
from rq.store.imitation import is_imitation
from rq.store.replies import Trouble, classify
from rq.version import PACKHORSE_VERSION

from .mishaps import DONE, JOB_ID, JOBS, LOST, RUN_US, STARTED, STOPPED, WAIT_US, Failures, Loss, Odd
from .pack import Pack
from .usage import cpu_us, used

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .base import BaseWorker
    from .inbox import Alone, Inbox

__all__ = ['Tally', 'counting', 'release', 'tally_of']

NS = 1_000_000_000
EVERY_NS = NS  # between two batches
QUIET_NS = 60 * NS  # after Redis has refused one
# Of a pack of more jobs, so many are asked how long they waited.
ASKED = 8
# Executions that stand out, a function and hour.
TOP = 10
KIND = itemgetter(0, 1)
# Durations in microseconds whose place in the histogram is looked up.
PLACES: list[int] = []


class _Function:
    __slots__ = ('cpu', 'failures', 'peak', 'run', 'runs', 'times', 'wait', 'waits')

    def __init__(self) -> None:
        self.runs = self.failures = self.run = self.wait = self.cpu = self.peak = 0
        self.times: Counter[int] = Counter()
        self.waits: Counter[int] = Counter()


class Tally:
    """The counts of one process that are not yet in Redis. One thread may count while another sends."""

    def __init__(self, queues: Sequence[str], version: str, log: Any = None) -> None:
        self.writer = uuid4().hex[:16]
        self.pending = False  # whether something was counted since the last batch
        self.losses: list[Loss] = []
        self.inbox: Inbox | None = None  # of a worker whose jobs are run one by one, perhaps in processes of their own
        self._names = [stats.clean_name(name) for name in queues]
        self._log = log
        self._lock = threading.Lock()
        self._queues: dict[tuple[int, str], list[int]] = {}
        self._functions: dict[tuple[int, str], _Function] = {}
        self._tops: list[list[Any]] = []
        self._values: dict[tuple[str, str], list[int]] = {}  # of the executions that stand out in this hour
        self._hour = 0
        self._failures = Failures(version)
        self._second = b''
        self._second_us = 0
        self._cpu_us = 0
        _, self._children_us, self._peak_kb = used()
        self._number = 0
        self._batch = ''
        self._due_ns = time.monotonic_ns() + EVERY_NS
        if not PLACES:
            PLACES.extend(map(index, range(4096)))

    # --- counting

    def begin(self) -> None:
        """Some jobs are about to run: what the process costs from now on is theirs."""
        self._cpu_us = cpu_us()

    def take(self, pack: Pack, runs: list[Any], odd: list[Odd], marks: list[Any]) -> None:
        """Counts what was run of a pack.

        `runs`: (queue, function, claimed, begin, end); `marks`: (place among the runs, what `used` told) after long ones.
        """
        try:
            with self._lock:
                self.pending = True
                self._take_runs(pack, runs, marks)
                for one in odd:
                    self._count_odd(pack, self._names[one.queue], one)
        except Exception:  # noqa: BLE001 - a mistake of ours in counting must not cost a job
            if self._log is not None:
                self._log.exception('What ran could not be counted')

    def _take_runs(self, pack: Pack, runs: list[Any], marks: list[Any]) -> None:
        """Long runs have cost what was spent until their end and the short ones before them have not run for."""
        before, first = self._cpu_us, 0
        for place, (cpu, children, peak) in marks:
            short = runs[first:place]
            short_us = min(sum(run[4] - run[3] for run in short) // 1000, max(0, cpu - before))
            self._take_short(pack, short, short_us)
            self._take_long(pack, runs[place], max(0, cpu - before - short_us) + children - self._children_us, peak)
            before, first, self._children_us = cpu, place + 1, children
        self._take_short(pack, runs[first:] if first else runs, max(0, cpu_us() - before))

    def _take_short(self, pack: Pack, runs: list[Any], spent: int) -> None:
        if not runs:
            return
        minute = pack.redis_us(runs[-1][4]) // 60_000_000 * 60
        for (queue, function), group in groupby(runs, KIND):
            some = list(group)
            self._count(pack, minute, self._names[queue], function, some, spent * len(some) // len(runs))

    def _take_long(self, pack: Pack, run: Any, spent: int, peak: int) -> None:
        minute = pack.redis_us(run[4]) // 60_000_000 * 60
        function = self._count(pack, minute, self._names[run[0]], run[1], [run], spent)
        if peak > self._peak_kb:
            self._peak_kb = function.peak = peak
            self._stand_out(minute, stats.HEAVY, run[1], peak, run[2].id)

    def _count(self, pack: Pack, minute: int, queue: str, name: str, runs: list[Any], cpu: int) -> _Function:
        count = len(runs)
        times = [(run[4] - run[3]) // 1000 for run in runs]
        run_us = sum(times)
        row = self._row(minute, queue)
        row[STARTED] += count
        row[DONE] += count
        row[RUN_US] += run_us
        function = self._function(minute, name)
        function.runs += count
        function.run += run_us
        function.cpu += cpu
        function.times.update([PLACES[us] if us < 4096 else index(us) for us in times])
        waited = self._waits(pack, runs)
        if waited:
            share, more = divmod(count, len(waited))
            for us in waited:
                function.waits[PLACES[us] if us < 4096 else index(us)] += share + (more > 0)
                more -= 1
            wait_us = sum(waited) * count // len(waited)
            row[WAIT_US] += wait_us
            function.wait += wait_us
        slowest = max(times)
        highest = self._highest(minute, stats.SLOW, name)
        floor = highest[0] if len(highest) == TOP else -1
        if slowest > floor:
            for run, us in [pair for pair in zip(runs, times, strict=True) if pair[1] > floor]:
                self._stand_out(minute, stats.SLOW, name, us, run[2].id)
        return function

    def _row(self, minute: int, queue: str) -> list[int]:
        row = self._queues.get((minute, queue))
        if row is None:
            row = self._queues[minute, queue] = [0] * 8
        return row

    def _function(self, minute: int, name: str) -> _Function:
        if type(name) is not str:  # whatever a foreign producer has pickled there
            name = ''
        function = self._functions.get((minute, name))
        if function is None:
            function = self._functions[minute, name] = _Function()
        return function

    def _waits(self, pack: Pack, runs: list[Any]) -> list[int]:
        """Microseconds for which some of the jobs waited, evenly chosen."""
        asked = runs if len(runs) <= ASKED else runs[:: -(-len(runs) // ASKED)]
        found = []
        for run in asked:
            raw = run[2].hash.get(b'enqueued_at', b'')
            try:
                if raw[:19] != self._second or len(raw) != 27:
                    known = instant(raw)
                    if known is None:
                        continue
                    self._second, self._second_us = raw[:19], int(known.timestamp()) * 1_000_000
                since = self._second_us + int(raw[20:26] or 0)
            except (ValueError, OverflowError, DeserializationError):
                continue
            found.append(max(0, pack.redis_us(run[3]) - since))
        return found

    def _stand_out(self, minute: int, kind: str, name: str, value: int, job_id: bytes) -> None:
        """Notes an execution if it is one of the ten highest of its function in this hour, as far as we know."""
        highest = self._highest(minute, kind, name)
        if len(job_id) > JOB_ID or (len(highest) == TOP and value <= highest[0]):
            return
        highest.append(value)
        highest.sort()
        del highest[:-TOP]
        self._tops.append([minute, kind, name, value, job_id.decode('utf-8', 'backslashreplace')])

    def _highest(self, minute: int, kind: str, name: str) -> list[int]:
        """The values of the executions of a function that stand out in this hour so far, the lowest first."""
        if minute // 3600 != self._hour:
            self._hour = minute // 3600
            self._values.clear()
        return self._values.setdefault((kind, name), [])

    # --- what did not succeed

    def _count_odd(self, pack: Pack, queue: str, one: Odd) -> None:
        at = pack.redis_us(one.ended)
        minute = at // 60_000_000 * 60
        row = self._row(minute, queue)
        row[DONE] -= 1
        row[one.became()] += 1
        if one.asked_again:
            return
        self._function(minute, one.function).failures += 1
        if one.kind != b'S':
            self._failures.add(one.text, at / 1e6, one.function, one.claimed.id.decode('utf-8', 'backslashreplace'))

    def lose(self, lease: Lease, times: tuple[int, int], text: str, stopped: bool = False) -> None:
        """A run is over whose process died; the name of its function is asked for when the counts are sent."""
        with self._lock:
            self.pending = True
            self.losses.append(Loss(lease, times, text, stopped))

    def _count_losses(self, connection: Any) -> None:
        losses = self.losses[:JOBS]
        told = stats.descriptions(connection, [loss.lease.id for loss in losses])
        now_us = int(stats.server_time(connection) * 1e6)
        with self._lock:
            del self.losses[: len(losses)]
            for loss, description in zip(losses, told, strict=True):
                name = Loss.function(description)
                began, ended = loss.times if all(loss.times) else (now_us, now_us)
                minute, run_us = ended // 60_000_000 * 60, max(0, ended - began)
                row = self._row(minute, stats.clean_name(loss.lease.queue))
                row[STARTED] += 1
                row[STOPPED if loss.stopped else LOST] += 1
                row[RUN_US] += run_us
                if name:
                    function = self._function(minute, name)
                    function.runs += 1
                    function.failures += 1
                    function.run += run_us
                    function.times[index(run_us)] += 1
                    self._stand_out(minute, stats.SLOW, name, run_us, loss.lease.id.encode())
                if not loss.stopped:
                    self._failures.add(loss.text, ended / 1e6, name, loss.lease.id)

    def collect(self) -> None:
        """Counts what processes of single jobs have told since."""
        with self._lock:
            inbox = self.inbox
            for run in () if inbox is None else inbox.take():
                self.pending = True
                self._take_alone(run)

    def close_inbox(self) -> None:
        """Nobody will tell any more."""
        self.collect()
        with self._lock:
            inbox, self.inbox = self.inbox, None
            if inbox is not None:
                inbox.close()

    def _take_alone(self, run: Alone) -> None:
        lost = run.kind in {'L', 'H', 'G', 'K'}
        if not run.function and (lost or run.kind == 'S'):
            self.losses.append(Loss(Lease(run.queue, run.job_id, ''), run.times, run.text, run.kind == 'S'))
            return
        began, ended = run.times
        pack, clock = Pack(0, [], began), (ended - began) * 1000
        pack.clock_ns = 0
        hash_ = {b'enqueued_at': run.enqueued_at.encode(), b'retries_left': run.retries_left.encode()}
        claimed = Claimed(0, run.job_id.encode('utf-8', 'backslashreplace'), b'', hash_)
        minute, queue = ended // 60_000_000 * 60, stats.clean_name(run.queue)
        function = self._count(pack, minute, queue, run.function, [(0, run.function, claimed, 0, clock)], run.cpu_us)
        if run.peak_kb:
            function.peak = max(function.peak, run.peak_kb)
            self._stand_out(minute, stats.HEAVY, run.function, run.peak_kb, claimed.id)
        if run.kind != 'F':
            self._count_odd(pack, queue, Odd(0, run.function, claimed, clock, run.kind.encode(), run.text))

    # --- sending

    def due(self) -> bool:
        """Whether there is something to send, and the last batch was sent a second ago."""
        self.collect()
        return self.pending and time.monotonic_ns() >= self._due_ns

    def wait(self) -> float:
        """Seconds until what was counted should be sent, at least 0.05; very long if nothing was."""
        return max(0.05, (self._due_ns - time.monotonic_ns()) / 1e9) if self.pending else 1e6

    def send(self, write: Callable[[str, int, str], object], connection: Any = None) -> None:
        """Sends what was counted by `write(writer, number, batch)`. Raises what it raises: what was not sent, is later.

        What Redis refuses is lost. `connection`: where to ask for the functions of runs that were lost.
        """
        self._due_ns = time.monotonic_ns() + EVERY_NS
        try:
            if self.losses and connection is not None:
                self._count_losses(connection)
            if not self._batch:
                self._freeze()
            if self._batch:
                write(self.writer, self._number, self._batch)
                self._batch = ''
        except RedisError as error:
            if classify(error) is Trouble.TRANSIENT:
                raise
            self._batch = ''
            self._due_ns += QUIET_NS
            if self._log is not None:
                self._log.warning('Redis refuses the counters for the dashboard (%s): they are lost', error)

    def _freeze(self) -> None:
        """Makes the next batch; from now on others count, and this one can be sent again."""
        with self._lock:
            self.pending = bool(self.losses)
            batch = stats.Batch(
                [[*key, *row] for key, row in self._queues.items()],
                [_row(minute, name, function) for (minute, name), function in self._functions.items()],
                [[*top[:2], _shown(top[2]), *top[3:]] for top in self._tops],
                self._failures.take(),
            )
            self._queues, self._functions, self._tops = {}, {}, []
        if batch:
            self._number += 1
            self._batch = batch.json()


def _shown(name: str) -> str:
    return stats.clean_name(name) if name else '(unreadable)'


def _row(minute: int, name: str, one: _Function) -> list[Any]:
    flat = [[part for item in sorted(histogram.items()) for part in item] for histogram in (one.times, one.waits)]
    return [minute, _shown(name), one.runs, one.failures, one.run, one.wait, one.cpu, one.peak, *flat]


def counting(connection: Any, wanted: bool | None) -> bool:
    """Whether a worker counts what it runs: as it was told, else unless RQ_STATS says no; never on an imitated server."""
    if wanted is None:
        wanted = os.environ.get('RQ_STATS', '').strip().lower() not in {'0', 'no', 'off', 'false'}
    return wanted and not is_imitation(connection)


def release() -> str:
    """What the code that a worker runs is called: RQ_RELEASE, else our own version."""
    return os.environ.get('RQ_RELEASE', '').strip() or f'packhorse {PACKHORSE_VERSION}'


def tally_of(worker: BaseWorker) -> Tally | None:
    """What counts for a worker's process; None where nothing is to be counted."""
    return Tally(worker.queue_names(), worker.release, worker.log) if worker.counts else None
