"""The end of a migration: what the last RQ worker leaves when it is killed is adopted by ours; nothing is lost.

All cases of both releases wait together on one server, for RQ's leases and lists need a minute to be anybody's.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from redis import Redis

from rq import Queue, Retry
from rq.job import Job
from rq.server import EmbeddedServer
from tests.compat.fleet import JOBS, PATIENCE, RELEASES, Peer
from tests.support.processes import ROOT, Processes

# Seconds, as promised. RQ's lease of a job that runs is min(timeout, monitoring interval) + 60 s. The interval is 30 s, but
# 1 s for these workers, so that the test takes 86 s: with RQ's default it is 115 s (90, 20 more, 5 for the reaper's round).
SOON = 120
MIXED = 40


@dataclass(frozen=True)
class Case:
    """Where a worker dies, how many queues it has, and what is to become of its job."""

    kind: str
    queues: int
    function: str
    outcome: str  # 'finished', 'failed'; 'lost' is RQ's own loss
    retry: bool = False

    @property
    def name(self) -> str:
        return f'{self.kind}-{self.queues}-{self.function}{"-retry" if self.retry else ""}'.lower()


CASES = [
    Case('Popped', 1, 'add', 'finished'),  # it is on the intermediate list
    Case('Popped', 2, 'add', 'lost'),  # with several queues RQ has no such list
    Case('Prepared', 1, 'add', 'finished'),
    Case('Prepared', 2, 'add', 'finished'),
    Case('Worker', 1, 'die_once', 'failed'),  # it ran: RQ's rule is that it fails unless it has a retry
    Case('Worker', 1, 'die_once', 'finished', retry=True),
    Case('Worker', 2, 'die_once', 'finished', retry=True),
    Case('Returned', 1, 'add', 'failed'),
    Case('Returned', 2, 'add', 'finished', retry=True),
    Case('Freeing', 1, 'add', 'finished', retry=True),  # its dependents are among the ready (3.0.0) or deferred
]


@pytest.fixture
def server(other_server: Callable[..., EmbeddedServer]) -> EmbeddedServer:
    return other_server()


@pytest.fixture
def peers(server: EmbeddedServer) -> Iterator[list[Peer]]:
    started = [Peer(version, server.url) for version in RELEASES]
    for peer in started:
        peer.run(Path(__file__).with_name('dying.py').read_text())
    yield started
    for peer in started:
        peer.close()


def job_id(name: str) -> str:
    return name.replace('.', '_')


def leave(peer: Peer, redis: Redis, url: str, case: Case) -> int:
    """The process of a worker of RQ that will die as the case says; another job waits behind the one that it takes."""
    name = f'{peer.version}-{case.name}'
    queue = Queue(name, connection=redis)
    arguments = (url,) if case.function == 'die_once' else (1, 2)
    retry = Retry(1) if case.retry else None
    queue.enqueue(f'compat_jobs.{case.function}', *arguments, job_id=job_id(name), retry=retry)
    after = job_id(name) if case.kind == 'Freeing' else None
    queue.enqueue('compat_jobs.add', 1, 2, job_id=f'{job_id(name)}-behind', depends_on=after)
    queues = [name, f'{name}-other'][: case.queues]
    return int(peer(f'start({url!r}, {case.kind!r}, *{queues!r})'))


def leave_lock(peer: Peer, redis: Redis, url: str) -> str:
    """A queue whose scheduler is killed with its lock held, with a job that is due soon."""
    name = f'{peer.version}-scheduler'
    queue = f'Queue({name!r}, connection=redis)'
    peer(f'{queue}.enqueue_in(timedelta(seconds=9), compat_jobs.add, 1, 2, job_id={job_id(name)!r}).id')
    pid = peer(f"start({url!r}, 'Worker', {name!r}, with_scheduler=True)")
    deadline = time.monotonic() + PATIENCE
    while not redis.exists(f'rq:scheduler-lock:{name}'):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(pid, signal.SIGKILL)
    assert peer(f'ended({pid})') == -signal.SIGKILL
    return name


def mixed_name(version: str) -> str:
    return f'{version}-mixed'


def mix(peer: Peer, redis: Redis, url: str) -> None:
    """Jobs for both kinds of workers at once; theirs is killed with its horse when it has done some."""
    queue = Queue(mixed_name(peer.version), connection=redis)
    for number in range(MIXED):
        queue.enqueue(
            'compat_jobs.count', url, queue.name, 0.05, job_id=f'{job_id(queue.name)}-{number}', retry=Retry(1)
        )
    pid = peer(f"start({url!r}, 'Worker', {queue.name!r})")
    redis.delete(f'rq:suspended:{queue.name}')
    deadline = time.monotonic() + PATIENCE
    while redis.llen(f'order:{queue.name}') < MIXED // 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    worker = psutil.Process(pid)
    for process in (worker, *worker.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # a horse may just have ended
            process.kill()
    assert peer(f'ended({pid})') == -signal.SIGKILL


def test_what_the_last_rq_worker_left_is_adopted(
    server: EmbeddedServer, peers: list[Peer], processes: Processes
) -> None:
    names = [f'{version}-{case.name}' for version in RELEASES for case in CASES]
    with Redis.from_url(server.url) as redis:
        # Ours run already, but for now these queues are RQ's.
        mixed = [mixed_name(version) for version in RELEASES]
        for name in (*names, *mixed):
            redis.set(f'rq:suspended:{name}', 1)
        locked = [leave_lock(peer, redis, server.url) for peer in peers]
        processes.rq('worker', *names, *mixed, *locked, url=server.url, env={'PYTHONPATH': f'{ROOT}:{JOBS}'})
        pids = [(peer, leave(peer, redis, server.url, case)) for peer in peers for case in CASES]
        for peer, pid in pids:
            assert peer(f'ended({pid})') == -signal.SIGKILL
        for peer in peers:
            mix(peer, redis, server.url)
        redis.delete(*(f'rq:suspended:{name}' for name in names))
        wanted = expected(names, locked)

        def ended() -> bool:
            return {job.id: job.get_status() for job in Job.fetch_many(list(wanted), connection=redis) if job} == wanted

        processes.wait_for(ended, SOON, f'{len(wanted)} jobs have not ended as they should')
        for name in mixed:
            assert sum(int(runs) for runs in redis.hvals(f'seen:{name}')) <= MIXED + 1  # what ran when it was killed
        for name in (*names, *mixed, *locked):
            queue = Queue(name, connection=redis)
            assert queue.count == len(queue.started_job_registry) == redis.llen(queue.intermediate_queue_key) == 0


def expected(names: list[str], locked: list[str]) -> dict[str, str]:
    """Each job and what it is to end as; what RQ loses stays as it is."""
    outcomes = dict(zip(names, [case.outcome for case in CASES] * len(RELEASES), strict=True))
    mixed = [f'{job_id(mixed_name(version))}-{number}' for version in RELEASES for number in range(MIXED)]
    return {
        **{job_id(name): 'queued' if outcome == 'lost' else outcome for name, outcome in outcomes.items()},
        **{job_id(name) + '-behind': 'finished' for name in names},
        **{job_id(name): 'finished' for name in locked},
        **dict.fromkeys(mixed, 'finished'),
    }
