"""`python -m bench.profile [worker|enqueue|bulk|map]`: where the time of a job goes in Python, function by function.

The horse of a real worker is profiled from within: its first job turns Python's profiler on, its last one writes down what
it saw. A profiler makes calls dearer than they are, and Python's own work cheaper: compare, don't add up.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.jobs import profile_jobs
from bench.server import Server, running_server
from bench.systems import OURS, REPOSITORY
from rq import Queue

__all__ = ['main', 'profile_worker', 'report']

JOBS = 5000


def profile_worker(server: Server, jobs: int, *options: str) -> pstats.Stats:
    """What the horse of `rq worker` spends on so many jobs from a full queue."""
    with tempfile.TemporaryDirectory(prefix='rq-bench-') as folder, server.connect() as redis:
        queue, path = Queue('default', connection=redis), str(Path(folder, 'profile'))
        warm = [Queue.prepare_data(profile_jobs.noop)] * 200  # packs have their size
        queue.enqueue_many([*warm, Queue.prepare_data(profile_jobs.begin)])
        queue.enqueue_many(
            [*[Queue.prepare_data(profile_jobs.noop)] * jobs, Queue.prepare_data(profile_jobs.end, (path,))]
        )
        OURS.run_burst(server.url, *options, 'default')
        return pstats.Stats(path)


def profile_producer(server: Server, work: Callable[[Queue], object]) -> pstats.Stats:
    """What a piece of work of a producer spends."""
    with server.connect() as redis:
        queue = Queue('default', connection=redis)
        queue.enqueue_many([Queue.prepare_data(profile_jobs.noop)] * 600)
        profile = cProfile.Profile(time.process_time)
        profile.runcall(work, queue)
    return pstats.Stats(profile)


def report(stats: pstats.Stats, jobs: int, lines: int = 40) -> str:
    """The dearest functions: microseconds and calls a job, by their own time; and the sums."""
    rows = []
    total_calls = total = 0.0
    for (path, line, name), (_, calls, own, _, _) in stats.stats.items():  # type: ignore[attr-defined]
        total_calls += calls
        total += own
        where = path.removeprefix(f'{REPOSITORY}/') if path.startswith(str(REPOSITORY)) else Path(path).name
        rows.append((own, calls, f'{where}:{line} {name}' if line else name))
    out = io.StringIO()
    print(f'{total / jobs * 1e6:6.1f} us {total_calls / jobs:6.1f} calls a job, in all', file=out)
    for own, calls, what in sorted(rows, reverse=True)[:lines]:
        print(f'{own / jobs * 1e6:6.2f} us {calls / jobs:6.1f} calls  {what}', file=out)
    return out.getvalue()


PRODUCERS: dict[str, Callable[[Queue], object]] = {
    'enqueue': lambda queue: [queue.enqueue(profile_jobs.noop) for _ in range(JOBS)],
    'bulk': lambda queue: queue.enqueue_many([Queue.prepare_data(profile_jobs.noop) for _ in range(JOBS)]),
    'map': lambda queue: list(queue.map(profile_jobs.give, range(JOBS))),
}


def main() -> None:
    """Profile what the command line says."""
    parser = argparse.ArgumentParser(prog='python -m bench.profile', description=__doc__)
    parser.add_argument('what', nargs='?', default='worker', choices=['worker', 'simple', *PRODUCERS])
    parser.add_argument('--lines', type=int, default=40)
    options = parser.parse_args()
    with running_server() as server:
        if options.what == 'worker':
            stats = profile_worker(server, JOBS)
        elif options.what == 'simple':
            stats = profile_worker(server, JOBS, '-w', 'rq.worker.SimpleWorker')
        elif options.what == 'map':
            with OURS.running_worker(server.url, 'default'):
                stats = profile_producer(server, PRODUCERS['map'])
        else:
            stats = profile_producer(server, PRODUCERS[options.what])
    print(report(stats, JOBS, options.lines))


if __name__ == '__main__':
    main()
