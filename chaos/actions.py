"""What the proxy can do to a request (actions), and which request it does it to (rules)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = [
    'Action', 'Rule', 'black_hole', 'cut_all', 'delay', 'delay_reply', 'drop_reply', 'drop_request', 'error', 'pass_on',
]  # fmt: skip


@dataclass(frozen=True)
class Action:
    """What happens to one request; made by the functions below it."""

    kind: str
    seconds: float = 0.0
    text: str = ''


def pass_on() -> Action:
    """Nothing happens; the rule only counts and can be waited for."""
    return Action('pass')


def drop_reply() -> Action:
    """The server applies the request, its reply is swallowed and the connection is cut."""
    return Action('drop_reply')


def drop_request() -> Action:
    """The connection is cut and the server never sees the request."""
    return Action('drop_request')


def delay(seconds: float) -> Action:
    """The request reaches the server `seconds` later, even if its client has hung up meanwhile (a late copy)."""
    return Action('delay', seconds=seconds)


def delay_reply(seconds: float) -> Action:
    """The server applies the request at once; its reply is delivered `seconds` later."""
    return Action('delay_reply', seconds=seconds)


def black_hole() -> Action:
    """From this request on the connection is silent in both directions, and stays open, until `Proxy.heal`."""
    return Action('black_hole')


def cut_all() -> Action:
    """The server never sees the request, and every connection of the proxy is reset."""
    return Action('cut_all')


def error(text: str) -> Action:
    """The client reads `-text` (as 'OOM command not allowed'); the server never sees the request."""
    return Action('error', text=text)


@dataclass
class Rule:
    """One fault: `action` for the k-th request (and `times - 1` more) that is one of `commands` and fits `match`."""

    action: Action
    commands: frozenset[str]
    k: int = 1
    times: int | None = 1
    match: Callable[[bytes], bool] | None = None
    seen: int = 0
    fired: int = 0
    _done: threading.Event = field(default_factory=threading.Event)

    def takes(self, command: str, raw: bytes) -> bool:
        """Whether this request is hit; counts it."""
        if (self.commands and command not in self.commands) or (self.match is not None and not self.match(raw)):
            return False
        self.seen += 1
        if self.seen < self.k or (self.times is not None and self.fired >= self.times):
            return False
        self.fired += 1
        return True

    def wait(self, timeout: float = 5.0) -> bool:
        """True as soon as the action has taken place (for `drop_reply`: the server has answered)."""
        return self._done.wait(timeout)

    def done(self) -> None:
        """Wakes `wait`; for the proxy."""
        self._done.set()
