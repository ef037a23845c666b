"""ardiq: a Rust core; one process with its default of jobs at a time; `enqueue_many`."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import bench_jobs  # type: ignore[import-not-found]
from _peer import URL, AsyncPeer, main  # type: ignore[import-not-found]
from ardiq import Ardiq  # type: ignore[import-not-found]

app = Ardiq(URL)


@app.task  # type: ignore[untyped-decorator]
async def tick() -> int:
    return int(bench_jobs.tick())


@app.task  # type: ignore[untyped-decorator]
async def stamp(pipe: str) -> None:
    bench_jobs.stamp(pipe)


class OnArdiq(AsyncPeer):  # type: ignore[misc]
    packages = ('ardiq',)

    async def enqueue(self, name: str, *arguments: Any) -> None:
        await {'tick': tick, 'stamp': stamp}[name].enqueue(*arguments)

    async def enqueue_many(self, count: int) -> None:
        for start in range(0, count, 1000):
            await app.enqueue_many([tick.prepare() for _ in range(min(1000, count - start))])

    def work(self) -> None:
        asyncio.run(app.run())


if __name__ == '__main__':
    main(OnArdiq())
    sys.stdout.flush()
    os._exit(0)  # its interpreter dies of a segmentation fault at its end now and then; the answer is complete
