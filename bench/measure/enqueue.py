"""Enqueueing, one by one and in bulk, and the floor below it: the same words by a bare `evalsha`."""

from __future__ import annotations

from typing import Any

from bench.measure.floor import EMPTY_SCRIPT, STORING_SCRIPT, record_enqueue, time_bare_evalsha
from bench.server import Server, forget_everything, ping_ms
from bench.systems import System

__all__ = ['measure_bulk', 'measure_floor', 'measure_map', 'measure_single']


def measure_single(server: Server, system: System, jobs: int) -> dict[str, float]:
    """Calls of `Queue.enqueue` per second from one process, after 100 to warm up."""
    answer = _ask_on_empty(server, system, 'enqueue_single', jobs=jobs, warm_up=100)
    return {'per_s': jobs / answer['seconds']}


def measure_bulk(server: Server, system: System, jobs: int) -> dict[str, float]:
    """Jobs per second through one `enqueue_many`, `prepare_data` included."""
    answer = _ask_on_empty(server, system, 'enqueue_bulk', jobs=jobs)
    return {'per_s': jobs / answer['seconds']}


def measure_map(server: Server, system: System, jobs: int) -> dict[str, float]:
    """Jobs per second through `queue.map` and one worker, from the first item to the last result."""
    with server.connect() as redis:
        forget_everything(redis)
    with system.running_worker(server.url, 'default'):
        return {'per_s': jobs / system.ask(server.url, 'map', jobs=jobs)['seconds']}


def measure_floor(server: Server, system: System, calls: int) -> dict[str, float]:
    """Bare `evalsha` calls per second with the words of one enqueue of `system`, and a PING's median in ms."""
    with server.connect() as redis:
        forget_everything(redis)
        words = record_enqueue(server, system)
        answer = {'ping_ms': ping_ms(redis, calls)}
        if words:
            answer['empty_per_s'] = time_bare_evalsha(redis, EMPTY_SCRIPT, words, calls)
            answer['storing_per_s'] = time_bare_evalsha(redis, STORING_SCRIPT, words, calls)
        return answer


def _ask_on_empty(server: Server, system: System, verb: str, **options: Any) -> dict[str, Any]:
    with server.connect() as redis:
        forget_everything(redis)
    return system.ask(server.url, verb, **options)
