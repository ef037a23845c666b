"""A TCP proxy between a Redis client and a server, for tests of lost replies, cut connections and silence.

It runs in a thread of its own and understands just enough RESP (2 and 3) to find where a request and a reply end, so
that a test can name what it wants to hit: "the reply of the second EVALSHA", "every BLPOP that names this key".

    from chaos.actions import drop_reply

    with Proxy('redis://127.0.0.1:6379/0') as proxy:
        client = Redis.from_url(proxy.url)
        rule = proxy.on('EVALSHA', drop_reply(), k=2, match=lambda raw: b'my-queue' in raw)
        ...
        assert rule.wait(5)

A connection that subscribes or monitors is passed through: what arrives unasked is forwarded and counted nowhere.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from chaos.actions import Action, Rule
from chaos.link import Link

__all__ = ['Proxy', 'Shape']

T = TypeVar('T')


@dataclass(frozen=True)
class Shape:
    """How slow the network is, each way: seconds a message, bytes a second (0: any), bytes a packet (0: any)."""

    delay: float = 0.0
    rate: float = 0.0
    pieces: int = 0


class Proxy:
    """Listens on a free port of 127.0.0.1 as long as the `with` block lasts; `url` is where clients connect."""

    def __init__(self, upstream: str) -> None:
        self.rules: list[Rule] = []
        self.shape = Shape()
        self.links: list[Link] = []
        self.url = ''
        self._upstream = urlsplit(upstream)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name='redis-proxy', daemon=True)
        self._tasks: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []
        self._flowing, self._accepting = True, True

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, '127.0.0.1', 0))
        port = self._server.sockets[0].getsockname()[1]
        who, at, _ = self._upstream.netloc.rpartition('@')
        query = parse_qs(self._upstream.query)
        path = '/' + query.get('db', ['0'])[0] if self._upstream.scheme == 'unix' else self._upstream.path
        self.url = f'redis://{who}{at}127.0.0.1:{port}{path}'
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @property
    def commands(self) -> Counter[str]:
        """How often each command was sent, over all connections since the start or `reset`."""
        return sum((link.commands for link in list(self.links)), Counter())

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return sum(self.commands.values())

    @property
    def round_trips(self) -> int:
        """How often a request was sent while no reply was awaited: a pipeline is one."""
        return sum(link.round_trips for link in list(self.links))

    def on(
        self,
        commands: str | Iterable[str],
        action: Action,
        *,
        k: int = 1,
        times: int | None = 1,
        match: Callable[[bytes], bool] | None = None,
    ) -> Rule:
        """The new fault: `action` for the k-th request, and `times - 1` more, whose command and raw bytes fit.

        `commands` is one name, several, or '' for any; `times=None` is for ever. Of several rules the oldest acts.
        """
        names = commands.split() if isinstance(commands, str) else commands
        rule = Rule(action, frozenset(name.upper() for name in names), k, times, match)
        self.rules.append(rule)
        return rule

    def reset(self) -> None:
        """Forgets all rules and starts all counters at 0."""

        async def reset() -> None:
            self.rules.clear()
            self.links = [link for link in self.links if link.open]
            for link in self.links:
                link.commands.clear()
                link.round_trips = 0

        self._run(reset())

    def cut_all(self) -> None:
        """Resets every connection; new ones are accepted."""
        self._each(lambda link: link.cut())

    def down(self) -> None:
        """Resets every connection, and each new one at once, until `up`."""
        self._accepting = False
        self.cut_all()

    def up(self) -> None:
        """Accepts connections again."""
        self._accepting = True

    def black_hole(self) -> None:
        """Nothing passes any more, on old and new connections, and nobody is told, until `heal`."""
        self._flowing = False
        self._each(lambda link: link.flow.clear())

    def heal(self) -> None:
        """Everything flows again; what was sent meanwhile arrives late, as with TCP."""
        self._flowing = True
        self._each(lambda link: link.flow.set())

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.append(task)
        self._writers.append(client)
        try:
            if self._accepting:
                server_reader, server = await self._connect()
                self._writers.append(server)
                link = Link(self, len(self.links) + 1, client, server)
                self.links.append(link)
                await link.run(reader, server_reader, self._flowing)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            client.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._upstream.scheme == 'unix':
            return await asyncio.open_unix_connection(self._upstream.path)
        return await asyncio.open_connection(self._upstream.hostname or '127.0.0.1', self._upstream.port or 6379)

    async def _stop(self) -> None:
        self._server.close()
        await asyncio.sleep(0)  # a connection that was just accepted gets its task
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def _each(self, action: Callable[[Link], None]) -> None:
        async def call() -> None:
            for link in self.links:
                action(link)

        self._run(call())
