"""What one job costs on the wire and in the server's memory.

A fixed number of jobs is worked off by a burst worker with nobody looking, and so is a single one. The difference of
the server's counters, divided by the difference in jobs, is the cost of one job: registration, the heartbeat at the
start and the farewell are in both and cancel out.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.server import Server, Usage, bytes_held, forget_everything, read_usage
from bench.systems import System

__all__ = ['measure_enqueue_traffic', 'measure_memory', 'measure_worker_traffic']


def measure_worker_traffic(server: Server, system: System, jobs: int, *options: str) -> dict[str, float]:
    """Round trips, commands and bytes on the wire per job worked off, from a queue of `jobs`."""
    return _per_job(server, lambda n: system.run_burst(server.url, *options, 'default'), jobs, _preload(server, system))


def measure_enqueue_traffic(server: Server, system: System, jobs: int) -> dict[str, float]:
    """Round trips, commands and bytes on the wire per job enqueued one by one."""
    return _per_job(server, lambda n: system.ask(server.url, 'enqueue_single', jobs=n), jobs, lambda n: None)


def measure_memory(server: Server, system: System, waiting: int, finished: int) -> dict[str, float]:
    """Bytes of Redis memory per waiting job (no-op), and per finished job whose result, an int, is kept."""
    with server.connect() as redis:

        def held(jobs: int, worked_off: bool) -> int:
            forget_everything(redis)
            if jobs:
                system.ask(server.url, 'preload', jobs=jobs, function='answer' if worked_off else 'noop')
            if worked_off:
                system.run_burst(server.url, '-w', 'rq.worker.SimpleWorker', 'default')
                kept = int(redis.zcard('rq:finished:default'))
                if kept != jobs:
                    raise RuntimeError(f'{system.name}: {kept} of {jobs} jobs finished')
            return bytes_held(redis)

        return {
            'waiting_bytes': (-held(0, False) + held(waiting, False)) / waiting,
            'finished_bytes': (held(finished, True) - held(1, True)) / (finished - 1),
        }


def _preload(server: Server, system: System) -> Callable[[int], object]:
    return lambda n: system.ask(server.url, 'preload', jobs=n, function='noop')


def _per_job(
    server: Server, work: Callable[[int], object], jobs: int, before: Callable[[int], object]
) -> dict[str, float]:
    with server.connect() as redis:

        def usage(n: int) -> Usage:
            forget_everything(redis)
            before(n)
            start = read_usage(redis)
            work(n)
            return read_usage(redis) - start

        single = (usage(jobs) - usage(1)).per(jobs - 1)
    return {
        'round_trips': single.round_trips,
        'commands': single.commands,
        'wire_bytes': single.bytes_in + single.bytes_out,
    }
