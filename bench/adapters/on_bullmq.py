"""BullMQ's Python package: one process, one job at a time (its default); `addBulk`; results stay in the jobs."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import bench_jobs  # type: ignore[import-not-found]
from _peer import URL, AsyncPeer, main  # type: ignore[import-not-found]
from bullmq import Queue, Worker  # type: ignore[import-not-found]

NAME = 'bench'


async def process(job: Any, token: str) -> Any:
    return getattr(bench_jobs, job.name)(*job.data)


class OnBullmq(AsyncPeer):  # type: ignore[misc]
    packages = ('bullmq',)

    async def open(self) -> None:
        self.queue = Queue(NAME, {'connection': URL})

    async def close(self) -> None:
        await self.queue.close()

    async def enqueue(self, name: str, *arguments: Any) -> None:
        await self.queue.add(name, list(arguments))

    async def enqueue_many(self, count: int) -> None:
        for start in range(0, count, 1000):
            await self.queue.addBulk([{'name': 'tick', 'data': []} for _ in range(min(1000, count - start))])

    def work(self) -> None:
        asyncio.run(self._work())

    async def _work(self) -> None:
        end = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
        worker = Worker(NAME, process, {'connection': URL})
        await end.wait()
        await worker.close()


if __name__ == '__main__':
    main(OnBullmq())
