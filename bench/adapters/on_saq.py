"""SAQ: asyncio, one process with its default of ten jobs at a time; it has no call for many."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import bench_jobs  # type: ignore[import-not-found]
from _peer import URL, AsyncPeer, main  # type: ignore[import-not-found]
from saq import Queue, Worker  # type: ignore[import-not-found]


async def tick(ctx: Any) -> int:
    return int(bench_jobs.tick())


async def stamp(ctx: Any, *, pipe: str) -> None:
    bench_jobs.stamp(pipe)


class OnSaq(AsyncPeer):  # type: ignore[misc]
    packages = ('saq',)

    async def open(self) -> None:
        self.queue = Queue.from_url(URL)
        await self.queue.connect()

    async def close(self) -> None:
        await self.queue.disconnect()

    async def enqueue(self, name: str, *arguments: Any) -> None:
        await self.queue.enqueue(name, **({'pipe': arguments[0]} if arguments else {}))

    def work(self) -> None:
        logging.basicConfig(level=logging.INFO)

        async def run() -> None:
            await Worker(Queue.from_url(URL), functions=[tick, stamp]).start()

        asyncio.run(run())


if __name__ == '__main__':
    main(OnSaq())
