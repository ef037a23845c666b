"""One run: a world, a plan, and what became of both."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redis.exceptions import RedisError

from chaos import faults
from chaos.check import Report, check
from chaos.facts import Facts, gather, unsettled
from chaos.ledger import records
from chaos.plan import FAULTS, Step, build
from chaos.target import Target
from chaos.world import BIRTH, QUEUES, Timer, World
from rq.store import admin
from rq.store.states import HOMES, JobStatus

__all__ = ['Run', 'Settings', 'run']

# A worker that is told to end has so long; its jobs take at most a second.
LEAVING = 15.0
FDS_MORE = 8
# Seconds in which no job begins or ends: nothing is being worked off.
STILL = 10.0


@dataclass(frozen=True)
class Settings:
    """What a run is made of."""

    target: Target
    seed: int = 1
    seconds: float = 45.0
    names: Sequence[str] = tuple(name for name, kind in FAULTS.items() if not kind.long)
    rate: float = 40.0  # jobs a second
    faults_a_second: float = 1.0
    patience: float = 90.0  # seconds after the last fault: three leases
    workers: int = 3
    pace: float = 1.0  # how long jobs take
    burst: int = 300  # jobs at once, every five seconds


@dataclass
class Run:
    """What came of it. `folder` has the logs, if it was kept."""

    settings: Settings
    plan: list[Step]
    report: Report
    history: list[str] = field(default_factory=list)
    tails: dict[int, list[str]] = field(default_factory=dict)
    folder: Path | None = None


def run(settings: Settings) -> Run:
    """Runs the plan of a seed. The folder of its logs stays if something is wrong."""
    plan = build(settings.seed, settings.seconds, settings.names, settings.faults_a_second)
    top = Path(tempfile.mkdtemp(prefix='rq-chaos-'))
    with World(settings.target, top / 'run', settings.workers) as world:
        facts = _live(world, settings, plan)
        report = check(facts)
        numbers = {finding.number for finding in report.findings if finding.number}
        tails = {number: world.ledger.tail(number) for number in sorted(numbers)[:10]}
        done = Run(settings, plan, report, world.history(), tails, top)
    shutil.rmtree(top / 'run' / 'data', ignore_errors=True)
    if not report.findings and not os.environ.get('CHAOS_KEEP'):
        shutil.rmtree(top)
        done.folder = None
    return done


def _live(world: World, settings: Settings, plan: list[Step]) -> Facts:
    _wait_for_workers(world)
    timer = Timer()
    timer.start()
    told = {
        'url': world.proxy.url,
        'seed': settings.seed,
        'seconds': settings.seconds,
        'run': f's{settings.seed}',
        'pace': settings.pace,
    }
    producer = world.helper('chaos_producer.py', {
        **told, 'rate': settings.rate, 'ours': settings.target.ours, 'burst': settings.burst, 'log': str(world.folder / 'produced'), 'queues': QUEUES,
    })  # fmt: skip
    began = world.began = time.monotonic()
    if 'races' in settings.names:
        (world.folder / 'produced').touch()
        log = {'log': str(world.folder / 'deeds'), 'produced': str(world.folder / 'produced')}
        world.helper('chaos_operator.py', told | log)
    watch = _Watch(world) if settings.target.ours else None
    for step in plan:
        world.pass_time(began + step.at)
        faults.run(world, step)
        if watch:
            watch.look()
    world.pass_time(began + settings.seconds)
    world.come_to_rest()
    stormed = time.monotonic()
    world.note('the storm is over')
    for helper in world.helpers:
        helper.wait(30)
    _quiesce(world, settings.patience)
    timer.stop()
    facts = gather(world)
    facts.slip, facts.rested = timer.worst, time.monotonic() - stormed
    facts.violations += watch.found if watch else []
    facts.fds = _grown(world)
    _end_workers(world, facts)
    if producer.returncode:
        facts.exits.append(f'the producer ended with {producer.returncode}')
    return facts


def _wait_for_workers(world: World) -> None:
    """Until all are there, and have a child or none."""
    until = time.monotonic() + 20
    while int(world.redis.scard('rq:workers')) < world.count:
        if time.monotonic() > until:
            logs = '\n'.join(worker.log.read_text() for worker in world.workers)
            raise RuntimeError(f'The workers did not start.\n{logs}')
        time.sleep(0.05)
    time.sleep(0.5)
    for worker in world.workers:
        worker.fds = _fds(worker.popen.pid)


def _quiesce(world: World, patience: float) -> None:
    """Until every job has come to its end, or patience has; never while jobs are still being worked off."""
    began = grown = time.monotonic()
    size = 0
    while (now := time.monotonic()) < max(began + patience, grown + STILL) and now < began + 3 * patience:
        world.pass_time(now + 0.5)
        if world.ledger.size() > size:
            size, grown = world.ledger.size(), now
        try:
            if not unsettled(world.redis, records(world.folder / 'produced'), world.target.ours):
                break
        except (RedisError, OSError):
            continue
    world.pass_time(time.monotonic() + 0.5)


class _Watch:
    """Looks at everything that is in Redis while it moves: at no instant is a job in two places (I1, I3)."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.found: list[str] = []

    def look(self) -> None:
        """Notes what is wrong now."""
        if self.world.troubles:
            return
        try:
            census = admin.census(self.world.redis, QUEUES)
        except (RedisError, OSError):
            return
        places: dict[str, list[str]] = {}
        for queue, homes in census.homes.items():
            for kind in homes:
                for job_id in census.ids_in(queue, kind):
                    places.setdefault(job_id, []).append(kind)
        for job_id, where in places.items():
            status = census.status[job_id]
            home = HOMES[JobStatus(status)] if status else None
            if where != [home] and status and not (status == 'canceled' and 'wip' in where):
                self.found.append(f'I1: during the storm {job_id} was {status} and in {where}')


