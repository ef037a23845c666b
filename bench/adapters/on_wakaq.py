"""WakaQ: one worker process; it stores no results, and has no call for many."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import bench_jobs  # type: ignore[import-not-found]
from _peer import HOST, PORT, Peer, main  # type: ignore[import-not-found]
from wakaq import Queue, WakaQ  # type: ignore[import-not-found]

app = WakaQ(queues=[Queue('default')], host=HOST, port=PORT, concurrency=1)
TASKS = {name: app.task(getattr(bench_jobs, name)) for name in ('tick', 'stamp')}


class OnWakaq(Peer):  # type: ignore[misc]
    packages = ('wakaq',)

    def enqueue(self, name: str, *arguments: Any) -> None:
        TASKS[name].delay(*arguments)

    def work(self) -> None:
        command = str(Path(sys.executable).with_name('wakaq-worker'))
        os.execv(command, [command, '--app', 'on_wakaq.app'])


if __name__ == '__main__':
    main(OnWakaq())
