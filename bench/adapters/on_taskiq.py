"""TaskIQ: the stream broker and result backend of taskiq-redis, one worker process; it has no call for many."""

from __future__ import annotations

import os
import sys
from typing import Any

import bench_jobs  # type: ignore[import-not-found]
from _peer import URL, AsyncPeer, main  # type: ignore[import-not-found]
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker  # type: ignore[import-not-found]

broker = RedisStreamBroker(url=URL).with_result_backend(RedisAsyncResultBackend(redis_url=URL))


@broker.task(task_name='tick')  # type: ignore[untyped-decorator]
async def tick() -> int:
    return int(bench_jobs.tick())


@broker.task(task_name='stamp')  # type: ignore[untyped-decorator]
async def stamp(pipe: str) -> None:
    bench_jobs.stamp(pipe)


class OnTaskiq(AsyncPeer):  # type: ignore[misc]
    packages = ('taskiq', 'taskiq-redis')

    async def open(self) -> None:
        await broker.startup()

    async def close(self) -> None:
        await broker.shutdown()

    async def enqueue(self, name: str, *arguments: Any) -> None:
        await {'tick': tick, 'stamp': stamp}[name].kiq(*arguments)

    def work(self) -> None:
        os.execv(sys.executable, [sys.executable, '-m', 'taskiq', 'worker', 'on_taskiq:broker', '--workers', '1'])


if __name__ == '__main__':
    main(OnTaskiq())
