"""What the benchmark asks of any job queue: put jobs in, one by one or many, and work. An adapter fills this in.

`python on_<queue>.py <verb> <json>`, in the queue's own interpreter; answers one JSON object on standard output. `work`
becomes the worker instead. Server: BENCH_REDIS_URL. The jobs are bench_jobs' `tick` and `stamp`, and return 42 or nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Awaitable
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit

__all__ = ['HOST', 'PORT', 'URL', 'AsyncPeer', 'Peer', 'main']

URL = os.environ.get('BENCH_REDIS_URL', 'redis://localhost:6379/0')
HOST, PORT = urlsplit(URL).hostname or 'localhost', urlsplit(URL).port or 6379
# Between two jobs for an idle worker; long enough that each of these is idle again.
PAUSE_SECONDS = (0.05, 0.07)


class Peer:
    """A queue whose producer blocks."""

    packages: tuple[str, ...] = ()  # whose versions are told

    def enqueue(self, name: str, *arguments: Any) -> None:
        """One call of the job of that name, as a user makes it."""
        raise NotImplementedError

    def enqueue_many(self, count: int) -> None:
        """So many `tick`s, by the queue's way for many if it has one."""
        for _ in range(count):
            self.enqueue('tick')

    def work(self) -> None:
        """Become a worker of one process, with default options and results kept, until SIGTERM."""
        raise NotImplementedError


class AsyncPeer:
    """A queue whose producer is asyncio's."""

    packages: tuple[str, ...] = ()

    async def open(self) -> None:
        """Connect."""

    async def close(self) -> None:
        """Disconnect."""

    async def enqueue(self, name: str, *arguments: Any) -> None:
        """As Peer's."""
        raise NotImplementedError

    async def enqueue_many(self, count: int) -> None:
        """As Peer's; where there is no way for many, a hundred calls at a time."""
        for start in range(0, count, 100):
            await asyncio.gather(*(self.enqueue('tick') for _ in range(min(100, count - start))))

    def work(self) -> None:
        """As Peer's."""
        raise NotImplementedError


def _single(peer: Peer, jobs: int, warm_up: int = 0) -> dict[str, Any]:
    for _ in range(warm_up):
        peer.enqueue('tick')
    start = time.perf_counter()
    for _ in range(jobs):
        peer.enqueue('tick')
    return {'seconds': time.perf_counter() - start}


async def _single_async(peer: AsyncPeer, jobs: int, warm_up: int = 0) -> dict[str, Any]:
    for _ in range(warm_up):
        await peer.enqueue('tick')
    start = time.perf_counter()
    for _ in range(jobs):
        await peer.enqueue('tick')
    return {'seconds': time.perf_counter() - start}


def _bulk(peer: Peer, jobs: int) -> dict[str, Any]:
    peer.enqueue_many(min(10, jobs - 1))
    start = time.perf_counter()
    peer.enqueue_many(jobs - min(10, jobs - 1))
    return {'seconds': time.perf_counter() - start}


async def _bulk_async(peer: AsyncPeer, jobs: int) -> dict[str, Any]:
    await peer.enqueue_many(min(10, jobs - 1))
    start = time.perf_counter()
    await peer.enqueue_many(jobs - min(10, jobs - 1))
    return {'seconds': time.perf_counter() - start}


def _answered(pipe: str, pushed: int) -> float:
    with open(pipe, 'rb') as end:
        return (int(end.readline()) - pushed) / 1e6


def _pickup(peer: Peer, jobs: int, pipe: str) -> dict[str, Any]:
    samples = []
    for _ in range(jobs + 3):
        time.sleep(random.uniform(*PAUSE_SECONDS))
        pushed = time.monotonic_ns()
        peer.enqueue('stamp', pipe)
        samples.append(_answered(pipe, pushed))
    return {'milliseconds': samples[3:]}  # the first ones import the module


async def _pickup_async(peer: AsyncPeer, jobs: int, pipe: str) -> dict[str, Any]:
    samples = []
    for _ in range(jobs + 3):
        await asyncio.sleep(random.uniform(*PAUSE_SECONDS))
        pushed = time.monotonic_ns()
        await peer.enqueue('stamp', pipe)
        samples.append(_answered(pipe, pushed))
    return {'milliseconds': samples[3:]}


def _versions(peer: Peer | AsyncPeer) -> dict[str, Any]:
    found = {'python': sys.version.split()[0]}
    for package in (*peer.packages, 'redis', 'hiredis'):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


async def _ask(peer: AsyncPeer, work: Any, options: dict[str, Any]) -> dict[str, Any]:
    await peer.open()
    try:
        answer: Awaitable[dict[str, Any]] = work(peer, **options)
        return await answer
    finally:
        await peer.close()


VERBS = {'enqueue': (_single, _single_async), 'bulk': (_bulk, _bulk_async), 'pickup': (_pickup, _pickup_async)}


def main(peer: Peer | AsyncPeer) -> None:
    """Do what the command line says."""
    verb, options = sys.argv[1], json.loads(sys.argv[2] if len(sys.argv) > 2 else '{}')
    if verb == 'work':
        peer.work()
        return
    if verb == 'versions':
        answer = _versions(peer)
    elif isinstance(peer, Peer):
        answer = VERBS[verb][0](peer, **options)
    else:
        answer = asyncio.run(_ask(peer, VERBS[verb][1], options))
    print(json.dumps(answer))
