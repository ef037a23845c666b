"""streaQ: asyncio, one process with its default of jobs at a time; `enqueue_many`."""

from __future__ import annotations

from typing import Any

import bench_jobs  # type: ignore[import-not-found]
from _peer import URL, AsyncPeer, main  # type: ignore[import-not-found]
from streaq import Worker  # type: ignore[import-not-found]

worker = Worker(redis_url=URL)


@worker.task  # type: ignore[untyped-decorator]
async def tick() -> int:
    return int(bench_jobs.tick())


@worker.task  # type: ignore[untyped-decorator]
async def stamp(pipe: str) -> None:
    bench_jobs.stamp(pipe)


class OnStreaq(AsyncPeer):  # type: ignore[misc]
    packages = ('streaq', 'coredis')

    async def open(self) -> None:
        await worker.__aenter__()

    async def close(self) -> None:
        await worker.__aexit__(None, None, None)

    async def enqueue(self, name: str, *arguments: Any) -> None:
        await {'tick': tick, 'stamp': stamp}[name].enqueue(*arguments)

    async def enqueue_many(self, count: int) -> None:
        for start in range(0, count, 1000):
            await worker.enqueue_many([tick.enqueue() for _ in range(min(1000, count - start))])

    def work(self) -> None:
        worker.run_sync()


if __name__ == '__main__':
    main(OnStreaq())
