"""Huey: its Redis storage with results, one thread (its default); it has no call for many."""

from __future__ import annotations

import logging
from typing import Any

import bench_jobs  # type: ignore[import-not-found]
from _peer import URL, Peer, main  # type: ignore[import-not-found]
from huey import RedisHuey  # type: ignore[import-not-found]

huey = RedisHuey('bench', url=URL)
TASKS = {name: huey.task(name=name)(getattr(bench_jobs, name)) for name in ('tick', 'stamp')}


class OnHuey(Peer):  # type: ignore[misc]
    packages = ('huey',)

    def enqueue(self, name: str, *arguments: Any) -> None:
        TASKS[name](*arguments)

    def work(self) -> None:
        logging.basicConfig(level=logging.INFO)  # as its command `huey_consumer` does
        huey.create_consumer().run()


if __name__ == '__main__':
    main(OnHuey())