def _fds(pid: int) -> int:
    try:
        return len(os.listdir(f'/proc/{pid}/fd'))
    except OSError:
        return 0


def _grown(world: World) -> list[str]:
    """Workers that have lived through it all and hold more files than at first."""
    found = []
    for worker in world.workers:
        now = _fds(worker.popen.pid)
        if worker.fds and now > worker.fds + FDS_MORE:
            found.append(f'worker {worker.name} had {worker.fds} files open, now {now}')
    return found


def _end_workers(world: World, facts: Facts) -> None:
    """All are told to end, and do; nothing is left of any."""
    last = list(world.workers)
    for worker in last:
        if worker.alive:
            worker.asked, worker.asked_at = 'term', time.monotonic()
            world.signal(worker.popen.pid, signal.SIGTERM)
    until = time.monotonic() + LEAVING
    everyone = [*world.gone, *last]
    while any(worker.alive for worker in everyone) and time.monotonic() < until:
        time.sleep(0.05)
    for worker in everyone:
        code = worker.popen.poll()
        if code is None:
            facts.exits.append(f'worker {worker.name} does not end after SIGTERM')
        elif worker.asked == 'term' and code == -signal.SIGTERM and worker.asked_at - worker.born < BIRTH:
            facts.births += 1  # Python had not got as far as its handlers
        elif worker.asked == 'term' and code != 0:
            facts.exits.append(f'worker {worker.name} ended with {code} after SIGTERM: {_last_line(worker.log)}')
        elif not worker.asked and _unborn(world, worker.born):
            facts.births += 1
        elif not worker.asked:
            facts.exits.append(f'worker {worker.name} ended by itself with {code}: {_last_line(worker.log)}')
    time.sleep(1.0)
    facts.left = [f'process {pid} is left' for pid in world.left()]


def _unborn(world: World, born: float) -> bool:
    """Whether Redis was away as it was born."""
    return any(born - 0.5 < end and begin < born + BIRTH for _, begin, end in world.outages)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors='replace').strip().splitlines()
    return lines[-1] if lines else '(no log)'
