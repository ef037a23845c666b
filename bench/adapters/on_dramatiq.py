"""Dramatiq: its Redis broker, results in Redis, one process with its default of threads; it has no call for many."""

from __future__ import annotations

import os
import sys
from typing import Any

import bench_jobs  # type: ignore[import-not-found]
import dramatiq  # type: ignore[import-not-found]
from _peer import URL, Peer, main  # type: ignore[import-not-found]
from dramatiq.brokers.redis import RedisBroker  # type: ignore[import-not-found]
from dramatiq.results import Results  # type: ignore[import-not-found]
from dramatiq.results.backends import RedisBackend  # type: ignore[import-not-found]

broker = RedisBroker(url=URL)
broker.add_middleware(Results(backend=RedisBackend(url=URL)))
dramatiq.set_broker(broker)
ACTORS = {
    'tick': dramatiq.actor(bench_jobs.tick, actor_name='tick', store_results=True),
    'stamp': dramatiq.actor(bench_jobs.stamp, actor_name='stamp'),
}


class OnDramatiq(Peer):  # type: ignore[misc]
    packages = ('dramatiq',)

    def enqueue(self, name: str, *arguments: Any) -> None:
        ACTORS[name].send(*arguments)

    def work(self) -> None:
        os.execv(sys.executable, [sys.executable, '-m', 'dramatiq', 'on_dramatiq', '--processes', '1'])


if __name__ == '__main__':
    main(OnDramatiq())
