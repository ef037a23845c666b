"""Packhorse, and RQ as released: one API. `rq worker` with its default options; `enqueue_many` for many."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import bench_jobs  # type: ignore[import-not-found]
from _peer import URL, Peer, main  # type: ignore[import-not-found]
from redis import Redis

from rq import Queue


class Rq(Peer):  # type: ignore[misc]
    packages = ('rq', 'packhorse')

    def __init__(self) -> None:
        self.queue = Queue(connection=Redis.from_url(URL))

    def enqueue(self, name: str, *arguments: Any) -> None:
        self.queue.enqueue(getattr(bench_jobs, name), *arguments)

    def enqueue_many(self, count: int) -> None:
        self.queue.enqueue_many([Queue.prepare_data(bench_jobs.tick) for _ in range(count)])

    def work(self) -> None:
        script = Path(sys.executable).with_name('rq')
        command = [str(script)] if script.exists() else [sys.executable, '-m', 'rq.cli']
        os.execv(command[0], [*command, 'worker', '--url', URL, 'default'])


if __name__ == '__main__':
    main(Rq())
