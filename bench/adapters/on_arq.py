"""arq: asyncio, one process with its default of ten jobs at a time; it has no call for many."""

from __future__ import annotations

import logging
from typing import Any

import bench_jobs  # type: ignore[import-not-found]
from _peer import URL, AsyncPeer, main  # type: ignore[import-not-found]
from arq import create_pool  # type: ignore[import-not-found]
from arq.connections import RedisSettings  # type: ignore[import-not-found]
from arq.worker import run_worker  # type: ignore[import-not-found]


async def tick(ctx: Any) -> int:
    return int(bench_jobs.tick())


async def stamp(ctx: Any, pipe: str) -> None:
    bench_jobs.stamp(pipe)


class WorkerSettings:
    functions = (tick, stamp)
    redis_settings = RedisSettings.from_dsn(URL)


class OnArq(AsyncPeer):  # type: ignore[misc]
    packages = ('arq',)

    async def open(self) -> None:
        self.pool = await create_pool(RedisSettings.from_dsn(URL))

    async def close(self) -> None:
        await self.pool.aclose()

    async def enqueue(self, name: str, *arguments: Any) -> None:
        await self.pool.enqueue_job(name, *arguments)

    def work(self) -> None:
        logging.basicConfig(level=logging.INFO)  # as its command does
        run_worker(WorkerSettings)


if __name__ == '__main__':
    main(OnArq())
