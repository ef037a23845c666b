"""What a run consists of: a server, the proxy, workers, a producer, and the driver's list of things to undo.

Only processes that were started here are ever signalled, by their pids; everything listens on 127.0.0.1; what is started
dies with this process (Linux), so that a run that is killed leaves nothing.
"""

from __future__ import annotations

import ctypes
import heapq
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from chaos.actions import Rule
from chaos.ledger import Ledger
from chaos.plan import Step
from chaos.proxy import Proxy, Shape
from chaos.target import JOBS, Target
from rq.server import EmbeddedServer
from rq.store import keys

__all__ = ['Kill', 'Pause', 'Timer', 'Worker', 'World']

QUEUES = ['a', 'b', 'c']
# A worker that ends so soon after its start while Redis is away could not say hello: it is started again, as systemd does.
BIRTH = 5.0
SLIP = 0.2


@dataclass
class Kill:
    """A kill -9 of ours, and what the victim held as far as Redis knew."""

    at: float
    what: str  # horse, worker, host
    worker: str
    pids: list[int]
    held: list[str] = field(default_factory=list)


@dataclass
class Pause:
    """A worker that stood still for longer than its lease: the others may take it for dead."""

    at: float
    lasts: float
    worker: str
    pids: list[int]


@dataclass
class Worker:
    """One worker process that we started."""

    name: str
    popen: subprocess.Popen[bytes]
    born: float
    log: Path
    asked: str = ''  # how we ended it: kill, term
    asked_at: float = 0.0
    fds: int = 0

    @property
    def alive(self) -> bool:
        return self.popen.poll() is None

    def family(self) -> list[psutil.Process]:
        """Its descendants."""
        try:
            return psutil.Process(self.popen.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


class Timer(threading.Thread):
    """Looks at the clock every 20 ms; `worst` is how much later than it wanted: figures of a run that slipped are void."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.worst = 0.0
        self._over = threading.Event()

    def run(self) -> None:
        before = time.monotonic()
        while not self._over.wait(0.02):
            now = time.monotonic()
            self.worst = max(self.worst, now - before - 0.02)
            before = now

    def stop(self) -> None:
        self._over.set()


def _die_with_us() -> None:
    if sys.platform == 'linux':
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


class World:
    """A context manager; `folder` keeps the logs of the run."""

    def __init__(self, target: Target, folder: Path, count: int = 3) -> None:
        self.target, self.folder, self.count = target, folder, count
        self.run = f'chaos-{os.getpid()}-{time.monotonic_ns()}'
        folder.mkdir(parents=True)
        self.ledger = Ledger(folder / 'ledger')
        self.server = EmbeddedServer(data_dir=folder / 'data', config={'appendfsync': 'always'})
        self.workers: list[Worker] = []
        self.gone: list[Worker] = []
        self.helpers: list[subprocess.Popen[bytes]] = []
        self.kills: list[Kill] = []
        self.pauses: list[Pause] = []
        self.halts: list[tuple[float, float]] = []  # of a process, or of one connection
        self.notes: list[tuple[float, str]] = []
        self.troubles: set[str] = set()  # outages under way
        self.outages: list[tuple[str, float, float]] = []
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._born = 0

    def __enter__(self) -> World:
        self.server.start()
        self.proxy = Proxy(self.server.url).__enter__()
        # Direct, and impatient: the server may be stopped at any time.
        self.redis = Redis.from_url(
            self.server.url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        )
        self.began = time.monotonic()
        for _ in range(self.count):
            self.start_worker()
        return self

    def __exit__(self, *_: object) -> None:
        for popen in [*self.helpers, *(worker.popen for worker in self.workers)]:
            for process in self._tree(popen.pid) if popen.poll() is None else []:
                self.signal(process, signal.SIGKILL)
            popen.kill()
            popen.wait()
        for pid in self.left():
            self.signal(pid, signal.SIGKILL)
        self.proxy.__exit__(None, None, None)
        self.redis.close()
        self.server.kill()
        self.server.stop()

    # --- processes

    def _environment(self) -> dict[str, str]:
        told = {
            'CHAOS_LEDGER': str(self.ledger.path),
            'CHAOS_FOLDER': str(self.folder),
            'CHAOS_RUN': self.run,
            'RQ_REDIS_URL': self.proxy.url,
        }
        return self.target.environment(**told)

    def _popen(self, command: list[str], log: Path) -> subprocess.Popen[bytes]:
        with log.open('ab') as out:
            return subprocess.Popen(
                command, env=self._environment(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True, preexec_fn=_die_with_us,
            )  # fmt: skip

    def start_worker(self) -> None:
        """One more, if there are fewer than there should be; later if it could not say hello now."""
        if self.troubles:
            self.later(0.1, self.start_worker)
            return
        self._born += 1
        name = f'w{self._born}'
        # Each has another order of the queues.
        turn = self._born % len(QUEUES)
        queues = QUEUES[turn:] + QUEUES[:turn]
        log = self.folder / f'{name}.log'
        command = self.target.command(self.proxy.url, name, queues)
        self.workers.append(Worker(name, self._popen(command, log), time.monotonic(), log))

    def helper(self, script: str, told: dict[str, Any]) -> subprocess.Popen[bytes]:
        """A script of jobs/, in the target's Python."""
        command = [self.target.python, str(JOBS / script), json.dumps(told)]
        self.helpers.append(self._popen(command, self.folder / f'{script}.log'))
        return self.helpers[-1]

    def signal(self, process: int | psutil.Process, number: int) -> None:
        """To one process of ours; one that has ended needs none."""
        try:
            os.kill(process if isinstance(process, int) else process.pid, number)
        except ProcessLookupError:
            pass

    @staticmethod
    def _tree(pid: int) -> list[psutil.Process]:
        try:
            parent = psutil.Process(pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def left(self) -> list[int]:
        """Processes of this run that are alive: they have its mark in their environment."""
        mark, found = f'CHAOS_RUN={self.run}'.encode(), []
        for process in psutil.process_iter(['pid', 'status']):
            try:
                if (
                    mark in Path(f'/proc/{process.pid}/environ').read_bytes()
                    and process.status() != psutil.STATUS_ZOMBIE
                ):
                    found.append(process.pid)
            except (OSError, psutil.Error):
                continue
        return found

    def horse(self, step: Step) -> tuple[Worker, psutil.Process] | None:
        """A worker and a child of it: mostly one that is in the middle of a job, sometimes any."""
        known = self.ledger.pids()
        pairs = [(worker, child) for worker in self.workers for child in worker.family()]
        horses = [pair for pair in pairs if pair[1].pid in known]
        busy = [pair for pair in horses if known[pair[1].pid] == 'begin']
        found = (busy if step.k > 1 else []) or horses or (pairs if self.target.ours else [])
        return found[step.who % len(found)] if found else None

    def ended(self, worker: Worker, how: str, after: float = 0.3) -> None:
        """We ended it; another takes its place."""
        worker.asked, worker.asked_at = how, time.monotonic()
        self.workers.remove(worker)
        self.gone.append(worker)
        self.later(after, self.start_worker)

    def replace_the_fallen(self) -> None:
        """Workers that ended by themselves are noted, and replaced, as a service manager does."""
        for worker in list(self.workers):
            if not worker.alive:
                self.ended(worker, '')

    def held_by(self, worker: Worker) -> list[str]:
        """The ids that Redis says this worker holds."""
        try:
            members = [m.decode() for queue in QUEUES for m in self.redis.zrange(keys.wip(queue), 0, -1)]
            ids = [member.rpartition(':')[0] for member in members]
            pipeline = self.redis.pipeline(transaction=False)
            for job_id in ids:
                pipeline.hget(keys.job(job_id), 'worker_name')
            return [i for i, name in zip(ids, pipeline.execute(), strict=True) if name == worker.name.encode()]
        except (RedisError, OSError):
            return []

    # --- time

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        """Calls it then, from the driver's loop."""
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._order), what))

    def pass_time(self, until: float) -> None:
        """Does what is due, until then (monotonic)."""
        while (now := time.monotonic()) < until:
            if self._later and self._later[0][0] <= now:
                heapq.heappop(self._later)[2]()
                continue
            self.replace_the_fallen()
            soon = min([until, *(entry[0] for entry in self._later[:1]), now + 0.05])
            time.sleep(max(soon - now, 0.0))

    def come_to_rest(self) -> None:
        """Everything is undone, and as many workers run as should."""
        self.proxy.rules = []
        until = time.monotonic() + 60
        while (self.troubles or self._later) and time.monotonic() < until:
            self.pass_time(time.monotonic() + 0.05)
        self.proxy.heal()

    def forget(self, rule: Rule) -> None:
        """The proxy's rule acts no more."""
        self.proxy.rules = [other for other in self.proxy.rules if other is not rule]

    def outage(self, name: str, seconds: float, end: Callable[[], None]) -> None:
        """Something is wrong with Redis for so long; workers that are born meanwhile would not live."""
        mark = f'{name} {next(self._order)}'
        self.troubles.add(mark)
        began = time.monotonic()

        def over() -> None:
            end()
            self.troubles.discard(mark)
            self.outages.append((name, began, time.monotonic()))

        self.later(seconds, over)

    def shape(self, shape: Shape) -> None:
        self.proxy.shape = shape

    def halt(self, seconds: float) -> None:
        """Somebody stands still for so long: what it was to do comes later."""
        self.halts.append((time.monotonic(), time.monotonic() + seconds))

    def note(self, text: str) -> None:
        """Into the history of the run."""
        self.notes.append((time.monotonic() - self.began, text))

    def history(self) -> list[str]:
        """What was done to whom."""
        return [f'{at:7.2f} s  {text}' for at, text in self.notes]
