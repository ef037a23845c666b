"""The same measures for every job queue: jobs/s and what they cost, enqueueing, idle pickup, memory.

Jobs are counted from outside of queue and server: each writes one byte to a file, whose size is looked at every 5 ms. The
clock runs from the first look that sees one to the first that sees all, and CPU and the server's counters are read then.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from bench.measure.pickup import percentiles
from bench.measure.throughput import tree_cpu
from bench.peers import Peer, Worker
from bench.server import Server, Usage, bytes_held, forget_everything, read_usage

__all__ = ['Amounts', 'measure_enqueueing', 'measure_peer_pickup', 'measure_work']

LOOK_SECONDS = 0.005
# A queue that shows nothing for so long is given up.
SILENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Amounts:
    """How much of each is done in a round."""

    seconds: float  # of work, by the rate of the warm-up
    warm_up: int
    single: int
    bulk: int
    pickup: int


@dataclass(frozen=True)
class Moment:
    """What is known at one look."""

    at: float
    ran: int
    cpu: float
    server: Usage


def measure_work(server: Server, peer: Peer, jobs: int) -> dict[str, float]:
    """Jobs/s of one worker process from a full queue; CPU, commands, round trips and memory per job."""
    with server.connect() as redis:
        forget_everything(redis)
        empty = bytes_held(redis)
        peer.ask(server.url, 'bulk', jobs=jobs)
        with peer.running_worker(server.url) as worker:
            first = _when(redis, worker, 1)
            last = _when(redis, worker, jobs)
            time.sleep(0.2)  # the results of the last ones
        memory = (bytes_held(redis) - empty) / jobs
    done = max(1, last.ran - first.ran)
    spent = (last.server - first.server).per(done)
    return {
        'jobs_per_s': done / (last.at - first.at),
        'worker_cpu_ms': (last.cpu - first.cpu) / done * 1e3,
        'server_cpu_ms': spent.cpu_seconds * 1e3,
        'commands': spent.commands,
        'round_trips': spent.round_trips,
        'wire_bytes': spent.bytes_in + spent.bytes_out,
        'finished_bytes': memory,
    }


def _when(redis: Redis, worker: Worker, wanted: int) -> Moment:
    heard, last = time.monotonic(), -1
    while (ran := worker.ran()) < wanted:
        if ran != last:
            heard, last = time.monotonic(), ran
        elif time.monotonic() - heard > SILENCE_SECONDS:
            raise RuntimeError(f'{ran} of {wanted} jobs ran, and then none\n{worker.log.read_text()[-2000:]}')
        time.sleep(LOOK_SECONDS)
    return Moment(time.perf_counter(), ran, tree_cpu(worker.process.pid), read_usage(redis))


def measure_enqueueing(server: Server, peer: Peer, amounts: Amounts) -> dict[str, float]:
    """Jobs a second by single calls, and by the queue's way for many (or as many calls, where it has none)."""
    with server.connect() as redis:
        forget_everything(redis)
        single = amounts.single / peer.ask(server.url, 'enqueue', jobs=amounts.single, warm_up=50)['seconds']
        forget_everything(redis)
        bulk = amounts.bulk / peer.ask(server.url, 'bulk', jobs=amounts.bulk)['seconds']
    return {'enqueue_per_s': single, 'bulk_per_s': bulk}


def measure_peer_pickup(server: Server, peer: Peer, jobs: int) -> dict[str, float]:
    """Milliseconds from the producer's call to the first line of the job, in an idle worker: median and 99th in 100."""
    with server.connect() as redis:
        forget_everything(redis)
        with tempfile.TemporaryDirectory(prefix='rq-bench-') as folder, peer.running_worker(server.url):
            pipe = Path(folder, 'pipe')
            os.mkfifo(pipe)
            return percentiles(peer.ask(server.url, 'pickup', jobs=jobs, pipe=str(pipe))['milliseconds'])
