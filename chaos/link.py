"""One client's connection through the proxy: requests and replies matched, rules applied, everything counted."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos.actions import Rule, pass_on
from chaos.resp import Frames, command_of

if TYPE_CHECKING:
    from chaos.proxy import Proxy

__all__ = ['Link']

CHUNK = 1 << 16
# Into so many pieces a request or reply is cut at most: a large one would take seconds.
MOST_PIECES = 500
# Commands that have no reply of their own in RESP3 (the confirmation is a push); in RESP2 it is passed through unasked.
UNANSWERED = {'SUBSCRIBE', 'UNSUBSCRIBE', 'PSUBSCRIBE', 'PUNSUBSCRIBE', 'SSUBSCRIBE', 'SUNSUBSCRIBE'}


@dataclass
class _Pending:
    rule: Rule | None = None
    canned: bytes | None = None


class Link:
    """One client's connection, with its own counters."""

    def __init__(self, proxy: Proxy, number: int, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.number = number
        self.commands: Counter[str] = Counter()
        self.round_trips = 0
        self.open = True
        self.flow = asyncio.Event()
        self._proxy, self._client, self._server = proxy, client, server
        self._pending: deque[_Pending] = deque()

    @property
    def requests(self) -> int:
        """How many requests this connection has sent."""
        return sum(self.commands.values())

    def cut(self) -> None:
        """Resets both sides, so that the client sees an error and not an orderly end."""
        self.open = False
        for writer in (self._client, self._server):
            sock = writer.get_extra_info('socket')
            with suppress(OSError, AttributeError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            writer.transport.abort()

    async def run(self, client: asyncio.StreamReader, server: asyncio.StreamReader, flowing: bool) -> None:
        """Forwards both ways until one side hangs up."""
        if flowing:
            self.flow.set()
        ways = [asyncio.create_task(self._requests_from(client)), asyncio.create_task(self._replies_from(server))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.open = False
            self._server.close()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _requests_from(self, reader: asyncio.StreamReader) -> None:
        frames = Frames()
        while data := await reader.read(CHUNK):
            for raw in frames.feed(data):
                await self._request(raw)

    async def _request(self, raw: bytes) -> None:
        if not self.open:
            return
        command = command_of(raw)
        self.commands[command] += 1
        self.round_trips += not self._pending
        rule = self._rule_for(command, raw)
        action = rule.action if rule else pass_on()
        if action.kind == 'black_hole':
            self.flow.clear()
            rule.done()  # type: ignore[union-attr]
        await self.flow.wait()
        if action.kind in ('drop_request', 'cut_all'):
            for link in [self] if action.kind == 'drop_request' else self._proxy.links:
                link.cut()
        elif action.kind == 'error':
            self._pending.append(_Pending(canned=f'-{action.text}\r\n'.encode()))
            self._flush_canned()
        else:
            if action.kind == 'delay':
                await asyncio.sleep(action.seconds)
            if command not in UNANSWERED:
                self._pending.append(_Pending(rule))
            await self._write(self._server, raw)
            await self._server.drain()
        if rule and action.kind not in ('drop_reply', 'delay_reply'):
            rule.done()

    def _rule_for(self, command: str, raw: bytes) -> Rule | None:
        # Every rule counts every request, also those that an earlier rule acts on; `pass` only counts.
        hit = [rule for rule in self._proxy.rules if rule.takes(command, raw)]
        for rule in hit:
            if rule.action.kind == 'pass':
                rule.done()
        return next((rule for rule in hit if rule.action.kind != 'pass'), None)

    async def _replies_from(self, reader: asyncio.StreamReader) -> None:
        frames = Frames()
        while data := await reader.read(CHUNK):
            for raw in frames.feed(data):
                await self._reply(raw)
                self._flush_canned()
            # A client that is gone must not end the link: a delayed request of it is still on its way.
            with suppress(ConnectionError):
                await self._client.drain()

    async def _reply(self, raw: bytes) -> None:
        if not self.open:
            return
        asked = bool(self._pending) and not raw.startswith(b'>')
        pending = self._pending[0] if asked else _Pending()
        action = pending.rule.action if pending.rule else pass_on()
        await self.flow.wait()
        if action.kind == 'drop_reply':
            self.cut()
        else:
            if action.kind == 'delay_reply':
                await asyncio.sleep(action.seconds)
            await self._write(self._client, raw)
        if asked:
            self._pending.popleft()  # only now: a canned reply must not get in between
        if pending.rule:
            pending.rule.done()

    async def _write(self, writer: asyncio.StreamWriter, raw: bytes) -> None:
        shape = self._proxy.shape
        wait = shape.delay + (len(raw) / shape.rate if shape.rate else 0.0)
        if wait:
            await asyncio.sleep(wait)
        size = max(shape.pieces, len(raw) // MOST_PIECES) if shape.pieces else len(raw)
        for start in range(0, len(raw), size or 1):
            writer.write(raw[start : start + size])
            if shape.pieces:
                await asyncio.sleep(0)  # a packet of its own: asyncio turns Nagle's algorithm off

    def _flush_canned(self) -> None:
        while self._pending and self._pending[0].canned is not None:
            self._client.write(self._pending.popleft().canned or b'')
