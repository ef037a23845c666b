"""Celery: Redis as broker and for results, one child process (prefork); it has no call for many."""

from __future__ import annotations

from typing import Any

import bench_jobs  # type: ignore[import-not-found]
from _peer import URL, Peer, main  # type: ignore[import-not-found]
from celery import Celery  # type: ignore[import-not-found]

app = Celery('bench', broker=URL, backend=URL)
TASKS = {name: app.task(name=name)(getattr(bench_jobs, name)) for name in ('tick', 'stamp')}


class OnCelery(Peer):  # type: ignore[misc]
    packages = ('celery', 'kombu')

    def enqueue(self, name: str, *arguments: Any) -> None:
        TASKS[name].delay(*arguments)

    def work(self) -> None:
        app.worker_main(['worker', '--concurrency', '1', '--loglevel', 'INFO'])


if __name__ == '__main__':
    main(OnCelery())
